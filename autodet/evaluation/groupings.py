"""Groups of boxes and detections of a split: by object size, crowding, or any property of the photo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autodet.evaluation.coco_matches import AREAS, areas_of
from autodet.evaluation.outcomes import Outcome, Outcomes, ShownOutcomes
from autodet.evaluation.overlap import DoubleArray
from autodet.records import GroupCounts, IntArray

SIZES = ("small", "medium", "large")
CROWDING = {"1 object": (1, 1), "2 to 5 objects": (2, 5), "6 to 20 objects": (6, 20), "over 20 objects": (21, 10**9)}
LIGHTS, DARK, BRIGHT = ("dark", "usual light", "bright"), 0.3, 0.7  # and limits of the mean brightness
SHARPNESS = ("blurred", "sharp")
BLURRED_PERCENT = 20  # of the photos, the least sharp ones
NO_GROUP = -1


@dataclass(frozen=True, eq=False)
class Grouping:
    """The group of every box and detection.

    Attributes:
        names: Name of each group.
        boxes: Group of each box, -1 for none, shape (M,), int64.
        detections: Group of each detection, -1 for none, shape (D,), int64.
    """

    names: tuple[str, ...]
    boxes: IntArray
    detections: IntArray


def size_grouping(outcomes: Outcomes) -> Grouping:
    """Group by area, with COCO's limits of 32 and 96 pixels squared.

    A detection belongs to the group of the box that it found, or else to that of its own area.
    """
    limits = [AREAS["small"][1], AREAS["medium"][1]]
    boxes = np.searchsorted(limits, areas_of(outcomes.truth.boxes_xyxy))
    detections = np.searchsorted(limits, areas_of(outcomes.detections.boxes_xyxy))
    right = np.flatnonzero(outcomes.kinds == Outcome.TRUE_POSITIVE)
    detections[right] = boxes[outcomes.about[right]]
    return Grouping(SIZES, boxes, detections)


def crowding_grouping(outcomes: Outcomes) -> Grouping:
    """Group by the number of boxes on the photo that count (``CROWDING``)."""
    truth = outcomes.truth
    counts = np.bincount(truth.photos[~truth.difficult], minlength=len(truth.starts) - 1)
    groups = np.full(len(counts), NO_GROUP)
    for group, (least, most) in enumerate(CROWDING.values()):
        groups[(counts >= least) & (counts <= most)] = group
    return photo_grouping(outcomes, tuple(CROWDING), groups)


def photo_grouping(outcomes: Outcomes, names: Sequence[str], groups: IntArray) -> Grouping:
    """Group by photo.

    Args:
        outcomes: The outcomes of a split.
        names: Name of each group.
        groups: Group of each photo, -1 for none, shape (photos,).
    """
    return Grouping(tuple(names), groups[outcomes.truth.photos], groups[outcomes.detections.photos])


def name_grouping(outcomes: Outcomes, names_by_photo: Sequence[str]) -> Grouping:
    """Group photos by a name, such as that of their source folder."""
    names, groups = groups_of(names_by_photo)
    return photo_grouping(outcomes, names, groups)


def condition_groups(brightness: DoubleArray, sharpness: DoubleArray) -> dict[str, tuple[Sequence[str], IntArray]]:
    """Group photos by ``light`` and by ``sharpness``.

    Args:
        brightness: Mean brightness of each photo, 0 to 1, shape (photos,).
        sharpness: Standard deviation of the Laplacian of each photo, shape (photos,).

    Returns:
        By kind, the names of its groups, and the group of each photo.
    """
    limit = np.percentile(sharpness, BLURRED_PERCENT) if len(sharpness) else 0.0
    return {
        "light": (LIGHTS, np.digitize(brightness, [DARK, BRIGHT])),
        "sharpness": (SHARPNESS, np.where(sharpness <= limit, 0, 1)),
    }


def groups_of(names_by_photo: Sequence[str]) -> tuple[list[str], IntArray]:
    """Number the distinct names of photos, such as their source folders."""
    numbers: Mapping[str, int] = {name: number for number, name in enumerate(sorted(set(names_by_photo)))}
    return list(numbers), np.array([numbers[name] for name in names_by_photo], np.int64)


def group_counts(shown: ShownOutcomes, grouping: Grouping) -> list[GroupCounts]:
    """Count boxes, missed boxes and false positives of every group."""
    masks = (
        (grouping.boxes, ~shown.outcomes.truth.difficult),
        (grouping.boxes, shown.missed),
        (grouping.detections, shown.wrong),
    )
    columns = [
        np.bincount(groups[mask & (groups != NO_GROUP)], minlength=len(grouping.names)).tolist()
        for groups, mask in masks
    ]
    return [GroupCounts(name, *counts) for name, *counts in zip(grouping.names, *columns, strict=True)]
