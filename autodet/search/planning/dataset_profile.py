"""Data set statistics that the planner uses before training."""

from dataclasses import dataclass

import numpy as np

from autodet.datasets.checks.dataset_checks import FEW_BOXES
from autodet.datasets.manifest import Dataset
from autodet.datasets.statistics import TRAINING_SIZE, columns_of
from autodet.records import SPLITS, FloatArray, IntArray
from autodet.search.order.dataset_preflight import check_labels


@dataclass(frozen=True)
class Facts:
    """Statistics of a data set.

    Attributes:
        train_photos: Number of training photos.
        val_photos: Number of validation photos.
        median_box: Median side of the training boxes, relative to the longer side of their photo, 0 to 1. The side of a
            box is that of a square of the same area.
        small_box: Lower quartile of that side, with classes weighted equally, as in mAP. Classes with very few boxes
            are left out.
        photo_side: Median longer side of the training photos in pixels.
        rare_class: The class with the fewest training photos, at least one.
        rare_photos: Number of training photos that show it.
        most_photos: Number of training photos that show the most common class.
        classes: Names of the classes.
    """

    train_photos: int
    val_photos: int
    median_box: float = 0.4
    small_box: float = 0.25
    photo_side: int = 640
    rare_class: str = ""
    rare_photos: int = 0
    most_photos: int = 0
    classes: tuple[str, ...] = ()


def facts_of(dataset: Dataset) -> Facts:
    """Compute the statistics of a data set.

    Raises:
        SearchError: The data set has no training boxes.
    """
    columns = columns_of(dataset)
    in_train = columns.splits == SPLITS.index("train")
    of_train = in_train[columns.photos]
    if not of_train.any():
        check_labels(dataset)  # raises with the reason
    shares = columns.sides[of_train] / TRAINING_SIZE
    longer = columns.sizes_wh[in_train].max(axis=1)
    shows = np.zeros((len(in_train), len(dataset.classes)), bool)
    shows[columns.photos[of_train], columns.class_ids[of_train]] = True
    shown = shows.sum(axis=0)
    rarest = int(np.where(shown, shown, shown.max()).argmin())
    return Facts(
        int(in_train.sum()),
        len(dataset.split("val")),
        float(np.median(shares)),
        _small_box(shares, columns.class_ids[of_train]),
        int(np.median(longer)),
        dataset.classes[rarest],
        int(shown[rarest]),
        int(shown.max()),
        dataset.classes,
    )


def unjudged_classes(dataset: Dataset) -> tuple[str, ...]:
    """Return the classes that are not evaluated: their validation boxes are missing or all difficult."""
    marked = [record.annotations for record in dataset.split("val")]
    measured = {int(index) for annotations in marked for index in annotations.class_ids[~annotations.difficult]}
    return tuple(name for class_id, name in enumerate(dataset.classes) if class_id not in measured)


def _small_box(shares: FloatArray, class_ids: IntArray) -> float:
    """Return the lower quartile of the box sides, with classes weighted equally."""
    counts = np.bincount(class_ids)
    counts = np.where(counts < min(FEW_BOXES, counts.max()), 0, counts)
    weights = np.divide(1.0, counts, out=np.zeros(len(counts)), where=counts > 0)[class_ids]
    return float(np.quantile(shares, 0.25, weights=weights, method="inverted_cdf"))
