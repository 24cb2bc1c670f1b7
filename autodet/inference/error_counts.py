"""Counts of false negatives, false positives and wrong classes per photo."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autodet.evaluation.overlap import iou_matrix
from autodet.models.matching_weights import match_classes
from autodet.records import ImageRecord, Prediction

MINIMUM_IOU = 0.5


@dataclass(frozen=True)
class ErrorCounts:
    """Counts of errors on one or more photos.

    Attributes:
        false_negatives: Ground-truth boxes without a matching detection, difficult boxes excluded.
        false_positives: Detections that overlap no unmatched ground-truth box.
        wrong_class: Detections matched with a ground-truth box of another class.
    """

    false_negatives: int
    false_positives: int
    wrong_class: int

    @property
    def total(self) -> int:
        """Total number of errors."""
        return self.false_negatives + self.false_positives + self.wrong_class


def add_up(mistakes: Sequence[ErrorCounts]) -> ErrorCounts:
    """Sum the errors of several photos."""
    return ErrorCounts(
        sum(count.false_negatives for count in mistakes),
        sum(count.false_positives for count in mistakes),
        sum(count.wrong_class for count in mistakes),
    )


def count_errors(
    record: ImageRecord, seen: Prediction, classes: Sequence[str], model_classes: Sequence[str]
) -> ErrorCounts:
    """Match detections greedily with ground truth at an IoU of at least 0.5, and count the errors.

    A detection prefers boxes of its own class, then the highest IoU. ``match_classes`` pairs the class names.

    Args:
        record: Photo with its ground truth; difficult boxes can be matched but never count as missed.
        seen: Detections on the photo, best first.
        classes: Class names of the record's class ids.
        model_classes: Class names of the detections' class ids.
    """
    marked = record.annotations
    names = match_classes(model_classes, classes).kept
    overlaps = iou_matrix(seen.boxes_xyxy, marked.boxes_xyxy)
    free = np.ones(len(marked), bool)
    false_positives = wrong_class = 0
    for row, class_id in zip(overlaps, seen.class_ids.tolist(), strict=True):
        same = np.array(
            [names.get(classes[other]) == model_classes[class_id] for other in marked.class_ids.tolist()], bool
        )
        overlapping = free & (row >= MINIMUM_IOU)
        if not overlapping.any():
            false_positives += 1
            continue
        candidates = overlapping & same if (overlapping & same).any() else overlapping
        match = int(np.argmax(np.where(candidates, row, -1)))
        free[match] = False
        wrong_class += int(not same[match])
    return ErrorCounts(int((free & ~marked.difficult).sum()), false_positives, wrong_class)
