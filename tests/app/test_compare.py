import json
import re
import time

import pytest

from autodet.datasets.versions.derive import derive_dataset
from autodet.inference import background_jobs
from autodet.inference.comparison import compare
from autodet.inference.detector import Detector
from autodet.inference.model_latency import _identity, _path
from autodet.models.store import add_model
from autodet.workspace import write_json
from tests.app.conftest import address, checked, labelled, labels, says, viewer_data
from tests.helpers import untrained_bundle
from tests.reports.conftest import APPLE, BANANA, evaluated, import_marks, unloadable_model

NAME = "![x](y) *poor*"


@pytest.fixture
def fruit(workspace, tmp_path):
    return import_marks(tmp_path / "photos", workspace)


@pytest.fixture
def models(workspace, fruit):
    """One that misses objects on two photos of six, and one that errs on a third photo; their latency is known."""
    good, poor = unloadable_model(workspace, fruit, "good"), unloadable_model(workspace, fruit, NAME)
    evaluated(good, fruit, detections={2: [("apple", *APPLE[1:], 0.9)]})
    evaluated(poor, fruit, detections={0: [("banana", *BANANA[1:], 0.9)], 1: []})
    for model in (good, poor):
        write_json(_path(model), _identity(model) | {"latency_ms": 12.0})
    return good, poor


def tiles(app):
    return [button.label.replace("\\", "") for button in app.button if "enlarge differing" in button.key]


def test_without_a_data_set_or_a_model_it_says_what_to_do(visit, workspace, tmp_path):
    assert "no data set yet" in says(visit("compare"))
    import_marks(tmp_path / "photos", workspace)
    assert "No model knows the classes of this data set yet" in says(visit("compare"))


def test_models_are_ranked_and_two_are_compared_as_on_the_command_line(visit, models, fruit):
    good, poor = models
    app = visit("compare")
    table = app.dataframe[0].value
    assert list(table["model"]) == ["good", NAME]
    assert list(table["latency"]) == [12.0, 12.0]
    assert address(app) == {"dataset": fruit.id, "split": "test"}
    assert not any("Evaluate" in label for label in labels(app.button))
    app = checked(labelled(app.multiselect, "Compare two models").set_value([good.id, poor.id]).run())
    assert address(app)["models"] == f"{good.id},{poor.id}"
    comparison = compare(good, poor, fruit)
    figures = app.dataframe[1].value
    assert figures.iloc[0].tolist()[1:4] == [
        comparison.map50.a,
        comparison.map50.b,
        f"{comparison.map50.difference:+.3f}",
    ]
    assert figures["95 % interval"][0] == "{:+.3f} to {:+.3f}".format(*comparison.map50.interval)
    assert list(figures["figure"])[2:] == ["AP@0.5 of apple", "AP@0.5 of banana"]
    assert app.session_state["leaderboard fruit test"]["selection"]["rows"] == [0, 1]  # ticked in the table too
    assert "![x](" not in says(app)
    assert not any("![x](" in link.proto.label for link in app.get("page_link"))


def test_the_photos_where_one_errs_open_with_the_boxes_of_both(visit, models, fruit):
    good, poor = models
    app = visit("compare", **{"compared models": (good.id, poor.id)})
    files = [record.file for record in fruit.split("test")]
    assert tiles(app) == [files[2]]
    which = labelled(app.segmented_control, "Photos where exactly one makes errors")
    assert next(re.sub(r"[\\\u2060]", "", option.content) for option in which.proto.options) == "Errors of good (1)"
    app = checked(which.set_value("b").run())
    assert tiles(app) == [files[1], files[0]]  # the one with more errors first
    app = checked(next(button for button in app.button if "enlarge differing" in button.key).click().run())
    data = viewer_data(app)
    boxes = data["photos"]["0"]["boxes"]
    assert {key: len(rows["rows"]) for key, rows in boxes.items()} == {
        "ground_truth": 2,
        "true_positives": 0,
        "false_positives": 0,
        "missed": 2,
        "other_model": 2,
    }
    assert [layer["shown"] for layer in data["layers"] if layer["key"] == "other_model"] == [True]


def test_a_link_names_the_models_and_one_that_is_gone_is_a_sentence(visit, models, fruit):
    app = visit("home")
    app.query_params["dataset"], app.query_params["models"] = fruit.id, f"good,{NAME}"
    app = checked(app.switch_page("pages/compare.py").run())
    assert "There is no model" in app.warning[0].value and "![x](" not in app.warning[0].value
    assert labelled(app.multiselect, "Compare two models").value == ["good"]


@pytest.mark.process
def test_models_without_an_evaluation_are_evaluated_in_the_background(visit, fruit, workspace, tmp_path, monkeypatch):
    background_jobs._jobs.clear()  # failures of other tests
    model = add_model(untrained_bundle(tmp_path / "blind.autodet"), "blind", workspace)
    app = visit("compare", **{"compared models": (model.id,)})
    assert "1 model not evaluated on these 6 photos yet" in says(app)
    app = checked(labelled(app.button, "Evaluate blind").click().run())
    deadline = time.monotonic() + 120
    while background_jobs._jobs:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    app = checked(app.run())
    row = app.dataframe[0].value.iloc[0]
    assert 0 <= row["mAP@0.5"] < 0.5
    assert row["latency"] > 0
    assert not any("Evaluate" in label for label in labels(app.button))
    monkeypatch.setattr(Detector, "predict_dataset", lambda *_, **__: pytest.fail("predicted again"))
    visit("compare")


def test_validation_photos_say_that_they_chose_the_models(visit, models):
    app = visit("compare", split="val")
    assert "Searches choose their best epoch, their best trial" in says(app)
    app = visit("compare", split="train")
    assert "trained on these photos" in json.dumps(list(app.dataframe[0].value["note"]))


def test_without_test_photos_it_says_how_to_get_some(visit, models, fruit, workspace):
    derive_dataset(fruit, resplit=(80, 20, 0), name="unsplit", workspace=workspace)
    assert "This data set has no test photos" in says(visit("compare", dataset="unsplit"))
    assert "This data set has no test photos" not in says(visit("compare", dataset=fruit.id))
