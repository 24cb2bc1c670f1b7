import re
import shutil
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.import_job import list_imports
from autodet.datasets.manifest import list_datasets
from autodet.datasets.sources.sample import read_shipped
from autodet.inference.demo import demo_model
from autodet.models.store import add_model, list_models
from autodet.search.api import find_search
from autodet.terminal import models_text
from autodet.ui.common.choice import describe_model
from autodet.ui.common.markdown import score
from autodet.ui.home.demo import SHOWN
from tests.app.conftest import ROOT, address, checked, follow, primary_links, says, trial
from tests.helpers import untrained_bundle, write_voc


@pytest.fixture
def demo_photos():
    return SHOWN


def test_a_newcomer_sees_a_detector_at_work_and_is_led_to_import_first(visit):
    app = visit("home")
    assert "Drop a zip of photos or a folder" in says(app)
    assert "2 oranges" in says(app)
    assert len(app.get("image")) == 3
    assert not app.get("progress")
    assert primary_links(app) == []
    assert [one.label for one in app.button if one.proto.type == "primary"] == ["Try with sample data"]
    assert follow(app, "Other ways to import").title[0].value == "Data sets"


def test_a_dropped_photo_gets_boxes_and_an_unreadable_one_a_sentence(visit, workspace):
    app = visit("home")
    uploader = next(one for one in app.get("file_uploader") if one.proto.label.startswith("Drop photos"))
    photo = read_shipped("test/table_180.webp")
    app = checked(uploader.set_value([("bowl.webp", photo, "image/webp"), ("x.jpg", b"no", "image/jpeg")]).run())
    assert "bowl.webp: 2 oranges, 3 bananas, 1 apple" in says(app).replace("\\", "")
    assert "x.jpg" in says(app).replace("\\", "")
    assert len(app.get("image")) == 1
    assert not [path for path in workspace.home.rglob("*") if path.is_file() and path.stat().st_size == len(photo)]


def test_photos_may_be_as_large_as_on_predict(visit, model_there):
    model_there()
    limits = [
        one.proto.max_upload_size_mb
        for name in ("home", "predict")
        for one in visit(name).get("file_uploader")
        if one.proto.label.startswith("Drop photos")
    ]
    assert len(limits) == 2
    assert limits[0] == limits[1]


@pytest.mark.process
def test_a_dropped_zip_is_imported_at_once(visit, workspace, tmp_path):
    archive = shutil.make_archive(tmp_path / "my fruit", "zip", write_voc(tmp_path / "photos", 8))
    app = visit("home")
    uploader = next(one for one in app.get("file_uploader") if one.proto.label == "Zip of photos")
    app = checked(uploader.set_value([("my fruit.zip", Path(archive).read_bytes(), "application/zip")]).run())
    assert app.title[0].value == "Data sets"
    deadline = time.monotonic() + 120
    while not list_datasets(workspace) and time.monotonic() < deadline:
        time.sleep(0.2)
        app = checked(app.run())
    assert list_datasets(workspace)[0].name == "my fruit"


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
def test_the_next_step_stands_out(visit, workspace, tmp_path, model_there, search_there):
    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    assert primary_links(visit("home")) == ["Train a detector"]
    search_there("fruit", "running", [trial(0, "running")])
    assert primary_links(visit("home")) == []
    model_there("fruit")
    assert "Train a detector" not in [one.value for one in visit("home").get("page_link")]


@pytest.mark.slow
def test_each_data_set_has_its_best_model_and_the_drop_zone_the_newest(visit, workspace, tmp_path, model_there):
    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    model_there("old", 0.9)
    model_there("new", 0.4)
    app = visit("home")
    assert "2 models · best mAP@0.5 0.900: old" in says(app)
    assert "The newest model, **new**, finds" in says(app)
    assert address(follow(visit("home"), "Try it"))["model"] == "old"
    assert address(follow(visit("home"), "Evaluate"))["model"] == "old"


def test_a_figure_of_few_photos_says_so(visit, workspace, tmp_path):
    add_model(untrained_bundle(tmp_path / "few.autodet", metrics={"map50": 1.0}, measured_photos=3), "few", workspace)
    assert "1.000 on 3 photos" in describe_model(list_models(workspace)[0])
    assert [one.delta for one in visit("models").metric if one.label == "mAP@0.5"] == ["on 3 photos"]
    assert models_text(list_models(workspace)).endswith("1.000  on 3 photos")
    assert score(1.0, photos=10) == score(1.0) == "1.000"


def test_a_model_without_a_data_set_leaves_the_way_to_import(visit, workspace):
    add_model(demo_model().path, "demo", workspace)
    app = visit("home")
    assert "Drop a zip of photos or a folder" in says(app)
    assert [one.label for one in app.button if one.proto.type == "primary"] == ["Try with sample data"]
    assert "finds person, bicycle, car, motorcycle, airplane, bus, train, truck and 72 more." in says(app)
    assert follow(app, "Other ways to import").title[0].value == "Data sets"


def test_more_photos_are_imported_in_a_form_that_is_open_until_the_page_is_left(visit, workspace, tmp_path):
    def folded(app):
        return [one.label for one in app.expander if one.label == "Import a data set"]

    import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    assert folded(visit("datasets"))
    app = follow(visit("home"), "Import more photos")
    assert not folded(app)
    assert not folded(checked(app.run()))
    assert "An archive" in [tab.label for tab in app.tabs]
    checked(app.switch_page("pages/home.py").run())
    app.query_params.clear()
    assert folded(checked(app.switch_page("pages/datasets.py").run()))


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


def test_running_work_is_in_the_sidebar(workspace, search_there):
    def lines():  # a second run of an ``AppTest`` has no frame
        return checked(AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()).sidebar.get("page_link")

    search_there("over")
    assert not lines()
    search_there("busy", "running", [trial(0, planned_epochs=20)])
    (line,) = lines()
    assert re.fullmatch(r"Training busy: \d+%", line.value)
    assert line.proto.query_string == "search=busy"


def test_progress_moves_before_the_first_epoch_has_ended(visit, search_there):
    search_there("busy", "running", [trial(0, "running", scores=(), planned_epochs=4, epoch_share=0.5)])
    (bar,) = visit("home").get("progress")
    assert "trial 0 is 50% through epoch 1 of 4" in bar.proto.text
    assert bar.proto.value == int(100 * 0.5 / 12)


def test_a_trial_that_starts_says_so(visit, search_there):
    search_there("busy", "running", [trial(0, "running", scores=(), planned_epochs=4)])
    (bar,) = visit("home").get("progress")
    assert "trial 0 loads its photos" in bar.proto.text


def test_the_newest_search_has_room_for_its_curve_before_there_is_one(visit, search_there):
    search_there("busy", "running", [trial(0, "running", scores=(), planned_epochs=4)])
    search_there("earlier", "running", [trial(0, "running", scores=())], created="2026-01-01T10:00:00+00:00")
    assert says(visit("home")).count("The curve appears") == 1
