"""The boxes behind a mark of a figure: a cell of the confusion matrix, a bar, a point on a curve."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autodet.evaluation.coco_matches import NO_PARTNER
from autodet.evaluation.confusion import ConfusionCells
from autodet.evaluation.error_kinds import KINDS, missed_without_trace
from autodet.evaluation.groupings import Grouping
from autodet.evaluation.outcomes import Outcome, ShownOutcomes
from autodet.records import IntArray

MISSED = "missed"


@dataclass(frozen=True, eq=False)
class Examples:
    """N detections and ground-truth boxes, each detection with the box that it is about.

    Attributes:
        detections: Index of each detection, -1 for a missed box that none found at any score, shape (N,), int64.
        boxes: Index of each box, -1 for a detection of background, shape (N,), int64.
    """

    detections: IntArray
    boxes: IntArray

    def __len__(self) -> int:
        return len(self.boxes)

    def __add__(self, other: "Examples") -> "Examples":
        return Examples(np.concatenate([self.detections, other.detections]), np.concatenate([self.boxes, other.boxes]))


def of_detections(shown: ShownOutcomes, detections: IntArray) -> Examples:
    """Return detections, each with the box that it fits or is about."""
    confused = shown.confused[detections]
    return Examples(detections, np.where(confused != NO_PARTNER, confused, shown.outcomes.about[detections]))


def of_boxes(shown: ShownOutcomes, boxes: IntArray) -> Examples:
    """Return boxes, each with the detection that found it at any score."""
    return Examples(shown.outcomes.finders[boxes], boxes)


def cell_examples(cells: ConfusionCells, row: int, column: int) -> Examples:
    """Return the detections of a cell of the confusion matrix, or its boxes in the column of missed ones."""
    if column == len(cells.shown.outcomes.classes):
        return of_boxes(cells.shown, cells.boxes_in(row, column))
    return of_detections(cells.shown, cells.detections_in(row, column))


def error_examples(shown: ShownOutcomes, kind: str) -> Examples:
    """Return the errors of a kind: a key of ``error_kinds.KINDS``, or ``missed``."""
    if kind == MISSED:
        return of_boxes(shown, np.flatnonzero(missed_without_trace(shown)))
    return of_detections(shown, shown.of_kind(KINDS[kind]))


def error_counts(shown: ShownOutcomes) -> Mapping[str, int]:
    """Count the errors of every kind, as ``error_kinds`` does."""
    counts = np.bincount(shown.outcomes.kinds[shown.shown], minlength=len(Outcome))
    return {name: int(counts[kind]) for name, kind in KINDS.items()} | {MISSED: int(missed_without_trace(shown).sum())}


def group_examples(shown: ShownOutcomes, grouping: Grouping, group: int, *, found: bool) -> Examples:
    """Return the found or the missed boxes of a group."""
    state = shown.found & ~shown.outcomes.truth.difficult if found else shown.missed
    return of_boxes(shown, np.flatnonzero(state & (grouping.boxes == group)))


def score_examples(shown: ShownOutcomes, low: float, high: float) -> Examples:
    """Return detections that count with a score from ``low`` to below ``high`` (or 1), wrong ones first."""
    outcomes = shown.outcomes
    scores = outcomes.detections.scores
    within = (scores >= low) & ((scores < high) | (high >= 1)) & outcomes.matches.counted[0]
    found = np.flatnonzero(within)
    right = outcomes.kinds[found] == Outcome.TRUE_POSITIVE
    return of_detections(shown, found[np.lexsort((-scores[found], right))])


def class_errors(shown: ShownOutcomes, class_id: int) -> Examples:
    """Return the false positives of a class, the best first, then its missed boxes."""
    outcomes = shown.outcomes
    order = outcomes.detections.of_class(class_id)
    wrong = of_detections(shown, order[shown.wrong[order]])
    missed = np.flatnonzero(shown.missed & (outcomes.truth.class_ids == class_id))
    return wrong + of_boxes(shown, missed)
