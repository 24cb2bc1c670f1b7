"""Merge several COCO files about the same photos: they annotate different objects or are versions of one another.

A box matches a known object if it overlaps a box of the same class. If most boxes of a file match, the file is another
version and its remaining boxes do not count; otherwise they are added.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from autodet.datasets.formats.coco_file import Described
from autodet.datasets.formats.labels import BOX_DROPPED, LabelledPhoto, settle_splits
from autodet.records import BoxXYXY, Mark, Problem, Split
from autodet.text_format import counted, spelling_key

SAME_OBJECT = 0.5  # IoU from which two boxes of a class show one object
MAX_COMPARED = 4000  # annotations of a photo in several files: twice the densest published photos
MAX_NAMES = 3  # files named in one sentence


@dataclass
class Joined:
    """Merged content of several files.

    Attributes:
        photos: The photos with the annotations that count.
        file_of: The source file of each photo; the first one if boxes of others were added.
        of_splits: Whether any of the files belongs to a split.
        aside: The classes of boxes that do not count.
        problems: The problems found.
    """

    photos: dict[PurePosixPath, LabelledPhoto] = field(default_factory=dict)
    file_of: dict[PurePosixPath, str] = field(default_factory=dict)
    of_splits: bool = False
    aside: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def join(groups: Iterable[Sequence[Described]]) -> Joined:
    """Merge several files.

    Among versions, files of splits take precedence, then those with the most boxes, for all of their photos, so that
    versions never mix.

    Args:
        groups: The files, with those that differ only in split grouped together.
    """
    joined = Joined()
    for theirs in sorted(map(_merged, groups), key=_rank):
        joined.problems += theirs.problems
        again = [photo for photo in theirs.photos if photo in joined.photos and not _is_too_much(joined, theirs, photo)]
        if again:
            _add_again(joined, theirs, again)
        # Split files usually omit on purpose the photos that only a file without a split has.
        unlisted = any(joined.photos[photo].split for photo in again)
        unlisted = unlisted and not any(one.split for one in theirs.photos.values())
        for photo, one in theirs.photos.items():
            joined.photos.setdefault(photo, replace(one, unlisted=True) if unlisted else one)
            joined.file_of.setdefault(photo, theirs.file_of[photo])
    return joined


def _merged(group: Sequence[Described]) -> Joined:
    """Merge files that differ only in split, and assign each photo to one split."""
    merged = Joined(of_splits=any(file.split for file in group))
    named: dict[PurePosixPath, set[Split]] = defaultdict(set)
    for file in group:
        for photo, labelled in file.photos.items():
            merged.photos.setdefault(photo, labelled)
            merged.file_of.setdefault(photo, file.path)
            if file.split:
                named[photo].add(file.split)
    settled, merged.problems = settle_splits(named, group[0].path)
    for photo, split in settled.items():
        if merged.photos[photo].split != split:
            merged.photos[photo] = replace(merged.photos[photo], split=split)
    return merged


def _rank(one: Joined) -> tuple[bool, int, int, str]:
    boxes = sum(len(photo.marks) for photo in one.photos.values())
    return not one.of_splits, -boxes, -len(one.photos), min(one.file_of.values(), default="")


def _is_too_much(joined: Joined, theirs: Joined, photo: PurePosixPath) -> bool:
    """Return whether a photo has too many annotations to compare; if so, report it and keep those of the first file."""
    count = len(joined.photos[photo].marks) + len(theirs.photos[photo].marks)
    if count <= MAX_COMPARED:
        return False
    problem = f"With those in {theirs.file_of[photo]} it has {count} marks, more than are compared."
    joined.problems.append(Problem(str(photo), problem, "Those were left out.", "labels_damaged", (str(photo),)))
    return True


def _add_again(joined: Joined, theirs: Joined, again: Sequence[PurePosixPath]) -> None:
    """Add annotations of new objects; set them aside if most objects are known, as in another version."""
    new = {photo: list(_new_marks(theirs.photos[photo].marks, joined.photos[photo].marks)) for photo in again}
    is_version = 2 * sum(map(len, new.values())) <= sum(len(theirs.photos[photo].marks) for photo in again)
    joined.problems += _described_again(joined, theirs, again, is_version=is_version)
    for photo, marks in new.items():
        known = joined.photos[photo]
        if is_version and marks:
            joined.photos[photo] = replace(known, aside=(*known.aside, *marks))
            joined.problems += [_set_aside(mark, photo, theirs.file_of[photo], joined.file_of[photo]) for mark in marks]
            joined.aside |= {mark.name for mark in marks}
        elif marks:
            joined.photos[photo] = replace(known, marks=(*known.marks, *marks))


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
) -> Iterator[Problem]:
    photos: dict[str, list[PurePosixPath]] = defaultdict(list)
    for photo in again:
        photos[theirs.file_of[photo]].append(photo)
    for path, shared in photos.items():
        others = _named(sorted({joined.file_of[photo] for photo in shared}))
        problem = f"Of its photos, {len(shared)} {'is' if len(shared) == 1 else 'are'} described by {others} too"
        if is_version:
            yield Problem(path, f"{problem}.", f"For these, {others} counts.", "labels_twice")
        else:
            yield Problem(path, f"{problem}, with other objects.", "Their boxes were joined.", "labels_twice")


def _named(paths: Sequence[str]) -> str:
    more = len(paths) - MAX_NAMES
    return " and ".join([*paths[:MAX_NAMES], *([counted(more, "other file")] if more > 0 else [])])


def _set_aside(mark: Mark, photo: PurePosixPath, path: str, counting: str) -> Problem:
    where = ", ".join(f"{value:g}" for value in mark.box_xyxy)
    problem = f"The box of {mark.name!r} at ({where}) is in {path} alone, and not in {counting}, which counts."
    return Problem(str(photo), problem, BOX_DROPPED, "box_set_aside", (str(photo),))
