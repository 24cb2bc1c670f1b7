import numpy as np
import torch

from autodet.models.calibrated_scores import CalibratedScores
from autodet.records import Calibration, Prediction, ScoreMap, calibrate

CLASSES = ("apple", "banana", "orange")
CALIBRATION = Calibration(
    ScoreMap((-21.0, -4.7, 1.4, 21.0), (-20.0, -14.0, 5.3, 8.0)),
    {"orange": ScoreMap((-21.0, -3.0, -1.0, 0.5, 2.0, 21.0), (-20.0, -5.0, -2.0, -1.9, 3.0, 8.0))},
)


def test_the_graph_s_scores_are_those_of_the_detector():
    random = np.random.default_rng(0)
    scores = np.concatenate([random.random(300), [0.0, 1e-9, 1.0, 1.0]])
    raw = Prediction.of(random.uniform(0, 99, (304, 4)), random.integers(0, 3, 304), scores)
    expected = calibrate(raw, CALIBRATION.function(CLASSES))
    module = CalibratedScores(CALIBRATION.function(CLASSES))
    boxes, class_ids, scores = map(torch.from_numpy, (raw.boxes_xyxy, raw.class_ids, raw.scores))
    _, _, calibrated = module(boxes, class_ids, scores)
    np.testing.assert_allclose(calibrated, expected.scores, atol=1e-6)
    assert (calibrated.diff() <= 0).all()
    for class_id in range(3):
        found, _, _ = module(
            boxes[class_ids == class_id], class_ids[class_ids == class_id], scores[class_ids == class_id]
        )
        np.testing.assert_array_equal(found[:80], expected.only([class_id]).boxes_xyxy[:80])


def test_no_detection_stays_none():
    module = CalibratedScores(CALIBRATION.function(CLASSES))
    boxes, class_ids, scores = module(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), torch.zeros(0))
    assert (boxes.shape, class_ids.shape, scores.shape) == ((0, 4), (0,), (0,))
