"""Confusion matrix with a background row and column, and the boxes of every cell."""

from dataclasses import dataclass

import numpy as np

from autodet.evaluation.coco_matches import NO_PARTNER
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.records import Confusion, IntArray

BACKGROUND = "background"
NO_CELL = -1


@dataclass(frozen=True, eq=False)
class ConfusionCells:
    """The cell of every shown detection and of every box that counts.

    Detections are first matched with boxes of their class, as for precision and recall; the others are matched with
    the missed boxes of other classes, the best detections first, IoU from 0.50.

    Attributes:
        shown: The outcomes at the thresholds.
        rows: Class id of the box that each shown detection fits, the number of classes for background; -1 if it is not
            shown or ignored; shape (D,), int64.
        columns: Class id that each box was detected as, the number of classes if it was missed; -1 for difficult boxes;
            shape (M,), int64.
    """

    shown: ShownOutcomes
    rows: IntArray
    columns: IntArray

    def matrix(self) -> Confusion:
        """Count the detections and boxes of every cell."""
        outcomes = self.shown.outcomes
        count = len(outcomes.classes)
        detected, boxes = self.rows != NO_CELL, self.columns == count
        cells = np.bincount(
            self.rows[detected] * (count + 1) + outcomes.detections.class_ids[detected], minlength=(count + 1) ** 2
        ).reshape(count + 1, count + 1)
        cells[:count, count] = np.bincount(outcomes.truth.class_ids[boxes], minlength=count)
        return Confusion((*outcomes.classes, BACKGROUND), tuple(map(tuple, cells.tolist())))

    def detections_in(self, row: int, column: int) -> IntArray:
        """Return the indices of a cell's detections, the best first; none in the column of missed boxes."""
        detections = self.shown.outcomes.detections
        chosen = np.flatnonzero((self.rows == row) & (detections.class_ids == column))
        return chosen[np.argsort(-detections.scores[chosen], kind="stable")]

    def boxes_in(self, row: int, column: int) -> IntArray:
        """Return the indices of a cell's boxes; none in the row of background."""
        return np.flatnonzero((self.columns == column) & (self.shown.outcomes.truth.class_ids == row))


def confusion_cells(shown: ShownOutcomes) -> ConfusionCells:
    """Find the cell of every shown detection and of every box that counts."""
    outcomes, background = shown.outcomes, len(shown.outcomes.classes)
    detections, truth = outcomes.detections, outcomes.truth
    columns = np.where(truth.difficult, NO_CELL, background)
    rows = np.where(shown.shown, background, NO_CELL)
    right, confused = np.flatnonzero(shown.right), np.flatnonzero(shown.confused != NO_PARTNER)
    for chosen, boxes in ((right, outcomes.about[right]), (confused, shown.confused[confused])):
        rows[chosen], columns[boxes] = truth.class_ids[boxes], detections.class_ids[chosen]
    return ConfusionCells(shown, rows, columns)
