"""The search from the last best model on the pages, and its gain."""

import time
from dataclasses import replace

import pytest

from autodet.datasets.drafts.journal import add_draft_class, read_drafts, save_draft
from autodet.datasets.drafts.version import derive_labels
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.versions.derive import derive_dataset
from autodet.inference import background_jobs
from autodet.models.store import add_model
from autodet.records import DraftBox, PhotoDraft
from autodet.search.api import find_search
from autodet.search.status.status_file import read_snapshot, write_snapshot
from tests.app.conftest import address, checked, follow, labelled, labels, link, says, trial
from tests.helpers import draw_photo, untrained_bundle


@pytest.fixture
def trained_on(workspace, tmp_path):
    """Put a model into the workspace that was trained on a data set; it finds nothing useful."""

    def trained_on(dataset, name, **facts):
        known = {"dataset": dataset.name, "dataset_fingerprint": dataset.fingerprint, "name": name}
        path = untrained_bundle(tmp_path / f"{name}.autodet", seed=len(name), **known | facts)
        return add_model(path, name, workspace)

    return trained_on


@pytest.fixture
def version(fruit, trained_on):
    """A version of the fruit, whose model is there, that has no search yet."""
    trained_on(fruit, "first")
    return derive_dataset(fruit, "fruit 2", rename={"banana": "kiwi"})


@pytest.mark.parametrize("page", ["datasets", "search", "home"])
def test_a_new_version_is_searched_from_the_last_best_model_with_one_click(page, visit, version, launched):
    app = visit(page, dataset=version.id)
    checked(labelled(app.button, "Search again").click().run())
    (folder,) = launched
    assert find_search(folder.name).spec().start_from.model == "first"
    assert address(app)["search"] == folder.name
    assert "Search again" not in labels(visit(page, dataset=version.id).button)


def test_it_says_from_which_model_it_starts_and_what_is_new(visit, version):
    text = says(visit("search", dataset=version.id)).replace("\\", "")
    assert "A new search starts from the weights of first, the best model on fruit." in text
    assert "20 photos with other labels and 1 new class: kiwi" in text
    assert "Quick look, about" in text


def test_results_lead_to_a_newer_version(visit, fruit, version, search_there, launched):
    search_there("first", trials=[trial(0)], dataset=fruit.id, model="first")
    app = visit("results", search="first")
    assert "**fruit 2** is newer." in says(app)
    checked(labelled(app.button, "Search again").click().run())
    assert len(launched) == 1


@pytest.fixture
def searched(fruit, version, trained_on, search_there, workspace):
    """A search on the version that started from the first model and is over."""

    def searched(**facts):
        first = trained_on(fruit, "start", classes=("apple", "kiwi"))
        model = trained_on(version, "second", classes=version.classes, start_from=first.card.as_origin(first.id))
        search_there("second", trials=[trial(0)], dataset=version.id, model=model.id)
        folder = workspace.searches / "second"
        status = replace(read_snapshot(folder), start_from=first.card.as_origin(first.id), **facts)
        write_snapshot(folder, status)

    return searched


def test_both_models_are_compared_by_themselves_on_photos_that_neither_has_seen(visit, version, searched):
    searched()
    background_jobs._jobs.clear()  # failures of other tests
    app = visit("results", search="second")
    while background_jobs._jobs and not any(job.error for job in background_jobs._jobs.values()):
        time.sleep(0.05)
    app = checked(app.run())
    text = says(app).replace("\\", "")
    assert "second against start, which it started from, on 3 test photos that neither was trained on" in text
    assert "3 photos cannot tell two models apart. More test photos help" in text
    assert follow(app, "Compare with everything").title[0].value == "Compare"


def test_a_running_search_is_not_compared(visit, searched):
    searched(state="running")
    assert "compared" not in says(visit("results", search="second"))


@pytest.fixture
def pool(workspace, tmp_path):
    folder = tmp_path / "pool"
    folder.mkdir()
    for number in range(12):
        draw_photo(seed=number).save(folder / f"photo_{number:02}.png")
    return import_dataset(folder, "pool", workspace=workspace)


def label(pool, photos):
    add_draft_class(pool, "apple")
    for record in pool.images[photos]:
        revision = read_drafts(pool).of(record.file).revision
        boxes = (DraftBox("apple", (4 + revision, 6, 30, 40)),)
        save_draft(pool, PhotoDraft(record.file, boxes, reviewed=True, revision=revision))


def test_home_leads_from_photos_to_labels_and_to_versions(visit, pool, trained_on):
    app = visit("home")
    assert link(app, "Label").proto.page == "label"
    assert "2 · Label" in says(app)
    label(pool, slice(8))
    assert "New labels, of which no version was made" in says(visit("home"))
    assert link(visit("home"), "Make a version").proto.page == "label"
    first = derive_labels(pool)
    app = visit("home")
    assert "New labels" not in says(app)
    assert "Train" in [one.value for one in app.get("page_link")]
    trained_on(first, "model", classes=("apple",))
    label(pool, slice(4, 12))
    assert "Make a version" in [one.value for one in visit("home").get("page_link")]
    derive_labels(pool)
    assert "No search yet; it can start from model" in says(visit("home"))
