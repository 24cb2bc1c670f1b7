"""Recall and AP on parts of a split: objects of one size, crowded photos, or any group of boxes or photos."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autodet.evaluation.coco_matches import CocoMatches
from autodet.evaluation.coco_numbers import class_precisions
from autodet.evaluation.groupings import Grouping, crowding_grouping, photo_grouping, size_grouping
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.evaluation.overlap import DoubleArray
from autodet.records import BoolArray, GroupCounts, IntArray


@dataclass(frozen=True)
class SubsetReport:
    """Figures of a group of boxes.

    Attributes:
        name: Name of the group.
        photos: Photos with a box of the group that counts.
        boxes: Boxes that count.
        missed: Those that no shown detection found.
        false_positives: Shown false positives of the group; a detection belongs to the group of its photo, or of the
            box with its own area.
        ap50: Mean over the classes of the AP at IoU 0.50 in the group; None without a box.
    """

    name: str
    photos: int
    boxes: int
    missed: int
    false_positives: int
    ap50: float | None

    @property
    def counts(self) -> GroupCounts:
        """The counts alone."""
        return GroupCounts(self.name, self.boxes, self.missed, self.false_positives)

    @property
    def recall(self) -> float | None:
        """Share of the boxes found; None without a box."""
        return 1 - self.missed / self.boxes if self.boxes else None


def by_size(shown: ShownOutcomes) -> list[SubsetReport]:
    """Report small, medium and large objects (``groupings.size_grouping``)."""
    return _reports(shown, size_grouping(shown.outcomes))


def by_crowding(shown: ShownOutcomes) -> list[SubsetReport]:
    """Report photos by their number of boxes that count (``groupings.CROWDING``)."""
    return _reports(shown, crowding_grouping(shown.outcomes))


def by_photo(shown: ShownOutcomes, names: Sequence[str], groups: IntArray) -> list[SubsetReport]:
    """Report groups of photos, such as those of a source folder or with a low brightness.

    Args:
        shown: Outcomes at the thresholds.
        names: Name of each group.
        groups: Group of each photo, -1 for none, shape (photos,).
    """
    return _reports(shown, photo_grouping(shown.outcomes, names, groups))


def _reports(shown: ShownOutcomes, grouping: Grouping) -> list[SubsetReport]:
    return subset_reports(shown, grouping.names, grouping.boxes, grouping.detections)


def subset_reports(
    shown: ShownOutcomes, names: Sequence[str], box_groups: IntArray, detection_groups: IntArray
) -> list[SubsetReport]:
    """Report groups of boxes and detections.

    Args:
        shown: Outcomes at the thresholds.
        names: Name of each group.
        box_groups: Group of each box, -1 for none, shape (M,).
        detection_groups: Group of each detection, -1 for none, shape (D,).
    """
    return [_report(shown, name, box_groups == group, detection_groups == group) for group, name in enumerate(names)]


def _report(shown: ShownOutcomes, name: str, boxes: BoolArray, detections: BoolArray) -> SubsetReport:
    truth = shown.outcomes.truth
    counted = boxes & ~truth.difficult
    return SubsetReport(
        name,
        photos=len(np.unique(truth.photos[counted])),
        boxes=int(counted.sum()),
        missed=int((shown.missed & boxes).sum()),
        false_positives=int((shown.wrong & detections).sum()),
        ap50=_mean(_class_precisions(shown, counted, detections)),
    )


def _class_precisions(shown: ShownOutcomes, boxes: BoolArray, detections: BoolArray) -> DoubleArray:
    outcomes = shown.outcomes
    matches = outcomes.matches
    within = CocoMatches(
        matches.right[:1] & detections,
        matches.counted[:1] & detections,
        np.bincount(outcomes.truth.class_ids[boxes], minlength=len(outcomes.classes)),
        matches.partners[:1],
    )
    return class_precisions(outcomes.detections, within)[:, 0]


def _mean(values: DoubleArray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
