"""Viewers and visitors of a demo on every page: what they see, and that nothing changes."""

import pytest

from autodet.access.audit_log import read_entries
from autodet.access.quota import Quota
from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.imports.import_state import ImportRequest, ImportStatus, write_status
from autodet.datasets.versions.derive import derive_dataset
from autodet.inference.evaluations import evaluate_model
from autodet.records import SearchStatus
from autodet.search.order.spec import SearchSpec
from autodet.search.status.status_file import write_snapshot
from autodet.ui.common import loaded_models
from autodet.ui.common.frame import PAGES
from autodet.workspace import write_json
from tests.access.test_viewer import tree
from tests.app.conftest import checked, labelled, labels, says, trial
from tests.app.test_predict import drop, sent

EDITOR, VIEWER = "open sesame, please", "look, do not touch"
CHANGING = {
    *("Start the search", "Stop, keep the best", "Resume", "Delete", "Keep this model", "Use the sample data set"),
    *("Try with sample data", "Import from S3", "Import the motorbikes", "Make the ONNX graph", "Rename it", "Discard"),
    *("Make an 8-bit file", "Create the version", "Make the data set", "Train with other seeds", "Continue"),
    *("Measure the learning curve", "Add the model", "Evaluate on these photos"),
}


@pytest.fixture
def full(workspace, fruit, model_there, search_there):
    """A workspace with something on every page: a data set, an import that was interrupted, searches, and models."""
    model = model_there("fruit", classes=fruit.classes, dataset="fruit")
    evaluate_model(model, fruit, "val")
    model_there("other", classes=fruit.classes, dataset="fruit")
    for name, state in (("ended", "finished"), ("broken", "interrupted")):
        folder = workspace.searches / name
        folder.mkdir()
        SearchSpec(name=name, dataset=fruit.id, fingerprint=fruit.fingerprint).write(folder)
        write_snapshot(folder, SearchStatus(name, fruit.id, state, (trial(), trial(1)), planned_trials=3))
    search_there("running", "running", dataset=fruit.id)
    folder = workspace.imports / "asking"
    folder.mkdir()
    write_json(folder / "request.json", vars(ImportRequest("sample", "asking")))
    write_status(folder, ImportStatus("interrupted"))
    return workspace


@pytest.fixture
def viewer(monkeypatch):
    monkeypatch.setenv("AUTODET_PASSWORD", EDITOR)
    monkeypatch.setenv("AUTODET_VIEWER_PASSWORD", VIEWER)


@pytest.fixture
def demo(monkeypatch):
    monkeypatch.setenv("AUTODET_MODE", "demo")


def enter(app, password):
    app.text_input[0].input(password)
    return checked(app.button[0].click().run())


def press_all(app):
    """Press every button of a page that a visitor finds."""
    for key in [button.key for button in app.button if button.label not in ("Sign out", "")]:
        found = [button for button in app.button if button.key == key]
        if found and not found[0].disabled:
            app = checked(found[0].click().run())
    return app


@pytest.mark.trains
@pytest.mark.parametrize("name", PAGES)
def test_a_viewer_sees_every_page_and_finds_nothing_to_change(full, visit, viewer, name):
    app = enter(visit(name), VIEWER)
    assert app.title[0].value != "autodet"
    assert not set(labels(app.button)) & CHANGING
    assert not app.error
    before = tree(full.home)
    press_all(app)
    assert tree(full.home) == before


@pytest.mark.parametrize("search", ["ended", "broken", "running"])
def test_a_viewer_cannot_steer_a_search(full, visit, viewer, search):
    app = enter(visit("results", search=search), VIEWER)
    assert not set(labels(app.button)) & CHANGING
    assert "Resume" not in says(app)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("datasets", "Only editors can import data sets"),
        ("search", "Only editors can start searches"),
        ("models", "Only editors can add models"),
        ("compare", "Only editors can start evaluations"),
    ],
)
def test_a_line_says_why_something_is_missing(full, visit, viewer, name, why):
    app = enter(visit(name, model="other", dataset="fruit"), VIEWER)
    assert why in says(app)
    assert "Ask an editor" in says(app)


def test_an_editor_finds_everything_and_a_session_that_was_demoted_is_refused(full, visit, viewer, monkeypatch):
    app = enter(visit("models"), EDITOR)
    assert "Delete" in labels(app.button)
    monkeypatch.setenv("AUTODET_MODE", "demo")
    before = tree(full.home)
    labelled([one for one in app.button if one.key == "delete other"], "Delete").click().run()
    assert tree(full.home) == before


def test_signing_in_is_logged_with_the_role(workspace, visit, viewer):
    enter(visit("home"), VIEWER)
    enter(visit("home"), EDITOR)
    entries = [(one.action, one.role, one.outcome) for one in read_entries(workspace)]
    assert entries == [("sign in", "viewer", "done"), ("sign in", "editor", "done")]


@pytest.mark.parametrize("name", PAGES)
def test_a_visitor_of_a_demo_changes_nothing(full, visit, demo, name):
    before = tree(full.home)
    app = visit(name)
    assert "This is a demo" in says(app)
    assert not set(labels(app.button)) & CHANGING
    assert not app.error
    press_all(app)
    assert tree(full.home) == before
    assert [entry for entry in read_entries(full) if entry.address] == []


@pytest.mark.trains
def test_a_visitor_of_a_demo_predicts_until_a_quota_is_used_up(full, fruit, visit, demo, monkeypatch):
    monkeypatch.setenv("AUTODET_DEMO_PHOTOS", "2,5")
    monkeypatch.setattr(loaded_models, "shared_quota", Quota())
    photos = [(record.file, fruit.photo(record).read_bytes(), "image/jpeg") for record in fruit.images[:3]]
    app = drop(visit("predict", model="fruit"), *photos)
    assert "at most 2 photos an hour for each visitor" in says(app)
    assert len(sent(app)["photos"]) == 2


def test_pages_say_who_made_what_but_not_to_a_demo(full, fruit, model_there, visit, monkeypatch):
    with acting_as(Visitor("eva@example.org", "editor", "192.0.2.8")):
        derive_dataset(fruit, "hers", rename={"apple": "pear"})
        model_there("hers too")

    def names_eva(name, **chosen):
        return "eva" in says(visit(name, **chosen))

    assert names_eva("datasets", dataset="hers")
    assert names_eva("models")
    monkeypatch.setenv("AUTODET_MODE", "demo")
    assert not names_eva("datasets", dataset="hers")
    assert not names_eva("models")
