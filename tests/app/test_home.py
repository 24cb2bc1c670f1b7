from autodet.datasets.importing import import_dataset
from tests.app.conftest import address, follow, primary_links, says, trial
from tests.helpers import write_voc


def test_a_newcomer_is_led_to_import_first(visit):
    app = visit("home")
    assert "Drop a zip of labelled photos" in says(app)
    assert "Newest model" not in says(app)
    assert not app.get("progress")
    assert primary_links(app) == ["Import photos"]
    assert follow(app, "Import photos").title[0].value == "Data sets"


def test_the_next_step_stands_out(visit, workspace, tmp_path, model_there):
    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    assert primary_links(visit("home")) == ["Start a search"]
    model_there("fruit")
    assert primary_links(visit("home")) == ["Try a photo", "Try it"]


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
    search_there("busy", "running", [trial(0), trial(1, "running")], seconds_left=600.0)
    search_there("over")
    app = visit("home")
    (bar,) = app.get("progress")
    assert "1 of 3 trials done, trial 1 has 3 of 20 epochs" in bar.proto.text
    assert "10 min left" in bar.proto.text
    assert bar.proto.value == int(100 * 23 / 60)
    assert address(follow(app, "Watch")) == {"search": "busy"}
