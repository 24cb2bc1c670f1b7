"""Regions of Label Studio: boxes, ellipses, polygons and brush masks, all in percent of the photo."""

from collections.abc import Iterator, Mapping, Sequence
from math import radians
from typing import Any

from autodet.datasets.formats.json_documents import stated_size
from autodet.datasets.formats.labels import LabelError
from autodet.datasets.formats.masks import MAX_RUNS, number_of, numbers_of
from autodet.datasets.formats.photo_marks import PhotoMarks
from autodet.datasets.formats.shapes import (
    hull_of_points,
    hull_of_rotated_ellipse,
    is_turned,
    points_of,
    turned_about_corner,
)
from autodet.records import BoxXYXY

Region = Mapping[str, Any]

CHANNELS = 4  # of a brush mask: red, green, blue, alpha
_GEOMETRY = ("x", "y", "width", "height", "radiusX", "radiusY", "rotation", "points", "rle", "vertices", "sequence")


def add_regions(drawn: PhotoMarks, regions: Sequence[Region]) -> tuple[int, int] | None:
    """Add the annotations of one photo, as fractions of its sides.

    Args:
        drawn: Receives the annotations.
        regions: The entries of ``result``; those with one ``id`` or the same place describe one object.

    Returns:
        The photo's size in pixels as the regions state it; None if they do not.
    """
    sizes = (stated_size(region.get("original_width"), region.get("original_height")) for region in regions)
    size = next((size for size in sizes if all(size)), None)
    for group in _objects(regions):
        _add_object(drawn, group, size)
    return size


def classes_of(value: Mapping[str, Any]) -> list[str]:
    """Return the labels of a region: the texts of ``rectanglelabels``, ``labels`` and others of such a name."""
    return [
        label
        for key, labels in value.items()
        if key.endswith("labels") and isinstance(labels, list)
        for label in labels
        if isinstance(label, str)
    ]


def has_place(value: Mapping[str, Any]) -> bool:
    """Return whether the value of a result is a region of the photo, rather than a choice or a text about it."""
    return any(value.get(key) is not None for key in _GEOMETRY)


def _objects(regions: Sequence[Region]) -> Iterator[list[Region]]:
    """Group the regions by object: a rectangle, its label and its text are separate entries."""
    grouped: dict[str, list[Region]] = {}
    for region in regions:
        value = region.get("value")
        if isinstance(value, dict) and has_place(value):
            place = str([value.get(key) for key in _GEOMETRY])
            grouped.setdefault(str(region.get("id") or place), []).append(region)
    yield from grouped.values()


def _add_object(drawn: PhotoMarks, group: Sequence[Region], size: tuple[int, int] | None) -> None:
    number = drawn.next_shape()
    values = [region["value"] for region in group]
    classes = [label for value in values for label in classes_of(value)]
    if not classes:  # a class may also be chosen in a list beside the photo
        chosen = [value["choices"] for value in values if isinstance(value.get("choices"), list)]
        classes = [choice for choices in chosen for choice in choices if isinstance(choice, str)]
    value = values[0]
    if _is_point(value) or value.get("rle") == []:  # a brush that painted nothing
        drawn.skipped += 1
        return
    if any(number_of(region.get("image_rotation")) or 0 for region in group):
        drawn.refuse("view_turned")
        return
    try:
        box, turned = _box_of(value, size, number)
    except LabelError as error:
        if error.cause.key == "mask_empty":
            drawn.skipped += 1
        else:
            drawn.damage.append(error.cause)
        return
    drawn.add(classes, box, turned=turned)


def _is_point(value: Mapping[str, Any]) -> bool:
    """Return whether a region is a key point (it has the width of its dot) or a line of vertices."""
    lacks_area = not any(key in value for key in ("height", "radiusX", "points", "rle", "sequence"))
    return lacks_area or "keypointlabels" in value


def _box_of(value: Mapping[str, Any], size: tuple[int, int] | None, number: int) -> tuple[BoxXYXY, bool]:
    """Return the box of a region in fractions of the sides, and whether it was a turned rectangle."""
    if "rle" in value:
        return _box_of_brush(value["rle"], size, number), False
    if "points" in value:
        points = points_of(value["points"])
        if not points or len(points) < 3:
            raise LabelError("region_place", number=number)
        return _fractions(hull_of_points(points), (100, 100)), False
    angle = number_of(value.get("rotation") or 0)
    keys = ("x", "y", "radiusX", "radiusY") if "radiusX" in value else ("x", "y", "width", "height")
    numbers = numbers_of([value.get(key) for key in keys])
    if numbers is None or angle is None:
        raise LabelError("region_place", number=number)
    if angle % 360 and size is None:
        raise LabelError("region_sizeless", number=number)
    width, height = size or (100, 100)
    x, y, across, down = (share * side / 100 for share, side in zip(numbers, (width, height) * 2, strict=True))
    turn = radians(angle)
    if "radiusX" in value:
        return _fractions(hull_of_rotated_ellipse(x, y, across, down, turn), (width, height)), False
    if not angle % 360:
        return _fractions((x, y, x + across, y + down), (width, height)), False
    corners = turned_about_corner(x, y, across, down, turn)
    return _fractions(hull_of_points(corners), (width, height)), is_turned(turn)


def _fractions(box_xyxy: BoxXYXY, size_wh: tuple[int, int]) -> BoxXYXY:
    width, height = size_wh
    x1, y1, x2, y2 = box_xyxy
    return x1 / width, y1 / height, x2 / width, y2 / height


def _box_of_brush(rle: Any, size: tuple[int, int] | None, number: int) -> BoxXYXY:
    """Return the bounds of a brush mask: a packed picture of four channels, whose alpha is not 0 in the mask."""
    if size is None:
        raise LabelError("region_sizeless", number=number)
    width, height = size
    columns: list[int] = []
    rows: list[int] = []
    for start, end in _painted(rle, CHANNELS * width * height):
        first, last = -(-(start - CHANNELS + 1) // CHANNELS), (end - CHANNELS) // CHANNELS  # pixels with alpha inside
        if last < first:
            continue
        (top, left), (bottom, right) = divmod(first, width), divmod(last, width)
        columns += [left, right] if top == bottom else [0, width - 1]
        rows += [top, bottom]
    if not columns:
        raise LabelError("mask_empty")
    return _fractions((min(columns), min(rows), max(columns) + 1, max(rows) + 1), size)


def _painted(rle: Any, most: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges of a packed picture's values that are not 0.

    The picture is a stream of bits: 32 for the number of values, 5 for the bits of a value less one, four times 4 for
    the bits of a length less one; then runs: a bit (1 if all values are the same), 2 bits that select the size of the
    length, the length less one, and the value or values.

    Raises:
        LabelError: The stream is damaged.
    """
    if not isinstance(rle, list) or len(rle) > 16 * MAX_RUNS:
        raise LabelError("mask_unreadable")
    try:
        bits = _Bits(bytes(rle))
    except (TypeError, ValueError) as error:
        raise LabelError("mask_unreadable") from error
    count, value_bits = bits.read(32), bits.read(5) + 1
    length_bits = [bits.read(4) + 1 for _ in range(4)]
    if count > most:
        raise LabelError("mask_unreadable")
    at = 0
    while at < count:
        same = bits.read(1)
        end = min(at + bits.read(length_bits[bits.read(2)]) + 1, count)
        if same:
            if bits.read(value_bits):
                yield at, end
        else:
            yield from ((place, place + 1) for place in range(at, end) if bits.read(value_bits))
        at = end


class _Bits:
    """A stream of bits."""

    def __init__(self, content: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in content)
        self._at = 0

    def read(self, count: int) -> int:
        if self._at + count > len(self._bits):
            raise LabelError("mask_unreadable")
        self._at += count
        return int(self._bits[self._at - count : self._at], 2)
