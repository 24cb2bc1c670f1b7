"""One or two models with their predictions on the same photos, and the visitor's thresholds and classes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autodet.models.matching_weights import match_classes
from autodet.models.store import StoredModel
from autodet.records import FloatArray, IntArray, Prediction
from autodet.ui.common.loaded_models import version_of


@dataclass(frozen=True, eq=False)
class Side:
    """A model with its predictions.

    Attributes:
        model: The model.
        predictions: All detections on each photo, including those of low confidence, with the model's class ids.
        joint_ids: Class ids among the classes of all sides by the model's class ids, shape (classes,).
    """

    model: StoredModel
    predictions: Sequence[Prediction]
    joint_ids: IntArray

    @property
    def own_thresholds(self) -> FloatArray:
        """The model's threshold of each of its classes, shape (classes,)."""
        return np.array(list(self.model.card.all_thresholds.values()), np.float32)

    def joint(self, prediction: Prediction) -> Prediction:
        """Return a prediction with the class ids of all sides."""
        return replace(prediction, class_ids=self.joint_ids[prediction.class_ids])


@dataclass(frozen=True, eq=False)
class Sides:
    """The models that are shown beside each other.

    Attributes:
        sides: One or two of them.
        classes: The classes of the first, then those that only the second knows.
    """

    sides: tuple[Side, ...]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, models: Sequence[StoredModel], predictions: Sequence[Sequence[Prediction]]) -> "Sides":
        """Join models, whose classes match by name, with their predictions on the same photos."""
        classes = list(models[0].card.classes)
        sides = []
        for model, own in zip(models, predictions, strict=True):
            names = match_classes(classes, model.card.classes).kept
            classes += [name for name in model.card.classes if name not in names]
            ids = [classes.index(names.get(name, name)) for name in model.card.classes]
            sides.append(Side(model, own, np.array(ids, np.int64)))
        return cls(tuple(sides), tuple(classes))

    @property
    def identity(self) -> str:
        """Identify the models; the browser keeps its thresholds as long as this stays."""
        versions = " ".join(version_of(side.model) for side in self.sides)
        return hashlib.sha256(versions.encode()).hexdigest()[:16]

    def own_thresholds(self) -> list[list[float | None]]:
        """Return the thresholds of each model by class; None for a class that it does not know."""
        rows = []
        for side in self.sides:
            row: list[float | None] = [None] * len(self.classes)
            for index, threshold in zip(side.joint_ids.tolist(), side.model.card.all_thresholds.values(), strict=True):
                row[index] = threshold
            rows.append(row)
        return rows


@dataclass(frozen=True)
class Choice:
    """The thresholds and classes that a visitor chooses.

    Attributes:
        thresholds: The threshold of each model by class of all sides; None for a class that it does not know.
        hidden: Class ids that are not shown.
    """

    thresholds: Sequence[Sequence[float | None]]
    hidden: frozenset[int] = frozenset()

    @classmethod
    def read(cls, reported: Any, sides: Sides) -> "Choice | None":
        """Return the choice that the browser reported; None if it is for other models or invalid."""
        if not isinstance(reported, Mapping) or reported.get("identity") != sides.identity:
            return None
        thresholds, hidden = reported.get("thresholds"), reported.get("hidden")
        if not isinstance(thresholds, list) or not isinstance(hidden, list):
            return None
        if not _fits(thresholds, sides.own_thresholds()):
            return None
        known = range(len(sides.classes))
        return cls(thresholds, frozenset(index for index in hidden if isinstance(index, int) and index in known))

    def shown(self, sides: Sides, place: int) -> list[Prediction]:
        """Return the detections of a side that are shown, with the class ids of its model."""
        side = sides.sides[place]
        least = np.array([self.thresholds[place][index] for index in side.joint_ids], np.float32)
        wanted = [own for own, index in enumerate(side.joint_ids.tolist()) if index not in self.hidden]
        return [prediction.only(wanted).above(least) for prediction in side.predictions]


def _fits(thresholds: list[Any], own: Sequence[Sequence[float | None]]) -> bool:
    """Return whether thresholds from a browser have the form of the models' own."""
    return len(thresholds) == len(own) and all(
        isinstance(row, list)
        and len(row) == len(known)
        and all(
            value is None if expected is None else isinstance(value, int | float)
            for value, expected in zip(row, known, strict=True)
        )
        for row, known in zip(thresholds, own, strict=True)
    )
