"""What a format's reader hands to the import: photos and marks as they were written, nothing repaired yet."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from autodet.errors import DatasetError
from autodet.records import Mark, Problem, Split

MAX_NAME_LENGTH = 200  # letters of a class's name
PHOTO_LEFT_OUT, BOX_DROPPED, PASSED_OVER = "The photo was left out.", "The box was dropped.", "It was passed over."
MAX_MARKS = 20_000  # on a photo: ten times what the densest that people publish have


class UnknownClassError(DatasetError):
    """A mark of a class that has no name."""


_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")  # what neither XML nor YAML can hold


def plain_name(name: object) -> str:
    """What a label file calls a class, on one line and without characters that are no text; empty if it is no name."""
    if not isinstance(name, str | int | float) or (isinstance(name, str) and len(name) > 2 * MAX_NAME_LENGTH):
        return ""
    plain = " ".join(_NO_TEXT.sub(" ", str(name).encode("utf-8", "replace").decode()).split())
    return plain if len(plain) <= MAX_NAME_LENGTH else ""


def classes_called(names: Collection[str]) -> str:
    """What is said where classes were given names because they have numbers only."""
    return f"The classes were called {', '.join(sorted(names)[:3])}{' ...' * (len(names) > 3)}."


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo and what its labels say about it.

    Attributes:
        photo: The photo's file, below the source's root.
        labels: The file that the marks come from, below the source's root.
        marks: The marks, in the order of the labels.
        stated_wh: The size that the labels give, in pixels; ``(0, 0)`` if they should give one and do not.
        split: The split that folders or lists put it in, if any do.
        relative: Whether boxes are shares, 0 to 1, of the width and height of the photo as a person sees it.
        unlisted: Whether the source has lists of its photos, and none of them names this one.
        aside: Marks that only another version of the labels has, which does not count.
    """

    photo: PurePosixPath
    labels: str
    marks: tuple[Mark, ...]
    stated_wh: tuple[int, int] | None = None
    split: Split | None = None
    relative: bool = False
    unlisted: bool = False
    aside: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Reading:
    """All that a format's reader found, and what it could not make sense of.

    Attributes:
        photos: The photos with their marks.
        problems: What it could not make sense of.
        classes: The classes that the labels name, marked or not, where a format has a list of them.
        stale_lists: Whether lists of photos may be older than the labels, so that a photo that none names may have been
            forgotten; otherwise lists are part of the data set, and leave photos out on purpose.
    """

    photos: tuple[LabelledPhoto, ...]
    problems: tuple[Problem, ...]
    classes: tuple[str, ...] = ()
    stale_lists: bool = False


def settle_splits(
    named: Mapping[PurePosixPath, Collection[Split]],
    file: str,
    folder_split: Callable[[PurePosixPath], Split | None] = lambda _photo: None,
) -> tuple[dict[PurePosixPath, Split], list[Problem]]:
    """One split for each photo, where lists may name it for several: what is learnt from cannot test.

    ``val`` comes before ``test``, and ``test`` before ``train``; if nothing were left to learn from, ``train`` comes
    first. Between ``val`` and ``test`` the name of the photo's folder decides, if it is that of one of them.

    Args:
        named: The splits that a photo is named for; at least one.
        file: The file that says so, for the problem.
        folder_split: The split that a photo's folder is called like.
    """
    order: tuple[Split, ...] = ("val", "test", "train")
    for_train = any("train" in splits for splits in named.values())
    if for_train and all(len(splits) > 1 for splits in named.values() if "train" in splits):
        order = ("train", "val", "test")
    settled = {photo: next(split for split in order if split in splits) for photo, splits in named.items()}
    by_folder = {
        photo: split
        for photo, splits in named.items()
        if set(splits) == {"val", "test"} and (split := folder_split(photo)) in splits
    }
    settled |= {photo: split for photo, split in by_folder.items() if split}
    twice = sorted(str(photo) for photo, splits in named.items() if len(splits) > 1)
    if not twice:
        return settled, []
    several = f"{len(twice)} photos are named" if len(twice) > 1 else f"{twice[0]} is named"
    words = " and ".join(
        split for split in order if any(split in splits for splits in named.values() if len(splits) > 1)
    )
    problem = f"{several} for {words}; what is learnt from cannot test what was learnt."
    action = f"Each was put into one split, {order[0]} first."
    if by_folder:
        action = f"Each was put into one split: that of its folder's name, else {order[0]} first."
    elif set(settled.values()) == {"train"}:
        action = "They were taken for train; if that leaves no photo for val, splits are drawn from it."
    return settled, [Problem(file, problem, action, "split_twice", (*twice,))]
