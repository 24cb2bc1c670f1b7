"""VGG Image Annotator (VIA), versions 1 to 3: exports and project files. ``via_attributes`` finds the class."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autodet.datasets.formats.entries import LabelEntry, match_entries
from autodet.datasets.formats.json_documents import documents, find_documents, find_unmet, is_set, splits_of_files
from autodet.datasets.formats.labels import LabelError, Reading
from autodet.datasets.formats.masks import number_of, numbers_of
from autodet.datasets.formats.photo_marks import PhotoMarks
from autodet.datasets.formats.shapes import hull_of_circle, hull_of_points, hull_of_rotated_ellipse
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.via_attributes import Attributes, choose_attribute, class_without_attribute
from autodet.records import BoxXYXY, Cause, Finding

UNFINISHED_SHARE = 0.5  # if more photos have no regions, the annotation is not finished
SHAPES = ("", "point", "rect", "circle", "ellipse", "line", "polyline", "polygon", "extreme_rect", "extreme_circle")
WITHOUT_AREA = {"point", "line"}
VIDEO = (4, "4")  # VIA 3's type of a file


@dataclass(frozen=True)
class Region:
    """A region: the name of its shape, its numbers in VIA 3's order, and its attributes."""

    shape: str
    numbers: tuple[float, ...] | None
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class ViaPhoto:
    """A photo of one file with its regions."""

    names: tuple[str, ...]
    file: str
    regions: tuple[Region, ...]


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not VIA's; None if it is."""
    return find_unmet(listing, _paths(listing), is_via)


def is_via(document: Any) -> bool:
    """Return whether a JSON document is an export or a project of VIA."""
    if not isinstance(document, dict):
        return False
    return _is_version_3(document) or isinstance(document.get("_via_img_metadata"), dict) or _is_export(document)


def read(listing: Listing) -> Reading:
    """Read all files, decide which attribute is the class, and match the photos."""
    findings: list[Finding] = []
    attributes = Attributes()
    photos: list[ViaPhoto] = []
    for path, document in documents(listing, _paths(listing), is_via, findings):
        photos += _photos_of_3(path, document) if _is_version_3(document) else _photos(path, document)
        _define(attributes, document)
    for photo in photos:
        for region in photo.regions:
            attributes.count(region.attributes)
    chosen, told = choose_attribute(attributes)
    splits = splits_of_files(list(dict.fromkeys(photo.file for photo in photos)))
    entries = [replace(_entry(photo, attributes, chosen), split=splits[photo.file]) for photo in photos]
    empty = [not photo.regions for photo in photos]
    if sum(empty) > UNFINISHED_SHARE * len(empty):
        entries = [
            replace(entry, unlabelled=entry.unlabelled or bare) for entry, bare in zip(entries, empty, strict=True)
        ]
    return match_entries(listing, entries, findings=(*findings, *told))


def _paths(listing: Listing) -> list[str]:
    found = [find_documents(listing, "regions"), find_documents(listing, "vid")]
    return sorted({path for paths in found for path in paths})


def _is_version_3(document: Mapping[str, Any]) -> bool:
    return all(isinstance(document.get(key), dict) for key in ("project", "file", "view", "metadata"))


def _is_export(document: Mapping[str, Any]) -> bool:
    entries = list(document.values())
    return bool(entries) and all(
        isinstance(entry, dict)
        and isinstance(entry.get("filename"), str)
        and isinstance(entry.get("regions"), list | dict)
        for entry in entries
    )


def _define(attributes: Attributes, document: Mapping[str, Any]) -> None:
    """Add the attributes that a project defines."""
    own = document.get("_via_attributes")
    defined = own.get("region") if isinstance(own, dict) else document.get("attribute")
    for key, one in defined.items() if isinstance(defined, dict) else ():
        if isinstance(one, dict) and not str(one.get("anchor_id", "")).endswith("XY0"):
            attributes.define(str(one.get("aname") or key), one.get("type"), one.get("options"))


def _photos(path: str, document: Mapping[str, Any]) -> Iterator[ViaPhoto]:
    """Yield the photos of version 1 or 2."""
    own = document.get("_via_img_metadata")
    for entry in (own if isinstance(own, dict) else document).values():
        if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
            continue
        said = entry.get("regions")
        regions = list(said.values()) if isinstance(said, dict) else said if isinstance(said, list) else []
        yield ViaPhoto((entry["filename"],), path, tuple(_region(region) for region in regions))


def _region(region: Any) -> Region:
    fields = region if isinstance(region, dict) else {}
    shape, attributes = fields.get("shape_attributes"), fields.get("region_attributes")
    places = shape if isinstance(shape, dict) else {}
    name = str(places.get("name") or "").lower()
    return Region(name, _numbers(name, places), attributes if isinstance(attributes, dict) else {})


def _numbers(name: str, places: Mapping[str, Any]) -> tuple[float, ...] | None:
    if name in ("polygon", "polyline"):
        xs, ys = numbers_of(places.get("all_points_x")), numbers_of(places.get("all_points_y"))
        if not xs or not ys or len(xs) != len(ys):
            return None
        return tuple(value for pair in zip(xs, ys, strict=True) for value in pair)
    keys = {"rect": "x y width height", "circle": "cx cy r", "ellipse": "cx cy rx ry", "point": "cx cy"}
    numbers = numbers_of([places.get(key) for key in keys.get(name, "").split()])
    if numbers and name == "ellipse":
        numbers.append(number_of(places.get("theta") or 0) or 0.0)
    return tuple(numbers) if numbers else None


def _photos_of_3(path: str, document: Mapping[str, Any]) -> Iterator[ViaPhoto]:
    """Yield the photos of version 3: views of one file each, with metadata for regions, files and times."""
    names = {str(key): str(one.get("aname") or key) for key, one in _dicts(document.get("attribute"))}
    regions: dict[str, list[Region]] = {}
    for _, entry in _dicts(document["metadata"]):
        place = entry.get("xy")
        if not isinstance(place, list) or not place or entry.get("z"):
            continue
        values = entry["av"] if isinstance(entry.get("av"), dict) else {}
        named = {names.get(str(key), str(key)): value for key, value in values.items()}
        regions.setdefault(str(entry.get("vid")), []).append(_region_of_3(place, named))
    files = dict(_dicts(document["file"]))
    for key, view in _dicts(document["view"]):
        ids = view["fid_list"] if isinstance(view.get("fid_list"), list) else []
        file = files.get(str(ids[0]), {}) if ids else {}
        said = tuple(name for name in (file.get("src"), file.get("fname")) if isinstance(name, str) and name)
        if len(ids) == 1 and said and file.get("type") not in VIDEO:
            yield ViaPhoto(said, path, tuple(regions.get(key, ())))


def _dicts(values: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    pairs = values.items() if isinstance(values, dict) else ()
    return ((str(key), value) for key, value in pairs if isinstance(value, dict))


def _region_of_3(place: Sequence[Any], attributes: Mapping[str, Any]) -> Region:
    shape = SHAPES[place[0]] if isinstance(place[0], int) and 0 < place[0] < len(SHAPES) else str(place[0])[:40]
    numbers = numbers_of(list(place[1:]))
    return Region(shape, tuple(numbers) if numbers else None, attributes)


def _entry(photo: ViaPhoto, attributes: Attributes, chosen: str | None) -> LabelEntry:
    drawn = PhotoMarks()
    for region in photo.regions:
        number = drawn.next_shape()
        if region.shape in WITHOUT_AREA or _is_open(region):
            drawn.skipped += 1
            continue
        if chosen is None:
            classes = [class_without_attribute(attributes)]
        else:
            classes = attributes.classes_of(chosen, region.attributes.get(chosen))
        try:
            box = _box_of(region, number)
        except LabelError as error:
            drawn.damage.append(error.cause)
            continue
        said = {key.lower(): value for key, value in region.attributes.items()}
        difficult, truncated = (key != chosen and is_set(said.get(key)) for key in ("difficult", "truncated"))
        drawn.add(classes, box, difficult=difficult, truncated=truncated)
    return drawn.entry(photo.names, photo.file)


def _is_open(region: Region) -> bool:
    """Return whether a region is a line whose ends do not meet."""
    numbers = region.numbers or ()
    return region.shape == "polyline" and numbers[:2] != numbers[-2:]


def _box_of(region: Region, number: int) -> BoxXYXY:
    numbers = region.numbers or ()
    match region.shape, numbers:
        case "rect", (x, y, width, height):
            return x, y, x + width, y + height
        case "circle", (cx, cy, r):
            return hull_of_circle(cx, cy, r)
        case "ellipse", (cx, cy, rx, ry, *theta):
            return hull_of_rotated_ellipse(cx, cy, rx, ry, *theta[:1])
        case (("polygon" | "polyline" | "extreme_rect"), (_, _, _, _, *_)):
            if len(numbers) % 2 == 0:
                return hull_of_points(zip(numbers[0::2], numbers[1::2], strict=True))
    if region.shape in SHAPES[1:8]:
        raise LabelError("region_place", number=number)
    raise LabelError("region_shape", number=number, shape=region.shape[:40])
