"""Labelme, AnyLabeling and X-AnyLabeling: one JSON file per photo."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from math import dist
from typing import Any

from autodet.datasets.formats.entries import LabelEntry, match_entries
from autodet.datasets.formats.json_documents import (
    documents,
    find_damaged,
    find_documents,
    find_unmet,
    is_set,
    read_document,
    stated_size,
    stem_of,
)
from autodet.datasets.formats.labels import OtherReading, Reading, plain_name
from autodet.datasets.formats.photo_lookup import PhotoFinder
from autodet.datasets.formats.photo_marks import PhotoMarks
from autodet.datasets.formats.shapes import hull_of_circle, hull_of_points, is_upright, points_of
from autodet.datasets.formats.source_files import Listing, photo_stem, plain
from autodet.datasets.sources.files import FileError
from autodet.records import BoxXYXY, Cause, Finding, Mark

MAX_LIST_BYTES = 1_000_000
WITHOUT_AREA = {"point", "points", "line", "linestrip", "lines"}
TURNED = {"rotation", "rotated_rectangle", "oriented_rectangle", "rotated"}  # four corners of a turned rectangle
NO_CLASSES = {"__ignore__", "_background_"}
_OUTLINES = {"polygon", "mask", "quadrilateral", "cuboid", "brush"}
_OF_OTHERS = {"imageData", "images", "categories"}  # keys that do not show that the shapes are there
_DESCRIBING = {"imagePath", "imageData", "imageHeight", "imageWidth"}


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not Labelme's; None if it is."""
    return find_unmet(listing, find_documents(listing, "shapes"), is_labelme)


def is_labelme(document: Any) -> bool:
    """Return whether a JSON document is a file of Labelme."""
    shapes = document.get("shapes") if isinstance(document, dict) else None
    if not isinstance(shapes, list):
        return False
    if not shapes:
        return bool(_DESCRIBING & document.keys())
    return any(isinstance(shape, dict) and "label" in shape and "points" in shape for shape in shapes)


def read(listing: Listing) -> Reading:
    """Read every file, and match it to its photo."""
    findings: list[Finding] = []
    return match_entries(listing, _entries(listing, findings), _classes(listing), findings)


def _entries(listing: Listing, findings: list[Finding]) -> list[LabelEntry]:
    entries: list[LabelEntry] = []
    groups: set[str] = set()
    for path, document in documents(listing, find_documents(listing, "shapes"), is_labelme, findings):
        entry = _entry(path, document)
        groups.update(_groups_in(document))
        if document.get("imageData") and not any(map(PhotoFinder(listing, path), entry.names)):
            embedded = {"name": entry.names[0][:200]}
            findings.append(Finding("photo_missing", path, "drop", embedded, "photo_embedded"))
        else:
            entries.append(entry)
    if len(groups) > 1:
        findings += _told(listing, entries)
    else:
        entries = [_apart(entry) for entry in entries]
    findings += _broken(listing)
    return entries


def _told(listing: Listing, entries: list[LabelEntry]) -> Iterator[Finding]:
    """Report, once for the data set, the outlines that were joined to objects."""
    joined = [(entry, len(entry.readings[0].marks) - len(entry.marks)) for entry in entries if entry.readings]
    if joined:
        photos = [next(filter(None, map(PhotoFinder(listing, entry.file), entry.names)), None) for entry, _ in joined]
        values = {"shapes": sum(count for _, count in joined)}
        yield Finding("shapes_grouped", "", "fix", values, photos=tuple(str(photo) for photo in photos if photo))


def _apart(entry: LabelEntry) -> LabelEntry:
    return replace(entry, marks=entry.readings[0].marks, readings=()) if entry.readings else entry


def _groups_in(document: dict[str, Any]) -> Iterator[str]:
    """Yield the groups of a file's outlines; a single one in a data set is a value that a converter always writes."""
    for shape in document["shapes"]:
        if isinstance(shape, dict) and _is_outline(shape):
            yield str(shape.get("group_id"))


def _broken(listing: Listing) -> Iterator[Finding]:
    """Report the files of photos that are empty or cut short, so that not even their keys can be read."""
    for path, keys in listing.json_keys.items():
        if keys <= _OF_OTHERS and path.lower().endswith(".json") and listing.find_photo(stem_of(path), beside=path):
            try:
                read_document(listing, path)
            except FileError as error:
                yield find_damaged(listing, path, error.cause)


def _entry(path: str, document: dict[str, Any]) -> LabelEntry:
    drawn = PhotoMarks()
    groups: list[tuple[str, object] | None] = []
    for shape in document["shapes"]:
        before = len(drawn.marks)
        fields = shape if isinstance(shape, dict) else {}
        _add(drawn, fields)
        if len(drawn.marks) > before:
            groups.append(_group_of(fields, drawn.marks[-1].name))
    stated = stated_size(document.get("imageWidth"), document.get("imageHeight"))
    entry = drawn.entry(_names(path, document), path, stated_wh=stated)
    joined = _joined(drawn.marks, groups)
    if len(joined) == len(drawn.marks):
        return entry
    return replace(entry, marks=joined, readings=(OtherReading("shapes_grouped", "keep", entry.marks),))


def _names(path: str, document: dict[str, Any]) -> list[str]:
    """Return the photo's possible names: that of the file first, because ``imagePath`` is stale once photos move."""
    stem, written = stem_of(path), document.get("imagePath")
    if not isinstance(written, str) or not written.strip():
        return [stem]
    name = written.replace("\\", "/").rpartition("/")[2]
    return [written, stem] if plain(photo_stem(name)) == plain(photo_stem(stem)) else [stem, written]


def _add(drawn: PhotoMarks, shape: dict[str, Any]) -> None:
    drawn.next_shape()
    name = plain_name(shape.get("label") or "")
    points = points_of(shape.get("points"))
    kind = str(shape.get("shape_type") or _usual_kind(len(points or ()))).lower()
    if kind in WITHOUT_AREA or name in NO_CLASSES:
        drawn.skipped += 1
        return
    if not points:
        drawn.refuse("shape_points", name=name)
        return
    box = _box_of(kind, points)
    if box is None:
        known = kind in _OUTLINES | TURNED | {"rectangle", "circle"}
        drawn.refuse("shape_points" if known else "shape_unknown", name=name, **({} if known else {"shape": kind[:40]}))
        return
    flags = shape["flags"] if isinstance(shape.get("flags"), dict) else {}
    difficult, truncated = (is_set(shape.get(key)) or is_set(flags.get(key)) for key in ("difficult", "truncated"))
    turned = (kind in TURNED or kind == "rectangle") and not is_upright(points)
    drawn.add([name], box, difficult=difficult, truncated=truncated, turned=turned)


def _usual_kind(points: int) -> str:
    """Return the type of a shape without one: early versions draw polygons only, and converters rectangles."""
    return "rectangle" if points == 2 else "polygon"


def _box_of(kind: str, points: list[tuple[float, float]]) -> BoxXYXY | None:
    """Return the box of a shape; None if its points do not fit its type."""
    if kind == "rectangle" and len(points) in (2, 4, 5):
        return hull_of_points(points)
    if kind == "circle" and len(points) == 2:
        return hull_of_circle(*points[0], dist(*points))
    if kind in TURNED and len(points) in (4, 5):
        return hull_of_points(points)
    if kind == "mask" and len(points) == 2:  # the first and the last pixel
        x1, y1, x2, y2 = hull_of_points(points)
        return x1, y1, x2 + 1, y2 + 1
    if kind in _OUTLINES and len(points) >= 3:
        return hull_of_points(points)
    return None


def _group_of(shape: dict[str, Any], name: str) -> tuple[str, object] | None:
    """Return the object that an outline is a part of: Labelme gives the parts of one object the same group."""
    group = shape.get("group_id")
    return (name, group) if _is_outline(shape) and isinstance(group, int | str) and group != "" else None


def _is_outline(shape: dict[str, Any]) -> bool:
    return (shape.get("shape_type") or "polygon") in ("polygon", "mask")


def _joined(marks: list[Mark], groups: list[tuple[str, object] | None]) -> tuple[Mark, ...]:
    """Return the annotations with one for each group."""
    members: dict[object, list[Mark]] = defaultdict(list)
    for number, (mark, group) in enumerate(zip(marks, groups, strict=True)):
        members[group or number].append(mark)
    return tuple(_around(group) for group in members.values())


def _around(marks: list[Mark]) -> Mark:
    corners = [corner for mark in marks for corner in (mark.box_xyxy[:2], mark.box_xyxy[2:])]
    difficult, truncated = (any(mark[flag] for mark in marks) for flag in (2, 3))
    return Mark(marks[0].name, hull_of_points(corners), difficult, truncated)


def _classes(listing: Listing) -> list[str]:
    """Return the classes of Labelme's own list, which begins with ``__ignore__``."""
    for path in listing.ending("labels.txt", "classes.txt", "class_names.txt"):
        try:
            lines = [plain_name(line) for line in listing.read_text(path, MAX_LIST_BYTES).splitlines()[:10_000]]
        except FileError:
            continue
        if NO_CLASSES & set(lines[:2]):
            return [name for name in lines if name and name not in NO_CLASSES]
    return []
