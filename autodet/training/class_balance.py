"""Photos of classes that few photos show are put into more mosaics than others."""

from collections.abc import Sequence

import numpy as np

from autodet.records import FloatArray, ImageRecord

MAX_OVERSAMPLING = 10.0  # times as often as others at most, for a photo that is seen again and again is learnt by heart


def times_as_often(photos: int, most_photos: int) -> float:
    """How often a photo is put into others' mosaics, against those that show nothing but the most common class.

    Args:
        photos: How many photos show the rarest of its classes.
        most_photos: How many show the most common one.

    Returns:
        1 to ``MAX_OVERSAMPLING``; below that, all classes get as many places.
    """
    return min(most_photos / photos, MAX_OVERSAMPLING)


def mosaic_shares(records: Sequence[ImageRecord]) -> FloatArray:
    """The share of the places in others' mosaics that goes to each photo, shape (N,); together 1."""
    shown = [np.unique(record.annotations.class_ids[~record.annotations.difficult]) for record in records]
    photos = np.bincount(np.concatenate([np.zeros(0, np.int64), *shown]))
    often = [times_as_often(photos[classes].min(), photos.max()) if len(classes) else 1.0 for classes in shown]
    return np.array(often, np.float32) / np.float32(sum(often))
