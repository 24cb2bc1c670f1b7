"""Figures of a model by the light and the sharpness of photos."""

from collections.abc import Callable, Sequence

import numpy as np

from autodet.datasets.manifest import Dataset
from autodet.datasets.photo_conditions import Conditions, kept_conditions, measure_photos
from autodet.errors import PhotoError
from autodet.evaluation.groupings import condition_groups, group_counts, photo_grouping
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.records import GroupCounts, IntArray

Groups = dict[str, tuple[Sequence[str], IntArray]]


def kept_groups(dataset: Dataset, split: str) -> Groups:
    """Return the groups of the photos of a split (``groupings.condition_groups``); empty unless all were measured."""
    kept = kept_conditions(dataset, dataset.split(split))
    return _groups(kept) if kept else {}


def measure_groups(dataset: Dataset, split: str, progress: Callable[[int, int], None] | None = None) -> Groups:
    """Return the groups of the photos of a split, after measuring those that were not measured yet.

    Raises:
        PhotoError: A photo cannot be read.
    """
    return _groups(measure_photos(dataset, dataset.split(split), progress))


def groups_if_readable(dataset: Dataset, split: str) -> Groups:
    """Return the groups as ``measure_groups`` does; empty if a photo cannot be read."""
    try:
        return measure_groups(dataset, split)
    except PhotoError:
        return {}


def condition_counts(shown: ShownOutcomes, groups: Groups) -> dict[str, tuple[GroupCounts, ...]]:
    """Count the objects found and missed in each group."""
    return {
        kind: tuple(group_counts(shown, photo_grouping(shown.outcomes, names, members)))
        for kind, (names, members) in groups.items()
    }


def _groups(conditions: Sequence[Conditions]) -> Groups:
    brightness, sharpness = np.array(conditions, np.float64).reshape(-1, 2).T
    return condition_groups(brightness, sharpness)
