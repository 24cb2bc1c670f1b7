import re
import threading
import time

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.evaluation.report import evaluate_predictions
from autodet.inference import background_jobs
from autodet.inference.detector import Detector
from autodet.inference.evaluation_jobs import find_evaluation
from autodet.inference.evaluations import evaluate_model, keep_evaluation, kept_evaluation
from autodet.models.store import add_model
from autodet.records import Prediction
from tests.app.conftest import address, checked, labelled, labels, says
from tests.helpers import untrained_bundle, write_voc


@pytest.fixture
def data(workspace, sample_folder):
    return import_dataset(sample_folder, "sample", workspace=workspace)


@pytest.fixture
def model(workspace, trained_bundle):
    return add_model(trained_bundle, "sample", workspace)


def figures(app):
    return {metric.label: metric.value for metric in app.metric}


def evaluated(app):
    """The page once the evaluation that was asked for is over."""
    background_jobs._jobs.clear()  # failures of other tests
    app = checked(labelled_like(app.button, "Evaluate on").click().run())
    deadline = time.monotonic() + 120
    while background_jobs._jobs and not any(job.error for job in background_jobs._jobs.values()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return checked(app.run())


def labelled_like(elements, start):
    (found,) = [element for element in elements if element.label.startswith(start)]
    return found


def threshold(app):
    return labelled(app.slider, "Confidence threshold")


def opened(app, title):
    """The page with another tab open."""
    app.session_state["evaluate views"] = title
    return checked(app.run())


def photos(app):
    """The names of the photos on the page."""
    return [button.label.replace("\\", "") for button in app.button if "enlarge photo" in button.key]


def errors(app):
    """What is wrong on each photo on the page."""
    return [
        caption.value
        for caption in app.caption
        if re.search("missed|false alarm|wrong class|all objects", caption.value)
    ]


def test_without_a_model_it_says_what_to_do(visit):
    assert "no model yet" in says(visit("evaluate"))


@pytest.mark.slow
def test_without_a_data_set_it_says_what_to_do(visit, model_there):
    model_there()
    app = visit("evaluate")
    assert "no data set here with the classes of this model: apple and banana" in says(app)
    assert not any("no data set here" in part.value for column in app.columns for part in column.markdown)


def test_thresholds_are_called_chosen_only_if_the_card_records_validation_figures(visit, fruit, workspace, tmp_path):
    own = {"apple": 0.4, "banana": 0.4}
    for name, metrics in (("measured", {"map50": 0.5}), ("unknown", {})):
        path = untrained_bundle(tmp_path / f"{name}.autodet", thresholds=own, metrics=metrics, seed=len(name))
        model = add_model(path, name, workspace)
        nothing = [Prediction.of([], [], []) for _ in fruit.split("val")]
        keep_evaluation(
            model, fruit, "val", (evaluate_predictions(fruit.split("val"), nothing, fruit.classes), nothing)
        )
        told = says(visit("evaluate", model=name, split="val"))
        assert "The model's own" in told
        assert ("chosen on its validation photos." in told) == (name == "measured")


def test_a_model_is_evaluated_when_asked_and_the_result_is_there_ever_after(visit, data, model):
    app = visit("evaluate")
    assert not app.metric
    assert address(app) == {"model": model.id, "dataset": data.id, "split": "test"}
    app = evaluated(app)
    shown = figures(app)
    assert set(shown) == {"mAP@0.5", "mAP@0.5–0.95", "mAP@0.5, VOC07"}
    assert 0 < float(shown["mAP@0.5"]) <= 1
    assert not any("Evaluate on" in label for label in labels(app.button))
    table = opened(app, "Classes").dataframe[0].value
    assert tuple(table["class"]) == data.classes
    assert table["boxes"].sum() == sum(len(record.annotations) for record in data.split("test"))
    assert figures(visit("evaluate")) == shown


def test_an_evaluation_goes_on_when_its_page_is_left(visit, data, model, monkeypatch):
    goes_on = threading.Event()
    predict = Detector.predict_dataset

    def predict_later(self, dataset, records, progress=None, **options):
        progress(1, len(records))
        assert goes_on.wait(60)
        return predict(self, dataset, records, progress, **options)

    monkeypatch.setattr(Detector, "predict_dataset", predict_later)
    app = visit("evaluate")
    checked(labelled_like(app.button, "Evaluate on").click().run())
    checked(app.switch_page("pages/home.py").run())
    for _ in range(100):
        app = visit("evaluate")  # another visitor, or the same one coming back
        if app.get("progress") and "Photo 1 of" in app.get("progress")[0].proto.text:
            break
        time.sleep(0.1)
    assert labels(app.button) == ["Cancel"]  # it is under way: nobody starts it a second time
    goes_on.set()
    while find_evaluation(model, data, "test"):
        time.sleep(0.1)
    assert figures(visit("evaluate"))


def test_a_cancelled_evaluation_can_be_started_again(visit, data, model, monkeypatch):
    asked, goes_on = threading.Event(), threading.Event()
    predict = Detector.predict_dataset

    def predict_later(self, dataset, records, progress=None, **options):
        asked.set()
        assert goes_on.wait(60)
        return predict(self, dataset, records, progress, **options)

    monkeypatch.setattr(Detector, "predict_dataset", predict_later)
    app = visit("evaluate")
    app = checked(labelled_like(app.button, "Evaluate on").click().run())
    assert asked.wait(60)
    app = checked(labelled(app.button, "Cancel").click().run())
    assert find_evaluation(model, data, "test") is None
    goes_on.set()
    assert kept_evaluation(model, data, "test") is None
    app = evaluated(checked(app.run()))
    assert figures(app)


def test_an_evaluation_that_fails_says_why_and_can_be_tried_again(visit, data, model):
    photo = data.photo(data.split("test")[0])
    content = photo.read_bytes()
    photo.write_bytes(b"no photo any more")
    app = evaluated(visit("evaluate"))
    assert data.split("test")[0].file in app.error[0].value.replace("\\", "")
    photo.write_bytes(content)
    app = evaluated(app)
    assert not app.error
    assert figures(app)


def test_the_split_is_in_the_address_and_remembered(visit, data, model):
    report, _ = evaluate_model(model, data, "val")
    app = visit("evaluate")
    app = checked(labelled(app.segmented_control, "Photos").set_value("val").run())
    assert figures(app)["mAP@0.5"] == f"{report.map50:.3f}"
    assert address(app)["split"] == "val"
    checked(app.switch_page("pages/home.py").run())
    assert address(checked(app.switch_page("pages/evaluate.py").run()))["split"] == "val"
    app = visit("home")
    app.query_params["split"] = "train"
    assert address(checked(app.switch_page("pages/evaluate.py").run()))["split"] == "train"


def test_photos_come_worst_first_or_as_they_are(visit, data, model):
    evaluate_model(model, data, "train")
    app = visit("evaluate")
    checked(labelled(app.segmented_control, "Photos").set_value("train").run())

    counts = [sum(map(int, re.findall("[0-9]+", caption))) for caption in errors(app)]
    assert counts == sorted(counts, reverse=True)
    assert len(counts) == len(photos(app))
    worst = photos(app)[0]
    checked(labelled(app.segmented_control, "Order").set_value("named").run())
    first = data.split("train")[0].file
    assert photos(app)[0] == first
    checked(app.pagination[0].set_value(2).run())
    assert first not in photos(app)
    assert worst in {record.file for record in data.split("train")}


def test_the_threshold_decides_what_counts(visit, data, model):
    evaluate_model(model, data, "val")
    app = visit("evaluate", split="val")
    checked(threshold(app).set_value(0.05).run())
    many = " ".join(errors(app))
    checked(threshold(app).set_value(0.95).run())
    few = " ".join(errors(app))
    assert "false alarm" in many
    assert "missed" in few
    assert many != few
    marked = sum(len(record.annotations) for record in data.split("val"))
    assert f"with {marked} labelled objects: **" in says(app)


def test_the_model_s_own_data_set_is_offered_first(visit, data, model, workspace, tmp_path):
    import_dataset(write_voc(tmp_path / "newer"), "newer", workspace=workspace)
    assert labelled(visit("evaluate").selectbox, "Data set").value == data.id


def test_data_sets_with_a_class_that_the_model_does_not_know_are_not_offered(visit, data, model, workspace, tmp_path):
    marks = [("kiwi", (4, 6, 30, 40))]
    import_dataset(write_voc(tmp_path / "kiwi", marks=marks), "kiwi", workspace=workspace)
    app = visit("evaluate", dataset="kiwi")
    assert labelled(app.selectbox, "Data set").options == ["sample"]
    app = visit("home")
    app.query_params["dataset"] = "kiwi"
    app = checked(app.switch_page("pages/evaluate.py").run())
    assert "no data set kiwi to choose here" in says(app)
    assert labelled(app.selectbox, "Data set").value == data.id


def test_a_damaged_record_of_an_evaluation_is_made_again(visit, data, model):
    evaluate_model(model, data, "val")
    (kept,) = (model.path.parent / "evaluations").glob("*.npz")
    for damaged in (b"", b"damaged", kept.read_bytes()[:500]):
        kept.write_bytes(damaged)
        assert kept_evaluation(model, data, "val") is None
    assert any("Evaluate on" in label for label in labels(visit("evaluate", split="val").button))


def test_another_model_brings_its_own_data_set_unless_the_chosen_one_fits(
    visit, data, model, workspace, tmp_path, model_there
):
    other = import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    model_there("newest")  # of the data set fruit
    app = visit("evaluate")
    assert labelled(app.selectbox, "Data set").value == other.id
    checked(labelled(app.selectbox, "Model").select(model.id).run())
    assert labelled(app.selectbox, "Data set").value == other.id  # what was shown fits, so that models compare
    checked(labelled(app.selectbox, "Data set").select(data.id).run())
    checked(app.run())
    assert labelled(app.selectbox, "Data set").value == data.id


def test_a_class_on_no_photo_of_the_split_is_told_beside_the_score(visit, model, workspace, tmp_path):
    card = model.card
    marks = [(name, (4 + 20 * number, 6, 20 + 20 * number, 40)) for number, name in enumerate(card.classes)]
    for split, some in (("train", marks), ("val", marks[:1])):
        write_voc(tmp_path / "partly" / split, 4, marks=some)
    partly = import_dataset(tmp_path / "partly", "partly", workspace=workspace, decisions={"splits_disagree": "keep"})
    evaluate_model(model, partly, "val")
    app = visit("evaluate", split="val")
    assert f"{card.classes[1]} " in app.warning[0].value
    assert "not evaluated" in app.warning[0].value
    assert card.classes[0] not in app.warning[0].value
