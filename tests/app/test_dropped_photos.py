"""New photos with their labels on Evaluate."""

import json
import time
from collections import Counter

import pytest

from autodet.evaluation.report import evaluate_predictions
from autodet.inference import background_jobs
from autodet.inference.comparable_records import comparable_records
from autodet.inference.dropped_photos import drops
from autodet.inference.evaluations import keep_evaluation
from autodet.models.store import add_model
from autodet.records import Prediction
from tests.app.conftest import address, checked, labelled, labels, says
from tests.helpers import APPLE, BANANA, untrained_bundle, write_labelled, zip_folder

HOSTILE = "<b>**x**</b> $y$ [z](javascript:0)"


@pytest.fixture
def model(workspace, tmp_path):
    return add_model(untrained_bundle(tmp_path / "fruit.autodet"), "fruit", workspace)


@pytest.fixture
def archive(tmp_path):
    for number in range(3):
        marks = [(HOSTILE, (1, 1, 20, 20)), APPLE, *([BANANA] * (number == 0))]
        write_labelled(tmp_path / "set" / "a", f"photo_{number}", marks, seed=number)
    return zip_folder(tmp_path / "set", tmp_path / "set.zip")


def dropped(app, path):
    """The page after photos were dropped and evaluated, or refused."""
    background_jobs._jobs.clear()  # failures of other tests
    app = checked(labelled(app.segmented_control, "Measure on").set_value("dropped").run())
    app = checked(app.file_uploader[0].set_value([(path.name, path.read_bytes(), "application/zip")]).run())
    app = checked(labelled(app.button, "Evaluate on these photos").click().run())
    deadline = time.monotonic() + 60
    while background_jobs._jobs and not any(job.error for job in background_jobs._jobs.values()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return checked(app.run())


def predict_boxes_of_other_classes(model, dataset):
    """Replace the evaluation by one that takes the labelled apples for bananas."""
    records = comparable_records(model.card, dataset, "test")
    predictions = [Prediction.of(record.annotations.boxes_xyxy[:1], [1], [0.9]) for record in records]
    report = evaluate_predictions(records, predictions, model.card.classes, model.card.all_thresholds)
    keep_evaluation(model, dataset, "test", (report, predictions))


def plain(app):
    return says(app).replace("\\", "")


@pytest.mark.process
def test_dropped_photos_get_the_analysis_and_can_be_replaced(visit, model, archive, workspace, offered):
    app = dropped(visit("evaluate"), archive)
    assert "set.zip**: 3 photos with 7 boxes of 3 classes, not imported" in plain(app)
    (unknown,) = [warning.value for warning in app.warning if "does not know" in warning.value]
    assert HOSTILE not in unknown
    assert f"{HOSTILE} (3 boxes), so these labels are left out" in unknown.replace("\\", "")
    assert "On 3 photos with 4 labelled objects" in plain(app)
    assert "test photo" not in plain(app)
    assert address(app)["dropped"]
    predict_boxes_of_other_classes(model, drops.find(address(app)["dropped"]).dataset)
    app = checked(app.run())
    assert [tab.label for tab in app.tabs][:3] == ["Photos", "Next steps", "Errors"]
    app.session_state["evaluate views"] = next(tab.label for tab in app.tabs if tab.label.startswith("Labels"))
    app = checked(app.run())
    app = checked(next(button for button in app.button if button.label.startswith("Accept these")).click().run())
    assert "not imported, so there is no data set to make a version of" in plain(app)
    assert "Create the version" not in labels(app.button)
    corrected = json.loads(offered["set.zip-corrected.json"]())
    assert all(image["file_name"].startswith("a/photo_") for image in corrected["images"])
    assert len(corrected["images"]) == 3
    names = {category["id"]: category["name"] for category in corrected["categories"]}
    counts = Counter(names[mark["category_id"]] for mark in corrected["annotations"])
    assert counts == {HOSTILE: 3, "banana": 4}  # labels of classes that the model lacks are not lost
    app = checked(labelled(app.button, "Drop other photos").click().run())
    assert "Evaluate on these photos" not in labels(app.button)
    assert list(workspace.dropped.iterdir()) == []


def test_what_cannot_be_evaluated_is_refused_with_what_to_do(visit, model, archive, tmp_path):
    broken = tmp_path / "broken.zip"
    broken.write_bytes(archive.read_bytes()[:100])
    app = dropped(visit("evaluate"), broken)
    assert "'broken.zip' is broken" in plain(app)
    app = checked(labelled(app.button, "Drop other photos").click().run())
    write_labelled(tmp_path / "dogs", "photo", [("dog", (1, 1, 20, 20))])
    app = dropped(app, zip_folder(tmp_path / "dogs", tmp_path / "dogs.zip"))
    assert "have labels of dog, and the model fruit knows only apple, banana" in plain(app)
    checked(labelled(app.button, "Drop other photos").click().run())


def test_a_link_to_deleted_photos_says_so(visit, model):
    app = visit("evaluate", **{"measured on": "dropped", "dropped": "gone"})
    assert "The dropped photos are deleted" in plain(app)
    assert labels(app.file_uploader) == ["Files", "Folder"]
