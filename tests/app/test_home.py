import time

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.import_job import list_imports
from autodet.datasets.manifest import list_datasets
from autodet.search.api import find_search
from tests.app.conftest import address, checked, follow, primary_links, says, trial
from tests.helpers import write_voc


def test_a_newcomer_is_led_to_import_first(visit):
    app = visit("home")
    assert "Drop a zip of labelled photos" in says(app)
    assert "Newest model" not in says(app)
    assert not app.get("progress")
    assert primary_links(app) == ["Import photos"]
    assert follow(app, "Import photos").title[0].value == "Data sets"


def press_sample(app):
    return checked(next(one for one in app.button if one.label == "Try with sample data").click().run())


@pytest.mark.process
def test_one_click_imports_the_sample_and_starts_a_quick_search(visit, workspace, tmp_path, monkeypatch, launched):
    monkeypatch.setattr("autodet.ui.home.sample_start.SAMPLE", str(write_voc(tmp_path / "fruit", 8)))
    app = press_sample(visit("home"))
    deadline = time.monotonic() + 120
    while not launched and time.monotonic() < deadline:
        assert not any(one.label == "Try with sample data" for one in app.button)
        time.sleep(0.2)
        app = checked(app.run())
    (folder,) = launched
    assert app.title[0].value == "Results"
    assert (address(app), len(list_imports(workspace))) == ({"search": folder.name}, 0)
    spec = find_search(folder.name, workspace).spec()
    assert (spec.trials, spec.dataset) == (2, list_datasets(workspace)[0].id)


@pytest.mark.process
def test_a_sample_that_cannot_be_imported_is_a_sentence_and_can_be_tried_again(visit, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr("autodet.ui.home.sample_start.SAMPLE", str(tmp_path / "nothing"))
    app = press_sample(visit("home"))
    deadline = time.monotonic() + 60
    while not app.error and time.monotonic() < deadline:
        time.sleep(0.2)
        app = checked(app.run())
    assert "The sample could not be imported" in app.error[0].value
    assert any(one.label == "Try with sample data" for one in app.button)


@pytest.mark.slow
def test_the_next_step_stands_out(visit, workspace, tmp_path, model_there):
    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    assert primary_links(visit("home")) == ["Start a search"]
    model_there("fruit")
    assert primary_links(visit("home")) == ["Try a photo", "Try it"]


@pytest.mark.slow
def test_what_is_there_is_counted_and_the_newest_model_offered_whatever_its_figures(
    visit, workspace, tmp_path, model_there
):
    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    model_there("old", 0.9)
    model_there("new", 0.4)
    app = visit("home")
    assert "1 data set so far" in says(app)
    assert {metric.label: metric.value for metric in app.metric}["mAP@0.5"] == "0.400"
    assert address(follow(visit("home"), "Try it")) == {"model": "new"}
    assert address(follow(visit("home"), "Evaluate it"))["model"] == "new"


def test_running_searches_are_shown_with_their_progress(visit, search_there):
    under_way = trial(1, "running", planned_epochs=20, epoch_share=0.4)
    search_there("busy", "running", [trial(0, planned_epochs=20), under_way], seconds_left=600.0)
    search_there("over")
    app = visit("home")
    (bar,) = app.get("progress")
    assert "1 of 3 trials done, trial 1 is 40% through epoch 4 of 20" in bar.proto.text
    assert "10 min left" in bar.proto.text
    assert bar.proto.value == pytest.approx(100 * 23.4 / 60, abs=1)
    assert address(follow(app, "Watch")) == {"search": "busy"}


def test_progress_moves_before_the_first_epoch_has_ended(visit, search_there):
    search_there("busy", "running", [trial(0, "running", scores=(), planned_epochs=4, epoch_share=0.5)])
    (bar,) = visit("home").get("progress")
    assert "trial 0 is 50% through epoch 1 of 4" in bar.proto.text
    assert bar.proto.value == int(100 * 0.5 / 12)


def test_a_trial_that_starts_says_so(visit, search_there):
    search_there("busy", "running", [trial(0, "running", scores=(), planned_epochs=4)])
    (bar,) = visit("home").get("progress")
    assert "trial 0 loads its photos" in bar.proto.text
