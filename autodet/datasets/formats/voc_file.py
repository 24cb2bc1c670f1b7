"""Parser of one Pascal VOC file, as VOC's devkit and the labelling tools that imitate it write them.

Boxes stay as written: ``xmin, ymin, xmax, ymax`` become ``x1, y1, x2, y2``. VOC counts pixels from 1 and includes the
last one; current tools count from 0. The difference is at most one pixel. Turned boxes (roLabelImg) and outlines (the
LabelMe web tool) become the upright boxes around them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html.entities import html5
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import ParseError  # only the exception class; defusedxml does the parsing

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from autodet.datasets.formats.labels import MAX_MARKS, LabelError, Notation, corners_of, plain_name
from autodet.datasets.formats.shapes import hull_of_points, hull_of_rotated_box, is_turned, is_upright
from autodet.datasets.formats.source_texts import SourceTexts
from autodet.datasets.formats.table_columns import sides_of
from autodet.records import BoxXYXY, Cause, Mark

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_REPAIRED = 1_000_000  # characters: larger files are not worth the time of repairs
SIDES = ("xmin", "ymin", "xmax", "ymax")
NAMES = ("name", "label", "class", "category")
BOXES = ("bndbox", "bbox", "box", "segm/box")
OUTLINES = ("polygon", "segmentation", "points", "polyline")
_DECLARATION = re.compile(rb"""\s*<\?xml(?:[^>]*encoding=["']([\w.-]+))?[^>]*>""")
_DECLARATION_TEXT = re.compile(r"\s*<\?xml[^>]*>")
_CAPITAL_TAG = re.compile(b"<[A-Z]")
_PROLOGUE = re.compile(r"<\?xml[^>]{0,200}>|<!DOCTYPE[^>\[]{0,200}>", re.I)
_START, _END = re.compile(r"<(\w{1,40}:)?annotation[\s>]", re.I), re.compile(r"</(\w{1,40}:)?annotation\s*>", re.I)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-fA-F]+);)(\w+;)?")
_NUMBER = re.compile(r"[+-]?\d+\.?\d*(?:[eE][+-]?\d+)?")


class Shape(NamedTuple):
    """A box, the notation of its numbers (empty for outlines), and whether it was turned."""

    box_xyxy: BoxXYXY
    notation: Notation = ""
    hulled: bool = False


@dataclass(frozen=True, slots=True)
class VocAnnotation:
    """Content of one XML file.

    Attributes:
        filename: The photo's name, without folders; empty if not given.
        size_wh: Stated width and height in pixels; None if not given or not positive.
        marks: The annotations.
        damage: Why single objects cannot be used.
        notation: The notation of the boxes; empty if they have several, or are outlines.
        hulled: Number of turned boxes among the annotations.
    """

    filename: str
    size_wh: tuple[int, int] | None
    marks: tuple[Mark, ...]
    damage: tuple[Cause, ...]
    notation: Notation = ""
    hulled: int = 0


def _decode_alone(xml: bytes, stated: str) -> str:
    return SourceTexts(Path(), ()).decode(xml, "", stated)


def parse_voc(xml: bytes, decode: Callable[[bytes, str], str] = _decode_alone) -> VocAnnotation:
    """Parse one annotation file.

    Args:
        xml: The file's bytes.
        decode: Decodes bytes with the encoding that the XML states, which may be wrong.

    Raises:
        LabelError: The content is not XML, not a VOC annotation, or has more than ``MAX_MARKS`` objects.
    """
    root = _parsed(xml, decode)
    if root.tag != "annotation":
        raise LabelError("xml_foreign", tag=root.tag[:40])
    objects = root.findall("object") or root.findall("objects/object")
    if len(objects) > MAX_MARKS:
        raise LabelError("xml_crowded", objects=len(objects), most=MAX_MARKS)
    marks: list[Mark] = []
    damage: list[Cause] = []
    notations: set[Notation] = set()
    hulled = 0
    for number, element in enumerate(objects, start=1):
        if _is_set(element.findtext("deleted")):
            continue
        try:
            for mark, shape in _parse_object(element, number):
                marks.append(mark)
                notations.add(shape.notation)
                hulled += shape.hulled
        except LabelError as error:
            damage.append(error.cause)
    filename = re.split(r"[/\\]", root.findtext("filename", "").strip())[-1]
    notation = next(iter(notations)) if len(notations) == 1 else ""
    return VocAnnotation(filename, _parse_size(root), tuple(marks), tuple(damage), notation, hulled)


def _parsed(xml: bytes, decode: Callable[[bytes, str], str]) -> "Element":
    try:
        try:
            root = fromstring(xml.lstrip() if xml.isascii() else _decoded(xml, decode))
        except (ParseError, ValueError, LookupError):  # the encoding is unknown to the parser or misstated
            root = _repaired(_decoded(xml, decode))
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise LabelError("xml_broken") from error
    if root.tag != "annotation" or b"xmlns" in xml or _CAPITAL_TAG.search(xml):
        for element in root.iter():
            element.tag = str(element.tag).rpartition("}")[2].rpartition(":")[2].lower()
    return root


def _repaired(text: str) -> "Element":
    """Parse XML that is only a little broken: with names of HTML's characters, or with rubbish behind its end.

    Raises:
        LabelError: It holds several annotations that differ.
    """
    try:
        return fromstring(text)
    except ParseError:
        if len(text) > MAX_REPAIRED:
            raise
        text = _AMPERSAND.sub(_unescaped, _CONTROL.sub("", _PROLOGUE.sub("", text)))
    ends = [match.end() for match in _END.finditer(text)]
    spans = ((_START.search(text, start, end), end) for start, end in zip([0, *ends], ends, strict=False))
    parts = {text[found.start() : end] for found, end in spans if found}
    if len(parts) > 1:
        raise LabelError("xml_several", annotations=len(parts))
    return fromstring(parts.pop() if parts else text)


def _unescaped(entity: re.Match[str]) -> str:
    """Return the character of a name such as ``&eacute;``; an ampersand alone is meant as such."""
    character = html5.get(entity[1] or "", "")
    return character or f"&amp;{entity[1] or ''}"


def _decoded(xml: bytes, decode: Callable[[bytes, str], str]) -> str:
    """Decode XML without its declaration, whose encoding may be wrong."""
    declaration = _DECLARATION.match(xml)
    stated = declaration[1].decode("ascii", "replace") if declaration and declaration[1] else ""
    return _DECLARATION_TEXT.sub("", decode(xml, stated), count=1).lstrip()


def _parse_object(element: "Element", number: int) -> Iterator[tuple[Mark, Shape]]:
    name = next(filter(None, (plain_name(element.findtext(tag) or "") for tag in NAMES)), "")
    if not name:
        raise LabelError("object_unnamed", number=number)
    shapes = [shape for path in BOXES for box in element.iterfind(path) if (shape := _box_of(box))]
    shapes = shapes or [shape for outline in _outlines(element) if (shape := outline)]
    if not shapes:
        raise LabelError("object_boxless", number=number, name=name)
    difficult, truncated = (_is_set(element.findtext(flag)) for flag in ("difficult", "truncated"))
    for shape in shapes:
        yield Mark(name, shape.box_xyxy, difficult, truncated), shape


def _box_of(element: "Element") -> Shape | None:
    """Return the box of a ``<bndbox>``, whatever its sides are called."""
    x1, y1, x2, y2 = (_number(element.findtext(key)) for key in SIDES)
    if x1 is not None and y1 is not None and x2 is not None and y2 is not None:
        return Shape((x1, y1, x2, y2), "corners")
    fields = {child.tag: child.text for child in element} | dict(element.attrib)
    if "x3" in fields:
        return Shape(hull_of_points(corners), "", not is_upright(corners)) if (corners := _points(element)) else None
    columns, notation = sides_of(list(fields))
    numbers = [_number(list(fields.values())[column]) for column in columns]
    if not numbers or None in numbers:
        return None
    a, b, c, d = (number or 0.0 for number in numbers)
    return Shape(corners_of((a, b, c, d), notation), notation)


def _outlines(element: "Element") -> Iterator[Shape | None]:
    """Yield the upright boxes around the turned box and the outlines of an object."""
    for turned in element.iterfind("robndbox"):
        if corners := _points(turned):
            yield Shape(hull_of_points(corners), "", not is_upright(corners))
            continue
        numbers = [_number(turned.findtext(key)) for key in ("cx", "cy", "w", "h", "angle")]
        if None not in numbers:
            cx, cy, width, height, angle = (number or 0.0 for number in numbers)
            yield Shape(hull_of_rotated_box(cx, cy, width, height, angle), "", is_turned(angle))
    for path in OUTLINES:
        for outline in element.iterfind(path):
            points = _points(outline)
            yield Shape(hull_of_points(points)) if len(points) > 1 else None


def _points(outline: "Element") -> list[tuple[float, float]]:
    """Return the points of an outline: ``<pt><x>``, ``<x1>, <y1>, <x2>, ...`` or a text of numbers."""
    values = [(child.tag, child.text) for child in outline.iter() if not len(child)]
    xs, ys = (_numbers(text for tag, text in values if re.fullmatch(rf"{axis}(\d+|_\w+)?", tag)) for axis in "xy")
    if not xs:
        numbers = [float(found) for _, text in values for found in _NUMBER.findall(text or "")]
        xs, ys = numbers[0::2], numbers[1::2]
    return list(zip(xs, ys, strict=True)) if len(xs) == len(ys) and all(abs(x) < 1e9 for x in (*xs, *ys)) else []


def _numbers(texts: Iterable[str | None]) -> list[float]:
    return [number for text in texts if (number := _number(text)) is not None]


def _is_set(text: str | None) -> bool:
    """Return whether a flag is set: ``1``, ``true``, ``yes`` or any positive number."""
    return text is not None and (text.strip().lower() in ("true", "yes") or (_number(text) or 0) > 0)


def _parse_size(root: "Element") -> tuple[int, int] | None:
    for paths in (("size/width", "size/height"), ("imagesize/ncols", "imagesize/nrows")):
        width, height = (_number(root.findtext(path)) for path in paths)
        if width and height and width > 0 and height > 0:
            return int(width), int(height)
    return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None
