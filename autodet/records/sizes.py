"""Sizes of the photos and objects that a model was trained on; it misses much smaller objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from autodet.records.known import known_entries
from autodet.records.photos import DEFAULT_THRESHOLD, FloatArray, ImageRecord, Prediction

SMALL_SHARE = 0.01  # quantile of training object sizes that counts as small
MIN_OBJECTS = 3  # found on a photo, to tell that they are small
LARGE = 2.5  # times the median training photo; augmentation also shows objects at half their size


@dataclass(frozen=True)
class TrainedSizes:
    """Sizes of training photos and of the objects on them. The side of an object is the square root of its box area.

    Attributes:
        photo_side: Median of the photos' longer sides, in pixels.
        object_side: Median object side, in pixels of its photo.
        small_object: Side of a small object as a share of its photo's longer side, 0 to 1; one object in a hundred is
            smaller.
    """

    photo_side: int
    object_side: float
    small_object: float

    @classmethod
    def of(cls, records: Sequence[ImageRecord]) -> Self:
        """Measure photos and their annotations, at least one of which must not be difficult."""
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
        """Invert ``dataclasses.asdict``; None for None.

        Raises:
            AttributeError: The document is not a mapping.
            TypeError: An entry is missing.
        """
        return None if document is None else cls(**known_entries(cls, document))

    def exceed(self, seen: Prediction, thresholds: float | FloatArray = DEFAULT_THRESHOLD) -> bool:
        """Whether objects on a photo are probably smaller than those in training.

        True if the photo is so large that a median object, at the same number of pixels, would be a small one there,
        and if nothing is found, or several objects of which most are small.

        Args:
            seen: The detections on the photo.
            thresholds: Lowest score of a found object; one for all classes, or one for each class id.
        """
        longer = max(seen.size_wh)
        if longer < LARGE * self.photo_side or self.object_side >= self.small_object * longer:
            return False
        sides = _sides(seen.above(thresholds).boxes_xyxy)
        if not len(sides):
            return True
        return len(sides) >= MIN_OBJECTS and float(np.median(sides)) < self.small_object * longer


def _sides(boxes_xyxy: FloatArray) -> FloatArray:
    """Return the square root of each box area, shape (N,)."""
    sides: FloatArray = np.sqrt((boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).clip(0).prod(axis=1))
    return sides
