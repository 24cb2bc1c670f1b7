"""Reader for one COCO file: annotations of available photos, names of missing photos, and findings."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from sys import intern
from typing import Any, NamedTuple

from autodet.datasets.formats.labels import (
    MAX_MARKS,
    LabelError,
    LabelledPhoto,
    Notation,
    UnknownClassError,
    find_nameless,
    plain_name,
)
from autodet.datasets.formats.masks import box_of_mask, box_of_polygons, number_of, numbers_of
from autodet.datasets.formats.photo_lookup import PhotoFinder
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.split_names import split_of_list, split_words
from autodet.datasets.sources.files import FileError
from autodet.records import BoxXYXY, Cause, Finding, Mark, Split

MAX_JSON_BYTES = 1_000_000_000
_IDS = (str, int, float)
_KEYS = ("images", "annotations", "categories", "bbox")
OF_JSON = {"git_pointer": "json_git_pointer", "file_large": "json_file_large"}  # all photos of the file are lost
OUTLINES = 500  # annotations whose outlines are compared with their boxes
MAX_ROUNDING = 1.5  # pixels between a box and the bounds of its outline
AREA_SHARE = 0.02  # of the area, by which a box's may differ
MIN_LEAD = 9  # evidence for corners, per evidence for a corner and a size
MAX_PARTS, PARTS_PER_PHOTO = 2_000_000, 50_000  # memory estimate: one per comma, ten per list or object


class Entry(NamedTuple):
    """One entry of ``annotations``, without its segmentation.

    Attributes:
        photo: The photo's id, normalised by ``key_of``.
        category: The category's id, normalised by ``key_of``.
        box_xyxy: The bounding box in pixels; None if there is none.
        damage: Why the box is missing.
        difficult: Whether it is a crowd, ignored or difficult.
        truncated: Whether the object extends beyond its box.
        is_plain: Whether the box is the entry's ``bbox`` rather than that of its outline.
        area: The stated area in pixels; 0 if there is none.
        outline_xyxy: The bounds of the outline in pixels, for some entries that have both.
    """

    photo: str
    category: str
    box_xyxy: BoxXYXY | None
    damage: Cause | None = None
    difficult: bool = False
    truncated: bool = False
    is_plain: bool = False
    area: float = 0.0
    outline_xyxy: BoxXYXY | None = None


@dataclass(frozen=True)
class Described:
    """Content of one COCO file: available photos, names of missing photos, findings and classes."""

    path: str
    split: Split | None
    photos: dict[PurePosixPath, LabelledPhoto] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    classes: set[str] = field(default_factory=set)


def read_file(listing: Listing, path: str) -> Described:
    """Read one file; JSON of another kind gives an empty result."""
    described = Described(path, split_of_file(listing, path))
    try:
        text = listing.read_text(path, MAX_JSON_BYTES)
        if not is_like_coco(text):
            return described
        _refuse_bloated(text, len(listing.photos))
        document = _parse(text)
    except FileError as error:
        key = OF_JSON.get(error.cause.key, error.cause.key)
        described.findings.append(Finding("labels_damaged", path, "drop", error.cause.values, key))
        return described
    if document:
        _describe(listing, document, described)
    return described


def parse_annotation(annotation: Any, categories: Mapping[str, str]) -> Mark:
    """Convert one entry of ``annotations``; a crowd counts as difficult.

    The box is ``bbox``, as ``[x, y, width, height]``, or else the bounds of ``segmentation``: polygons or a run-length
    encoded mask.

    Args:
        annotation: The entry.
        categories: Class names by id, normalised by ``key_of``.

    Raises:
        LabelError: The entry has no box.
        UnknownClassError: The category has no name.
    """
    return _mark_of(_entry_of(annotation if isinstance(annotation, dict) else {}), categories)


def key_of(id: Any) -> str:
    """Return an id as text, so that ``7``, ``7.0`` and ``"7"`` are equal."""
    if isinstance(id, float) and id.is_integer():
        id = int(id)
    return intern(str(id)) if id is None or isinstance(id, _IDS) else ""


def is_like_coco(text: str) -> bool:
    """Check cheaply whether a JSON text looks like COCO, before parsing it."""
    return has_coco_keys({key for key in _KEYS if f'"{key}"' in text})


def has_coco_keys(keys: Set[str]) -> bool:
    """Return whether a JSON text with these keys, of ``source_files.JSON_KEYS``, looks like COCO."""
    return {"images", "annotations"} <= keys and not keys.isdisjoint(("categories", "bbox"))


def split_of_file(listing: Listing, path: str) -> Split | None:
    """Return the split of a JSON file, from its name (``instances_train2017.json``) or else its folder."""
    words = split_words(path.rpartition("/")[2])
    return words[-1] if words else split_of_list(path.rpartition("/")[2]) or listing.split_of(path)


def _refuse_bloated(text: str, photos: int) -> None:
    """Reject JSON that needs far more memory than its photos justify: ``[]`` takes thirty times its two bytes."""
    if text.count(",") + 10 * (text.count("[") + text.count("{")) > MAX_PARTS + PARTS_PER_PHOTO * photos:
        raise LabelError("json_bloated", photos=photos)


def _parse(text: str) -> dict[str, Any] | None:
    """Parse a COCO file, with annotations as ``Entry``; return None for JSON of another kind."""
    try:
        document = json.loads(text, object_hook=_Compactor())  # drops each segmentation once its box is known
    except (ValueError, RecursionError) as error:
        raise LabelError("json_broken") from error
    if not isinstance(document, dict) or not all(
        isinstance(document.get(key), list) for key in ("images", "annotations")
    ):
        return None
    entries = [entry for entry in document["annotations"] if isinstance(entry, Entry)]
    if not isinstance(document.get("categories"), list):
        if not any(entry.box_xyxy for entry in entries):
            return None
        document["categories"] = []
    return document | {"annotations": entries}


class _Compactor:
    """Converts the annotations of a JSON document while it is parsed; measures the outlines of the first ones."""

    def __init__(self) -> None:
        self._outlines_left = OUTLINES

    def __call__(self, fields: dict[str, Any]) -> Any:
        if "image_id" not in fields or "file_name" in fields:
            return fields
        entry = _entry_of(fields)
        if self._outlines_left and entry.is_plain and isinstance(fields.get("segmentation"), list):
            self._outlines_left -= 1
            return entry._replace(outline_xyxy=box_of_polygons(fields["segmentation"]))
        return entry


def _entry_of(fields: dict[str, Any]) -> Entry:
    photo, category = key_of(fields.get("image_id")), key_of(fields.get("category_id"))
    more = fields.get("attributes")
    said = fields | more if isinstance(more, dict) else fields
    difficult = _is_set(said.get("iscrowd")) or _is_set(said.get("ignore")) or _is_set(said.get("difficult"))
    truncated = _is_set(said.get("truncated"))
    try:
        box, is_plain = _box_of(fields)
        area = number_of(fields.get("area")) or 0.0
        return Entry(photo, category, box, None, difficult, truncated, is_plain, area)
    except LabelError as error:
        return Entry(photo, category, None, error.cause)


def _box_of(fields: Mapping[str, Any]) -> tuple[BoxXYXY, bool]:
    """Return the box of an entry, and whether it is its ``bbox``."""
    box, segmentation = numbers_of(fields.get("bbox")), fields.get("segmentation")
    if box and len(box) == 4 and (min(box[2:]) > 0 or not segmentation):
        x, y, width, height = box
        return (x, y, x + width, y + height), True
    if isinstance(segmentation, dict):
        return box_of_mask(segmentation), False
    if isinstance(segmentation, list) and (bounds := box_of_polygons(segmentation)):
        return bounds, False
    raise LabelError("mark_boxless")


def _mark_of(entry: Entry, categories: Mapping[str, str]) -> Mark:
    name = categories.get(entry.category)
    if not name:
        raise UnknownClassError("category_unnamed", category=plain_name(entry.category[:40]))
    if entry.box_xyxy is None:
        damage = entry.damage or Cause("mark_boxless")
        raise LabelError(damage.key, **damage.values)
    return Mark(name, entry.box_xyxy, entry.difficult, entry.truncated)


def _hold_corners(entries: Sequence[Entry]) -> bool:
    """Return whether areas and outlines show that ``bbox`` holds two corners, as ``[x1, y1, x2, y2]``."""
    corners, sizes = 0, 0
    for entry in entries:
        if not entry.is_plain or entry.box_xyxy is None:
            continue
        x, y, right, bottom = entry.box_xyxy
        as_corners = (x, y, right - x, bottom - y)
        if entry.outline_xyxy:
            corners += _are_close(as_corners, entry.outline_xyxy)
            sizes += _are_close(entry.box_xyxy, entry.outline_xyxy)
        elif entry.area > 0:
            corners += _has_area(as_corners, entry.area)
            sizes += _has_area(entry.box_xyxy, entry.area)
    return corners > MIN_LEAD * sizes


def _are_close(box_xyxy: BoxXYXY, other_xyxy: BoxXYXY) -> bool:
    return all(abs(one - other) <= MAX_ROUNDING for one, other in zip(box_xyxy, other_xyxy, strict=True))


def _has_area(box_xyxy: BoxXYXY, area: float) -> bool:
    """Return whether a box has an area, with or without its last pixels."""
    width, height = box_xyxy[2] - box_xyxy[0], box_xyxy[3] - box_xyxy[1]
    if width <= 0 or height <= 0:
        return False
    return any(abs(size - area) <= AREA_SHARE * area for size in (width * height, (width + 1) * (height + 1)))


def _as_corners(entry: Entry) -> Entry:
    if not entry.is_plain or entry.box_xyxy is None:
        return entry
    x, y, right, bottom = entry.box_xyxy
    return entry._replace(box_xyxy=(x, y, right - x, bottom - y))


def _describe(listing: Listing, document: dict[str, Any], described: Described) -> None:
    """Collect the annotations of every entry of ``images`` whose photo is available."""
    marked: dict[str, list[Entry]] = defaultdict(list)
    annotations: list[Entry] = document["annotations"]
    corners = _hold_corners(annotations)
    if corners:
        annotations = list(map(_as_corners, annotations))
        values = {"boxes": len(annotations)}
        described.findings.append(Finding("boxes_reread", described.path, "fix", values, "corners_by_area"))
    for entry in annotations:
        marked[entry.photo].append(entry)
    categories = _categories(document, described)
    described.classes.update(filter(None, categories.values()))
    find = PhotoFinder(listing, described.path, described.split)
    for image in document["images"]:
        fields = image if isinstance(image, dict) else {}
        photo = find(_name_of(fields))
        entries = marked.pop(key_of(fields.get("id")), [])
        if photo is None:
            described.missing.append(_name_of(fields))
            continue
        if len(entries) > MAX_MARKS:
            values = {"marks": len(entries), "most": MAX_MARKS}
            described.findings.append(
                Finding("labels_damaged", str(photo), "drop", values, "marks_many", (str(photo),))
            )
            continue
        marks = list(_marks_of(photo, entries, categories, described))
        if photo in described.photos:  # some tools write one image entry per annotation
            marks = [*described.photos[photo].marks, *marks]
        stated = _stated_wh(fields.get("width"), fields.get("height"))
        split = described.split or listing.split_of(photo)
        written: Notation = "corners" if corners else "top_left"
        notation: Notation = written if all(entry.is_plain for entry in entries) else ""
        facts = (photo, str(photo), tuple(marks), stated, split)
        described.photos[photo] = LabelledPhoto(*facts, notation=notation, listed=True)
    if marked:
        count = sum(len(entries) for entries in marked.values())
        finding = Finding("labels_foreign", described.path, "drop", {"marks": count}, "marks_unlisted")
        described.findings.append(finding)


def _categories(document: Mapping[str, Any], described: Described) -> dict[str, str]:
    """Map normalised category ids to class names; derive names from the ids if the file has no categories."""
    entries = [entry for entry in document["categories"] if isinstance(entry, dict)]
    if entries or not document["annotations"]:
        return {key_of(entry.get("id")): plain_name(entry.get("name") or "") for entry in entries}
    names = {entry.category: plain_name(f"class_{entry.category[:40]}") for entry in document["annotations"]}
    described.findings.append(find_nameless("categories_missing", described.path, names.values()))
    return names


def _marks_of(
    photo: PurePosixPath, entries: Sequence[Entry], categories: Mapping[str, str], described: Described
) -> Iterator[Mark]:
    for entry in entries:
        try:
            yield _mark_of(entry, categories)
        except LabelError as error:
            kind = "class_unknown" if isinstance(error, UnknownClassError) else "box_damaged"
            cause = error.cause
            described.findings.append(Finding(kind, str(photo), "drop", cause.values, cause.key, (str(photo),)))


def _name_of(fields: Mapping[str, Any]) -> str:
    said = (fields.get(key) for key in ("file_name", "coco_url", "path", "url"))
    return next((name for name in said if isinstance(name, str) and name), "")


def _stated_wh(width: Any, height: Any) -> tuple[int, int]:
    stated = number_of(width) or 0, number_of(height) or 0
    return (int(stated[0]), int(stated[1])) if min(stated) >= 1 else (0, 0)


def _is_set(value: Any) -> bool:
    """Return whether a flag is set, written as a boolean, number or text."""
    if not value:
        return False
    return value is True or (number_of(value) or 0) > 0 or str(value).lower() in ("true", "yes")
