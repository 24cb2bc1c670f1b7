import json

import pytest

from autodet.datasets.importing import import_dataset
from autodet.inference.evaluations import evaluate_model
from autodet.models.store import add_model
from tests.app.conftest import checked, labelled, labels, says
from tests.helpers import write_voc


@pytest.fixture
def data(workspace, sample_folder):
    return import_dataset(sample_folder, "sample", workspace=workspace)


@pytest.fixture
def model(workspace, trained_bundle):
    return add_model(trained_bundle, "sample", workspace)


def figures(app):
    return {metric.label: metric.value for metric in app.metric}


def threshold(app):
    return labelled(app.slider, "Show detections that score at least")


def captions_of_photos(app):
    return [caption.value for caption in app.caption if "jpg" in caption.value]


def test_without_a_model_it_says_what_to_do(visit):
    assert "no model yet" in says(visit("evaluate"))


def test_without_a_data_set_it_says_what_to_do(visit, model_there):
    model_there()
    assert "no data set yet" in says(visit("evaluate"))


def test_a_model_is_evaluated_when_asked_and_the_result_is_there_ever_after(visit, data, model):
    app = visit("evaluate")
    assert not app.metric
    checked(app.button[0].click().run())
    shown = figures(app)
    assert set(shown) == {"mAP@0.5", "mAP@0.5–0.95", "mAP@0.5, VOC07"}
    assert 0 < float(shown["mAP@0.5"]) <= 1
    assert not app.button  # nothing is left to press
    table = app.dataframe[0].value
    assert tuple(table["class"]) == data.classes
    assert table["boxes"].sum() == sum(len(record.annotations) for record in data.split("val"))
    assert figures(visit("evaluate")) == shown


def test_another_split_has_figures_of_its_own(visit, data, model):
    report, _ = evaluate_model(model, data, "test")
    app = visit("evaluate")
    assert not app.metric
    checked(app.segmented_control[0].set_value("test").run())
    assert figures(app)["mAP@0.5"] == f"{report.map50:.3f}"


def test_photos_come_worst_first_or_as_they_are(visit, data, model):
    evaluate_model(model, data, "train")
    app = visit("evaluate")
    checked(app.segmented_control[0].set_value("train").run())

    def mistakes(caption):
        return sum(int(word) for word in caption.split("·")[1].split() if word.isdigit())

    counts = [mistakes(caption) for caption in captions_of_photos(app)]
    assert counts == sorted(counts, reverse=True)
    worst = captions_of_photos(app)[0]
    checked(labelled(app.segmented_control, "Order").set_value("As imported").run())
    first = data.split("train")[0].file
    assert captions_of_photos(app)[0].replace("\\", "").startswith(first)
    checked(app.pagination[0].set_value(2).run())
    assert not captions_of_photos(app)[0].replace("\\", "").startswith(first)
    assert worst.split("·")[0].replace("\\", "").strip() in {record.file for record in data.split("train")}


def test_the_threshold_decides_what_counts(visit, data, model):
    evaluate_model(model, data, "val")
    app = visit("evaluate")
    checked(threshold(app).set_value(0.05).run())
    many = " ".join(captions_of_photos(app))
    checked(threshold(app).set_value(0.95).run())
    few = " ".join(captions_of_photos(app))
    assert "made up" in many
    assert "missed" in few
    assert many != few
    marked = sum(len(record.annotations) for record in data.split("val"))
    assert f"with {marked} marked objects: **" in says(app)


def test_the_model_s_own_data_set_is_offered_first(visit, data, model, workspace, tmp_path):
    import_dataset(write_voc(tmp_path / "newer"), "newer", workspace=workspace)
    assert labelled(visit("evaluate").selectbox, "Data set").value == data.id


def test_a_data_set_with_a_class_the_model_does_not_know_is_refused_in_a_sentence(visit, model, workspace, tmp_path):
    marks = [("![kiwi](http://evil)", (4, 6, 30, 40))]
    import_dataset(write_voc(tmp_path / "kiwi", marks=marks), "kiwi", workspace=workspace)
    app = visit("evaluate")
    checked(app.button[0].click().run())
    assert "which the model" in app.error[0].value
    assert "![kiwi](" not in app.error[0].value


def test_a_damaged_record_of_an_evaluation_is_made_again(visit, data, model):
    evaluate_model(model, data, "val")
    (kept,) = (model.path.parent / "evaluations").glob("*.json")
    kept.write_text(json.dumps({"report": {}}))
    assert any("Evaluate on" in label for label in labels(visit("evaluate").button))


def test_another_model_brings_its_own_data_set_and_a_choice_is_kept(
    visit, data, model, workspace, tmp_path, model_there
):
    other = import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    model_there("best", 0.999)  # of the data set fruit
    app = visit("evaluate", dataset=data.id)
    assert labelled(app.selectbox, "Data set").value == other.id
    checked(labelled(app.selectbox, "Model").select(model.id).run())
    assert labelled(app.selectbox, "Data set").value == data.id
    checked(labelled(app.selectbox, "Data set").select(other.id).run())
    checked(app.run())
    assert labelled(app.selectbox, "Data set").value == other.id


def test_a_class_on_no_photo_of_the_split_is_told_beside_the_score(visit, model, workspace, tmp_path):
    card = model.card
    marks = [(name, (4 + 20 * number, 6, 20 + 20 * number, 40)) for number, name in enumerate(card.classes)]
    for split, some in (("train", marks), ("val", marks[:1])):
        write_voc(tmp_path / "partly" / split, 4, marks=some)
    partly = import_dataset(tmp_path / "partly", "partly", workspace=workspace, decisions={"splits_disagree": "keep"})
    evaluate_model(model, partly, "val")
    app = visit("evaluate")
    assert f"{card.classes[1]} " in app.warning[0].value
    assert "not measured" in app.warning[0].value
    assert card.classes[0] not in app.warning[0].value
