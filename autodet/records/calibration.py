"""Calibrated scores: how a network's scores become the chance that a detection is right.

A map is a piecewise linear function of the score's logit, log(s / (1 - s)). Two knots make Platt's scaling (Platt,
"Probabilistic outputs for support vector machines", 1999); more knots follow any increasing curve. Every map is
strictly increasing, so the order within a class, and with it average precision, stays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from autodet.records.known import known_entries
from autodet.records.photos import FloatArray, IntArray, Prediction

MAX_KNOTS = 64
MAX_OWN_MAPS = 200  # classes with a map of their own
MAX_LOGIT = 100.0
MIN_GAP = 1e-3  # between two knots, in logits
MIN_RAW, MAX_RAW = 1e-12, 1 - 2.0**-25  # scores of 0 and 1 have no logit
MAX_EXPONENT = 80.0  # float32 holds exp(-80)

FloatMatrix = NDArray[np.float64]


@dataclass(frozen=True)
class ScoreMap:
    """A strictly increasing, piecewise linear map between logits; beyond its ends the outer segments continue.

    Attributes:
        raw: Logits of the network's scores at the knots, ascending.
        calibrated: Logits of the calibrated scores at the knots, ascending.
    """

    raw: tuple[float, ...]
    calibrated: tuple[float, ...]

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Invert ``dataclasses.asdict``, without a check of the values; ``is_valid`` checks them.

        Raises:
            AttributeError: The document is not a mapping.
            TypeError: An entry is missing or not a list.
        """
        return cls(**{name: tuple(knots) for name, knots in known_entries(cls, document).items()})

    @property
    def is_valid(self) -> bool:
        """Whether both axes have the same 2 to ``MAX_KNOTS`` finite, ascending numbers."""
        count = len(self.raw)
        return (
            2 <= count <= MAX_KNOTS
            and len(self.calibrated) == count
            and all(_is_ascending(axis) for axis in (self.raw, self.calibrated))
        )


@dataclass(frozen=True)
class Calibration:
    """Calibration of a model.

    Attributes:
        shared: The map of all classes without a map of their own.
        per_class: Maps by class name.
    """

    shared: ScoreMap
    per_class: Mapping[str, ScoreMap] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any] | None) -> Self | None:
        """Invert ``dataclasses.asdict``, without a check of the values; None for None.

        Raises:
            AttributeError: A part of the document is not a mapping.
            KeyError: An entry is missing.
            TypeError: An entry is missing or not a list.
        """
        if document is None:
            return None
        own = document.get("per_class", {})
        return cls(
            ScoreMap.from_json(document["shared"]), {name: ScoreMap.from_json(knots) for name, knots in own.items()}
        )

    def problem(self, classes: Sequence[str]) -> str:
        """Return what is wrong for a model of these classes, as the end of a sentence; empty if nothing is."""
        if len(self.per_class) > MAX_OWN_MAPS:
            return f"its calibration has more than {MAX_OWN_MAPS} maps"
        if not self.per_class.keys() <= set(classes):
            return "its calibration names a class that it does not know"
        if not all(own.is_valid for own in (self.shared, *self.per_class.values())):
            return f"its calibration is not made of 2 to {MAX_KNOTS} ascending pairs of logits"
        return ""

    def function(self, classes: Sequence[str]) -> "ScoreFunction":
        """Return the calibration as arrays.

        Args:
            classes: Class names, indexed by class id.
        """
        row_of = {name: row for row, name in enumerate(self.per_class, start=1)}
        rows = [row_of.get(name, 0) for name in classes]
        return ScoreFunction.of([self.shared, *self.per_class.values()], rows)


@dataclass(frozen=True, eq=False)
class ScoreFunction:
    """A calibration as arrays: ``intercept + slope * z + sum(bend * max(0, z - knot))`` of a score's logit z.

    Attributes:
        rows: The map of each class id, shape (classes,), int64.
        intercepts: Shape (maps,).
        slopes: Slopes of the first segments, shape (maps,).
        knots: Inner knots, shape (maps, K).
        bends: Change of the slope at each knot, shape (maps, K); 0 where a map has fewer knots.
    """

    rows: IntArray
    intercepts: FloatMatrix
    slopes: FloatMatrix
    knots: FloatMatrix
    bends: FloatMatrix

    @classmethod
    def of(cls, maps: Sequence[ScoreMap], rows: Sequence[int]) -> Self:
        """Build the arrays of some valid maps, of which each class has one."""
        inner = max(len(one.raw) for one in maps) - 2
        knots, bends = np.zeros((len(maps), inner)), np.zeros((len(maps), inner))
        intercepts, slopes = np.zeros(len(maps)), np.zeros(len(maps))
        for row, one in enumerate(maps):
            rise = np.diff(one.calibrated) / np.diff(one.raw)
            knots[row, : len(rise) - 1], bends[row, : len(rise) - 1] = one.raw[1:-1], np.diff(rise)
            slopes[row], intercepts[row] = rise[0], one.calibrated[0] - rise[0] * one.raw[0]
        return cls(np.array(rows, np.int64), intercepts, slopes, knots, bends)

    def __call__(self, scores: FloatArray, class_ids: IntArray) -> FloatArray:
        """Return calibrated scores.

        Args:
            scores: Scores of a network, 0 to 1, shape (N,).
            class_ids: Class ids, shape (N,).

        Returns:
            Shape (N,), float32, in (0, 1]. Scores of a class that differ by less than about 1e-5 may become equal.
        """
        row, logit = self.rows[class_ids], logits(scores)
        bent = (self.bends[row] * np.maximum(0.0, logit[:, None] - self.knots[row])).sum(axis=1)
        return chances(self.intercepts[row] + self.slopes[row] * logit + bent).astype(np.float32)


def calibrate(seen: Prediction, function: ScoreFunction | None) -> Prediction:
    """Return a network's prediction with calibrated scores, in their order; None changes nothing.

    Detections of one class keep their order, those of several classes may change places.
    """
    if function is None:
        return seen
    scores = function(seen.scores, seen.class_ids)
    order = np.argsort(-scores, kind="stable")
    return replace(seen, boxes_xyxy=seen.boxes_xyxy[order], class_ids=seen.class_ids[order], scores=scores[order])


def logits(scores: FloatArray) -> FloatMatrix:
    """Return log(s / (1 - s)), float64, of scores of 0 to 1."""
    clipped = np.clip(scores.astype(np.float64), MIN_RAW, MAX_RAW)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def chances(logit: FloatMatrix) -> FloatMatrix:
    """Invert ``logits``."""
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -MAX_EXPONENT, MAX_EXPONENT))))


def _is_ascending(axis: Sequence[Any]) -> bool:
    are_numbers = all(isinstance(knot, int | float) and abs(knot) <= MAX_LOGIT for knot in axis)
    return are_numbers and all(later - earlier >= MIN_GAP for earlier, later in pairwise(axis))
