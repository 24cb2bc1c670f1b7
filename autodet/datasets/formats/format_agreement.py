"""Agreement of labels in several formats about the same photos: converted labels are no question to the user."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import PurePosixPath

from autodet.datasets.formats.labels import Reading
from autodet.records import BoxXYXY

ROUNDING = 1.5  # pixels by which converted boxes differ: whole pixels, counted from 0 or from 1

SizesWH = Mapping[PurePosixPath, tuple[int, int]]
Objects = list[tuple[str, BoxXYXY]]


def find_agreeing(readings: Mapping[str, Reading]) -> list[str]:
    """Return the formats whose labels include all others.

    Args:
        readings: The labels in each format.

    Returns:
        The formats that label every photo labelled in any of them; none if two formats disagree about a photo, or
        cannot be compared because one has fractions and none states the size of the photo.
    """
    sizes_wh: dict[PurePosixPath, tuple[int, int]] = {}
    for reading in readings.values():
        sizes_wh |= {
            photo.photo: photo.stated_wh for photo in reading.photos if photo.stated_wh and all(photo.stated_wh)
        }
    objects = {format: _objects(reading, sizes_wh) for format, reading in readings.items()}
    for ours, theirs in combinations(objects.values(), 2):
        if not all(_are_equal(ours[photo], theirs[photo]) for photo in ours.keys() & theirs.keys()):
            return []
    labelled = {photo for of_format in objects.values() for photo in of_format}
    return [format for format, of_format in objects.items() if len(of_format) == len(labelled)]


def extent_of(reading: Reading) -> tuple[int, int]:
    """Return the number of photos that the labels put into a split, and of those that they describe."""
    described = (photo.listed or photo.labels != str(photo.photo) for photo in reading.photos)
    return sum(photo.split is not None for photo in reading.photos), sum(described)


def _objects(reading: Reading, sizes_wh: SizesWH) -> dict[PurePosixPath, Objects | None]:
    """Return the classes and boxes of each labelled photo, in pixels; None if its size is needed and unknown."""
    found: dict[PurePosixPath, Objects | None] = {}
    for photo in reading.photos:
        if not photo.marks:
            continue
        width, height = sizes_wh.get(photo.photo, (0, 0)) if photo.relative else (1, 1)
        scaled = (
            (mark.name, (x1 * width, y1 * height, x2 * width, y2 * height))
            for mark in photo.marks
            for x1, y1, x2, y2 in [mark.box_xyxy]
        )
        found[photo.photo] = sorted(scaled) if width else None
    return found


def _are_equal(ours: Objects | None, theirs: Objects | None) -> bool:
    """Return whether two sorted lists hold the same objects, to a rounding error."""
    if ours is None or theirs is None or len(ours) != len(theirs):
        return False
    return all(
        name == other and all(abs(a - b) <= ROUNDING for a, b in zip(box_xyxy, other_xyxy, strict=True))
        for (name, box_xyxy), (other, other_xyxy) in zip(ours, theirs, strict=True)
    )
