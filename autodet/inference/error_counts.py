"""Counts of missed, spurious and misclassified objects per photo."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autodet.evaluation.overlap import iou_matrix
from autodet.models.matching_weights import match_classes
from autodet.records import ImageRecord, Prediction

MINIMUM_IOU = 0.5


@dataclass(frozen=True)
class Mistakes:
    """Counts of errors on one or more photos.

    Attributes:
        missed: False negatives: ground-truth boxes without a matching detection, difficult boxes excluded.
        made_up: False positives: detections that overlap no unmatched ground-truth box.
        wrong_class: Detections matched with a ground-truth box of another class.
    """

    missed: int
    made_up: int
    wrong_class: int

    @property
    def total(self) -> int:
        """Total number of errors."""
        return self.missed + self.made_up + self.wrong_class


def add_up(mistakes: Sequence[Mistakes]) -> Mistakes:
    """Sum the errors of several photos."""
    return Mistakes(
        sum(count.missed for count in mistakes),
        sum(count.made_up for count in mistakes),
        sum(count.wrong_class for count in mistakes),
    )


def count_mistakes(
    record: ImageRecord, seen: Prediction, classes: Sequence[str], model_classes: Sequence[str]
) -> Mistakes:
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
    made_up = wrong_class = 0
    for row, class_id in zip(overlaps, seen.class_ids.tolist(), strict=True):
        same = np.array(
            [names.get(classes[other]) == model_classes[class_id] for other in marked.class_ids.tolist()], bool
        )
        overlapping = free & (row >= MINIMUM_IOU)
        if not overlapping.any():
            made_up += 1
            continue
        candidates = overlapping & same if (overlapping & same).any() else overlapping
        match = int(np.argmax(np.where(candidates, row, -1)))
        free[match] = False
        wrong_class += int(not same[match])
    return Mistakes(int((free & ~marked.difficult).sum()), made_up, wrong_class)
