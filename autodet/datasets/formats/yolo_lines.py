"""Parser of YOLO label files: one object per line.

A line is ``class x y width height`` with the centre and size of the box, or ``class x1 y1 x2 y2 x3 y3 ...`` with the
corners of a polygon; all are fractions of the width and height of the upright photo. A trailing confidence or trailing
keypoints are ignored.
"""

from pathlib import PurePosixPath

from autodet.datasets.formats.labels import MAX_MARKS, LabelError, UnknownClassError
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.yolo_settings import YoloSettings, lines_of
from autodet.records import BoxXYXY, Finding, Mark

MAX_CLASS_NUMBER = 100_000
MAX_PLACE = 1e6
MAX_LABELS_BYTES = 4_000_000  # per photo
HEAD = 10_000  # characters that suffice to recognise a file
WITHOUT_NAMES = YoloSettings({}, {})


def parse_line(line: str, settings: YoloSettings) -> Mark:
    """Parse one object.

    Args:
        line: The line, not empty.
        settings: Class names by number; without names, classes are called ``class_0`` and so on.

    Returns:
        The annotation; its box is in fractions of the photo.

    Raises:
        LabelError: The line is not a class number with a box or a polygon.
        UnknownClassError: The class has no name.
    """
    number, *places = line.split()
    try:
        class_number, values = int(float(number)), list(map(float, places))
    except (ValueError, OverflowError) as error:
        raise LabelError("line_unreadable", text=line[:60]) from error
    if not sum(map(abs, values)) < MAX_PLACE and not all(abs(value) < MAX_PLACE for value in values):
        raise LabelError("line_places")
    box = _box(values[:4] if settings.keypoints else values)
    if not 0 <= class_number < MAX_CLASS_NUMBER or (settings.names and class_number not in settings.names):
        raise UnknownClassError("number_unnamed", number=number[:20])
    return Mark(settings.names.get(class_number) or f"class_{class_number}", box)


def read_lines(
    listing: Listing, photo: PurePosixPath, path: str, settings: YoloSettings
) -> tuple[list[Mark], list[Finding]]:
    """Read a photo's labels and report invalid lines.

    Raises:
        FileError: The file is unreadable or has more than ``MAX_MARKS`` lines.
    """
    lines = [line.strip() for line in listing.read_text(path, MAX_LABELS_BYTES).splitlines()]
    if len(lines) > MAX_MARKS:
        raise LabelError("lines_many", lines=len(lines), most=MAX_MARKS)
    marks, findings = [], []
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        try:
            marks.append(parse_line(line, settings))
        except LabelError as error:
            kind = "class_unknown" if isinstance(error, UnknownClassError) else "box_damaged"
            values = {**error.cause.values, "line": number}
            findings.append(Finding(kind, path, "drop", values, error.cause.key, (str(photo),)))
    return marks, findings


def is_label(listing: Listing, path: str) -> bool:
    """Return whether one of the first five lines of a text file is an object."""
    return any(map(_is_object, first_lines(listing, path)[:5]))


def first_lines(listing: Listing, path: str) -> list[str]:
    """Return the first lines of a text file."""
    return lines_of(listing, path, HEAD)


def _is_object(line: str) -> bool:
    try:
        parse_line(line, WITHOUT_NAMES)
    except (LabelError, ValueError):
        return False
    return True


def _box(values: list[float]) -> BoxXYXY:
    if len(values) == 4 or (len(values) > 4 and len(values) % 2 == 1):
        x, y, width, height = values[:4]
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if len(values) >= 6:
        xs, ys = values[0::2], values[1::2]
        return min(xs), min(ys), max(xs), max(ys)
    raise LabelError("line_shape")
