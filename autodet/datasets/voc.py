"""Pascal VOC: one XML file a photo.

Boxes are taken as written: ``xmin, ymin, xmax, ymax`` become ``x1, y1, x2, y2``. VOC's own convention counts
pixels from 1 and includes the last one; today's tools count from 0. The difference is at most one pixel.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError  # only the error's class: parsing is defusedxml's

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from autodet.datasets.labels import BoxXYXY, LabelledPhoto, Mark, Reading, plain_name
from autodet.datasets.listing import Listing, photo_stem, split_of
from autodet.errors import DatasetError
from autodet.records import Problem, Split

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LEFT_OUT = "The photo was left out."
PASSED_OVER = "It was passed over."
BOX_DROPPED = "The box was dropped."
MAX_XML_BYTES = 16_000_000
SPLIT_LISTS: dict[str, Split] = {"trainval.txt": "train", "train.txt": "train", "val.txt": "val", "test.txt": "test"}


@dataclass(frozen=True)
class VocAnnotation:
    """One XML file.

    Attributes:
        filename: The photo's name, without folders; empty if not given.
        size_wh: Stated width and height in pixels; None if not given or not positive.
        marks: The objects.
        problems: What was wrong with single objects, as sentences.
    """

    filename: str
    size_wh: tuple[int, int] | None
    marks: tuple[Mark, ...]
    problems: tuple[str, ...]


def unmet(listing: Listing) -> str | None:
    """What keeps a source from being VOC, as a clause; None if it is."""
    reason = "there is no .xml file"
    for path in reversed(listing.ending(".xml")):
        try:
            parse_voc(_read_capped(listing, path))
        except DatasetError as error:
            reason = f"{path}: {error}".removesuffix(".")
            continue
        return None
    return reason


def read(listing: Listing) -> Reading:
    """Read every XML file and find its photo; what does not fit together is listed."""
    photos: dict[PurePosixPath, LabelledPhoto] = {}
    problems: list[Problem] = []
    lists = dict(_read_split_lists(listing))
    stems = {path.with_suffix("") for path in listing.ending(".xml")}
    for path in listing.ending(".xml"):
        kind = "labels_damaged"
        try:
            annotation = parse_voc(_read_capped(listing, path))
            kind = "photo_missing"
            photo = _photo_of(listing, path, annotation.filename, stems)
        except DatasetError as error:
            problems.append(_unusable(listing, path, str(error), kind))
            continue
        problems += [Problem(str(path), problem, BOX_DROPPED, "box_damaged") for problem in annotation.problems]
        if photo in photos:
            problems.append(
                Problem(
                    str(path), f"{photos[photo].labels} already describes {photo}.", "It was left out.", "labels_twice"
                )
            )
            continue
        split = split_of(photo) or split_of(path)
        if lists:
            split = lists.get(photo_stem(photo.name))
        photos[photo] = LabelledPhoto(
            photo, path, annotation.marks, annotation.size_wh or (0, 0), split, unlisted=bool(lists) and split is None
        )
    return Reading(tuple(photos.values()), tuple(problems))


def _unusable(listing: Listing, path: PurePosixPath, error: str, kind: str) -> Problem:
    if kind == "labels_damaged" and listing.find_photo(path.stem, beside=path) is None:
        return Problem(str(path), error, PASSED_OVER, "labels_foreign")
    return Problem(str(path), error, LEFT_OUT, kind)


def parse_voc(xml: bytes) -> VocAnnotation:
    """Read one annotation.

    Raises:
        DatasetError: It is not XML, or not a VOC annotation.
    """
    try:
        root = fromstring(xml)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise DatasetError("The XML is broken and cannot be read.") from error
    if root.tag != "annotation":
        raise DatasetError(f"The XML is not a VOC annotation: it begins with <{root.tag}>, not <annotation>.")
    marks, problems = [], []
    for number, element in enumerate(root.findall("object"), start=1):
        try:
            marks.append(_parse_object(element))
        except DatasetError as error:
            problems.append(f"Object {number} {error}")
    filename = PureWindowsPath(root.findtext("filename", "").strip()).name
    return VocAnnotation(filename, _parse_size(root), tuple(marks), tuple(problems))


def _parse_object(element: "Element") -> Mark:
    name = plain_name(element.findtext("name") or "")
    if not name:
        raise DatasetError("has no class name.")
    corners = [_number(element.findtext(f"bndbox/{key}")) for key in ("xmin", "ymin", "xmax", "ymax")]
    if any(corner is None for corner in corners):
        raise DatasetError(f"({name}) has no complete <bndbox> of four numbers.")
    x1, y1, x2, y2 = (corner or 0.0 for corner in corners)
    box: BoxXYXY = (x1, y1, x2, y2)
    return Mark(name, box, difficult=(element.findtext("difficult") or "").strip() == "1")


def _parse_size(root: "Element") -> tuple[int, int] | None:
    width, height = (_number(root.findtext(f"size/{key}")) for key in ("width", "height"))
    return (int(width), int(height)) if width and height and width > 0 and height > 0 else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if isfinite(value) else None


def _read_capped(listing: Listing, path: PurePosixPath) -> bytes:
    if (listing.root / path).stat().st_size > MAX_XML_BYTES:
        raise DatasetError(f"The XML is larger than {MAX_XML_BYTES // 1_000_000} MB.")
    return listing.read(path)


def _photo_of(listing: Listing, path: PurePosixPath, filename: str, stems: set[PurePosixPath]) -> PurePosixPath:
    """The photo that the XML names; the photo that is called like the XML where that one belongs to another XML."""
    named = listing.find_photo(filename, beside=path) if filename else None
    alike = listing.find_photo(path.stem, beside=path)
    if named and alike and named != alike and path.with_name(named.stem) in stems:
        return alike
    if found := named or alike:
        return found
    raise DatasetError(f"There is no photo called {filename or path.stem!r} for this XML.")


def _read_split_lists(listing: Listing) -> Iterator[tuple[str, Split]]:
    """Photo names (without ending) and splits from ``ImageSets/Main``; finer lists override ``trainval.txt``."""
    lists = [path for path in listing.files if path.parts[-3:-1] == ("ImageSets", "Main") and path.name in SPLIT_LISTS]
    for path in sorted(lists, key=lambda path: list(SPLIT_LISTS).index(path.name)):
        for line in listing.read(path).decode(errors="replace").splitlines():
            if line.strip():
                yield photo_stem(PureWindowsPath(line.strip()).name), SPLIT_LISTS[path.name]
