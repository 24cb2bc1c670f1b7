"""Differences between a version and its parent: photos and boxes per class and split, before and after."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from autodet.records import SPLITS, ImageRecord

ALL = "all"
Counts = Mapping[str, int]


@dataclass(frozen=True)
class Difference:
    """The count of one item before and after a change.

    Attributes:
        of: The counted item; ``class`` means the boxes of one class.
        name: The class; empty for other items.
        before: Counts before the change, by ``train``, ``val``, ``test`` and ``all``.
        after: Counts after the change.
    """

    of: Literal["photos", "photos without boxes", "boxes", "class"]
    name: str
    before: Counts
    after: Counts


@dataclass(frozen=True)
class Tally:
    """Counts of a data set by ``train``, ``val``, ``test`` and ``all``; ``boxes`` holds such counts per class."""

    photos: Counts
    unmarked: Counts
    boxes: Mapping[str, Counts]

    @property
    def all_boxes(self) -> Counts:
        """Boxes of all classes."""
        return {split: sum(counts[split] for counts in self.boxes.values()) for split in (*SPLITS, ALL)}


NOTHING: Counts = dict.fromkeys((*SPLITS, ALL), 0)


def tally(classes: Sequence[str], images: Sequence[ImageRecord]) -> Tally:
    """Count the photos and boxes of a dataset.

    Args:
        classes: Class names; a class id is an index into them.
        images: The photos.
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


def add_up(tallies: Sequence[Tally]) -> Tally:
    """Return the counts of several data sets together."""

    def total(counts: Iterable[Counts]) -> Counts:
        listed = list(counts)
        return {split: sum(one[split] for one in listed) for split in (*SPLITS, ALL)}

    names = sorted({name for one in tallies for name in one.boxes})
    boxes = {name: total(one.boxes.get(name, NOTHING) for one in tallies) for name in names}
    return Tally(total(one.photos for one in tallies), total(one.unmarked for one in tallies), boxes)


def compare(before: Tally, after: Tally) -> list[Difference]:
    """Return all counts, changed or not; classes sorted by name, removed ones included."""
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
    """Return ``photos, photos_without_boxes, boxes, classes``, with ``[before, after]`` for each split and for all."""
    pairs = {
        (difference.of, difference.name): {
            split: [difference.before[split], difference.after[split]] for split in difference.after
        }
        for difference in differences
    }
    totals: dict[str, Any] = {of.replace(" ", "_"): pair for (of, name), pair in pairs.items() if of != "class"}
    return totals | {"classes": {name: pair for (of, name), pair in pairs.items() if of == "class"}}


def _with_all(counts: Mapping[Any, int]) -> Counts:
    return {split: counts.get(split, 0) for split in SPLITS} | {ALL: sum(counts.values())}
