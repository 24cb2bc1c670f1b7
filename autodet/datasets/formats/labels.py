"""Output of the format readers: photos and annotations as written, before any repair."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from autodet.errors import DatasetError
from autodet.records import Mark, Problem, Split

MAX_NAME_LENGTH = 200  # characters of a class name
PHOTO_LEFT_OUT, BOX_DROPPED, PASSED_OVER = "The photo was left out.", "The box was dropped.", "It was passed over."
MAX_MARKS = 20_000  # per photo: ten times the densest published photos


class UnknownClassError(DatasetError):
    """An annotation whose class has no name."""


_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")  # characters that neither XML nor YAML can hold


def plain_name(name: object) -> str:
    """Return a class name on one line, without control characters; empty if it is not a valid name."""
    if not isinstance(name, str | int | float) or (isinstance(name, str) and len(name) > 2 * MAX_NAME_LENGTH):
        return ""
    plain = " ".join(_NO_TEXT.sub(" ", str(name).encode("utf-8", "replace").decode()).split())
    return plain if len(plain) <= MAX_NAME_LENGTH else ""


def classes_called(names: Collection[str]) -> str:
    """Describe the generated names of classes that have only numbers."""
    return f"The classes were called {', '.join(sorted(names)[:3])}{' ...' * (len(names) > 3)}."


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """A photo and its annotations.

    Attributes:
        photo: The photo's file, relative to the source's root.
        labels: The file with the annotations, relative to the source's root.
        marks: The annotations, in file order.
        stated_wh: The size according to the labels, in pixels; ``(0, 0)`` if they should state one and do not.
        split: The split given by folders or lists, if any.
        relative: Whether boxes are fractions, 0 to 1, of the width and height of the upright photo.
        unlisted: Whether the source lists its photos but omits this one.
        aside: Annotations found only in another version of the labels, which does not count.
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
    """Result of a format reader.

    Attributes:
        photos: The photos with their annotations.
        problems: The problems found.
        classes: The classes that the labels name, annotated or not, if the format lists them.
        stale_lists: Whether photo lists may be older than the labels, so that an unlisted photo may be an oversight;
            otherwise lists belong to the data set and omit photos on purpose.
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
    """Assign each photo to one split where lists name several, to prevent data leakage.

    ``val`` takes precedence over ``test``, and ``test`` over ``train``; if that leaves no training photos, ``train``
    comes first. A photo in both ``val`` and ``test`` goes to the split that its folder is named after, if any.

    Args:
        named: The splits that name each photo; at least one.
        file: The file that contains the lists, named in the problem.
        folder_split: Returns the split that a photo's folder is named after.
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
    problem = f"{several} for {words}; a photo in both is data leakage."
    action = f"Each was put into one split, {order[0]} first."
    if by_folder:
        action = f"Each was put into one split: that of its folder's name, else {order[0]} first."
    elif set(settled.values()) == {"train"}:
        action = "They were taken for train; if that leaves no photo for val, splits are drawn from it."
    return settled, [Problem(file, problem, action, "split_twice", (*twice,))]
