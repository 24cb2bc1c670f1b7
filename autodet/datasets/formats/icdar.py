"""ICDAR: a text file per photo, with the corners of each word in pixels, and the word itself; ``###`` is illegible.

The class of all objects is ``text``.
"""

from autodet.datasets.formats.labels import LabelError, Reading
from autodet.datasets.formats.masks import number_of
from autodet.datasets.formats.shapes import hull_of_points, is_upright
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.text_rows import RowFormat, TextRow, box_of, read_rows, unmet_rows
from autodet.records import Cause, Mark

CLASS = "text"
ILLEGIBLE = ("###", "*")
PREFIXES = ("gt_", "poly_gt_", "res_")


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not ICDAR's; None if it is."""
    return unmet_rows(listing, FORMAT)


def read(listing: Listing) -> Reading:
    """Read the labels of every photo."""
    return read_rows(listing, FORMAT)


def parse_row(text: str, file: str) -> TextRow:
    """Parse a row: eight coordinates or two corners, then the word; files of two corners are called ``gt_...``.

    Raises:
        LabelError: The row is not ICDAR's.
    """
    fields = [field.strip() for field in text.split(",")]
    if len(fields) < 5 and '"' in text:
        place, _, word = text.partition('"')
        fields = [*place.split(), word]
    numbers: list[float] = []
    for field in fields[:8]:
        number = number_of(field)
        if number is None:
            break
        numbers.append(number)
    count = 8 if len(numbers) == 8 else 4
    if len(numbers) < count or len(fields) <= count or not _is_certain(fields, count, file):
        raise LabelError("row_foreign", text=text[:80])
    word = fields[-1].strip('"')
    mark = Mark(CLASS, (0.0, 0.0, 0.0, 0.0), difficult=word in ILLEGIBLE)
    if count == 4:
        return TextRow(mark._replace(box_xyxy=box_of(numbers[:4])), "corners")
    points = list(zip(numbers[0:8:2], numbers[1:8:2], strict=True))
    return TextRow(mark._replace(box_xyxy=hull_of_points(points)), "", not is_upright(points))


def _names(stem: str) -> tuple[str, ...]:
    """Return the names of a file's photo: ``img_1`` for ``gt_img_1.txt``."""
    return (stem, *(stem[len(prefix) :] for prefix in PREFIXES if stem.lower().startswith(prefix)))


def _is_certain(fields: list[str], count: int, file: str) -> bool:
    """Return whether a row ends with a word rather than with the name or number of a class."""
    named = file.lower().startswith(PREFIXES)
    return named or fields[-1].strip('"') in ILLEGIBLE or (fields[-1].endswith('"') and count == 4)


FORMAT = RowFormat(parse_row, _names)
