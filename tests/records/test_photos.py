"""Annotations, photos and predictions."""

import numpy as np
import pytest

from autodet.records import Annotations, ImageRecord, Prediction


def test_annotations_come_from_any_sequence():
    marked = Annotations.of([[0, 0, 1, 2]], [1])
    assert (marked.boxes_xyxy.dtype, marked.class_ids.dtype, marked.difficult.dtype) == (np.float32, np.int64, bool)
    assert (len(marked), marked.difficult.tolist()) == (1, [False])


def test_nothing_marked_keeps_its_shapes():
    empty = Annotations.of([], [])
    assert (empty.boxes_xyxy.shape, empty.class_ids.shape, len(empty)) == ((0, 4), (0,), 0)
    assert Prediction.of([], [], []).boxes_xyxy.shape == (0, 4)


def test_predictions_are_sorted_best_first_and_equals_keep_their_order():
    prediction = Prediction.of([[i, i, i + 1, i + 1] for i in range(4)], [0, 1, 2, 3], [0.2, 0.9, 0.2, 0.5])
    assert prediction.class_ids.tolist() == [1, 3, 0, 2]
    assert prediction.boxes_xyxy[:, 0].tolist() == [1, 3, 0, 2]


def test_above_a_threshold_includes_the_threshold():
    prediction = Prediction.of(np.zeros((3, 4)), [0, 1, 2], [0.25, 0.5, 0.75])
    assert prediction.above(0.5).class_ids.tolist() == [2, 1]
    assert len(prediction.above(1.0)) == 0


def test_masks_come_from_any_sequence_too():
    marked = Annotations.of(np.zeros((2, 4), int), (0, 1), difficult=[0, 1], truncated=(True, False))
    assert (marked.difficult.tolist(), marked.truncated.tolist()) == ([False, True], [True, False])
    assert (marked.difficult.dtype, marked.truncated.dtype) == (bool, bool)


@pytest.mark.parametrize(
    ("difficult", "teaches"), [([], False), ([False], True), ([True, True], False), ([True, False], True)]
)
def test_photos_teach_if_any_box_is_not_difficult(difficult, teaches):
    assert bool(Annotations.of([[0, 0, 1, 1]] * len(difficult), [0] * len(difficult), difficult).teaches) is teaches


@pytest.mark.parametrize(
    ("class_ids", "masks", "shown"),
    [
        ([], {}, "Annotations(0 boxes; 0 difficult, 0 truncated)"),
        ([3], {"difficult": [True]}, "Annotations(1 box of the class ids 3; 1 difficult, 0 truncated)"),
        (
            [1, 0, 1],
            {"truncated": [True, True, False]},
            "Annotations(3 boxes of the class ids 0, 1; 0 difficult, 2 truncated)",
        ),
        (
            range(12),
            {},
            "Annotations(12 boxes of the class ids 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...; 0 difficult, 0 truncated)",
        ),
    ],
)
def test_annotations_are_short_in_a_notebook(class_ids, masks, shown):
    assert repr(Annotations.of(np.zeros((len(class_ids), 4)), list(class_ids), **masks)) == shown


def test_photos_are_short_in_a_notebook():
    record = ImageRecord("a/b.jpg", 640, 480, "val", Annotations.of(np.zeros((2, 4)), [0, 0]))
    assert repr(record) == "ImageRecord('a/b.jpg', 640x480, val, 2 boxes)"


def test_predictions_are_short_in_a_notebook():
    many = Prediction.of(np.zeros((100, 4)), [0] * 100, [0.5] * 100, size_wh=(640, 480))
    assert repr(many) == "Prediction(100 detections, 640x480)"
    assert repr(Prediction.of([], [], [], error="It is no photo.")) == "Prediction('It is no photo.')"


@pytest.mark.parametrize(("threshold", "count", "truncated"), [(0.0, 3, True), (0.2, 3, True), (0.3, 2, False)])
def test_predictions_are_no_longer_truncated_once_a_detection_is_dropped(threshold, count, truncated):
    prediction = Prediction.of(np.zeros((3, 4)), [0, 1, 2], [0.25, 0.5, 0.75], truncated=True).above(threshold)
    assert (len(prediction), prediction.truncated) == (count, truncated)


def test_classes_are_chosen_in_the_order_of_scores_and_the_photo_s_size_is_kept():
    prediction = Prediction.of(np.zeros((4, 4)), [0, 1, 2, 0], [0.2, 0.4, 0.6, 0.8], size_wh=(640, 480))
    chosen = prediction.only([0, 2])
    assert chosen.class_ids.tolist() == [0, 2, 0]
    np.testing.assert_allclose(chosen.scores, [0.8, 0.6, 0.2])
    assert chosen.size_wh == (640, 480)
    assert len(prediction.only([])) == 0
