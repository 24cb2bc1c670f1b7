"""What a search goes by of a data set, before anything is trained."""

from dataclasses import dataclass

import numpy as np

from autodet.datasets.checks.dataset_checks import FEW_BOXES
from autodet.datasets.manifest import Dataset
from autodet.datasets.statistics import TRAINING_SIZE, columns_of
from autodet.records import SPLITS, FloatArray, IntArray
from autodet.search.order.dataset_checks import check_labels


@dataclass(frozen=True)
class Facts:
    """A data set in a few figures.

    Attributes:
        train_photos: Photos to learn from.
        val_photos: Photos that epochs are judged by.
        median_box: The side of the median box to learn from, as a share of its photo's longer side, 0 to 1. A box's
            side is that of a square of the same area.
        small_box: Likewise; a quarter of the boxes are smaller, if each class counts as much as any other, as it does
            for mAP. Classes with very few boxes are left out.
        photo_side: The longer side of the median photo in pixels.
        rare_class: The class that the fewest photos to learn from show, of those that any does.
        rare_photos: How many show it.
        most_photos: How many show the class that the most of them show.
    """

    train_photos: int
    val_photos: int
    median_box: float = 0.4
    small_box: float = 0.25
    photo_side: int = 640
    rare_class: str = ""
    rare_photos: int = 0
    most_photos: int = 0


def facts_of(dataset: Dataset) -> Facts:
    """What a search goes by.

    Raises:
        SearchError: The data set has no boxes to learn from.
    """
    columns = columns_of(dataset)
    learnt = columns.splits == SPLITS.index("train")
    taught = learnt[columns.photos]
    if not taught.any():
        check_labels(dataset)  # which says what is missing
    shares = columns.sides[taught] / TRAINING_SIZE
    longer = columns.sizes_wh[learnt].max(axis=1)
    shows = np.zeros((len(learnt), len(dataset.classes)), bool)
    shows[columns.photos[taught], columns.class_ids[taught]] = True
    shown = shows.sum(axis=0)
    rarest = int(np.where(shown, shown, shown.max()).argmin())
    return Facts(
        int(learnt.sum()),
        len(dataset.split("val")),
        float(np.median(shares)),
        _small_box(shares, columns.class_ids[taught]),
        int(np.median(longer)),
        dataset.classes[rarest],
        int(shown[rarest]),
        int(shown.max()),
    )


def unjudged_classes(dataset: Dataset) -> tuple[str, ...]:
    """The classes that no epoch is judged by, because no validation photo has a box of theirs that counts."""
    marked = [record.annotations for record in dataset.split("val")]
    judged = {int(one) for annotations in marked for one in annotations.class_ids[~annotations.difficult]}
    return tuple(name for class_id, name in enumerate(dataset.classes) if class_id not in judged)


def _small_box(shares: FloatArray, class_ids: IntArray) -> float:
    """The lower quartile of the boxes' sides, each class weighing the same."""
    counts = np.bincount(class_ids)
    counts = np.where(counts < min(FEW_BOXES, counts.max()), 0, counts)
    weights = np.divide(1.0, counts, out=np.zeros(len(counts)), where=counts > 0)[class_ids]
    return float(np.quantile(shares, 0.25, weights=weights, method="inverted_cdf"))
