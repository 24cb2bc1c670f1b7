"""Photos that several of the merged data sets have, byte for byte: each is kept once, if its labels agree."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autodet.datasets.formats.label_merge import SAME_OBJECT
from autodet.records import SPLITS, Action, Annotations, BoolArray, ImageRecord, Split

SAME_PLACE = 1.0  # pixels: formats round coordinates differently


@dataclass(frozen=True, eq=False)
class MergedPhoto:
    """A photo of the result.

    Attributes:
        record: The photo, with class ids of the result.
        dataset: Index of the data set whose file it is.
        source: The photo's file name there.
        labelled_by: Indices of the data sets whose labels it has.
        waiting: Whether nobody has labelled it yet.
    """

    record: ImageRecord
    dataset: int
    source: str
    labelled_by: frozenset[int]
    waiting: bool = False


@dataclass(frozen=True, eq=False)
class Sharing:
    """The result of keeping shared photos once.

    Attributes:
        photos: The remaining photos.
        kept_as: Maps each photo that is not kept, by data set and file name, to the one that is.
        kept_once: Number of photos that several data sets have and the result has once.
        left_out: Number of photos left out because their labels differ.
        disagreeing: Photos whose labels differ, by the indices of the two data sets.
    """

    photos: tuple[MergedPhoto, ...]
    kept_as: Mapping[tuple[int, str], MergedPhoto]
    kept_once: int
    left_out: int
    disagreeing: Mapping[tuple[int, int], Sequence[MergedPhoto]]


def keep_once(photos: Sequence[MergedPhoto], action: Action, *, in_first: bool = False) -> Sharing:
    """Keep each photo that several data sets have once.

    By default it goes into the last of its splits, so that no photo of val or test is in train. A copy that waits to be
    labelled does not count as labelled differently.

    Args:
        photos: The photos of all data sets, in their order.
        action: What to do if labels differ: ``fix`` joins the boxes, ``drop`` leaves the photo out, any other uses the
            labels of the first data set.
        in_first: Whether it stays in the split of the first data set instead.
    """
    kept: list[MergedPhoto | None] = list(photos)
    kept_as: dict[tuple[int, str], MergedPhoto] = {}
    disagreeing: dict[tuple[int, int], list[MergedPhoto]] = defaultdict(list)
    groups, left_out = _copies(photos), 0
    for group in groups:
        members = [photos[index] for index in group]
        known = [member for member in members if not member.waiting] or members
        other = next((one for one in known[1:] if not agree(known[0].record, one.record)), None)
        split = max((member.record.split for member in members[: 1 if in_first else None]), key=SPLITS.index)
        one = _as_one(members[0], known, split, action, agreeing=other is None)
        kept[group[0]] = None if other and action == "drop" else one
        for index in group[1:]:
            kept[index] = None
        kept_as |= {(member.dataset, member.source): one for member in members[1:]}
        left_out += kept[group[0]] is None
        if other:
            disagreeing[known[0].dataset, _second(known)].append(known[0])
    return Sharing(tuple(filter(None, kept)), kept_as, len(groups) - left_out, left_out, disagreeing)


def agree(record: ImageRecord, other: ImageRecord) -> bool:
    """Return whether two records have the same boxes, up to ``SAME_PLACE``."""
    one, two = record.annotations, other.annotations
    if len(one) != len(two):
        return False
    apart = np.abs(one.boxes_xyxy[:, None] - two.boxes_xyxy[None]).max(axis=-1)
    same = (one.class_ids[:, None] == two.class_ids[None]) & (one.difficult[:, None] == two.difficult[None])
    same &= apart <= SAME_PLACE
    return bool(same.any(axis=0).all() and same.any(axis=1).all())


def _copies(photos: Sequence[MergedPhoto]) -> list[list[int]]:
    """Return the indices of equal photos, for those that more than one data set has."""
    same: dict[str, list[int]] = defaultdict(list)
    for index, photo in enumerate(photos):
        if photo.record.source_sha256:
            same[photo.record.source_sha256].append(index)
    return [group for group in same.values() if len({photos[index].dataset for index in group}) > 1]


def _as_one(
    first: MergedPhoto, known: Sequence[MergedPhoto], split: Split, action: Action, *, agreeing: bool
) -> MergedPhoto:
    """Return the first copy with the labels of those that have some."""
    marks, labelled_by = known[0].record.annotations, known[0].labelled_by
    if action == "fix" and not agreeing:
        for member in known[1:]:
            marks = _joined(marks, member.record.annotations)
    if agreeing or action == "fix":
        labelled_by = frozenset[int]().union(*(member.labelled_by for member in known))
    record = replace(first.record, split=split, annotations=marks)
    return replace(first, record=record, labelled_by=labelled_by, waiting=known[0].waiting)


def _second(members: Sequence[MergedPhoto]) -> int:
    return next(member.dataset for member in members if member.dataset != members[0].dataset)


def _joined(marks: Annotations, others: Annotations) -> Annotations:
    """Return all boxes; of two of a class that show one object, the first."""
    new = _chosen(others, ~_known(marks, others))
    pairs = zip(_arrays(marks), _arrays(new), strict=True)
    return Annotations(*(np.concatenate(pair) for pair in pairs))


def _known(marks: Annotations, others: Annotations) -> BoolArray:
    """Return which of the other boxes overlap a box of their class with an IoU of ``SAME_OBJECT`` or more."""
    one, two = marks.boxes_xyxy[None], others.boxes_xyxy[:, None]
    sides = np.minimum(one[..., 2:], two[..., 2:]) - np.maximum(one[..., :2], two[..., :2])
    shared = sides.clip(min=0).prod(axis=-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (one, two)]
    same = marks.class_ids[None] == others.class_ids[:, None]
    found: BoolArray = (same & (shared >= SAME_OBJECT * (areas[0] + areas[1] - shared))).any(axis=1)
    return found


def _chosen(marks: Annotations, which: np.ndarray) -> Annotations:
    return Annotations(*(array[which] for array in _arrays(marks)))


def _arrays(marks: Annotations) -> tuple[np.ndarray, ...]:
    return marks.boxes_xyxy, marks.class_ids, marks.difficult, marks.truncated
