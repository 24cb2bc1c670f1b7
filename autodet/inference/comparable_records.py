"""Photos of a data set with ground truth in a model's class ids."""

from dataclasses import replace

import numpy as np

from autodet.datasets.manifest import Dataset
from autodet.errors import ModelError
from autodet.models.matching_weights import match_classes
from autodet.models.model_card import ModelCard
from autodet.records import Annotations, ImageRecord, IntArray


def comparable_records(card: ModelCard, dataset: Dataset, split: str) -> tuple[ImageRecord, ...]:
    """Return the photos of a split with class ids remapped to the model's; ``match_classes`` pairs the classes.

    Raises:
        ModelError: The split is empty, or the data set has no boxes, or a class that the model lacks.
    """
    records = dataset.split(split)
    if not records:
        there = ", ".join(f"{name} ({count})" for name, count in dataset.splits.items())
        raise ModelError(
            f"The data set {dataset.name} has no photos in the split {split!r}; it has {there}. Choose one of these, "
            "or draw new splits: with 'New version' on the page Data sets, 'derive DATASET --split 70,15,15' on the "
            "command line, or derive_dataset(data, resplit=(70, 15, 15)) in Python."
        )
    if not dataset.boxes:
        raise ModelError(
            f"The data set {dataset.name} has no labels, so there is nothing to compare detections with; label its "
            "photos and import them with their labels, or use 'predict'."
        )
    matched = match_classes(card.classes, dataset.classes)
    if matched.fresh:
        raise ModelError(
            f"The data set {dataset.name} has boxes of {', '.join(matched.fresh)}, which the model {card.name} does "
            f"not know (it knows {', '.join(card.classes)}); choose a data set with the model's classes, or rename "
            "its classes in a version of it."
        )
    if dataset.classes == card.classes:
        return records
    to_model = np.array([card.classes.index(matched.kept[name]) for name in dataset.classes], np.int64)
    return tuple(_renumbered(record, to_model) for record in records)


def _renumbered(record: ImageRecord, to_model: IntArray) -> ImageRecord:
    marked = record.annotations
    annotations = Annotations.of(marked.boxes_xyxy, to_model[marked.class_ids], marked.difficult)
    return replace(record, annotations=annotations)
