"""Groups of the photos of a data set: by class, split, state of the labels, or mistakes of a model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autodet.datasets.drafts.journal import Drafts
from autodet.datasets.manifest import Dataset
from autodet.evaluation.photo_errors import photo_errors
from autodet.inference.evaluations import kept_evaluation, kept_report, match_evaluation
from autodet.models.store import StoredModel
from autodet.records import DRAFT_STATES, SPLITS, IntArray

NO_CLASS = -1
# On a photo with several kinds of mistakes, the first one counts.
MISTAKES = ("missed", "confused", "false_alarms", "none", "not_evaluated")


@dataclass(frozen=True, eq=False)
class PhotoGroups:
    """The group of each photo.

    Attributes:
        names: Name of each group.
        members: Group of each photo of the data set, an index into ``names``, shape (N,), int64; ``NO_CLASS`` for none.
    """

    names: Sequence[str]
    members: IntArray


def class_groups(dataset: Dataset) -> PhotoGroups:
    """Group by the class of the largest box."""
    members = np.full(len(dataset.images), NO_CLASS)
    for index, record in enumerate(dataset.images):
        if len(record.annotations):
            boxes = record.annotations.boxes_xyxy
            members[index] = record.annotations.class_ids[(boxes[:, 2:] - boxes[:, :2]).prod(axis=1).argmax()]
    return PhotoGroups(dataset.classes, members)


def split_groups(dataset: Dataset) -> PhotoGroups:
    """Group by split."""
    return PhotoGroups(SPLITS, np.array([SPLITS.index(record.split) for record in dataset.images], np.int64))


def state_groups(drafts: Drafts) -> PhotoGroups:
    """Group by the state of the labels."""
    states = (drafts.state_of(record.file) for record in drafts.dataset.images)
    return PhotoGroups(DRAFT_STATES, np.array([DRAFT_STATES.index(state) for state in states], np.int64))


def measured_splits(model: StoredModel, dataset: Dataset) -> list[str]:
    """Return the splits on which a model has been evaluated."""
    return [split for split in dataset.splits if kept_report(model, dataset, split)]


def mistake_groups(model: StoredModel, dataset: Dataset) -> PhotoGroups:
    """Group by the model's worst kind of mistake at its thresholds, on the splits on which it has been evaluated."""
    members = np.full(len(dataset.images), MISTAKES.index("not_evaluated"))
    splits = np.array([record.split for record in dataset.images])
    for split in dataset.splits:
        if kept := kept_evaluation(model, dataset, split):
            outcomes = match_evaluation(model, dataset, split, kept[1])
            missed, false_alarms, confused = photo_errors(outcomes.at(model.card.all_thresholds))
            members[splits == split] = np.select(
                [missed > 0, confused > 0, false_alarms > 0],
                [MISTAKES.index(kind) for kind in ("missed", "confused", "false_alarms")],
                MISTAKES.index("none"),
            )
    return PhotoGroups(MISTAKES, members)
