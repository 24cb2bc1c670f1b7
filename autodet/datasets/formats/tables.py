"""Tables of separated values (CSV): their text as rows of cells, for any separator."""

import csv
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from autodet.datasets.formats.labels import LabelError
from autodet.datasets.formats.photo_lookup import shared_files
from autodet.datasets.formats.source_files import Listing

MAX_TABLE_BYTES = 4_000_000_000
MAX_COLUMNS = 1_000
MAX_LINE = 50_000  # characters of a line with several boxes
ENDINGS = (".csv", ".tsv")
SEPARATORS = (",", ";", "\t", "|")
SAMPLE = 200  # rows that identify the content of a table
HEAD = 400_000  # characters with that many rows
_BOX = r"\s+\d+(?:\.\d+)?(?:,\d+(?:\.\d+)?){4}"
_SEVERAL_BOXES = re.compile(rf"[^,\n]+\.\w+{_BOX}(?:\s|$)")
_BOXES_OF_PHOTO = re.compile(rf"(\S.*?\.\w+)((?:{_BOX})*)")

Layout = TypeVar("Layout")


class Row(NamedTuple):
    """A row of a table.

    Attributes:
        line: Its line in the file, from 1.
        cells: The cells as text, without spaces around them.
    """

    line: int
    cells: tuple[str, ...]

    def cell(self, column: int | None) -> str:
        """Return a cell; empty if the row or the table lacks the column."""
        return self.cells[column] if column is not None and column < len(self.cells) else ""


def parse_rows(text: str, separator: str) -> Iterator[Row]:
    """Yield the rows of a table that are not empty.

    Raises:
        LabelError: The text is no table of cells.
    """
    lines = text.replace("\0", "").splitlines(keepends=True)
    skipped = 1 if lines and lines[0].lower().startswith("sep=") else 0  # Excel's note of the separator
    reader = csv.reader(lines[skipped:], delimiter=separator, skipinitialspace=True)
    try:
        for cells in reader:
            if any(cells) and len(cells) <= MAX_COLUMNS:
                yield Row(reader.line_num + skipped, tuple(map(str.strip, cells)))
    except csv.Error as error:
        raise LabelError("table_broken") from error


def sample_rows(text: str, separator: str) -> list[Row]:
    """Return the first rows of a table; none if the text is no table."""
    rows: list[Row] = []
    try:
        for row in parse_rows(text[:HEAD], separator):
            rows.append(row)
            if len(rows) == SAMPLE:
                break
    except LabelError:
        return rows
    return rows[:-1] if len(text) > HEAD and len(rows) < SAMPLE else rows


def laid_out(text: str, layout_of: Callable[[list[Row]], Layout | None]) -> tuple[str, Layout] | None:
    """Return the separator under which a text has a known layout, and the layout; None if there is none."""
    for separator in SEPARATORS:
        if separator in text[:HEAD] and (layout := layout_of(sample_rows(text, separator))):
            return separator, layout
    return None


def table_files(listing: Listing) -> list[str]:
    """Return the files that may be tables; a ``.txt`` only if it is not named like one of many photos."""
    return [*listing.ending(*ENDINGS), *shared_files(listing, ".txt")]


def read_table(listing: Listing, path: str) -> str:
    """Return the text of a table; rows of keras-yolo3 (``a.jpg 1,2,3,4,0 5,6,7,8,1``) get a line for each box.

    Raises:
        FileError: As ``Listing.read``.
    """
    text = listing.read_text(path, MAX_TABLE_BYTES)
    if not path.lower().endswith(".txt") or not _SEVERAL_BOXES.match(text):
        return text
    lines = (line.strip() for line in text.splitlines() if len(line) <= MAX_LINE)
    found = map(_BOXES_OF_PHOTO.fullmatch, lines)
    boxes = ((line[1].replace('"', ""), line[2].split() or [",,,,"]) for line in found if line)
    return "".join(f'"{name}",{box}\n' for name, of_photo in boxes for box in of_photo)
