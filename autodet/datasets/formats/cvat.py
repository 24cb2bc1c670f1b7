"""CVAT for images 1.1, and CVAT for video 1.1 with its frames: one XML file for a task or project.

Turned boxes, polygons, masks, ellipses and cuboids become the upright boxes around them.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from math import radians
from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import ParseError  # only the exception class; defusedxml does the parsing

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from autodet.datasets.formats.entries import LabelEntry, match_entries
from autodet.datasets.formats.labels import LabelError, Notation, Reading, plain_name
from autodet.datasets.formats.masks import number_of
from autodet.datasets.formats.photo_lookup import shared_files
from autodet.datasets.formats.shapes import hull_of_points, hull_of_rotated_box, hull_of_rotated_ellipse, is_turned
from autodet.datasets.formats.source_files import Listing, photo_stem
from autodet.datasets.formats.split_names import split_called
from autodet.datasets.sources.files import FileError
from autodet.records import BoxXYXY, Cause, Finding, Mark

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_XML_BYTES = 1_000_000_000
HEAD = 4_000  # bytes that hold the root's tag
SKIPPED = {"polyline", "points", "skeleton"}  # shapes that are no objects with a box
MAX_FRAMES = 10_000_000
_ROOT = re.compile(rb"<annotations[\s>]")
_FRAME = re.compile(r"frame_?(\d{1,8})")
_CUBOID_CORNER = re.compile("[xy][tb][lr][12]")


class Shape(NamedTuple):
    """An annotation and the notation of its box; empty unless it was drawn as an upright box."""

    mark: Mark
    notation: Notation
    hulled: bool


@dataclass
class CvatFile:
    """Content of one file.

    Attributes:
        entries: What it says about each photo.
        classes: The labels that it lists.
        skipped: Number of shapes that are no boxes.
        video: Whether it is about the frames of a video.
    """

    entries: list[LabelEntry] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    skipped: int = 0
    video: bool = False


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not CVAT's; None if it is."""
    if not listing.ending(".xml"):
        return Cause("no_xml")
    return None if any(_is_cvat(listing, path) for path in shared_files(listing, ".xml")) else Cause("no_cvat_xml")


def read(listing: Listing) -> Reading:
    """Read every file of CVAT, and match its entries to photos."""
    entries: list[LabelEntry] = []
    findings: list[Finding] = []
    classes: list[str] = []
    for path in shared_files(listing, ".xml"):
        if not _is_cvat(listing, path):
            continue
        try:
            file = read_file(listing, path)
        except FileError as error:
            findings.append(Finding("labels_damaged", path, "drop", error.cause.values, error.cause.key))
            continue
        entries += file.entries
        classes += file.classes
        if file.skipped:
            findings.append(Finding("shapes_skipped", path, "drop", {"shapes": file.skipped}))
    return match_entries(listing, entries, classes, findings)


def read_file(listing: Listing, path: str) -> CvatFile:
    """Read one file.

    Raises:
        FileError: It cannot be read, or is about a video whose frames are not there.
    """
    file = CvatFile()
    frames: dict[int, list[Shape]] = defaultdict(list)
    damage: list[Cause] = []
    stop = -1
    for element in _elements(listing.read(path, MAX_XML_BYTES)):
        if element.tag == "image":
            file.entries.append(_entry(element, path, file))
        elif element.tag == "track":
            file.video = True
            _read_track(element, frames, damage, file)
        else:
            file.classes += [
                name for text in element.iterfind(".//label/name") if (name := plain_name(text.text or ""))
            ]
            stop = max(stop, *(int(_number(element.findtext(f".//{tag}")) or -1) for tag in ("stop_frame", "size")))
    if file.video:
        file.entries += _frame_entries(listing, path, frames, damage, stop)
    return file


def _is_cvat(listing: Listing, path: str) -> bool:
    try:
        content = listing.read(path, MAX_XML_BYTES)
    except FileError:
        return False
    return bool(_ROOT.search(content[:HEAD])) and (b"<image" in content or b"<track" in content)


def _elements(xml: bytes) -> Iterator["Element"]:
    """Yield ``meta`` and each ``image`` and ``track``, and forget them afterwards."""
    try:
        for _, element in iterparse(BytesIO(xml), events=("end",)):
            if element.tag in ("meta", "image", "track"):
                yield element
                element.clear()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise LabelError("xml_broken") from error


def _entry(image: "Element", path: str, file: CvatFile) -> LabelEntry:
    name, subset = image.get("name", ""), image.get("subset", "")
    shapes: list[Shape] = []
    damage: list[Cause] = []
    for element in image:
        _add_shape(element, element.get("label", ""), shapes, damage, file)
    width, height = (int(_number(image.get(side)) or 0) for side in ("width", "height"))
    entry = LabelEntry(
        names=(f"{subset}/{name}", name) if subset and name else (name,),
        file=path,
        stated_wh=(width, height),
        split=split_called(subset),
        damage=tuple(damage),
    )
    return _with_shapes(entry, shapes)


def _with_shapes(entry: LabelEntry, shapes: Sequence[Shape]) -> LabelEntry:
    notation: Notation = "corners" if all(shape.notation for shape in shapes) else ""
    marks = tuple(shape.mark for shape in shapes)
    return replace(entry, marks=marks, notation=notation, hulled=sum(shape.hulled for shape in shapes))


def _add_shape(element: "Element", label: str, shapes: list[Shape], damage: list[Cause], file: CvatFile) -> None:
    """Add the annotation of a shape, or why it has none."""
    file.skipped += element.tag in SKIPPED
    if element.tag not in BOXES:
        return
    name = plain_name(label)
    box = BOXES[element.tag](element)
    if not name or box is None:
        damage.append(Cause("shape_damaged", {"shape": element.tag, "name": name}))
        return
    said = {
        found.get("name", "").lower(): (found.text or "").strip().lower() for found in element.iterfind("attribute")
    }
    flags = (said.get(flag) in ("true", "1", "yes") for flag in ("difficult", "truncated"))
    turned = element.tag == "box" and is_turned(_turn(element))
    notation: Notation = "corners" if element.tag == "box" and not turned else ""
    shapes.append(Shape(Mark(name, box, *flags), notation, turned))


def _read_track(track: "Element", frames: dict[int, list[Shape]], damage: list[Cause], file: CvatFile) -> None:
    for element in track:
        frame = _number(element.get("frame"))
        if frame is not None and 0 <= frame < MAX_FRAMES and element.get("outside") != "1":
            _add_shape(element, track.get("label", ""), frames[int(frame)], damage, file)


def _frame_entries(
    listing: Listing, path: str, frames: Mapping[int, list[Shape]], damage: Sequence[Cause], stop: int
) -> Iterator[LabelEntry]:
    """Yield what the tracks of a video say about the frames that are there as photos.

    Raises:
        LabelError: None is there.
    """
    present = {int(found[1]): name for name in listing.photo_names if (found := _FRAME.fullmatch(_stem(name)))}
    if not present:
        raise LabelError("video_without_frames")
    for frame, name in present.items():
        if frame in frames or frame <= stop:
            first = tuple(damage) if frame == min(present) else ()
            yield _with_shapes(LabelEntry((name,), path, damage=first), frames.get(frame, []))


def _stem(path: str) -> str:
    return photo_stem(path.rpartition("/")[2]).lower()


def _number(text: str | None) -> float | None:
    return number_of(text) if text else None


def _numbers(element: "Element", *keys: str) -> list[float]:
    """Return numeric attributes; none if one is missing."""
    numbers = [number for key in keys if (number := _number(element.get(key))) is not None]
    return numbers if len(numbers) == len(keys) else []


def _turn(element: "Element") -> float:
    """Return the angle of a shape in radians."""
    return radians((_number(element.get("rotation")) or 0.0) % 360)


def _box_of_box(element: "Element") -> BoxXYXY | None:
    numbers = _numbers(element, "xtl", "ytl", "xbr", "ybr")
    if not numbers:
        return None
    x1, y1, x2, y2 = numbers
    if not is_turned(_turn(element)) and _turn(element) == 0:
        return x1, y1, x2, y2
    return hull_of_rotated_box((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, _turn(element))


def _box_of_polygon(element: "Element") -> BoxXYXY | None:
    pairs = [pair.split(",") for pair in element.get("points", "").strip(" ;").split(";")]
    points = [(_number(pair[0].strip()), _number(pair[1].strip())) for pair in pairs if len(pair) == 2]
    placed = [(x, y) for x, y in points if x is not None and y is not None]
    return hull_of_points(placed) if len(placed) == len(pairs) > 1 else None


def _box_of_mask(element: "Element") -> BoxXYXY | None:
    numbers = _numbers(element, "left", "top", "width", "height")
    return (numbers[0], numbers[1], numbers[0] + numbers[2], numbers[1] + numbers[3]) if numbers else None


def _box_of_ellipse(element: "Element") -> BoxXYXY | None:
    numbers = _numbers(element, "cx", "cy", "rx", "ry")
    return hull_of_rotated_ellipse(numbers[0], numbers[1], numbers[2], numbers[3], _turn(element)) if numbers else None


def _box_of_cuboid(element: "Element") -> BoxXYXY | None:
    corners = sorted(key for key in element.keys() if _CUBOID_CORNER.fullmatch(key))  # noqa: SIM118 - not a dictionary
    numbers = _numbers(element, *corners)
    half = len(numbers) // 2
    return hull_of_points(zip(numbers[:half], numbers[half:], strict=True)) if half and len(numbers) == 16 else None


BOXES: Mapping[str, Callable[["Element"], BoxXYXY | None]] = {
    "box": _box_of_box,
    "polygon": _box_of_polygon,
    "mask": _box_of_mask,
    "ellipse": _box_of_ellipse,
    "cuboid": _box_of_cuboid,
}
