import pytest

from autodet.evaluation.report import evaluate_predictions, unmeasured_caution
from autodet.evaluation_text import report_text
from autodet.records import Annotations, EvaluationReport, ImageRecord, Notice, Prediction
from tests.evaluation.test_coco_metrics import photo


def test_a_report_counts_means_and_survives_json():
    records = [photo([[10, 10, 50, 50], [60, 60, 90, 90]], [0, 0]), photo([[10, 10, 50, 50]], [1]), photo([], [])]
    seen = [Prediction.of([[10, 10, 50, 50], [60, 60, 90, 90]], [0, 0], [0.9, 0.8])] + [Prediction.of([], [], [])] * 2
    report = evaluate_predictions(records, seen, ["apple", "banana", "kiwi"])
    assert report.images == 3
    assert report.map50 == pytest.approx(0.5)
    assert report.map50_voc07 == pytest.approx(0.5)
    assert (report.per_class["apple"].ap50, report.per_class["banana"].ap50) == (pytest.approx(1), 0)
    assert (report.per_class["apple"].images, report.per_class["apple"].boxes) == (1, 2)
    assert report.per_class["kiwi"].ap50 is None
    assert EvaluationReport.from_json(report.to_json()) == report


def test_difficult_boxes_count_in_no_figure_and_truncated_ones_in_every_one():
    boxes = [[10, 10, 50, 50], [60, 60, 90, 90], [0, 60, 30, 90]]
    marks = Annotations.of(boxes, [0, 0, 0], difficult=[False, True, False], truncated=[False, False, True])
    record = ImageRecord("a.jpg", 100, 100, "val", marks)
    missed_difficult = Prediction.of([boxes[0], boxes[2]], [0, 0], [0.9, 0.8])
    found_difficult = Prediction.of([boxes[1], boxes[0], boxes[2]], [0, 0, 0], [0.95, 0.9, 0.8])
    for seen in (missed_difficult, found_difficult):
        report = evaluate_predictions([record], [seen], ["apple"])
        assert [report.map50, report.map50_95, report.map50_voc07] == pytest.approx([1, 1, 1])
    missed_truncated = Prediction.of([boxes[0]], [0], [0.9])
    report = evaluate_predictions([record], [missed_truncated], ["apple"])
    assert max(report.map50, report.map50_95, report.map50_voc07) < 0.6


def test_a_split_without_any_box_has_figures_of_zero():
    report = evaluate_predictions([photo([], [])], [Prediction.of([], [], [])], ["apple"])
    assert (report.map50, report.map50_95, report.map50_voc07) == (0, 0, 0)


def test_classes_without_a_box_are_cautioned_about():
    assert unmeasured_caution([], "val") is None
    assert unmeasured_caution(("kiwi",), "test") == Notice.of("classes_unmeasured", classes=["kiwi"], split="test")


def test_precision_recall_and_f1_are_those_at_the_threshold_of_the_class():
    boxes = [[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10]]
    record = ImageRecord("a.jpg", 100, 100, "val", Annotations.of(boxes, [0, 0, 0, 1], [False, False, True, False]))
    found = [boxes[0], boxes[0], boxes[1], boxes[2], boxes[3]]  # a duplicate, and one on a difficult box
    seen = Prediction.of(found, [0, 0, 0, 0, 1], [0.9, 0.8, 0.6, 0.9, 0.5])
    classes = ["apple", "banana", "kiwi"]
    thresholds = {"apple": 0.7, "banana": 0.5, "kiwi": 0.5}
    report = evaluate_predictions([record], [seen], classes, thresholds)
    assert report.thresholds == thresholds
    apple, banana, kiwi = (report.per_class[name] for name in classes)
    assert (apple.precision, apple.recall, apple.f1, apple.threshold) == (1 / 2, 1 / 2, 1 / 2, 0.7)
    assert (banana.precision, banana.recall, banana.f1) == (1, 1, 1)  # a score at the threshold counts
    assert (kiwi.precision, kiwi.recall, kiwi.f1) == (None, None, None)
    lower = evaluate_predictions([record], [seen], classes, thresholds | {"apple": 0.6}).per_class["apple"]
    assert (lower.precision, lower.recall, lower.f1) == (2 / 3, 1, 4 / 5)
    text = report_text(report)
    assert all(word in text for word in ("THRESHOLD", "PRECISION", "RECALL", "F1", "0.700"))
