import numpy as np
import pytest

from autodet.evaluation.matches import match_detections
from autodet.evaluation.voc_metrics import average_precisions_voc07
from autodet.records import Prediction
from tests.evaluation.test_coco_metrics import photo

FAR_APART = [[0, 0, 10, 10], [20, 20, 30, 30], [40, 40, 50, 50], [60, 60, 70, 70]]
NOWHERE = [80, 80, 90, 90]


def test_eleven_points_by_hand():
    # Ranked right, wrong, right, wrong; four boxes. Recall 0.25 at precision 1, recall 0.5 at precision 2/3:
    # the points 0, 0.1, 0.2 give 1, the points 0.3, 0.4, 0.5 give 2/3, the others nothing.
    record = photo(FAR_APART, [0, 0, 0, 0])
    seen = Prediction.of([FAR_APART[0], NOWHERE, FAR_APART[1], NOWHERE], [0] * 4, [0.9, 0.8, 0.7, 0.6])
    assert average_precisions_voc07(match_detections([record], [seen], 1))[0] == pytest.approx((3 + 3 * 2 / 3) / 11)


def test_a_second_detection_of_the_same_box_is_wrong():
    record = photo(FAR_APART[:2], [0, 0])
    twice = Prediction.of([FAR_APART[0], FAR_APART[0], FAR_APART[1]], [0] * 3, [0.9, 0.8, 0.7])
    # Recall 0.5 at precision 1 (points 0 to 0.5), recall 1 at precision 2/3 (points 0.6 to 1).
    assert average_precisions_voc07(match_detections([record], [twice], 1))[0] == pytest.approx((6 + 5 * 2 / 3) / 11)


def test_difficult_boxes_do_not_count():
    record = photo(FAR_APART[:2], [0, 0], [False, True])
    seen = Prediction.of([FAR_APART[1], FAR_APART[0]], [0, 0], [0.9, 0.5])
    assert average_precisions_voc07(match_detections([record], [seen], 1))[0] == pytest.approx(1)


def test_a_class_without_boxes_is_not_a_number():
    record = photo(FAR_APART[:1], [0])
    seen = Prediction.of([FAR_APART[0]], [0], [0.9])
    both = average_precisions_voc07(match_detections([record], [seen], 2))
    assert both[0] == pytest.approx(1)
    assert np.isnan(both[1])


def test_an_iou_just_below_a_half_is_a_miss():
    record = photo([[0, 0, 100, 50]], [0])
    hit, miss = Prediction.of([[33, 0, 133, 50]], [0], [0.9]), Prediction.of([[34, 0, 134, 50]], [0], [0.9])
    assert average_precisions_voc07(match_detections([record], [hit], 1))[0] == pytest.approx(1)
    assert average_precisions_voc07(match_detections([record], [miss], 1))[0] == 0
