"""Parser of YOLO label files: one object per line.

A line is ``class x y width height`` with the centre and size of the box, or ``class x1 y1 x2 y2 x3 y3 ...`` with the
corners of a polygon; all are fractions of the width and height of the upright photo. A trailing confidence or trailing
keypoints are ignored.
"""

from pathlib import PurePosixPath

from autodet.datasets.formats.labels import MAX_MARKS, UnknownClassError
from autodet.datasets.formats.listing import Listing
from autodet.datasets.formats.yolo_settings import YoloSettings, lines_of
from autodet.errors import DatasetError
from autodet.records import BoxXYXY, Mark, Problem

MAX_CLASS_NUMBER = 100_000
MAX_PLACE = 1e6
MAX_LABELS_BYTES = 4_000_000  # per photo
HEAD = 10_000  # characters that suffice to recognise a file
LINE_DROPPED = "The line was left out."
WITHOUT_NAMES = YoloSettings({}, {})


def parse_line(line: str, settings: YoloSettings) -> Mark:
    """Parse one object.

    Args:
        line: The line, not empty.
        settings: Class names by number; without names, classes are called ``class_0`` and so on.

    Returns:
        The annotation; its box is in fractions of the photo.

    Raises:
        DatasetError: The line is not a class number with a box or a polygon.
        UnknownClassError: The class has no name.
    """
    number, *places = line.split()
    try:
        class_number, values = int(float(number)), list(map(float, places))
    except (ValueError, OverflowError) as error:
        raise DatasetError(f"{line[:60]!r} is not a class number and the numbers of a box.") from error
    if not sum(map(abs, values)) < MAX_PLACE and not all(abs(value) < MAX_PLACE for value in values):
        raise DatasetError("Its numbers are no places on a photo.")
    box = _box(values[:4] if settings.keypoints else values)
    if not 0 <= class_number < MAX_CLASS_NUMBER or (settings.names and class_number not in settings.names):
        raise UnknownClassError(f"The class number {number[:20]} has no name.")
    return Mark(settings.names.get(class_number) or f"class_{class_number}", box)


def read_lines(
    listing: Listing, photo: PurePosixPath, path: str, settings: YoloSettings
) -> tuple[list[Mark], list[Problem]]:
    """Read a photo's labels and report invalid lines.

    Raises:
        DatasetError: The file is unreadable or has more than ``MAX_MARKS`` lines.
    """
    lines = [line.strip() for line in listing.read_text(path, MAX_LABELS_BYTES).splitlines()]
    if len(lines) > MAX_MARKS:
        raise DatasetError(f"The file has {len(lines)} lines, more than the {MAX_MARKS} marks of a photo.")
    marks, problems = [], []
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        try:
            marks.append(parse_line(line, settings))
        except DatasetError as error:
            kind = "class_unknown" if isinstance(error, UnknownClassError) else "box_damaged"
            problems.append(Problem(path, f"Line {number}: {error}", LINE_DROPPED, kind, (str(photo),)))
    return marks, problems


def is_label(listing: Listing, path: str) -> bool:
    """Return whether one of the first five lines of a text file is an object."""
    return any(map(_is_object, first_lines(listing, path)[:5]))


def first_lines(listing: Listing, path: str) -> list[str]:
    """Return the first lines of a text file."""
    return lines_of(listing, path, HEAD)


def _is_object(line: str) -> bool:
    try:
        parse_line(line, WITHOUT_NAMES)
    except (DatasetError, ValueError):
        return False
    return True


def _box(values: list[float]) -> BoxXYXY:
    if len(values) == 4 or (len(values) > 4 and len(values) % 2 == 1):
        x, y, width, height = values[:4]
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if len(values) >= 6:
        xs, ys = values[0::2], values[1::2]
        return min(xs), min(ys), max(xs), max(ys)
    raise DatasetError("A line has neither the four numbers of a box nor the corners of a polygon.")
