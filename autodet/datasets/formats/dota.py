"""DOTA: a text file per photo (``labelTxt``), with four corners in pixels, a class and a flag for difficult objects."""

import re

from autodet.datasets.formats.labels import LabelError, Reading, plain_name
from autodet.datasets.formats.shapes import hull_of_points, is_upright
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.text_rows import RowFormat, TextRow, is_name, leading_numbers, read_rows, unmet_rows
from autodet.records import Cause, Mark

_ABOUT_FILE = re.compile(r"(imagesource|gsd|acquisition\w*|image\w*)\s*:", re.I)


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not DOTA's; None if it is."""
    return unmet_rows(listing, FORMAT)


def read(listing: Listing) -> Reading:
    """Read the labels of every photo."""
    return read_rows(listing, FORMAT)


def parse_row(text: str, _file: str) -> TextRow | None:
    """Parse a row; one about the whole file, such as ``gsd:0.15``, is None.

    Raises:
        LabelError: The row is not DOTA's.
    """
    if _ABOUT_FILE.match(text):
        return None
    words = text.replace(",", " ").split()
    numbers = leading_numbers(words, 8)
    rest = words[8:]
    flag = rest[-1] if len(rest) > 1 and rest[-1].isdigit() else ""
    name = plain_name(" ".join(rest[:-1] if flag else rest))
    if not is_name(name) or ("," in text and not flag):
        raise LabelError("row_foreign", text=text[:80])
    points = list(zip(numbers[0::2], numbers[1::2], strict=True))
    return TextRow(Mark(name, hull_of_points(points), flag not in ("", "0")), "", not is_upright(points))


FORMAT = RowFormat(parse_row)
