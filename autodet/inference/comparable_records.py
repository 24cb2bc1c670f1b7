"""Photos of a data set with the ground truth that models can be measured on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autodet.datasets.manifest import Dataset, fingerprint_of
from autodet.errors import ModelError
from autodet.models.matching_weights import match_classes
from autodet.models.model_card import ModelCard
from autodet.records import Annotations, ImageRecord, IntArray, Prediction

NO_CLASS = -1


def comparable_records(card: ModelCard, dataset: Dataset, split: str) -> tuple[ImageRecord, ...]:
    """Return the photos of a split with class ids remapped to the model's; ``match_classes`` pairs the classes.

    The photos of a temporary data set come without the boxes of ``unknown_classes``.

    Raises:
        ModelError: The split is empty, or the data set has no boxes, or a class that the model lacks, or of a temporary
            data set no class that it knows.
    """
    records = dataset.split(split)
    if not records:
        raise ModelError(_no_photos(dataset, split))
    if not dataset.boxes:
        raise ModelError(
            f"The data set {dataset.name} has no labels, so there is nothing to compare detections with; label its "
            "photos and import them with their labels, or use 'predict'."
        )
    matched = match_classes(card.classes, dataset.classes)
    if dataset.temporary and not matched.kept:
        raise ModelError(
            f"The photos {dataset.name} have labels of {', '.join(dataset.classes)}, and the model {card.name} knows "
            f"only {', '.join(card.classes)}; choose a model with their classes, or rename the classes in the labels."
        )
    if matched.fresh and not dataset.temporary:
        raise ModelError(
            f"The data set {dataset.name} has boxes of {', '.join(matched.fresh)}, which the model {card.name} does "
            f"not know (it knows {', '.join(card.classes)}); choose a data set with the model's classes, or rename "
            "its classes in a version of it."
        )
    if dataset.classes == card.classes:
        return records
    own = {name: card.classes.index(of_model) for name, of_model in matched.kept.items()}
    to_model = np.array([own.get(name, NO_CLASS) for name in dataset.classes], np.int64)
    return tuple(_renumbered(record, to_model) for record in records)


def comparable_predictions(card: ModelCard, dataset: Dataset, predictions: list[Prediction]) -> list[Prediction]:
    """Return the detections of the classes of a data set, with the model's class ids; it has no labels of others.

    Those of a class that has no object in a split stay: they are false alarms there.
    """
    names = match_classes(card.classes, dataset.classes).kept.values()
    class_ids = [card.classes.index(name) for name in names]
    return predictions if len(class_ids) == len(card.classes) else [seen.only(class_ids) for seen in predictions]


def comparable_dataset(cards: Sequence[ModelCard], dataset: Dataset) -> Dataset:
    """Return a temporary data set without the boxes of classes that one of the models lacks; others unchanged.

    Raises:
        ModelError: The models know no class of a temporary data set in common.
    """
    return with_shared_classes(cards, dataset) if dataset.temporary else dataset


def with_shared_classes(cards: Sequence[ModelCard], dataset: Dataset) -> Dataset:
    """Return a data set without the classes, and their boxes, that one of the models lacks.

    Raises:
        ModelError: The models know no class of the data set in common.
    """
    unknown = {name for card in cards for name in match_classes(card.classes, dataset.classes).fresh}
    if not unknown:
        return dataset
    classes = tuple(name for name in dataset.classes if name not in unknown)
    if not classes:
        raise ModelError(
            f"The photos {dataset.name} have labels of {', '.join(dataset.classes)}, and none of these is a class of "
            "both models; choose photos with classes that both know, or rename the classes in the labels."
        )
    to_shared = np.array([NO_CLASS if name in unknown else classes.index(name) for name in dataset.classes], np.int64)
    images = tuple(_renumbered(record, to_shared) for record in dataset.images)
    return replace(dataset, classes=classes, images=images, fingerprint=fingerprint_of(classes, images))


def unknown_classes(card: ModelCard, dataset: Dataset) -> dict[str, int]:
    """Return the classes of a data set that a model does not know, with their number of boxes."""
    counts = Counter[int]()
    for record in dataset.images:
        counts.update(record.annotations.class_ids.tolist())
    fresh = match_classes(card.classes, dataset.classes).fresh
    return {name: counts[dataset.classes.index(name)] for name in fresh}


def _renumbered(record: ImageRecord, to_other: IntArray) -> ImageRecord:
    marked = record.annotations
    class_ids = to_other[marked.class_ids]
    known = class_ids != NO_CLASS
    annotations = Annotations.of(marked.boxes_xyxy[known], class_ids[known], marked.difficult[known])
    return replace(record, annotations=annotations)


def _no_photos(dataset: Dataset, split: str) -> str:
    there = ", ".join(f"{name} ({count})" for name, count in dataset.splits.items())
    if dataset.temporary:
        return f"{dataset.name} has no photos in the split {split!r}; it has {there}. Choose one of these, or 'all'."
    return (
        f"The data set {dataset.name} has no photos in the split {split!r}; it has {there}. Choose one of these, "
        "or draw new splits: with 'New version' on the page Data sets, 'derive DATASET --split 70,15,15' on the "
        "command line, or derive_dataset(data, resplit=(70, 15, 15)) in Python."
    )
