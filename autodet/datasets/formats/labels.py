"""Output of the format readers: photos and annotations as written, before any repair."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from autodet.datasets.sources.files import FileError
from autodet.records import Action, BoxXYXY, Finding, Mark, Split

MAX_NAME_LENGTH = 200  # characters of a class name
MAX_NAMES_SHOWN = 3
MAX_MARKS = 20_000  # per photo: ten times the densest published photos


class LabelError(FileError):
    """Labels, or one annotation, cannot be used."""


class UnknownClassError(LabelError):
    """An annotation whose class has no name."""


_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")  # characters that neither XML nor YAML can hold


def plain_name(name: object) -> str:
    """Return a class name on one line, without control characters; empty if it is not a valid name."""
    if not isinstance(name, str | int | float) or (isinstance(name, str) and len(name) > 2 * MAX_NAME_LENGTH):
        return ""
    plain = " ".join(_NO_TEXT.sub(" ", str(name).encode("utf-8", "replace").decode()).split())
    return plain if len(plain) <= MAX_NAME_LENGTH else ""


def find_nameless(cause: str, file: str, names: Collection[str]) -> Finding:
    """Report classes that have only numbers.

    Args:
        cause: Cause of the finding.
        file: File, or empty.
        names: The generated names.
    """
    shown = sorted(names)[:MAX_NAMES_SHOWN]
    called = ", ".join(shown) + " ..." * (len(names) > len(shown))
    return Finding("names_missing", file, "keep", {"called": called}, cause)


# The four numbers of a box as the format writes them: two corners; top left corner and size; centre and size. Empty for
# outlines, whose boxes have only one reading.
Notation = Literal["corners", "top_left", "center", ""]


def corners_of(numbers: BoxXYXY, notation: Notation) -> BoxXYXY:
    """Convert the four numbers of a box in a notation to ``x1, y1, x2, y2``."""
    a, b, c, d = numbers
    if notation == "top_left":
        return a, b, a + c, b + d
    if notation == "center":
        return a - c / 2, b - d / 2, a + c / 2, b + d / 2
    return numbers


class OtherReading(NamedTuple):
    """The annotations of a photo as another decision reads them.

    Attributes:
        kind: The kind of finding that asks for the decision; its default is the reading in ``LabelledPhoto.marks``, or
            ``stop``.
        action: The action of that kind that stands for this reading.
        marks: The annotations under this reading.
        also: Decisions of other kinds that this reading needs too.
        left_out: Whether this reading leaves the photo out.
    """

    kind: str
    action: Action
    marks: tuple[Mark, ...]
    also: tuple[tuple[str, Action], ...] = ()
    left_out: bool = False


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
        notation: The notation of the boxes in the label file, before they became ``x1, y1, x2, y2``.
        listed: Whether a file of labels names the photo, where ``labels`` is the photo itself.
        readings: Other readings of the same labels, if the source does not determine one.
    """

    photo: PurePosixPath
    labels: str
    marks: tuple[Mark, ...]
    stated_wh: tuple[int, int] | None = None
    split: Split | None = None
    relative: bool = False
    unlisted: bool = False
    aside: tuple[Mark, ...] = ()
    notation: Notation = ""
    listed: bool = False
    readings: tuple[OtherReading, ...] = ()


@dataclass(frozen=True)
class Reading:
    """Result of a format reader.

    Attributes:
        photos: The photos with their annotations.
        findings: Problems of the labels.
        classes: The classes that the labels name, annotated or not, if the format lists them.
        stale_lists: Whether photo lists may be older than the labels, so that an unlisted photo may be an oversight;
            otherwise lists belong to the data set and omit photos on purpose.
    """

    photos: tuple[LabelledPhoto, ...]
    findings: tuple[Finding, ...]
    classes: tuple[str, ...] = ()
    stale_lists: bool = False


def settle_splits(
    named: Mapping[PurePosixPath, Collection[Split]],
    file: str,
    folder_split: Callable[[PurePosixPath], Split | None] = lambda _photo: None,
) -> tuple[dict[PurePosixPath, Split], list[Finding]]:
    """Assign each photo to one split where lists name several, to prevent data leakage.

    ``val`` takes precedence over ``test``, and ``test`` over ``train``; if that leaves no training photos, ``train``
    comes first. A photo in both ``val`` and ``test`` goes to the split that its folder is named after, if any.

    Args:
        named: The splits that name each photo; at least one.
        file: The file that contains the lists, named in the finding.
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
    cause = "split_twice_by_folder" if by_folder else "split_twice"
    if not by_folder and set(settled.values()) == {"train"}:
        cause = "split_twice_train"
    splits = [split for split in order if any(split in splits for splits in named.values() if len(splits) > 1)]
    values = {"photos": twice, "splits": splits, "first": order[0]}
    return settled, [Finding("split_twice", file, "fix", values, cause, tuple(twice))]
