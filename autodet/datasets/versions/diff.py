"""What a version holds that its parent does not, in figures: photos and boxes per class and split, before and after."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from autodet.records import SPLITS, ImageRecord

ALL = "all"
Counts = Mapping[str, int]


@dataclass(frozen=True)
class Difference:
    """How many of one thing there were, and are.

    Attributes:
        of: What is counted; ``class`` stands for the boxes of a class.
        name: The class; otherwise empty.
        before: How many there were in ``train``, ``val``, ``test`` and in ``all`` of them.
        after: How many there are.
    """

    of: Literal["photos", "photos without boxes", "boxes", "class"]
    name: str
    before: Counts
    after: Counts


@dataclass(frozen=True)
class Tally:
    """What is in a data set, by ``train``, ``val``, ``test`` and ``all``; ``boxes`` by class."""

    photos: Counts
    unmarked: Counts
    boxes: Mapping[str, Counts]

    @property
    def all_boxes(self) -> Counts:
        """Boxes of every class."""
        return {split: sum(counts[split] for counts in self.boxes.values()) for split in (*SPLITS, ALL)}


NOTHING: Counts = dict.fromkeys((*SPLITS, ALL), 0)


def tally(classes: Sequence[str], images: Sequence[ImageRecord]) -> Tally:
    """Count what is in a data set.

    Args:
        classes: Class names; a class id is an index into them.
        images: Its photos.
    """
    photos = Counter(record.split for record in images)
    unmarked = Counter(record.split for record in images if not len(record.annotations))
    boxes: dict[str, dict[str, int]] = {name: {} for name in classes}
    for split in SPLITS:
        ids = [record.annotations.class_ids for record in images if record.split == split]
        counts = np.bincount(np.concatenate(ids), minlength=len(classes)).tolist() if ids else [0] * len(classes)
        for name, count in zip(classes, counts, strict=True):
            boxes[name][split] = count
    return Tally(_with_all(photos), _with_all(unmarked), {name: _with_all(counts) for name, counts in boxes.items()})


def compare(before: Tally, after: Tally) -> list[Difference]:
    """Everything that is counted, whether it has changed or not; classes by name, those that are gone as well."""
    return [
        Difference("photos", "", before.photos, after.photos),
        Difference("photos without boxes", "", before.unmarked, after.unmarked),
        Difference("boxes", "", before.all_boxes, after.all_boxes),
        *(
            Difference("class", name, before.boxes.get(name, NOTHING), after.boxes.get(name, NOTHING))
            for name in sorted({*before.boxes, *after.boxes})
        ),
    ]


def differences_to_json(differences: Sequence[Difference]) -> dict[str, Any]:
    """The keys ``photos, photos without boxes, boxes, classes``, with ``[before, after]`` for each split and all."""
    pairs = {
        (one.of, one.name): {split: [one.before[split], one.after[split]] for split in one.after} for one in differences
    }
    totals: dict[str, Any] = {of.replace(" ", "_"): pair for (of, name), pair in pairs.items() if of != "class"}
    return totals | {"classes": {name: pair for (of, name), pair in pairs.items() if of == "class"}}


def _with_all(counts: Mapping[Any, int]) -> Counts:
    return {split: counts.get(split, 0) for split in SPLITS} | {ALL: sum(counts.values())}
