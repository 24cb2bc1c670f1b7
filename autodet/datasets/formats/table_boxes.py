"""Boxes in the rows of a table: their numbers, and the meaning of these, decided from all rows."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from autodet.datasets.formats.labels import LabelError, Notation, corners_of
from autodet.datasets.formats.masks import number_of, numbers_of
from autodet.datasets.formats.shapes import hull_of_points, hull_of_rotated_ellipse, is_upright
from autodet.datasets.formats.table_columns import Layout, is_empty, number_in, sides_of
from autodet.datasets.formats.tables import Row
from autodet.records import BoxXYXY

MAX_CELL = 4_000_000  # characters
MAX_FRACTION = 1.01  # fractions may be rounded, or lead out of the photo a little
MAX_OUTLIER, MAX_OUTLIERS = 2.0, 0.02  # such fractions, and their share of all boxes
ROUNDING = 1.0  # pixels that a box may lead out of its photo
LABELS_IN_CELL = ("category", "categories", "label", "labels", "class", "classes", "class_name", "name")
MIN_BOXES = 5  # that tell corners from sizes
# Possible notations by the notation that the columns suggest, the likeliest first.
NOTATIONS: Mapping[Notation, tuple[Notation, ...]] = {
    "": ("top_left", "corners"),
    "corners": ("corners", "top_left"),
    "top_left": ("top_left", "center"),
    "center": ("center",),
}
_NUMBERS = re.compile(r"[\s\d.,;:eE+\-()\[\]]*")
VIA_SHAPES = ("rect", "polygon", "circle", "ellipse", "polyline", "point")  # in VIA, the name is that of the shape
_INNERMOST = re.compile(r"\[([^\[\]]*)\]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")

Numbers = tuple[float, float, float, float]
SizedNumbers = tuple[Numbers, tuple[float, float] | None]  # with the width and height of the photo, if stated


class WrittenBox(NamedTuple):
    """A box as a table has it.

    Attributes:
        numbers: The four numbers of the box.
        notation: Their notation, if the cell itself tells it; outlines become corners.
        label: The class, if the cell itself names it.
        hulled: Whether it is the upright box around a turned one.
    """

    numbers: Numbers
    notation: Notation = ""
    label: str = ""
    hulled: bool = False


class Convention(NamedTuple):
    """The meaning of a table's numbers.

    Attributes:
        notation: The notation of the four numbers.
        relative: Whether they are fractions of the photo's width and height.
        unclear: Whether another notation is as likely.
    """

    notation: Notation
    relative: bool
    unclear: bool = False


def boxes_in(row: Row, layout: Layout) -> list[WrittenBox]:
    """Return the boxes of a row; none if its cells are empty.

    Raises:
        LabelError: The cells hold something else than boxes.
    """
    if layout.whole is not None:
        return _boxes_in_cell(row.cell(layout.whole))
    cells = [row.cell(column) for column in layout.sides]
    if all(map(is_empty, cells)):
        return []
    numbers = [number for cell in cells if (number := number_in(cell)) is not None]
    if len(numbers) < len(cells):
        raise LabelError("row_damaged", text=", ".join(cells)[:80])
    if len(numbers) == 8:
        corners = list(zip(numbers[0::2], numbers[1::2], strict=True))
        return [WrittenBox(hull_of_points(corners), "corners", hulled=not is_upright(corners))]
    if number_in(row.cell(layout.angle)):
        raise LabelError("row_turned")
    x, y, right, bottom = numbers
    return [WrittenBox((x, y, right, bottom))]


def convention_of(layout: Layout, boxes: Sequence[SizedNumbers]) -> Convention:
    """Decide the meaning of the numbers of boxes, from all of them.

    Args:
        layout: The table's layout, whose names of columns may tell the notation.
        boxes: The numbers of each box, and the photo's width and height in pixels if the table states them.
    """
    numbers = [box for box, _ in boxes]
    relative = are_fractions(numbers)
    sized = [(box, (1.0, 1.0) if relative else size_wh) for box, size_wh in boxes]
    if layout.firm:
        return Convention(layout.notation, relative)
    fitting = [notation for notation in NOTATIONS[layout.notation] if _fit(sized, notation)]
    if not layout.notation and fitting[:2] == ["top_left", "corners"] and len(boxes) >= MIN_BOXES:
        fitting = ["corners"]  # by chance, hardly every box is wider and higher than it is far from the photo's edges
    unclear = relative and fitting == ["top_left", "center"]  # in pixels, x and y are the corner, as in COCO
    return Convention(next(iter(fitting), NOTATIONS[layout.notation][0]), relative, unclear)


def value_in(cell: str) -> Any:
    """Return the value of a cell of JSON, or of a Python list or dictionary; None if it is none."""
    if len(cell) > MAX_CELL:
        return None
    as_json = cell.replace("'", '"').replace("None", "null").replace("True", "true").replace("False", "false")
    for text in (cell, as_json):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            continue
    return None


def are_fractions(boxes: Sequence[Numbers]) -> bool:
    """Return whether numbers are fractions of the photos' sides rather than pixels: hardly any exceeds 1."""
    if not boxes or all(value.is_integer() for box in boxes for value in box):
        return False
    outliers = sum(max(map(abs, box)) > MAX_FRACTION for box in boxes)
    return outliers <= MAX_OUTLIERS * len(boxes) and all(max(map(abs, box)) <= MAX_OUTLIER for box in boxes)


def _fit(boxes: Iterable[SizedNumbers], notation: Notation) -> bool:
    """Return whether all boxes have an area, and lie within their photo where its size is known."""
    for numbers, size_wh in boxes:
        x1, y1, x2, y2 = corners_of(numbers, notation)
        near = ROUNDING if size_wh != (1.0, 1.0) else MAX_FRACTION - 1
        if x2 < x1 or y2 < y1 or min(x1, y1) < -near:
            return False
        if size_wh and (x2 > size_wh[0] + near or y2 > size_wh[1] + near):
            return False
    return True


def _boxes_in_cell(cell: str) -> list[WrittenBox]:
    """Return the boxes of a cell: lists of numbers, dictionaries of named numbers, or shapes of VIA."""
    if is_empty(cell):
        return []
    if len(cell) <= MAX_CELL and _NUMBERS.fullmatch(cell):
        lists = [_NUMBER.findall(text) for text in _INNERMOST.findall(cell) or [cell]]
        return [WrittenBox(_four(list(map(float, numbers)), cell)) for numbers in lists if numbers]
    return list(_boxes_of(value_in(cell), cell))


def _four(numbers: Sequence[float], cell: str) -> Numbers:
    """Return exactly four numbers.

    Raises:
        LabelError: There are more or fewer.
    """
    if len(numbers) != 4 or not all(abs(number) < 1e9 for number in numbers):
        raise LabelError("row_damaged", text=cell[:80])
    a, b, c, d = numbers
    return a, b, c, d


def _boxes_of(value: Any, cell: str) -> Iterator[WrittenBox]:
    if isinstance(value, list):
        for one in value:
            numbers = numbers_of(one)
            if numbers is None:
                yield from _boxes_of(one, cell) if isinstance(one, dict) else _unreadable(cell)
            else:
                yield WrittenBox(_four(numbers, cell))
    elif isinstance(value, dict):
        yield from _boxes_of_fields(value, cell) if value else ()
    else:
        yield from _unreadable(cell)


def _unreadable(cell: str) -> Iterator[WrittenBox]:
    raise LabelError("row_damaged", text=cell[:80])


def _boxes_of_fields(fields: Mapping[str, Any], cell: str) -> Iterator[WrittenBox]:
    """Yield the boxes of a dictionary: named sides, a list of boxes with their classes, or a shape of VIA."""
    label = next((fields[key] for key in LABELS_IN_CELL if isinstance(fields.get(key), str | int | list)), "")
    label = "" if label in VIA_SHAPES else label
    lists = next((fields[key] for key in ("bbox", "bboxes", "boxes", "box") if isinstance(fields.get(key), list)), None)
    if lists is not None:
        boxes = [lists] if numbers_of(lists) else lists
        labels = label if isinstance(label, list) and len(label) == len(boxes) else [label] * len(boxes)
        for one, name in zip(boxes, labels, strict=True):
            yield from (box._replace(label=str(name)) for box in _boxes_of([one], cell))
        return
    if shape := _box_of_shape(fields):
        yield WrittenBox(shape, "corners")
        return
    columns, notation = sides_of(list(fields))
    numbers = numbers_of([list(fields.values())[column] for column in columns])
    if not numbers:
        raise LabelError("row_damaged", text=cell[:80])
    name = label if isinstance(label, str | int) and not isinstance(label, bool) else ""
    yield WrittenBox(_four(numbers, cell), notation, str(name))


def _box_of_shape(fields: Mapping[str, Any]) -> BoxXYXY | None:
    """Return the upright box around a shape of VIA; None for rectangles, points and lines."""
    xs, ys = numbers_of(fields.get("all_points_x")), numbers_of(fields.get("all_points_y"))
    if xs and ys and len(xs) == len(ys) and "line" not in str(fields.get("name")):
        return hull_of_points(zip(xs, ys, strict=True))
    cx, cy = number_of(fields.get("cx")), number_of(fields.get("cy"))
    rx = number_of(fields.get("rx", fields.get("r")))
    ry = number_of(fields.get("ry", fields.get("r")))
    if cx is None or cy is None or rx is None or ry is None:
        return None
    return hull_of_rotated_ellipse(cx, cy, rx, ry, number_of(fields.get("theta")) or 0.0)
