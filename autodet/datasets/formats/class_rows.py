"""Text files of a class name and two corners in pixels: OIDv4's ``Label`` folders, mAP's ground truth, own scripts.

A row is ``name x1 y1 x2 y2``, perhaps with ``difficult`` behind it, or has the name last; it may have commas. Rows with
a confidence behind the name are a detector's results.
"""

import re

from autodet.datasets.formats.icdar import PREFIXES
from autodet.datasets.formats.labels import LabelError, Reading, plain_name
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.text_rows import (
    RowFormat,
    TextRow,
    box_of,
    is_name,
    leading_numbers,
    read_rows,
    trailing_numbers,
    unmet_rows,
)
from autodet.records import Cause, Mark

MAX_FRACTION = 1.5  # larger numbers are pixels


def unmet(listing: Listing) -> Cause | None:
    """Return why a source has no such files; None if it has some."""
    return unmet_rows(listing, FORMAT)


def read(listing: Listing) -> Reading:
    """Read the labels of every photo."""
    return read_rows(listing, FORMAT)


def parse_row(text: str, file: str) -> TextRow:
    """Parse a row.

    Raises:
        LabelError: The row is of another format.
    """
    if file.lower().startswith(PREFIXES) and "," in text:
        raise LabelError("row_foreign", text=text[:80])  # words, which are no classes
    words = re.split(r"\s*[,;\t]\s*|\s+", text.strip(" ,;"))
    difficult = words[-1].lower() == "difficult" and len(words) > 5
    words = words[:-1] if difficult else words
    numbers = trailing_numbers(words)
    name, predicted = words[: len(words) - len(numbers)], False
    if not numbers:
        numbers, name = leading_numbers(words, 4), words[4:]
        if any(trailing_numbers([word]) for word in name):
            raise LabelError("row_foreign", text=text[:80])
    elif len(numbers) == 5:
        predicted = "." in words[len(name)] and 0 <= numbers[0] <= 1
        name += [] if predicted else [words[len(name)]]  # a name such as "class 1"
        numbers = numbers[1:]
    class_name = plain_name(" ".join(name))
    if len(numbers) != 4 or not is_name(class_name) or max(map(abs, numbers)) <= MAX_FRACTION:
        raise LabelError("row_foreign", text=text[:80])
    return TextRow(Mark(class_name, box_of(numbers), difficult), "corners", predicted=predicted)


FORMAT = RowFormat(parse_row)
