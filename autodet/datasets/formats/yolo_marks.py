"""Annotations of YOLO rows, under each reading that the user may choose."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import cos, radians, sin
from pathlib import PurePosixPath

from PIL import Image

from autodet.datasets.formats.labels import OtherReading, plain_name
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.yolo_class_numbers import KIND, Names, Numbering
from autodet.datasets.formats.yolo_layout import Layout
from autodet.datasets.formats.yolo_lines import MAX_CLASS_NUMBER, Row
from autodet.records import Action, BoxXYXY, Cause, Mark
from autodet.text_format import spelling_key

PHOTO_FORMATS = ("JPEG", "PNG", "WEBP", "BMP")
ORIENTATION = 274  # EXIF tag
CHOICES: Mapping[str, tuple[Action, ...]] = {
    "rows_ambiguous": ("box", "polygon"),
    "rows_turned": ("box", "turned"),
    KIND: ("keep", "fix"),
}
Choice = Mapping[str, Action]


@dataclass(frozen=True)
class PhotoMarks:
    """The annotations of one photo.

    Attributes:
        marks: The annotations under the first choice of every kind.
        readings: The annotations under each choice of the kinds that the user must decide.
        damage: Lines that give no annotation: their numbers, kinds of finding and reasons.
        is_centred: Whether all boxes are written as centre and size.
    """

    marks: tuple[Mark, ...]
    readings: tuple[OtherReading, ...]
    damage: tuple[tuple[int, str, Cause], ...]
    is_centred: bool


class MarkReader:
    """Reader of the rows of one source.

    Args:
        listing: The source's files.
        named_rows: Whether all rows of the source name their class instead of giving its number.
    """

    def __init__(self, listing: Listing, *, named_rows: bool) -> None:
        self._listing = listing
        self._named_rows = named_rows

    def read(self, photo: PurePosixPath, rows: Sequence[tuple[Row, Layout | None]], numbering: Numbering) -> PhotoMarks:
        """Return the annotations of a photo.

        Args:
            photo: The photo.
            rows: Its rows, with the layout of those with more than four numbers.
            numbering: The names of the class numbers.
        """
        usable: list[tuple[Row, Layout | None, Mapping[str, str]]] = []
        damage: list[tuple[int, str, Cause]] = []
        for row, layout in rows:
            names = self._names_of(row, numbering)
            if problem := _problem(row, layout, names):
                damage.append((row.line, *problem))
            else:
                usable.append((row, layout, names))
        asked = {layout.ask for _, layout, _ in usable if layout and layout.ask}
        kinds = [*sorted(asked), *([KIND] if numbering.shifted is not None and usable else [])]
        aspect = self._aspect(photo) if "rows_turned" in asked else 1.0
        choices = [dict(zip(kinds, actions, strict=True)) for actions in product(*(CHOICES[kind] for kind in kinds))]
        marks = [_marks(usable, choice, aspect) for choice in choices]
        readings = tuple(_readings(choices, marks)) if kinds else ()
        centred = all(layout is None or (layout.reading == "box" and not layout.ask) for _, layout, _ in usable)
        return PhotoMarks(marks[0], readings, tuple(damage), centred)

    def read_plain(self, rows: Sequence[Row], numbering: Numbering) -> PhotoMarks | None:
        """Return the annotations of a photo whose rows are nothing but boxes of named classes, else None; fast."""
        if numbering.shifted is not None:
            return None
        marks = []
        for _, _, number, (x, y, width, height), long in rows:
            name = numbering.names.get(number)
            if long or not name or width < 0 or height < 0:
                return None
            marks.append(Mark(name, (x - width / 2, y - height / 2, x + width / 2, y + height / 2)))
        return PhotoMarks(tuple(marks), (), (), is_centred=True)

    def _names_of(self, row: Row, numbering: Numbering) -> Mapping[str, str]:
        """Return the class name of a row by action of ``classes_shifted``; empty if it has none."""
        if row.number < 0:
            listed = (name for name in numbering.names.values() if spelling_key(name) == spelling_key(row.label))
            name = next(listed, plain_name(row.label) if self._named_rows else "")
            return {"keep": name, "fix": name} if name else {}
        name = _name_in(numbering.names, row.number)
        if not name:
            return {}
        return {"keep": name, "fix": name if numbering.shifted is None else _name_in(numbering.shifted, row.number)}

    def _aspect(self, photo: PurePosixPath) -> float:
        """Return the width of the upright photo over its height; 1 if it cannot be read."""
        try:
            with Image.open(self._listing.root / photo, formats=PHOTO_FORMATS) as image:
                width, height = image.size
                return height / width if image.getexif().get(ORIENTATION, 1) >= 5 else width / height
        except (OSError, ValueError, SyntaxError, ZeroDivisionError, Image.DecompressionBombError):
            return 1.0


def _name_in(names: Names, number: int) -> str:
    if names:
        return names.get(number, "")
    return f"class_{number}" if number < MAX_CLASS_NUMBER else ""


def _problem(row: Row, layout: Layout | None, names: Mapping[str, str]) -> tuple[str, Cause] | None:
    """Return why a row gives no annotation."""
    if not names:
        key = "number_unnamed" if row.number >= 0 else "name_unlisted"
        return "class_unknown", Cause(key, {"number" if row.number >= 0 else "name": row.label[:20]})
    if row.long and (layout is None or layout.reading == "unfit"):
        return "box_damaged", Cause("line_unlike_others", {"numbers": row.long.numbers})
    if (layout is None or layout.reading == "box") and min(row.head[2:]) < 0:
        return "box_damaged", Cause("line_negative")
    return None


def _marks(
    rows: Sequence[tuple[Row, Layout | None, Mapping[str, str]]], choice: Choice, aspect: float
) -> tuple[Mark, ...]:
    numbered = choice.get(KIND, "keep")
    return tuple(Mark(names[numbered], _box(row, layout, choice, aspect)) for row, layout, names in rows)


def _box(row: Row, layout: Layout | None, choice: Choice, aspect: float) -> BoxXYXY:
    if layout and row.long:
        chosen = choice.get(layout.ask, "box") if layout.ask else layout.reading
        if chosen in ("outline", "polygon"):
            return row.long.outline_xyxy
        if chosen == "shorter":
            return row.long.shorter_xyxy
        if chosen == "turned":
            angle = row.long.last[layout.angle]
            return turned_hull(row.head, radians(angle) if layout.degrees else angle, aspect)
    x, y, width, height = row.head
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def turned_hull(head: BoxXYXY, angle: float, aspect: float) -> BoxXYXY:
    """Return the upright box around a turned one.

    Args:
        head: Centre, width and height in fractions of the photo, before the turn.
        angle: The angle in radians.
        aspect: The photo's width over its height.
    """
    x, y, width, height = head
    across, down = abs(cos(angle)), abs(sin(angle))
    half_width = (width * across + height / aspect * down) / 2
    half_height = (height * across + width * aspect * down) / 2
    return x - half_width, y - half_height, x + half_width, y + half_height


def _readings(choices: Sequence[Choice], marks: Sequence[tuple[Mark, ...]]) -> Iterator[OtherReading]:
    for choice, chosen in zip(choices, marks, strict=True):
        (kind, action), *also = choice.items()
        yield OtherReading(kind, action, chosen, tuple(also))
