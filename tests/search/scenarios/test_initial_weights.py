"""Searches that begin with the weights of a model, in real processes with a scripted trainer, and once for real."""

import os
import shutil
import signal

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.versions.derive import derive_dataset
from autodet.errors import AutodetError, NotFoundError, SearchError
from autodet.models.bundle import read_card
from autodet.models.store import add_model, find_model, put_model
from autodet.search.api import find_search, list_searches
from autodet.search.delete_assets import delete_model
from autodet.search.order.initial_weights import COPY
from autodet.search.order.space import PARAMETERS, Choices
from autodet.search.start import start_search
from autodet.workspace import Workspace
from tests.helpers import UNTRAINED, untrained_bundle

MOBILENET = "fasterrcnn_mobilenet_v3_large_320_fpn"
TRAINER = "tests.search.small:train"


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    return untrained_bundle(tmp_path_factory.mktemp("untrained") / "old.autodet")


@pytest.fixture
def model(bundle, home):
    return add_model(bundle, "old", home)


def begun_with(notes, search, trial):
    return [what for *_, what in notes(search, trial) if what.startswith("from")]


def test_every_trial_and_the_refit_begin_with_the_model_and_say_so(start, home, model, notes):
    search = start(trials=2, epochs=2, start_from="old", refit=True)
    status = search.wait()
    assert status.state == "finished"
    sha256 = model.card.weights_sha256
    assert [begun_with(notes, search, trial) for trial in (0, 1)] == [[f"from {sha256}"]] * 2
    card = find_model(status.model, home).card
    assert card.refit
    assert (card.start_from.model, card.start_from.weights_sha256) == ("old", sha256)
    assert status.to_json()["start_from"]["weights_sha256"] == sha256
    assert find_search(search.id, home).spec().start_from == status.start_from == card.start_from


def test_what_becomes_of_the_model_does_not_matter(start, home, model, notes, eventually, supervisor_of, tmp_path):
    search = start({"seconds": 0.3}, trials=2, epochs=12, start_from="old")
    eventually(lambda: begun_with(notes, search, 0) and search.status().trials)
    put_model(untrained_bundle(tmp_path / "another.autodet", ("pear",)), "old", home)
    supervisor_of(search).kill()
    supervisor_of(search).wait()
    delete_model("old", home)
    search.resume()
    assert search.wait().state == "finished"
    assert begun_with(notes, search, 0) == [f"from {model.card.weights_sha256}"] * 2
    assert begun_with(notes, search, 1) == [f"from {model.card.weights_sha256}"]


def test_retries_and_smaller_batches_begin_with_it_too(start, model, notes):
    script = {"killed": {"0": 1}, "free_megabytes": 500, "photo_megabytes": {"1": 200}}
    status = start(script, trials=2, epochs=1, start_from="old").wait()
    assert [trial.state for trial in status.trials] == ["failed", "finished"]
    for trial, attempts in ((0, 3), (1, 2)):
        assert begun_with(notes, status.search, trial) == [f"from {model.card.weights_sha256}"] * attempts


@pytest.mark.parametrize("damage", ["gone", "damaged", "another"])
def test_a_copy_that_is_not_what_it_was_stops_a_resume_with_a_sentence(start, home, model, damage, tmp_path):
    search = start({"seconds": 5}, trials=1, epochs=4, start_from="old")
    search.stop()
    search.wait(best_so_far=True)
    copy = home.searches / search.id / COPY
    if damage == "gone":
        copy.unlink()
    elif damage == "damaged":
        copy.write_bytes(copy.read_bytes()[:-100])
    else:
        shutil.copy(untrained_bundle(tmp_path / "another.autodet", ("pear",)), copy)
    with pytest.raises(SearchError, match=f"lost the model that it began with.*{COPY}"):
        search.resume()


def test_the_network_is_the_models_and_so_is_the_photo_size_unless_it_is_tried(start, home, model):
    spec = start(trials=1, epochs=1, start_from="old").spec()
    assert spec.space["architecture"] == Choices((UNTRAINED,))
    assert spec.space["image_size"] == Choices((96,))
    assert spec.space["lr"] == PARAMETERS["lr"].prior
    space = {"image_size": [96, 160, 320]}
    status = start(trials=2, epochs=1, start_from="old", architecture=UNTRAINED, space=space).wait()
    assert status.trials[0].params["image_size"] == 96
    fixed = start(trials=1, epochs=1, start_from="old", space={"image_size": 160}).wait()
    assert fixed.trials[0].params["image_size"] == 160


@pytest.mark.parametrize(
    "asked", [{"architecture": MOBILENET}, {"space": {"architecture": True}}, {"space": {"architecture": [MOBILENET]}}]
)
@pytest.mark.slow
def test_another_network_is_refused_with_a_sentence(data, home, model, asked):
    with pytest.raises(SearchError, match=r"old is a Faster R-CNN on Eff.*leave the network out"):
        start_search(data, start_from="old", **asked)
    assert list_searches(home) == []


def test_a_start_needs_no_pretrained_weights(start, home, tmp_path, monkeypatch):
    monkeypatch.setattr("autodet.search.start.weights_problem", lambda name: "They cannot be had.")
    add_model(untrained_bundle(tmp_path / "mobile.autodet", architecture=MOBILENET), "mobile", home)
    status = start(trials=1, epochs=1, start_from="mobile").wait()
    assert status.trials[0].params["architecture"] == MOBILENET


def test_what_cannot_be_begun_with_is_refused_and_nothing_is_left(data, home, bundle, tmp_path):
    with pytest.raises(NotFoundError, match="no model 'nothing'"):
        start_search(data, start_from="nothing")
    damaged = bytearray(bundle.read_bytes())
    damaged[1000] ^= 1
    (tmp_path / "damaged.autodet").write_bytes(damaged)
    (tmp_path / "foreign.autodet").write_bytes(b"not a zip")
    foreign = {"damaged": "changed or damaged", "foreign": "not a whole", "missing": "no file"}
    for name, words in foreign.items():
        with pytest.raises(AutodetError, match=words):
            start_search(data, start_from=str(tmp_path / f"{name}.autodet"))
    assert list_searches(home) == []


def test_weights_that_are_not_those_of_their_network_are_refused(data, tmp_path):
    import safetensors.numpy

    from autodet.models.bundle import write_bundle

    card = read_card(untrained_bundle(tmp_path / "old.autodet"))
    write_bundle(tmp_path / "empty.autodet", card, safetensors.numpy.save({}))
    with pytest.raises(AutodetError, match="its weights do not fit"):
        start_search(data, start_from=tmp_path / "empty.autodet")


def test_on_the_command_line_a_file_will_do_and_figures_that_flatter_are_told(cli, home, data, tmp_path):
    version = derive_dataset(data, "again", resplit=(40, 30, 30), workspace=home)
    facts = {"dataset": data.name, "dataset_fingerprint": data.fingerprint}
    knowing = untrained_bundle(tmp_path / "knowing.autodet", **facts)
    words = ("--trials", 1, "--epochs", 1, "--start-from", knowing)
    code, status, error = cli("search", version.id, *words, "--json").ends()
    assert (code, status["start_from"]["model"]) == (0, "knowing")
    assert "The model knowing was trained on" in status["caution"]
    assert status["caution"] in error
    _, text, _ = cli("status", status["search"]).ends()
    assert "started from  the weights of knowing" in text
    assert status["caution"] in text
    code, _, error = cli("search", "fruit", *words, "--architecture", MOBILENET).ends()
    assert (code, "leave the network out" in error) == (2, True)


def test_a_real_search_that_was_killed_ends_as_one_that_was_not_though_the_model_is_gone(
    cli, home, sample_folder, trained_bundle, supervisors, workers, eventually
):
    import_dataset(sample_folder, "drawn", workspace=home)
    add_model(trained_bundle, "old", home)
    words = ("search", "drawn", "--trials", 1, "--epochs", 1, "--device", "cpu", "--start-from", "old", "--json")
    _, whole, _ = cli(*words, "--name", "whole", trainer=TRAINER).ends()
    cli(*words, "--name", "killed", "--detach", trainer=TRAINER).ends()
    delete_model("old", home)
    eventually(lambda: workers(supervisors("killed")[0]))
    for pid in (*workers(supervisors("killed")[0]), supervisors("killed")[0]):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: find_search("killed", home).status().state == "interrupted")
    assert cli("resume", "killed", trainer=TRAINER).ends()[0] == 0
    killed = find_search("killed", home).wait().to_json()
    losses = [[epoch["loss"] for epoch in status["trials"][0]["epochs"]] for status in (whole, killed)]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 1
    card = find_model("killed", Workspace(home.home)).card
    assert card.start_from.weights_sha256 == read_card(trained_bundle).weights_sha256


def test_a_preset_leaves_the_network_and_the_photo_size_to_the_model(start, home, model):
    search = start(preset="best", start_from="old", trials=30, epochs=1)
    search.stop()
    spec = search.spec()
    assert spec.space["architecture"] == Choices((UNTRAINED,))
    assert spec.space["image_size"] == Choices((96,))
    assert spec.space["batch_size"].tuned
