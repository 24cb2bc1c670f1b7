import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from tests.app.conftest import address, follow, primary_links, says, trial
from tests.helpers import write_voc


def test_a_newcomer_is_led_to_import_first(visit):
    app = visit("home")
    assert "Drop a zip of labelled photos" in says(app)
    assert "Newest model" not in says(app)
    assert not app.get("progress")
    assert primary_links(app) == ["Import photos"]
    assert follow(app, "Import photos").title[0].value == "Data sets"


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
