"""Confusion matrix, curves and subsets: every figure is a count of the same outcomes."""

import numpy as np
import pytest

from autodet.evaluation.confusion import confusion_cells
from autodet.evaluation.curves import class_curve
from autodet.evaluation.groupings import groups_of
from autodet.evaluation.outcomes import Outcome, find_outcomes
from autodet.evaluation.report import figures_at_threshold
from autodet.evaluation.subsets import by_crowding, by_photo, by_size
from autodet.evaluation.thresholds import choose_thresholds
from autodet.records import Annotations, ImageRecord, Prediction
from tests.evaluation.scenes import fruit_scene, random_scene

CLASSES = ["apple", "banana"]
BOXES = [[0, 0, 100, 100], [200, 0, 300, 100], [400, 0, 500, 100], [600, 0, 700, 100]]


def outcomes_of(found, found_ids, scores, class_ids=(0, 0, 1, 1), difficult=(False, False, False, True)):
    records = [ImageRecord("a.jpg", 1000, 1000, "test", Annotations.of(BOXES, class_ids, difficult))]
    return find_outcomes(records, [Prediction.of(found, found_ids, scores)], CLASSES)


def test_the_confusion_matrix_counts_found_confused_missed_and_false():
    found = [BOXES[0], BOXES[1], BOXES[1], BOXES[3], [800, 0, 900, 100], BOXES[2]]
    outcomes = outcomes_of(found, [0, 1, 1, 1, 1, 1], [0.9, 0.8, 0.7, 0.9, 0.6, 0.2])
    cells = confusion_cells(outcomes.at({"apple": 0.5, "banana": 0.5}))
    matrix = cells.matrix()
    assert matrix.labels == ("apple", "banana", "background")
    assert matrix.matrix == ((1, 1, 0), (0, 0, 1), (0, 2, 0))
    assert outcomes.detections.scores[cells.detections_in(0, 1)].tolist() == pytest.approx([0.8])
    assert outcomes.detections.scores[cells.detections_in(2, 1)].tolist() == pytest.approx([0.7, 0.6])
    assert cells.boxes_in(1, 2).tolist() == [2]
    assert confusion_cells(outcomes.at({"apple": 0.95, "banana": 0.1})).matrix().matrix == (
        (0, 1, 1),
        (0, 1, 0),
        (0, 2, 0),
    )


@pytest.mark.parametrize("seed", range(3))
def test_rows_and_columns_add_up_to_what_precision_and_recall_count(seed):
    scene = random_scene(seed, photos=30, difficult=0.2)
    shown = find_outcomes(scene.records, scene.predictions, scene.classes).at(dict.fromkeys(scene.classes, 0.4))
    cells = confusion_cells(shown)
    matrix = np.array(cells.matrix().matrix)
    for class_id in range(len(scene.classes)):
        figures = figures_at_threshold(shown, class_id)
        if matrix[class_id].sum():
            assert figures["recall"] == pytest.approx(matrix[class_id, class_id] / matrix[class_id].sum())
        assert figures["precision"] == pytest.approx(matrix[class_id, class_id] / matrix[:, class_id].sum())
    for row in range(len(matrix)):
        for column in range(len(matrix)):
            found, boxes = cells.detections_in(row, column), cells.boxes_in(row, column)
            assert len(boxes if column == len(matrix) - 1 else found) == matrix[row, column]
    errors = shown.errors_by_photo()
    off_diagonal = matrix.sum() - np.trace(matrix)
    assert errors.sum() == off_diagonal


def test_a_curve_has_the_counts_of_every_threshold():
    scene = random_scene(2, photos=25, ties=True, difficult=0.1)
    outcomes = find_outcomes(scene.records, scene.predictions, scene.classes)
    curve = class_curve(outcomes, 1)
    for threshold in (0.05, 0.3, 0.55, 0.9):
        shown = outcomes.at(dict.fromkeys(scene.classes, threshold))
        figures, place = figures_at_threshold(shown, 1), curve.place_of(threshold)
        assert (curve.precision[place], curve.recall[place], curve.f1[place]) == pytest.approx(tuple(figures.values()))
    assert curve.place_of(1.5) == -1
    thin = class_curve(find_outcomes(*_many()), 0).thinned(50)
    assert 10 < len(thin.thresholds) <= 52
    assert (np.diff(thin.thresholds) < 0).all()
    empty = class_curve(find_outcomes(scene.records, [Prediction.of([], [], [])] * 25, scene.classes), 0)
    assert (len(empty.thresholds), empty.place_of(0.5)) == (0, -1)


def _many():
    scene = random_scene(0, photos=60, classes=2)
    return scene.records, scene.predictions, scene.classes


def test_subsets_split_the_boxes_and_show_the_weak_spot():
    scene = fruit_scene()
    outcomes = find_outcomes(scene.records, scene.predictions, scene.classes)
    shown = outcomes.at(choose_thresholds(outcomes.counted_matches, scene.classes))
    for reports in (
        by_size(shown),
        by_crowding(shown),
        by_photo(shown, *groups_of([r.file[:8] for r in scene.records])),
    ):
        assert sum(report.boxes for report in reports) == int(outcomes.matches.boxes.sum())
        assert sum(report.missed for report in reports) == int(shown.missed.sum())
        assert sum(report.false_positives for report in reports) == int(shown.wrong.sum())
    folders = ["bad" if number < 5 else "good" for number in range(len(scene.records))]
    predictions = [
        Prediction.of([], [], []) if folder == "bad" else seen
        for folder, seen in zip(folders, scene.predictions, strict=True)
    ]
    shown = find_outcomes(scene.records, predictions, scene.classes).at(dict.fromkeys(scene.classes, 0.3))
    bad, good = by_photo(shown, *groups_of(folders))
    assert (bad.name, bad.recall, bad.ap50, bad.photos) == ("bad", 0, 0, 5)
    assert good.recall > 0.8
    assert good.ap50 > 0.9


def test_sizes_are_those_of_coco():
    scene = random_scene(3, photos=20, classes=3)
    outcomes = find_outcomes(scene.records, scene.predictions, scene.classes)
    small, medium, large = by_size(outcomes.at(dict.fromkeys(scene.classes, 0.0)))
    sides = [np.sqrt(np.prod(box[2:] - box[:2])) for box in outcomes.truth.boxes_xyxy]
    assert small.boxes == sum(side < 32 for side in sides)
    assert medium.boxes == sum(32 <= side < 96 for side in sides)
    assert large.boxes == sum(side >= 96 for side in sides)


def test_detections_beyond_the_limit_of_a_photo_do_not_count():
    found = [[x, y, x + 5, y + 5] for x in range(0, 110, 10) for y in range(500, 600, 10)]
    outcomes = outcomes_of(found, [0] * 110, np.linspace(0.9, 0.5, 110))
    assert (outcomes.kinds == Outcome.IGNORED).sum() == 10
    assert len(outcomes.counted_matches) == 100
