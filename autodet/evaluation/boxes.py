"""The boxes of a whole split as columns: one row per ground-truth box, one per detection, photo by photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from autodet.records import BoolArray, FloatArray, ImageRecord, IntArray, Prediction


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """All M ground-truth boxes of a split, in the order of the photos and of the annotations on each.

    Attributes:
        photos: Index of each box's photo, shape (M,), int64, ascending.
        class_ids: Class ids, shape (M,), int64.
        boxes_xyxy: Boxes in pixels, shape (M, 4), float32.
        difficult: Mask of boxes that metrics neither reward nor penalise, shape (M,), bool.
        starts: Index of each photo's first box, and M at the end, shape (photos + 1,), int64.
    """

    photos: IntArray
    class_ids: IntArray
    boxes_xyxy: FloatArray
    difficult: BoolArray
    starts: IntArray

    @classmethod
    def of(cls, records: Sequence[ImageRecord]) -> Self:
        """Collect the annotations of photos."""
        marked = [record.annotations for record in records]
        photos, starts = _photos([len(annotations) for annotations in marked])
        return cls(
            photos,
            _joined([annotations.class_ids for annotations in marked], np.int64),
            _joined([annotations.boxes_xyxy for annotations in marked], np.float32).reshape(-1, 4),
            _joined([annotations.difficult for annotations in marked], np.bool_),
            starts,
        )

    def counted(self, class_count: int) -> IntArray:
        """Count the boxes of each class that are not difficult, shape (class_count,)."""
        return np.bincount(self.class_ids[~self.difficult], minlength=class_count)

    def __len__(self) -> int:
        return len(self.class_ids)


@dataclass(frozen=True, eq=False)
class Detections:
    """All D detections on a split, photo by photo, the best of each photo first.

    Attributes:
        photos: Index of each detection's photo, shape (D,), int64, ascending.
        class_ids: Class ids, shape (D,), int64.
        boxes_xyxy: Boxes in pixels, shape (D, 4), float32.
        scores: Confidences, shape (D,), float32, descending within a photo.
        starts: Index of each photo's first detection, and D at the end, shape (photos + 1,), int64.
    """

    photos: IntArray
    class_ids: IntArray
    boxes_xyxy: FloatArray
    scores: FloatArray
    starts: IntArray

    @classmethod
    def of(cls, predictions: Sequence[Prediction]) -> Self:
        """Collect the detections of predictions."""
        photos, starts = _photos([len(prediction) for prediction in predictions])
        return cls(
            photos,
            _joined([prediction.class_ids for prediction in predictions], np.int64),
            _joined([prediction.boxes_xyxy for prediction in predictions], np.float32).reshape(-1, 4),
            _joined([prediction.scores for prediction in predictions], np.float32),
            starts,
        )

    def ranks(self) -> IntArray:
        """Return the rank of each detection among those of its class on its photo, from 0, shape (D,)."""
        order = np.lexsort((np.arange(len(self)), self.class_ids, self.photos))
        return _ranks_of_runs(order, self.photos[order], self.class_ids[order])

    def of_class(self, class_id: int) -> IntArray:
        """Return the indices of a class's detections, the best first; ties in the order of the photos."""
        own = np.flatnonzero(self.class_ids == class_id)
        return own[np.argsort(-self.scores[own], kind="stable")]

    def __len__(self) -> int:
        return len(self.scores)


def _ranks_of_runs(order: IntArray, *keys: IntArray) -> IntArray:
    """Return each element's place within its run of equal keys, where ``order`` sorts the elements by the keys."""
    begins = np.ones(len(order), bool)
    if len(order):
        begins[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    places = np.arange(len(order))
    first = np.maximum.accumulate(np.where(begins, places, 0))
    ranks = np.empty(len(order), np.int64)
    ranks[order] = places - first
    return ranks


def _photos(counts: Sequence[int]) -> tuple[IntArray, IntArray]:
    starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)
    return np.repeat(np.arange(len(counts)), counts), starts


def _joined(parts: Sequence[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)
