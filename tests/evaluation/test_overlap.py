"""Intersection over union."""

import numpy as np
import pytest

from autodet.evaluation.overlap import iou_matrix


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("other", "iou"),
    [
        ((0, 0, 10, 10), 1.0),
        ((0, 0, 10, 5), 0.5),  # inside: 50 of 100
        ((5, 0, 15, 10), 50 / 150),
        ((5, 5, 15, 15), 25 / 175),
        ((10, 0, 20, 10), 0.0),  # the edges touch
        ((20, 20, 30, 30), 0.0),
        ((-5, -5, 15, 15), 100 / 400),
        ((3, 3, 3, 3), 0.0),  # empty
    ],
)
def test_the_shared_area_is_divided_by_the_covered_area(other, iou):
    box = boxes((0, 0, 10, 10))
    assert iou_matrix(box, boxes(other)) == pytest.approx(iou)
    assert iou_matrix(boxes(other), box) == pytest.approx(iou)


def test_empty_boxes_share_nothing_even_with_themselves():
    assert iou_matrix(boxes((3, 3, 3, 3)), boxes((3, 3, 3, 3))).tolist() == [[0.0]]


def test_rows_are_the_first_boxes_and_columns_the_others():
    overlaps = iou_matrix(
        boxes((0, 0, 10, 10), (20, 0, 30, 10)), boxes((20, 0, 30, 10), (0, 0, 10, 10), (50, 0, 60, 9))
    )
    assert overlaps.tolist() == [[0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize(("count", "others"), [(0, 3), (2, 0), (0, 0)])
def test_no_boxes_make_an_empty_matrix(count, others):
    assert iou_matrix(np.zeros((count, 4), np.float32), np.zeros((others, 4), np.float32)).shape == (count, others)
