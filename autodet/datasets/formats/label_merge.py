"""Merge several label files about the same photos: they annotate different objects, are versions, or contradict.

A box matches a known object if it overlaps a box of the same class. If most boxes of a file match, the file is another
version and its remaining boxes do not count. Otherwise they are added, unless both files mark objects of one class on a
photo and neither contains those of the other: then the user decides.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Protocol

from autodet.datasets.formats.labels import LabelledPhoto, OtherReading, settle_splits
from autodet.records import BoxXYXY, Finding, Mark, Split
from autodet.text_format import spelling_key

SAME_OBJECT = 0.5  # IoU from which two boxes of a class show one object
MAX_COMPARED = 4000  # annotations of a photo in several files: twice the densest published photos


class LabelFile(Protocol):
    """One label file: its path, its split if it has one, and its photos."""

    @property
    def path(self) -> str:
        """Path relative to the source's root."""

    @property
    def split(self) -> Split | None:
        """Split of the file; None if it has none."""

    @property
    def photos(self) -> Mapping[PurePosixPath, LabelledPhoto]:
        """The photos with their annotations."""


@dataclass
class Joined:
    """Merged content of several files.

    Attributes:
        photos: The photos with the annotations that count.
        file_of: The source file of each photo; the first one if boxes of others were added.
        of_splits: Whether any of the files belongs to a split or puts photos into splits.
        aside: The classes of boxes that do not count.
        findings: Problems of the labels.
    """

    photos: dict[PurePosixPath, LabelledPhoto] = field(default_factory=dict)
    file_of: dict[PurePosixPath, str] = field(default_factory=dict)
    of_splits: bool = False
    aside: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def join(groups: Iterable[Sequence[LabelFile]]) -> Joined:
    """Merge several files.

    Among versions, files of splits take precedence, then those with the most boxes, for all of their photos, so that
    versions never mix.

    Args:
        groups: The files, with those that differ only in split grouped together.
    """
    joined = Joined()
    for theirs in sorted(map(_merged, groups), key=_rank):
        joined.findings += theirs.findings
        again = _add_known(joined, theirs)
        # Split files usually omit on purpose the photos that only a file without a split has.
        unlisted = any(joined.photos[photo].split for photo in again)
        unlisted = unlisted and not any(photo_labels.split for photo_labels in theirs.photos.values())
        for photo, photo_labels in theirs.photos.items():
            joined.photos.setdefault(photo, replace(photo_labels, unlisted=True) if unlisted else photo_labels)
            joined.file_of.setdefault(photo, theirs.file_of[photo])
    return joined


def _merged(group: Sequence[LabelFile]) -> Joined:
    """Merge files that differ only in split, and assign each photo to one split."""
    merged = Joined(of_splits=any(file.split for file in group))
    named: Mapping[PurePosixPath, set[Split]] = defaultdict(set)
    for file in group:
        theirs = Joined(dict(file.photos), dict.fromkeys(file.photos, file.path))
        if merged.photos:
            _add_known(merged, theirs, same_is_known=True)
        for photo in file.photos:
            merged.photos.setdefault(photo, theirs.photos[photo])
            merged.file_of.setdefault(photo, file.path)
            named[photo] |= {file.split} if file.split else set()
    named = {photo: splits for photo, splits in named.items() if splits}
    settled, twice = settle_splits(named, group[0].path)
    merged.findings += twice
    for photo, split in settled.items():
        if merged.photos[photo].split != split:
            merged.photos[photo] = replace(merged.photos[photo], split=split)
    merged.of_splits = merged.of_splits or any(photo.split for photo in merged.photos.values())
    return merged


def _rank(joined: Joined) -> tuple[bool, int, int, str]:
    boxes = sum(len(photo.marks) for photo in joined.photos.values())
    return not joined.of_splits, -boxes, -len(joined.photos), min(joined.file_of.values(), default="")


def _is_too_much(joined: Joined, theirs: Joined, photo: PurePosixPath) -> bool:
    """Return whether a photo has too many annotations to compare; if so, report it and keep those of the first file."""
    count = len(joined.photos[photo].marks) + len(theirs.photos[photo].marks)
    if count <= MAX_COMPARED:
        return False
    values = {"file": theirs.file_of[photo], "marks": count}
    joined.findings.append(Finding("labels_damaged", str(photo), "drop", values, "marks_compared", (str(photo),)))
    return True


def _add_known(joined: Joined, theirs: Joined, *, same_is_known: bool = False) -> list[PurePosixPath]:
    """Add the annotations of photos that ``joined`` has too, and return these photos.

    Args:
        joined: The files so far; updated in place.
        theirs: Another file.
        same_is_known: Whether photos with equal annotations are reported in another way.
    """
    again = [photo for photo in theirs.photos if photo in joined.photos and not _is_too_much(joined, theirs, photo)]
    told = [
        photo for photo in again if not (same_is_known and theirs.photos[photo].marks == joined.photos[photo].marks)
    ]
    if told:
        _add_again(joined, theirs, told)
    return again


def _add_again(joined: Joined, theirs: Joined, again: Sequence[PurePosixPath]) -> None:
    """Add annotations of new objects; set them aside if most objects are known, as in another version."""
    new = {photo: list(_new_marks(theirs.photos[photo].marks, joined.photos[photo].marks)) for photo in again}
    is_version = 2 * sum(map(len, new.values())) <= sum(len(theirs.photos[photo].marks) for photo in again)
    disagreeing = [] if is_version else [photo for photo in again if _disagree(joined, theirs, photo, new[photo])]
    joined.findings += _contradictions(joined, theirs, disagreeing)
    agreeing = [photo for photo in again if photo not in set(disagreeing)]
    joined.findings += _described_again(joined, theirs, agreeing, is_version=is_version)
    for photo, marks in new.items():
        known = joined.photos[photo]
        if photo in disagreeing:
            union = OtherReading("labels_disagree", "fix", (*_union(known), *marks))
            others = (reading for reading in known.readings if reading.kind != "labels_disagree")
            joined.photos[photo] = replace(known, readings=(*others, union))
            continue
        if is_version and marks:
            joined.photos[photo] = replace(known, aside=(*known.aside, *marks))
            joined.findings += [_set_aside(mark, photo, theirs.file_of[photo], joined.file_of[photo]) for mark in marks]
            joined.aside |= {mark.name for mark in marks}
        elif marks:
            joined.photos[photo] = replace(known, marks=(*known.marks, *marks))


def _union(known: LabelledPhoto) -> tuple[Mark, ...]:
    return next((reading.marks for reading in known.readings if reading.kind == "labels_disagree"), known.marks)


def _disagree(joined: Joined, theirs: Joined, photo: PurePosixPath, new: Sequence[Mark]) -> bool:
    """Return whether both files mark objects of one class on a photo, and each has some that the other lacks."""
    ours, others = joined.photos[photo].marks, theirs.photos[photo].marks
    missing = {spelling_key(mark.name) for mark in _new_marks(ours, others)}
    return any(spelling_key(mark.name) in missing for mark in new) and bool(missing)


def _contradictions(joined: Joined, theirs: Joined, photos: Sequence[PurePosixPath]) -> Iterator[Finding]:
    """Report contradicting files, once for each pair of files."""
    pairs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for photo in photos:
        pairs[joined.file_of[photo], theirs.file_of[photo]].append(str(photo))
    for (file, other), named in pairs.items():
        values = {"file": file, "other": other, "photo": named[0], "photos": len(named)}
        yield Finding("labels_disagree", other, "stop", values, photos=tuple(named))


def _new_marks(marks: Sequence[Mark], known: Sequence[Mark]) -> Iterator[Mark]:
    """Yield the annotations that match no known one."""
    if marks == known:
        return
    same = set(known)
    boxes: dict[str, list[BoxXYXY]] = defaultdict(list)
    for mark in known:
        boxes[spelling_key(mark.name)].append(mark.box_xyxy)
    for mark in marks:
        if mark in same or any(_overlap(mark.box_xyxy, other) for other in boxes[spelling_key(mark.name)]):
            continue
        yield mark


def same_object(mark: Mark, other: Mark) -> bool:
    """Return whether two annotations of a photo mark one object: equal classes and boxes that overlap."""
    if spelling_key(mark.name) != spelling_key(other.name):
        return False
    return mark.box_xyxy == other.box_xyxy or _overlap(mark.box_xyxy, other.box_xyxy)


def _overlap(box_xyxy: BoxXYXY, other_xyxy: BoxXYXY) -> bool:
    """Return whether the IoU of two boxes of a class is high enough for one object."""
    left, top, right, bottom = box_xyxy
    x1, y1, x2, y2 = other_xyxy
    if x1 >= right or x2 <= left or y1 >= bottom or y2 <= top:
        return False
    shared = (min(right, x2) - max(left, x1)) * (min(bottom, y2) - max(top, y1))
    return shared >= SAME_OBJECT * ((right - left) * (bottom - top) + (x2 - x1) * (y2 - y1) - shared)


def _described_again(
    joined: Joined, theirs: Joined, again: Sequence[PurePosixPath], *, is_version: bool
) -> Iterator[Finding]:
    photos: dict[str, list[PurePosixPath]] = defaultdict(list)
    for photo in again:
        photos[theirs.file_of[photo]].append(photo)
    for path, shared in photos.items():
        others = sorted({joined.file_of[photo] for photo in shared})
        cause = "other_version" if is_version else "other_objects"
        yield Finding("labels_twice", path, "drop", {"photos": len(shared), "others": others}, cause)


def _set_aside(mark: Mark, photo: PurePosixPath, path: str, counting: str) -> Finding:
    values = {"name": mark.name, "box_xyxy": list(mark.box_xyxy), "file": path, "counting": counting}
    return Finding("box_set_aside", str(photo), "drop", values, photos=(str(photo),))
