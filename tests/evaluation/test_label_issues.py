"""Planted mistakes in labels are named, each with its kind, and nothing else is."""

from dataclasses import replace

import numpy as np
import pytest

from autodet.evaluation.report import evaluate_predictions
from autodet.records import Annotations, ImageRecord, Prediction
from tests.evaluation.scenes import fruit_scene

PLANTED = 6


def well_detected_scene():
    """Return the photos of fruit, with the confident detections that are right and a few objects that are missed."""
    scene = fruit_scene()
    random = np.random.default_rng(0)
    predictions = []
    for record in scene.records:
        marked = record.annotations
        scores = random.uniform(0.8, 0.99, len(marked))
        moved = marked.boxes_xyxy + random.normal(0, 2, (len(marked), 4))
        predictions.append(Prediction.of(moved, marked.class_ids, scores))
    alone = [index for index, record in enumerate(scene.records) if len(record.annotations) == 1]
    return scene, predictions, alone


def swapped(marked):
    return Annotations.of(marked.boxes_xyxy, (marked.class_ids + 1) % 3)


def shifted(marked):
    sides = np.tile(marked.boxes_xyxy[:, 2:] - marked.boxes_xyxy[:, :2], 2)
    return Annotations.of(marked.boxes_xyxy + 0.4 * sides, marked.class_ids)


def deleted(marked):
    return Annotations.of(marked.boxes_xyxy[:0], marked.class_ids[:0])


def doubled_elsewhere(marked):
    away = marked.boxes_xyxy + 5000
    return Annotations.of(np.concatenate([marked.boxes_xyxy, away]), np.tile(marked.class_ids, 2))


PLANTS = {"wrong_class": swapped, "poor_box": shifted, "missing": deleted, "spurious": doubled_elsewhere}


@pytest.mark.parametrize("kind", PLANTS)
def test_planted_mistakes_are_named(kind):
    scene, predictions, alone = well_detected_scene()
    assert evaluate_predictions(scene.records, predictions, scene.classes).label_issues == ()
    records, planted = list(scene.records), alone[:PLANTED]
    for index in planted:
        records[index] = replace(records[index], annotations=PLANTS[kind](records[index].annotations))
    report = evaluate_predictions(records, predictions, scene.classes)
    assert {(issue.file, issue.kind) for issue in report.label_issues} == {
        (records[index].file, kind) for index in planted
    }
    assert len(report.label_issues) == PLANTED
    scores = [issue.score for issue in report.label_issues]
    assert scores == sorted(scores)
    assert 0 <= scores[0] <= scores[-1] < 0.6
    issue = next(issue for issue in report.label_issues if issue.file == records[planted[0]].file)
    original, found = scene.records[planted[0]].annotations, predictions[planted[0]]
    expected = {
        "wrong_class": (0, report_class(scene, swapped(original)), report_class(scene, original)),
        "poor_box": (0, report_class(scene, original), report_class(scene, original)),
        "missing": (None, report_class(scene, original), report_class(scene, original)),
        "spurious": (1, report_class(scene, original), None),
    }
    assert (issue.annotation, issue.class_name, issue.suggested_class) == expected[kind]
    if kind != "spurious":
        np.testing.assert_allclose(issue.suggested_box, found.boxes_xyxy[0], atol=0.01)


def report_class(scene, marked):
    return scene.classes[marked.class_ids[0]]


def test_difficult_labels_are_left_alone():
    scene, predictions, alone = well_detected_scene()
    index = alone[0]
    marked = swapped(scene.records[index].annotations)
    records = list(scene.records)
    records[index] = replace(records[index], annotations=Annotations.of(marked.boxes_xyxy, marked.class_ids, [True]))
    kinds = {issue.kind for issue in evaluate_predictions(records, predictions, scene.classes).label_issues}
    assert kinds <= {"missing"}


def test_a_report_lists_the_worst_thousand():
    boxes = [[x, y, x + 5, y + 5] for x in range(0, 400, 10) for y in range(0, 400, 10)]
    predictions = [Prediction.of(boxes[:90], [0] * 90, [0.9] * 90)] * 12
    records = [ImageRecord(f"{number}.jpg", 400, 400, "test", Annotations.of([], [])) for number in range(12)]
    assert len(evaluate_predictions(records, predictions, ["apple"]).label_issues) == 1000
