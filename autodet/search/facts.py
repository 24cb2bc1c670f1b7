"""What a search goes by of a data set, before anything is trained."""

from dataclasses import dataclass

import numpy as np

from autodet.datasets.manifest import Dataset
from autodet.datasets.statistics import TRAINING_SIZE, columns_of
from autodet.records import SPLITS


@dataclass(frozen=True)
class Facts:
    """A data set in a few figures.

    Attributes:
        train_photos: Photos to learn from.
        val_photos: Photos that epochs are judged by.
        median_box: The side of the median box to learn from, as a share of its photo's longer side, 0 to 1. A box's
            side is that of a square of the same area.
        small_box: Likewise; a quarter of the boxes are smaller.
        photo_side: The longer side of the median photo in pixels.
    """

    train_photos: int
    val_photos: int
    median_box: float = 0.4
    small_box: float = 0.25
    photo_side: int = 640


def facts_of(dataset: Dataset) -> Facts:
    """What a search goes by."""
    columns = columns_of(dataset)
    learnt = columns.splits == SPLITS.index("train")
    shares = columns.sides[learnt[columns.photos]] / TRAINING_SIZE
    longer = columns.sizes_wh[learnt].max(axis=1)
    return Facts(
        int(learnt.sum()),
        len(dataset.split("val")),
        float(np.median(shares)) if len(shares) else Facts.median_box,
        float(np.quantile(shares, 0.25)) if len(shares) else Facts.small_box,
        int(np.median(longer)) if len(longer) else Facts.photo_side,
    )
