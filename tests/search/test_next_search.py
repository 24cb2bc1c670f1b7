"""The search that starts from the last best model, and its gain."""

import shutil
from dataclasses import replace

import pytest

import autodet
from autodet.datasets.drafts.journal import propose_labels
from autodet.datasets.versions.box_edits import BoxEdit
from autodet.datasets.versions.derive import derive_dataset
from autodet.errors import SearchError
from autodet.messages.next_search import next_search_sentence
from autodet.models.store import add_model
from autodet.records import DraftBox
from autodet.search.improvement import find_successor
from autodet.search.next_search import plan_next_search
from autodet.search.start import start_search
from autodet.search.status.status_file import read_snapshot, write_snapshot
from tests.helpers import untrained_bundle


@pytest.fixture
def trained_on(home, tmp_path):
    """Put a model into the workspace that was trained on a data set."""

    def trained_on(dataset, name, map50=0.5, map50_95=0.1, **facts):
        known = {"dataset": dataset.name, "dataset_fingerprint": dataset.fingerprint}
        metrics = {"map50": map50, "map50_95": map50_95}
        path = untrained_bundle(tmp_path / f"{name}.autodet", name=name, metrics=metrics, **known | facts)
        return add_model(path, name, home)

    return trained_on


def without_bananas(dataset, name):
    return derive_dataset(dataset, name, drop=["banana"])


def end(search, home, **facts):
    """Let a search be over, by its files."""
    folder = home.searches / search.id
    write_snapshot(folder, replace(read_snapshot(folder), state="finished", **facts))


def test_the_best_model_of_the_newest_version_is_found(data, home, trained_on):
    trained_on(data, "old", 0.9)
    second = derive_dataset(data, "second", resplit=(60, 20, 20))
    trained_on(second, "weak", 0.3)
    best = trained_on(second, "good", 0.6)
    third = derive_dataset(second, "third", rename={"apple": "pear"})
    plan = plan_next_search(third)
    assert plan.model == best  # not the better one of the older version
    assert plan.new_photos == 0
    assert plan.relabelled == len(third.images)
    assert plan.new_classes == ("pear",)
    assert plan.options.start_from == best.id and plan.options.preset == "quick"
    assert plan.cautions == ()
    assert plan_next_search(data).model.id == "old"  # later versions are not among its own


def test_another_version_of_the_same_parent_counts(data, home, trained_on):
    first = without_bananas(data, "first")
    model = trained_on(first, "first", classes=("apple",))
    later = derive_dataset(first, "later", rename={"apple": "Apple"})
    second = derive_dataset(data, "second", resplit=(60, 20, 20))
    assert plan_next_search(second).model == model
    model = trained_on(later, "later", classes=("Apple",), map50=0.1)
    assert plan_next_search(second).model == model  # of a version of the other version, and newer
    assert plan_next_search(second).new_classes == ("banana",)


def test_only_corrected_labels_are_counted(data, trained_on):
    trained_on(data, "model")
    edit = BoxEdit(data.images[0].file, annotation=0)  # removes it
    assert plan_next_search(derive_dataset(data, "fixed", edits=[edit])).relabelled == 1


def test_models_that_cannot_be_trained_further_are_left_out(data, home, trained_on):
    version = derive_dataset(data, "version", rename={"apple": "pear"})
    assert plan_next_search(version) is None
    trained_on(data, "strange", classes=("wheel",))
    assert plan_next_search(version) is None
    with pytest.raises(SearchError, match="No earlier version of the data set 'version'"):
        start_search(version, again=True)
    trained_on(data, "known")
    assert plan_next_search(version).model.id == "known"


def test_a_model_that_was_not_trained_on_validation_photos_is_preferred(data, trained_on):
    trained_on(data, "retrained", refit=True)
    trained_on(data, "before", refit=False)
    version = derive_dataset(data, "version", rename={"apple": "pear"})
    assert plan_next_search(version).model.id == "before"


def test_photos_that_the_model_knows_are_a_caution(data, trained_on):
    trained_on(data, "model")
    version = derive_dataset(data, "drawn again", resplit=(30, 30, 40))
    (caution,) = plan_next_search(version).cautions
    assert caution.kind == "start_leakage"


def test_the_objective_and_the_effort_are_those_of_the_models_search(data, home, order, trained_on):
    search = order(data, preset="balanced", objective="map50_95", device="cpu")
    version = derive_dataset(data, "version", rename={"apple": "pear"})
    shutil.copy(trained_on(data, "good", 0.9).path, home.models / search.id)
    best = trained_on(data, "best", 0.1, map50_95=0.6)
    end(search, home, model=search.id)
    plan = plan_next_search(version)
    assert (plan.options.objective, plan.options.preset, plan.options.device) == ("map50_95", "balanced", "cpu")
    assert plan.model == best
    assert plan.forecast.least_seconds > 0


def test_a_search_starts_once_and_takes_over_the_model(data, home, launcher_calls, trained_on):
    trained_on(data, "fruit model")
    version = derive_dataset(data, "version", rename={"apple": "pear"})
    searches = [start_search(version, again=True, once_within=60, launcher=launcher_calls.append) for _ in range(2)]
    assert searches[0].id == searches[1].id and len(launcher_calls) == 1
    spec = searches[0].spec()
    assert spec.start_from.model == "fruit-model"
    assert spec.space["architecture"].values == ("fasterrcnn_efficientnet_lite0",)
    other = start_search(version, again=True, trials=1, epochs=4, name="mine", launcher=launcher_calls.append)
    assert (other.id, other.spec().trials, other.spec().epochs) == ("mine", 1, 4)
    with pytest.raises(SearchError, match="leave start_from out"):
        autodet.start_search(version, again=True, start_from="fruit model")


@pytest.mark.parametrize("enough", [False, True])
def test_photos_that_the_earlier_model_labelled_do_not_grade_it_if_others_do(
    data, home, launcher_calls, trained_on, monkeypatch, enough
):
    first = derive_dataset(data, "first", resplit=(40, 20, 40))
    model = trained_on(first, "first")
    tests = first.split("test")
    own = tests[0]
    propose_labels(first, {own.file: [DraftBox("apple", (1.0, 1.0, 9.0, 9.0), score=0.9)]}, model.id)
    autodet.accept_proposals(first)
    second = autodet.derive_labels(first)
    search = start_search(second, again=True, preset="quick", trials=1, launcher=launcher_calls.append)
    end(search, home, model=trained_on(second, "second", seed=1).id)
    monkeypatch.setattr("autodet.search.improvement.MIN_PHOTOS", len(tests) - enough)
    successor = find_successor(search.status(), home)
    assert (successor.proposed, successor.set_aside) == ((0, 1) if enough else (1, 0))
    compared = {record.sha256 for record in successor.photos.images}
    assert compared == {record.sha256 for record in tests} - ({own.sha256} if enough else set())


@pytest.fixture
def launcher_calls():
    return []


def test_a_sentence_says_what_is_new():
    sentence = next_search_sentence("raccoon", "pool 2", 38, 1, ["cat", "dog"])
    assert sentence.endswith("Since then: 38 new photos, 1 photo with other labels and 2 new classes: cat, dog.")
    assert next_search_sentence("raccoon", "pool 2", 0, None, []).endswith("the best model on pool 2.")
