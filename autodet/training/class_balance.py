"""Oversampling of photos of rare classes in mosaics."""

from collections.abc import Sequence

import numpy as np

from autodet.records import FloatArray, ImageRecord

MAX_OVERSAMPLING = 10.0  # beyond this the model overfits repeated photos


def oversampling_factor(photos: int, most_photos: int) -> float:
    """Return the oversampling factor of a photo, relative to photos that show only the most common class.

    Args:
        photos: Number of photos that show the rarest of its classes.
        most_photos: Number of photos that show the most common class.

    Returns:
        1 to ``MAX_OVERSAMPLING``; below the cap, all classes get the same number of places.
    """
    return min(most_photos / photos, MAX_OVERSAMPLING)


def mosaic_shares(records: Sequence[ImageRecord]) -> FloatArray:
    """Return each photo's share of the places in other photos' mosaics, shape (N,); the sum is 1."""
    shown = [np.unique(record.annotations.class_ids[~record.annotations.difficult]) for record in records]
    photos = np.bincount(np.concatenate([np.zeros(0, np.int64), *shown]))
    often = [oversampling_factor(photos[classes].min(), photos.max()) if len(classes) else 1.0 for classes in shown]
    return np.array(often, np.float32) / np.float32(sum(often))
