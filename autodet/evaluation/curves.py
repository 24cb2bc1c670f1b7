"""Precision, recall and F1 of a class at every confidence threshold, at IoU 0.50."""

from dataclasses import dataclass

import numpy as np

from autodet.evaluation.outcomes import Outcomes
from autodet.evaluation.overlap import DoubleArray
from autodet.records import IntArray

MAX_POINTS = 400


@dataclass(frozen=True, eq=False)
class ClassCurve:
    """A class's precision, recall and F1 at N thresholds, the highest first.

    Attributes:
        class_id: Class id.
        boxes: Number of boxes that count.
        thresholds: Each distinct score, shape (N,), float64, descending: what scores at least this is shown.
        precision: True positives divided by detections shown, shape (N,).
        recall: True positives divided by boxes, shape (N,); NaN without a box.
        f1: Harmonic mean of both, shape (N,); NaN without a box.
        found: True positives, shape (N,), int64.
        shown: Detections, shape (N,), int64.
    """

    class_id: int
    boxes: int
    thresholds: DoubleArray
    precision: DoubleArray
    recall: DoubleArray
    f1: DoubleArray
    found: IntArray
    shown: IntArray

    def place_of(self, threshold: float) -> int:
        """Return the index of the lowest point at or above a threshold; -1 if nothing is shown there."""
        return int(np.searchsorted(-self.thresholds, -float(np.float32(threshold)), side="right")) - 1

    def thinned(self, points: int = MAX_POINTS) -> "ClassCurve":
        """Return a subset of about ``points`` points for a chart: both ends, and equal steps of recall and of rank."""
        if len(self.thresholds) <= points:
            return self
        by_rank = np.linspace(0, len(self.thresholds) - 1, points // 2).round().astype(np.int64)
        by_found = np.searchsorted(self.found, np.linspace(1, max(1, self.found[-1]), points // 2))
        kept = np.unique(np.concatenate([by_rank, np.minimum(by_found, len(self.thresholds) - 1)]))
        return self.at(kept)

    def at(self, places: IntArray) -> "ClassCurve":
        """Return some of the points, by their indices."""
        precision, recall, f1 = (column[places] for column in (self.precision, self.recall, self.f1))
        found, shown = self.found[places], self.shown[places]
        return ClassCurve(self.class_id, self.boxes, self.thresholds[places], precision, recall, f1, found, shown)


def class_curve(outcomes: Outcomes, class_id: int) -> ClassCurve:
    """Compute the precision-recall and the F1-confidence curve of a class."""
    detections, matches = outcomes.detections, outcomes.matches
    order = detections.of_class(class_id)
    order = order[matches.counted[0][order]]
    scores, boxes = detections.scores[order].astype(np.float64), int(matches.boxes[class_id])
    ends = np.flatnonzero(np.diff(scores, append=-1.0))  # equal scores are shown together
    found, shown = np.cumsum(matches.right[0][order])[ends], ends + 1
    nothing = np.full(len(ends), np.nan)
    recall, f1 = (found / boxes, 2 * found / (shown + boxes)) if boxes else (nothing, nothing)
    return ClassCurve(class_id, boxes, scores[ends], found / shown, recall, f1, found, shown)
