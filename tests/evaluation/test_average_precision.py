"""Both definitions of average precision against figures computed by hand.

COCO averages the precision over the 101 recalls 0, 0.01, ... 1, VOC 2007 over the 11 recalls 0, 0.1, ... 1. At each, it
is the highest precision at that recall or a higher one; 0 if the recall is not reached.
"""

import numpy as np
import pytest

from autodet.evaluation.coco_metrics import average_precisions, measure
from autodet.evaluation.matches import match_detections
from autodet.evaluation.objective import Objective
from autodet.evaluation.report import evaluate_predictions
from autodet.evaluation.voc_metrics import average_precisions_voc07
from autodet.records import Prediction
from tests.evaluation.test_coco_metrics import photo

SIDE = 20
NOWHERE = [10_000, 0, 10_000 + SIDE, SIDE]
NOTHING = Prediction.of([], [], [])


def squares(count):
    """Boxes that are far apart."""
    return [[100 * number, 0, 100 * number + SIDE, SIDE] for number in range(count)]


def ranked(hits):
    """Detections, best first: the next box for each hit, no object for each miss."""
    boxes = iter(squares(len(hits)))
    placed = [next(boxes) if hit else NOWHERE for hit in hits]
    return Prediction.of(placed, [0] * len(hits), np.linspace(0.9, 0.1, len(hits)))


def coco50(records, predictions):
    return average_precisions(records, predictions, 1)[0, 0]


def voc07(records, predictions):
    return average_precisions_voc07(match_detections(records, predictions, 1))[0]


def both(record, prediction):
    return [coco50([record], [prediction]), voc07([record], [prediction])]


@pytest.mark.parametrize(
    ("hits", "boxes", "coco", "voc"),
    [
        ("11", 2, 1, 1),
        ("1", 2, 51 / 101, 6 / 11),  # recall 0.5 reached
        ("01", 1, 1 / 2, 1 / 2),
        ("0001", 1, 1 / 4, 1 / 4),
        ("1000", 1, 1, 1),  # false positives after the last true positive
        ("101", 2, (51 + 50 * 2 / 3) / 101, (6 + 5 * 2 / 3) / 11),
        ("1010", 4, (26 + 25 * 2 / 3) / 101, (3 + 3 * 2 / 3) / 11),
        ("0110", 4, (51 * 2 / 3) / 101, (6 * 2 / 3) / 11),  # the higher precision at a higher recall counts
        ("00", 1, 0, 0),
        ("", 1, 0, 0),
    ],
)
def test_ranked_hits_and_misses(hits, boxes, coco, voc):
    record = photo(squares(boxes), [0] * boxes)
    assert both(record, ranked([hit == "1" for hit in hits])) == pytest.approx([coco, voc])


def test_detections_of_all_photos_are_ranked_together():
    """Right at 0.9, wrong at 0.8, right at 0.7, each on a photo of its own."""
    records = [photo(squares(1), [0]), photo([], []), photo(squares(1), [0])]
    seen = [
        Prediction.of([box], [0], [score])
        for box, score in ((squares(1)[0], 0.7), (NOWHERE, 0.8), (squares(1)[0], 0.9))
    ]
    assert coco50(records, seen) == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert voc07(records, seen) == pytest.approx((6 + 5 * 2 / 3) / 11)


@pytest.mark.parametrize(("hit_first", "expected"), [(True, 1), (False, 1 / 2)])
def test_equal_scores_are_ranked_in_the_order_of_the_photos(hit_first, expected):
    found, missed = (photo(squares(1), [0]), squares(1)[0]), (photo([], []), NOWHERE)
    records, boxes = zip(*((found, missed) if hit_first else (missed, found)), strict=True)
    seen = [Prediction.of([box], [0], [0.5]) for box in boxes]
    assert [coco50(records, seen), voc07(records, seen)] == pytest.approx([expected, expected])


@pytest.mark.parametrize(("hit_first", "expected"), [(True, 1), (False, 1 / 2)])
def test_equal_scores_on_a_photo_are_ranked_in_the_order_of_the_detections(hit_first, expected):
    boxes = [squares(1)[0], NOWHERE]
    seen = Prediction.of(boxes if hit_first else boxes[::-1], [0, 0], [0.5, 0.5])
    assert both(photo(squares(1), [0]), seen) == pytest.approx([expected, expected])


def test_a_second_detection_of_a_box_is_a_false_positive():
    record = photo(squares(2), [0, 0])
    seen = Prediction.of([squares(2)[0], squares(2)[0], squares(2)[1]], [0] * 3, [0.9, 0.8, 0.7])
    assert both(record, seen) == pytest.approx([(51 + 50 * 2 / 3) / 101, (6 + 5 * 2 / 3) / 11])


def test_coco_gives_a_second_detection_to_the_next_box_and_voc_does_not():
    """Both detections overlap the first box more than the second one (IoU 9.5 / 10.5 and 8.5 / 11.5)."""
    record = photo([[0, 0, 10, 10], [0, 2, 10, 12]], [0, 0])
    seen = Prediction.of([[0, 0, 10, 10], [0, 0.5, 10, 10.5]], [0, 0], [0.9, 0.8])
    assert both(record, seen) == pytest.approx([1, 6 / 11])


def test_coco_counts_100_detections_of_a_photo_and_voc_all():
    record = photo(squares(101), [0] * 101)
    seen = Prediction.of(squares(101), [0] * 101, np.linspace(0.9, 0.1, 101))
    assert both(record, seen) == pytest.approx([100 / 101, 1])
    assert evaluate_predictions([record], [seen], ["apple"]).crowded_images == 1


@pytest.mark.parametrize(
    ("difficult", "hits", "expected"),
    [
        ("01", "1", 1),  # the difficult box is missed
        ("10", "11", 1),  # and found
        ("11", "0", np.nan),  # no box counts
        ("11", "11", np.nan),
    ],
)
def test_difficult_boxes_are_neither_rewarded_nor_penalised(difficult, hits, expected):
    flags = [flag == "1" for flag in difficult]
    record = photo(squares(len(flags)), [0] * len(flags), flags)
    assert both(record, ranked([hit == "1" for hit in hits])) == pytest.approx([expected, expected], nan_ok=True)


def test_a_second_detection_of_a_difficult_box_is_a_false_positive_for_coco_only():
    record = photo(squares(2), [0, 0], [True, False])
    seen = Prediction.of([squares(2)[0], squares(2)[0], squares(2)[1]], [0] * 3, [0.9, 0.8, 0.7])
    assert both(record, seen) == pytest.approx([1 / 2, 1])


def test_means_are_over_the_classes_that_have_a_box():
    records = [photo(squares(2), [0, 2]), photo([], [])]
    seen = [Prediction.of([squares(2)[0]], [0], [0.9]), Prediction.of([squares(1)[0]], [1], [0.9])]
    report = evaluate_predictions(records, seen, ["apple", "banana", "kiwi"])
    assert [report.map50, report.map50_95, report.map50_voc07] == pytest.approx([1 / 2] * 3)
    assert report.per_class["banana"].ap50 is report.per_class["banana"].ap50_95 is None  # detected, but never there
    assert report.per_class["kiwi"].ap50 == 0


def test_no_photos_are_figures_of_zero():
    report = evaluate_predictions([], [], ["apple"])
    assert (report.map50, report.map50_95, report.map50_voc07, report.images) == (0, 0, 0, 0)


# The recall at a precision


def recall_at(precision, record, prediction):
    return measure([record], [prediction], 1, Objective.parse(f"recall@{precision}"))[2]


@pytest.mark.parametrize(
    ("hits", "boxes", "precision", "recall"),
    [
        ("1111", 4, 0.9, 1),
        ("11", 4, 0.9, 0.5),
        ("1101", 4, 0.9, 0.5),  # the third is found at a precision of 3/4
        ("1101", 4, 0.75, 0.75),
        ("0111", 4, 0.9, 0),
        ("0111", 4, 0.7, 0.75),  # 1/2 at the first hit, 3/4 at the last
        ("1", 1, 1, 1),
        ("0", 1, 0.5, 0),
        ("", 1, 0.5, 0),
    ],
)
def test_the_recall_is_the_highest_at_which_the_precision_is_kept(hits, boxes, precision, recall):
    record = photo(squares(boxes), [0] * boxes)
    assert recall_at(precision, record, ranked([hit == "1" for hit in hits])) == pytest.approx(recall)


def test_a_missed_difficult_box_costs_no_recall():
    assert recall_at(0.9, photo(squares(2), [0, 0], [False, True]), ranked([True])) == pytest.approx(1)


def test_without_a_box_the_recall_is_zero():
    assert recall_at(0.9, photo([], []), ranked([True])) == 0
