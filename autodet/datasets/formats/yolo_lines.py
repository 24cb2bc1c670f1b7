"""Parser of YOLO label files: one object per line, a class followed by numbers.

This module reads the numbers; ``yolo_layout`` decides for the whole source what they mean, and ``yolo_marks`` turns
them into annotations.
"""

import re
from collections.abc import Sequence
from math import inf
from typing import NamedTuple

from autodet.datasets.formats.labels import MAX_MARKS, LabelError
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.yolo_settings import lines_of
from autodet.records import BoxXYXY, Cause

MAX_CLASS_NUMBER = 100_000
MAX_PLACE = 1e6
MAX_LABELS_BYTES = 4_000_000  # per photo
HEAD = 10_000  # characters that suffice to recognise a file
BOX_NUMBERS = 4
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
_ODD = re.compile("[,;#]")
_WORD = re.compile(r"[^\W\d_]")  # a letter of any script


class LongRow(NamedTuple):
    """The evidence in a row of more than four numbers; the numbers themselves are not kept.

    Attributes:
        numbers: How many numbers follow the class; at least five.
        last: The last two numbers.
        outline_xyxy: The bounding box of all pairs of numbers; of an odd count, the last number is left out.
        shorter_xyxy: The bounding box of all pairs but the last.
    """

    numbers: int
    last: tuple[float, float]
    outline_xyxy: BoxXYXY
    shorter_xyxy: BoxXYXY


class Row(NamedTuple):
    """One line of a label file.

    Attributes:
        line: The line's number, from 1.
        label: The class as written: a number, or a name.
        number: The class number; -1 if ``label`` is a name.
        head: The first four numbers.
        long: What more than four numbers may mean; None for exactly four.
    """

    line: int
    label: str
    number: int
    head: BoxXYXY
    long: LongRow | None = None


class RowTable(NamedTuple):
    """The rows of one label file.

    Attributes:
        rows: The readable rows.
        numbers: The numbers of each row with more than four, in the order of ``rows``.
        damage: Line numbers and reasons of unreadable rows.
    """

    rows: list[Row]
    numbers: list[tuple[float, ...]]
    damage: list[tuple[int, Cause]]


def parse_row(line: str, number: int = 1, *, is_plain: bool = False) -> tuple[Row, tuple[float, ...]]:
    """Parse one row.

    Args:
        line: The line, not empty.
        number: The line's number.
        is_plain: Whether it is known to have no comma, semicolon or comment.

    Returns:
        The row and its numbers.

    Raises:
        LabelError: The line is not a class with at least four numbers that can be positions.
    """
    words = line.split() if is_plain or not _ODD.search(line) else _words_of(line)
    label, places = (words[0], words[1:]) if words else ("", [])
    try:
        class_number = int(label) if label.isdecimal() else _class_number(label)
        if class_number < 0 and places and _is_word(places[0]):
            label, places = _long_label(words)
        values = tuple(map(float, places))
    except ValueError as error:
        raise LabelError("line_unreadable", text=line[:60]) from error
    if len(values) < BOX_NUMBERS:
        raise LabelError("line_shape")
    if not sum(map(abs, values)) < MAX_PLACE and not all(-MAX_PLACE < value < MAX_PLACE for value in values):
        raise LabelError("line_places")
    if len(values) == BOX_NUMBERS:
        x, y, width, height = values
        return Row(number, label, class_number, (x, y, width, height)), values
    return Row(number, label, class_number, values[:BOX_NUMBERS], _long_row(values)), values  # type: ignore[arg-type]


def read_rows(listing: Listing, path: str) -> RowTable:
    """Read the rows of a label file.

    Raises:
        FileError: The file is unreadable or has more than ``MAX_MARKS`` lines.
    """
    text = listing.read_text(path, MAX_LABELS_BYTES)
    lines, is_plain = text.splitlines(), not _ODD.search(text)
    if len(lines) > MAX_MARKS:
        raise LabelError("lines_many", lines=len(lines), most=MAX_MARKS)
    table = RowTable([], [], [])
    for number, line in enumerate(lines, start=1):
        if not line or line.isspace() or (not is_plain and line.lstrip().startswith("#")):
            continue
        try:
            row, values = parse_row(line, number, is_plain=is_plain)
        except LabelError as error:
            if number > 1 or not is_header(line):
                table.damage.append((number, error.cause))
            continue
        table.rows.append(row)
        if row.long:
            table.numbers.append(values)
    return table


def is_header(line: str) -> bool:
    """Return whether a line names columns: it has several words and no number."""
    words = re.split(r"[\s,;]+", line.strip())
    return len(words) >= BOX_NUMBERS and all(_WORD.search(word) and _class_number(word) < 0 for word in words)


def is_label(listing: Listing, path: str) -> bool:
    """Return whether one of the first five lines of a text file is an object."""
    return any(map(_is_object, first_lines(listing, path)[:5]))


def first_lines(listing: Listing, path: str) -> list[str]:
    """Return the first lines of a text file."""
    return lines_of(listing, path, HEAD)


def _is_object(line: str) -> bool:
    try:
        row, _ = parse_row(line)
    except LabelError:
        return False
    usual = row.number >= 0 and "," not in line and ";" not in line
    return row.number < MAX_CLASS_NUMBER and (usual or all(0 <= value <= 1 for value in row.head))


def _words_of(line: str) -> list[str]:
    """Split a line with commas, semicolons or a comment: commas separate columns, unless they are decimal."""
    line = line.partition(" #")[0]
    columns = line.split()
    decimal = "." not in line and (";" in line or (len(columns) > BOX_NUMBERS and not re.search(r",\s|\s,", line)))
    if decimal:
        line = _DECIMAL_COMMA.sub(".", line)
    return line.replace(",", " ").replace(";", " ").split()


def _class_number(label: str) -> int:
    """Return a class number such as ``2`` or ``2.0``; -1 for a name.

    Raises:
        ValueError: It is a number, but not a whole one of at least zero.
    """
    try:
        value = float(label)
    except ValueError:
        if not _WORD.search(label):
            raise
        return -1
    if not 0 <= value < inf or value != int(value):
        raise ValueError(label)
    return int(value)


def _is_word(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return bool(_WORD.search(text))
    return False


def _long_label(words: list[str]) -> tuple[str, list[str]]:
    """Return a class name of several words and the words after it."""
    count = next((at for at, word in enumerate(words) if not _is_word(word)), len(words))
    return " ".join(words[:count]), words[count:]


def _long_row(values: tuple[float, ...]) -> LongRow:
    count = len(values)
    pairs = count - count % 2
    outline = hull(values[0:pairs:2], values[1:pairs:2])
    shorter = hull(values[0 : pairs - 2 : 2], values[1 : pairs - 2 : 2])
    return LongRow(count, (values[-2], values[-1]), outline, shorter)


def hull(xs: Sequence[float], ys: Sequence[float]) -> BoxXYXY:
    """Return the upright bounding box of points."""
    return min(xs), min(ys), max(xs), max(ys)
