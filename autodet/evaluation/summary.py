"""Shares of objects found and of detections that are wrong, for all classes and for each, with intervals."""

from dataclasses import dataclass

import numpy as np

from autodet.evaluation.intervals import MAX_DRAWS, MIN_DRAWS, Draws, drawn_counts, interval_of
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.evaluation.overlap import DoubleArray
from autodet.records import Interval

MAX_PHOTOS_FOR_ALL_DRAWS = 1000  # more photos get fewer draws, so that a moved threshold is answered at once


@dataclass(frozen=True)
class DetectionSummary:
    """Counts at the thresholds, with 95 % intervals of both shares, bootstrapped over photos.

    Attributes:
        boxes: Boxes that count.
        found: Boxes found.
        detections: Shown detections.
        wrong: False positives among them.
        recall: Interval of the share of the boxes found; None without a box.
        wrong_share: Interval of the share of the detections that are wrong; None without a detection.
    """

    boxes: int
    found: int
    detections: int
    wrong: int
    recall: Interval | None
    wrong_share: Interval | None

    @property
    def empty(self) -> bool:
        """Whether there is neither a box nor a shown detection."""
        return not (self.boxes or self.detections)


def summarize(shown: ShownOutcomes) -> tuple[DetectionSummary, list[DetectionSummary]]:
    """Summarize all classes together, and each class."""
    outcomes = shown.outcomes
    photos, classes = len(outcomes.truth.starts) - 1, len(outcomes.classes)
    draws = Draws(photos, MAX_DRAWS if photos <= MAX_PHOTOS_FOR_ALL_DRAWS else MIN_DRAWS)
    drawn = drawn_counts(shown, draws)
    found, detections = (
        np.bincount(outcomes.detections.class_ids[mask], minlength=classes) for mask in (shown.right, shown.shown)
    )
    counts = np.stack([found, detections, outcomes.matches.boxes])
    by_class = [_summary(counts[:, class_id], drawn[:, :, class_id]) for class_id in range(classes)]
    return _summary(counts.sum(axis=1), drawn.sum(axis=2)), by_class


def _summary(counts: DoubleArray, drawn: DoubleArray) -> DetectionSummary:
    found, detections, boxes = map(int, counts)
    return DetectionSummary(
        boxes=boxes,
        found=found,
        detections=detections,
        wrong=detections - found,
        recall=_interval(drawn[0], drawn[2]) if boxes else None,
        wrong_share=_interval(drawn[1] - drawn[0], drawn[1]) if detections else None,
    )


def _interval(parts: DoubleArray, wholes: DoubleArray) -> Interval:
    known = wholes > 0
    return interval_of(parts[known] / wholes[known])
