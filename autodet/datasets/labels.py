"""What a format's reader hands to the import: photos and marks as they were written, nothing repaired yet."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from autodet.records import Problem, Split

BoxXYXY = tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """One object that somebody marked.

    Attributes:
        name: The class, as written.
        box_xyxy: The box in pixels of the photo, as written.
        difficult: Whether a metric should neither reward nor punish it.
    """

    name: str
    box_xyxy: BoxXYXY
    difficult: bool = False


@dataclass(frozen=True)
class LabelledPhoto:
    """A photo and what its labels say about it.

    Attributes:
        photo: The photo's file, below the source's root.
        labels: The file that the marks come from, below the source's root.
        marks: The marks, in the order of the labels.
        stated_wh: The size that the labels give, in pixels, if they give one.
        split: The split that folders or lists put it in, if any do.
    """

    photo: PurePosixPath
    labels: PurePosixPath
    marks: tuple[Mark, ...]
    stated_wh: tuple[int, int] | None = None
    split: Split | None = None


@dataclass(frozen=True)
class Reading:
    """All that a format's reader found, and what it could not make sense of."""

    photos: tuple[LabelledPhoto, ...]
    problems: tuple[Problem, ...]
