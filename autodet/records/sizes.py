"""How large photos and objects are that a model was trained on; much smaller objects are missed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from autodet.records.known import known_entries
from autodet.records.photos import DEFAULT_THRESHOLD, FloatArray, ImageRecord, Prediction

SMALL_SHARE = 0.01  # of the training objects are smaller than a small one
LARGE = 2.5  # times the median training photo; augmentation shows objects at half their size too


@dataclass(frozen=True)
class TrainedSizes:
    """The sizes of training photos and of the objects on them. An object's side is that of a square of its box's area.

    Attributes:
        photo_side: The longer side of the median photo, in pixels.
        object_side: The side of the median object, in pixels of its photo.
        small_object: The side of a small object as a share of its photo's longer side, 0 to 1; one object in a hundred
            is smaller.
    """

    photo_side: int
    object_side: float
    small_object: float

    @classmethod
    def of(cls, records: Sequence[ImageRecord]) -> Self:
        """The sizes of photos and of the objects marked on them; at least one must be there that is not difficult."""
        longer = [max(record.width, record.height) for record in records]
        marked = [_sides(record.annotations.boxes_xyxy[~record.annotations.difficult]) for record in records]
        shares = np.concatenate([sides / side for sides, side in zip(marked, longer, strict=True)])
        return cls(
            photo_side=int(np.median(longer)),
            object_side=round(float(np.median(np.concatenate(marked))), 1),
            small_object=round(float(np.quantile(shares, SMALL_SHARE)), 4),
        )

    @classmethod
    def from_json(cls, document: Mapping[str, Any] | None) -> Self | None:
        """The inverse of ``dataclasses.asdict``; None for None.

        Raises:
            AttributeError: It is no document.
            TypeError: An entry is missing.
        """
        return None if document is None else cls(**known_entries(cls, document))

    def exceed(self, seen: Prediction) -> bool:
        """Whether objects on a photo are likely to be smaller than those in training.

        They are if the photo is large, so large that a median object, with as many pixels, would be a small one there;
        unless the detections with a high confidence are of a usual size.
        """
        longer = max(seen.size_wh)
        if longer < LARGE * self.photo_side or self.object_side >= self.small_object * longer:
            return False
        sides = _sides(seen.above(DEFAULT_THRESHOLD).boxes_xyxy)
        return not len(sides) or float(np.median(sides)) < self.small_object * longer


def _sides(boxes_xyxy: FloatArray) -> FloatArray:
    """The sides of squares of the same areas, shape (N,)."""
    sides: FloatArray = np.sqrt((boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).clip(0).prod(axis=1))
    return sides
