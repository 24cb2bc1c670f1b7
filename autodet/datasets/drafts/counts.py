"""Counts of a data set's labels as they stand now."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autodet.datasets.drafts.journal import read_drafts
from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.records import DRAFT_STATES, DraftState


@dataclass(frozen=True)
class LabelCounts:
    """How far the labels of a data set are.

    Attributes:
        dataset: Id of the data set.
        photos: Photos in each state.
        boxes: Labels of each class, in the order of the classes.
        proposals: Proposals of each class that wait for a decision.
        flagged: Photos that a person wants to be looked at again, or whose labels look wrong to a model.
    """

    dataset: str
    photos: Mapping[DraftState, int]
    boxes: Mapping[str, int]
    proposals: Mapping[str, int]
    flagged: int

    @property
    def done(self) -> int:
        """Photos that are labelled, or that a person confirmed to have no objects."""
        return self.photos["labelled"] + self.photos["empty"]

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as a JSON document."""
        return {
            "dataset": self.dataset,
            "photos": dict(self.photos),
            "boxes": dict(self.boxes),
            "proposals": dict(self.proposals),
            "flagged": self.flagged,
        }


def count_labels(data: Dataset | DatasetSummary | str) -> LabelCounts:
    """Count the photos in each state, and the labels and proposals of each class.

    Args:
        data: The data set, its id or its name.

    Raises:
        NotFoundError: No such data set exists.
        DatasetError: The data set is damaged.
    """
    dataset = as_dataset(data)
    drafts = read_drafts(dataset)
    states = Counter(drafts.state_of(record.file) for record in dataset.images)
    boxes, proposals = Counter[str](), Counter[str]()
    for record in dataset.images:
        if draft := drafts.changed.get(record.file):
            boxes.update(box.class_name for box in draft.labels)
            proposals.update(box.class_name for box in draft.proposals)
        else:
            boxes.update(dataset.classes[number] for number in record.annotations.class_ids.tolist())
    return LabelCounts(
        dataset.id,
        {state: states[state] for state in DRAFT_STATES},
        {name: boxes[name] for name in drafts.classes},
        {name: proposals[name] for name in drafts.classes},
        sum(draft.needs_look for draft in drafts.changed.values()),
    )
