"""Confidence thresholds, chosen on validation photos, one for each class, for calibrated scores."""

from collections.abc import Mapping, Sequence

import numpy as np

from autodet.evaluation.calibration import calibrated_matches, fit_calibration
from autodet.evaluation.matches import Matches
from autodet.records import DEFAULT_THRESHOLD, BoolArray, Calibration, FloatArray

PRIOR_BOXES = 20  # ground-truth boxes that weigh as much as the threshold towards which a class is shrunk
MIN_THRESHOLD, MAX_THRESHOLD = 0.05, 0.95
DECIMALS = 3


def fit_scores(
    matches: Matches, classes: Sequence[str], min_precision: float | None = None
) -> tuple[Calibration | None, Mapping[str, float]]:
    """Fit a calibration on validation photos, and choose the thresholds of its scores.

    Args:
        matches: Detections with the network's own scores, and whether they are right.
        classes: Class names, indexed by class id.
        min_precision: As for ``choose_thresholds``.
    """
    calibration = fit_calibration(matches, classes)
    calibrated = calibrated_matches(matches, calibration.function(classes)) if calibration else matches
    return calibration, choose_thresholds(calibrated, classes, min_precision)


def choose_thresholds(
    matches: Matches, classes: Sequence[str], min_precision: float | None = None
) -> Mapping[str, float]:
    """Choose the confidence threshold of each class with the best F1, or with the best recall at a precision.

    A class with few boxes is shrunk towards all classes together: with n boxes, its threshold is the mean of its own,
    with weight n, and of the one for all classes, with weight ``PRIOR_BOXES``. That one is shrunk in the same way
    towards ``DEFAULT_THRESHOLD``, or towards the precision: calibrated scores of at least P are right P of the time.
    With calibrated scores the best F1 is near the threshold F1 / 2 (Lipton et al., arXiv 1402.1892).

    Args:
        matches: Detections with calibrated scores, and whether they are right.
        classes: Class names, indexed by class id.
        min_precision: Choose the lowest threshold with this precision, 0 to 1, instead of the best F1.

    Returns:
        A threshold by class name, ``MIN_THRESHOLD`` to ``MAX_THRESHOLD``.
    """
    prior = DEFAULT_THRESHOLD if min_precision is None else min_precision
    overall = _shrunk(matches.scores, matches.right, int(matches.boxes.sum()), min_precision, prior)
    return {
        name: round(
            _shrunk(*matches.of_class(class_id), int(matches.boxes[class_id]), min_precision, overall)
            if len(classes) > 1
            else overall,
            DECIMALS,
        )
        for class_id, name in enumerate(classes)
    }


def _shrunk(scores: FloatArray, right: BoolArray, boxes: int, min_precision: float | None, towards: float) -> float:
    """Return the mean of the best threshold, by its boxes, and another; the other if nothing is right."""
    own = _best_threshold(scores, right, boxes, min_precision) if right.any() else towards
    mean = (boxes * own + PRIOR_BOXES * towards) / (boxes + PRIOR_BOXES)
    return float(np.clip(mean, MIN_THRESHOLD, MAX_THRESHOLD))


def _best_threshold(scores: FloatArray, right: BoolArray, boxes: int, min_precision: float | None) -> float:
    """Return the best threshold, halfway between the lowest score above it and the next one."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order].astype(np.float64), np.cumsum(right[order])
    ends = np.flatnonzero(np.diff(ranked, append=-1.0))  # equal scores are shown together
    found, shown = hits[ends], ends + 1
    if min_precision is None:
        best = int(np.argmax(found / (shown + boxes)))  # F1 / 2
    else:
        precision = found / shown
        precise = np.flatnonzero(precision >= min(min_precision, precision.max()))
        best = int(precise[-1])
    end = ends[best]
    below = ranked[end + 1] if end + 1 < len(ranked) else 0.0
    return float(ranked[end] + below) / 2
