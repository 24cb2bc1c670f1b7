import numpy as np
import pytest

from autodet.evaluation.coco_metrics import average_precisions, measure
from autodet.evaluation.objective import MAP50, Objective
from autodet.records import Annotations, ImageRecord, Prediction


def photo(boxes, class_ids, difficult=None):
    return ImageRecord("a.jpg", 100, 100, "val", Annotations.of(boxes, class_ids, difficult))


def test_perfect_detections_score_one_and_absent_classes_do_not_count():
    record = photo([[10, 10, 50, 50], [60, 60, 90, 90]], [0, 1])
    seen = Prediction.of([[10, 10, 50, 50], [60, 60, 90, 90]], [0, 1], [0.9, 0.8])
    by_class = average_precisions([record], [seen], class_count=3)
    assert by_class.shape == (3, 10)
    np.testing.assert_allclose(by_class[:2], 1)
    assert np.isnan(by_class[2]).all()
    assert measure([record], [seen], 3, MAP50)[:2] == (pytest.approx(1), pytest.approx(1))


def test_a_box_shifted_to_iou_two_thirds_counts_up_to_threshold_065():
    record = photo([[0, 0, 100, 50]], [0])
    seen = Prediction.of([[20, 0, 120, 50]], [0], [0.9])  # IoU 80 / 120
    by_class = average_precisions([record], [seen], 1)[0]
    np.testing.assert_allclose(by_class, [1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    assert measure([record], [seen], 1, MAP50)[:2] == (pytest.approx(1), pytest.approx(0.4))


def test_half_found_is_half_of_the_recalls():
    record = photo([[10, 10, 50, 50], [60, 60, 90, 90]], [0, 0])
    seen = Prediction.of([[10, 10, 50, 50]], [0], [0.9])
    assert average_precisions([record], [seen], 1)[0, 0] == pytest.approx(51 / 101)


def test_the_wrong_class_and_the_wrong_photo_score_nothing():
    records = [photo([[10, 10, 50, 50]], [0]), photo([[10, 10, 50, 50]], [1])]
    swapped = [Prediction.of([[10, 10, 50, 50]], [1], [0.9]), Prediction.of([[10, 10, 50, 50]], [0], [0.9])]
    assert measure(records, swapped, 2, MAP50)[:2] == (0.0, 0.0)


def test_difficult_boxes_are_neither_rewarded_nor_punished():
    record = photo([[10, 10, 50, 50], [60, 60, 90, 90]], [0, 0], [False, True])
    easy_only = Prediction.of([[10, 10, 50, 50]], [0], [0.5])
    both = Prediction.of([[60, 60, 90, 90], [10, 10, 50, 50]], [0, 0], [0.9, 0.5])
    assert average_precisions([record], [easy_only], 1)[0, 0] == pytest.approx(1)
    assert average_precisions([record], [both], 1)[0, 0] == pytest.approx(1)


def test_nothing_seen_and_nothing_marked_are_zero_not_an_error():
    nothing = Prediction.of([], [], [])
    assert measure([photo([[1, 1, 9, 9]], [0])], [nothing], 1, MAP50)[:2] == (0.0, 0.0)
    assert measure([photo([], [])], [nothing], 1, MAP50)[:2] == (0.0, 0.0)


def test_recall_at_a_precision_is_that_of_the_best_threshold():
    """Three boxes; two are found before the first mistake, the third after it."""
    record = photo([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]], [0, 0, 0])
    boxes = [[0, 0, 10, 10], [20, 0, 30, 10], [60, 60, 70, 70], [40, 0, 50, 10]]
    seen = Prediction.of(boxes, [0] * 4, [0.9, 0.8, 0.7, 0.6])
    assert measure([record], [seen], 1, Objective.parse("recall@0.9"))[2] == pytest.approx(0.66)
    assert measure([record], [seen], 1, Objective.parse("recall@0.7"))[2] == pytest.approx(1)
    assert measure([record], [seen], 1, Objective.parse("map50_95"))[2] == measure([record], [seen], 1, MAP50)[1]
    assert measure([record], [seen], 1, MAP50)[2] is None
    nothing = Prediction.of([], [], [])
    assert measure([record], [nothing], 1, Objective.parse("recall@0.5"))[2] == 0
