"""What a prediction gets wrong on one photo."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autodet.evaluation.overlap import iou_matrix
from autodet.models.matching_weights import match_classes
from autodet.records import ImageRecord, Prediction

MINIMUM_IOU = 0.5


@dataclass(frozen=True)
class Mistakes:
    """Counts of mistakes on one photo.

    Attributes:
        missed: Marked boxes that no detection overlaps.
        made_up: Detections that overlap no free marked box.
        wrong_class: Detections that overlap a marked box of another class.
    """

    missed: int
    made_up: int
    wrong_class: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.missed + self.made_up + self.wrong_class


def add_up(mistakes: Sequence[Mistakes]) -> Mistakes:
    """The mistakes on several photos together."""
    return Mistakes(
        sum(one.missed for one in mistakes),
        sum(one.made_up for one in mistakes),
        sum(one.wrong_class for one in mistakes),
    )


def count_mistakes(
    record: ImageRecord, seen: Prediction, classes: Sequence[str], model_classes: Sequence[str]
) -> Mistakes:
    """Match detections with marked boxes, best first, at an IoU of at least 0.5; classes as ``match_classes`` says.

    Args:
        record: The photo and what is marked on it; difficult boxes may be found or missed.
        seen: Detections on it, best first.
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
