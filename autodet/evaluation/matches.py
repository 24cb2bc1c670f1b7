"""Detections matched with ground truth at an IoU of 0.50, class by class.

A detection is a true positive if its IoU with a box of its class is at least 0.5 and no better detection has claimed
that box (Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", 2010, section 4.2). A second detection
of a box is a false positive. Detections of difficult boxes do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from autodet.evaluation.overlap import iou_matrix
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
    boxes = np.zeros(class_count, np.int64)
    parts: list[tuple[IntArray, IntArray, FloatArray, BoolArray]] = []
    for index, (record, seen) in enumerate(zip(records, predictions, strict=True)):
        boxes += np.bincount(record.annotations.class_ids[~record.annotations.difficult], minlength=class_count)
        counts, right = _judged(record, seen)
        photo = np.full(int(counts.sum()), index, np.int64)
        parts.append((photo, seen.class_ids[counts], seen.scores[counts], right[counts]))
    photos, class_ids, scores, hits = zip(*parts, strict=True) if parts else ([], [], [], [])
    return Matches(
        np.concatenate([np.zeros(0, np.int64), *photos]),
        np.concatenate([np.zeros(0, np.int64), *class_ids]),
        np.concatenate([np.zeros(0, np.float32), *scores]),
        np.concatenate([np.zeros(0, bool), *hits]),
        boxes,
    )


def _judged(record: ImageRecord, seen: Prediction) -> tuple[BoolArray, BoolArray]:
    """Return which detections of a photo count, and which are true positives."""
    counts, hits = np.ones(len(seen), bool), np.zeros(len(seen), bool)
    marked = record.annotations
    for class_id in np.unique(seen.class_ids[np.isin(seen.class_ids, marked.class_ids)]).tolist():
        found, own = np.flatnonzero(seen.class_ids == class_id), marked.class_ids == class_id
        overlaps, difficult = iou_matrix(seen.boxes_xyxy[found], marked.boxes_xyxy[own]), marked.difficult[own]
        claimed: set[int] = set()
        nearest = overlaps.argmax(axis=1).tolist()
        for detection, box, overlap in zip(found.tolist(), nearest, overlaps.max(axis=1).tolist(), strict=True):
            if overlap < MINIMUM_IOU:
                continue
            counts[detection] = not difficult[box]
            hits[detection] = box not in claimed
            claimed.add(box)
    return counts, hits
