import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.versions.derive import derive_dataset
from autodet.errors import ModelError
from autodet.evaluation.report import METRICS_VERSION, evaluate_predictions
from autodet.evaluation_text import report_text
from autodet.inference.comparable_records import comparable_records
from autodet.inference.detector import load_detector
from autodet.inference.evaluations import keep_evaluation, kept_evaluation
from autodet.models.store import add_model
from autodet.records import Annotations, EvaluationReport, ImageRecord, Prediction
from tests.helpers import write_voc


def test_a_model_of_the_parent_does_not_take_a_version_with_other_names(trained_bundle, sample_dataset, workspace):
    old = sample_dataset.classes[0]
    version = derive_dataset(sample_dataset, "renamed", rename={old: "thing"}, workspace=workspace)
    detector = load_detector(trained_bundle, device="cpu")
    with pytest.raises(
        ModelError, match=r"has boxes of thing, which the model sample does not know \(it knows .*choose"
    ):
        detector.evaluate(version, "val")
    fewer = derive_dataset(sample_dataset, "fewer", drop=[old], workspace=workspace)
    assert detector.evaluate(fewer, "val").per_class[old].boxes == 0


def test_classes_that_differ_in_capital_letters_and_spaces_alone_are_the_same(
    trained_bundle, sample_dataset, workspace
):
    """As for a search that begins with the model."""
    spelt = {"apple": "Apple", "banana": "BANANA", "orange": "o range"}
    version = derive_dataset(sample_dataset, "spelt", rename=spelt, workspace=workspace)
    detector = load_detector(trained_bundle, device="cpu")
    report, expected = detector.evaluate(version, "val"), detector.evaluate(sample_dataset, "val")
    assert report.per_class == expected.per_class
    assert report.map50 == expected.map50


def test_photos_with_more_objects_than_a_detector_finds_are_counted():
    boxes = [[x, y, x + 5, y + 5] for x in range(0, 110, 10) for y in range(0, 100, 10)]
    records = [
        ImageRecord("crowded.jpg", 200, 200, "test", Annotations.of(boxes, [0] * 110)),
        ImageRecord("difficult.jpg", 200, 200, "test", Annotations.of(boxes, [0] * 110, [True] * 20 + [False] * 90)),
        ImageRecord("full.jpg", 200, 200, "test", Annotations.of(boxes[:100], [0] * 100)),
    ]
    report = evaluate_predictions(records, [Prediction.of([], [], [])] * 3, ["apple"])
    assert (report.images, report.crowded_images, report.crowded_objects) == (3, 1, 10)
    assert EvaluationReport.from_json(report.to_json()) == report
    assert "1 photo with more than 100 annotated objects" in report_text(report)
    earlier = {key: value for key, value in report.to_json().items() if key not in ("crowded_images", "caution")}
    assert EvaluationReport.from_json(earlier).crowded_images == 0


def test_a_stored_evaluation_loses_detections_of_classes_that_the_data_set_lacks(trained_bundle, workspace, tmp_path):
    """Earlier versions stored the detections of classes that the data set lacks, and a report that counts them."""
    model = add_model(trained_bundle, "sample", workspace)
    data = import_dataset(write_voc(tmp_path / "set", marks=[("banana", (4, 6, 30, 40))]), "set", workspace=workspace)
    apple, banana = (model.card.classes.index(name) for name in ("apple", "banana"))
    boxes = [(4, 6, 30, 40), (32, 6, 60, 40)]
    seen = [Prediction.of(boxes, [banana, apple], [0.9, 0.8]) for _ in data.split("train")]
    records = comparable_records(model.card, data, "train")
    keep_evaluation(model, data, "train", (evaluate_predictions(records, seen, model.card.classes), seen))
    (path,) = (model.path.parent / "evaluations").glob("*.json")
    path.write_text(path.read_text().replace(f'"metrics": {METRICS_VERSION}', '"metrics": 1'))
    for _ in range(2):  # computed again, then as kept
        report, predictions = kept_evaluation(model, data, "train")
        assert report.error_kinds["background"].count == 0
        assert report.per_class["apple"].precision is None
        assert all(one.class_ids.tolist() == [banana] for one in predictions)
