"""Detections matched with ground truth at an IoU of 0.50, class by class.

A detection is a true positive if its IoU with a box of its class is at least 0.5 and no better detection has claimed
that box (Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", 2010, section 4.2). A second detection
of a box is a false positive. Detections of difficult boxes do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from autodet.evaluation.boxes import Detections, GroundTruth
from autodet.evaluation.overlap import OverlappingPairs, overlapping_pairs
from autodet.records import BoolArray, FloatArray, ImageRecord, IntArray, Prediction

MINIMUM_IOU = 0.5


@dataclass(frozen=True, eq=False)
class Matches:
    """All N detections that count on several photos, photo by photo, best first, and the number of boxes to find.

    Attributes:
        photos: Index of each detection's photo, shape (N,), int64.
        class_ids: Class ids, shape (N,), int64.
        scores: Scores, shape (N,), float32.
        right: Mask of true positives, shape (N,), bool.
        boxes: Ground-truth boxes of each class that are not difficult, shape (classes,), int64.
    """

    photos: IntArray
    class_ids: IntArray
    scores: FloatArray
    right: BoolArray
    boxes: IntArray

    def of_class(self, class_id: int) -> tuple[FloatArray, BoolArray]:
        """Return the scores of a class's detections, photo by photo, and the mask of true positives."""
        own = self.class_ids == class_id
        return self.scores[own], self.right[own]

    def where(self, keep: BoolArray) -> Self:
        """Keep some of the detections, and all boxes."""
        return replace(
            self,
            photos=self.photos[keep],
            class_ids=self.class_ids[keep],
            scores=self.scores[keep],
            right=self.right[keep],
        )

    def __len__(self) -> int:
        return len(self.scores)


def match_detections(records: Sequence[ImageRecord], predictions: Sequence[Prediction], class_count: int) -> Matches:
    """Match detections with ground truth.

    Args:
        records: Photos with their annotations.
        predictions: Detections on each photo, in the same order.
        class_count: Number of classes.
    """
    detections, truth = Detections.of(predictions), GroundTruth.of(records)
    pairs = overlapping_pairs(detections, truth, MINIMUM_IOU)
    pairs = pairs.where(detections.class_ids[pairs.detections] == truth.class_ids[pairs.boxes])
    found, boxes = _nearest(pairs)
    counted, right = np.ones(len(detections), bool), np.zeros(len(detections), bool)
    counted[found] = ~truth.difficult[boxes]
    _, first = np.unique(boxes, return_index=True)  # the detections of a photo are sorted by score
    right[found[first]] = True
    every = Matches(detections.photos, detections.class_ids, detections.scores, right, truth.counted(class_count))
    return every.where(counted)


def _nearest(pairs: OverlappingPairs) -> tuple[IntArray, IntArray]:
    """Return the detections that overlap a box, and the box with the highest IoU; of equal ones the first."""
    order = np.lexsort((pairs.boxes, -pairs.ious, pairs.detections))
    found, first = np.unique(pairs.detections[order], return_index=True)
    return found, pairs.boxes[order][first]
