"""Hugging Face image folders: ``metadata.jsonl``, a photo per line with its ``objects``.

``hugging_face_names`` reads the names of numbered classes.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autodet.datasets.formats.entries import LabelEntry, match_entries
from autodet.datasets.formats.hugging_face_names import Names, read_names
from autodet.datasets.formats.json_documents import (
    find_documents,
    parse_json,
    splits_of_files,
    stated_size,
)
from autodet.datasets.formats.labels import Notation, Reading, find_nameless, plain_name
from autodet.datasets.formats.masks import number_of, numbers_of
from autodet.datasets.formats.photo_marks import PhotoMarks
from autodet.datasets.formats.source_files import MAX_JSON_BYTES, Listing
from autodet.datasets.sources.files import FileError
from autodet.records import BoxXYXY, Cause, Finding, Split

PHOTO_KEYS = ("file_name", "image", "image_path", "filename", "file", "path", "image_file_name", "image_id")
OBJECT_KEYS = ("objects", "object", "annotations", "labels")
BOX_KEYS = ("bbox", "bboxes", "boxes", "box")
CLASS_KEYS: tuple[str, ...] = (
    "category",
    "categories",
    "category_id",
    "category_ids",
    "label",
    "labels",
    "class",
    "classes",
)
CLASS_KEYS += ("class_id", "class_name", "name", "names", "class_label", "class_labels")
SURE = 0.9  # share of the boxes of an area that must fit a notation
ROUNDING = 1.0  # pixels
MAX_BROKEN = 100  # lines reported one by one


@dataclass(frozen=True)
class Row:
    """A photo of one line.

    Attributes:
        names: Possible names of the photo.
        file: The file.
        boxes: The four numbers of each box as written; None for a broken one.
        classes: The class of each box as written.
        areas: The stated area of each box; empty if there are none.
        size_wh: The stated size in pixels; None if there is none.
        unlabelled: Whether the photo has no list of objects.
    """

    names: tuple[str, ...]
    file: str
    boxes: tuple[tuple[float, ...] | None, ...]
    classes: tuple[object, ...]
    areas: tuple[float, ...]
    size_wh: tuple[int, int] | None
    unlabelled: bool
    field: str


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not of Hugging Face's layout; None if it is."""
    for path in _paths(listing):
        findings: list[Finding] = []
        if any(not row.unlabelled for row in _rows(listing, path, findings)):
            return None
    if parquet := next(iter(listing.ending(".parquet")), None):
        return Cause("parquet", {"file": parquet})
    return Cause("no_jsonl")


def read(listing: Listing) -> Reading:
    """Read all rows, decide what the four numbers of a box are, and match the photos."""
    findings: list[Finding] = []
    paths = _paths(listing)
    rows = [row for path in paths for row in _rows(listing, path, findings)]
    notation = find_notation(rows)
    if notation == "corners":
        boxes = sum(len(row.boxes) for row in rows)
        findings.append(Finding("boxes_reread", "", "fix", {"boxes": boxes}, "corners_by_fit"))
    names, told = _class_names(listing, rows)
    relative = _are_fractions(rows)
    splits = splits_of_files(paths)
    entries = [_entry(row, notation, names, relative=relative, split=splits[row.file]) for row in rows]
    return match_entries(listing, entries, names.values(), (*findings, *told))


def find_notation(rows: Sequence[Row]) -> Notation:
    """Return the notation of the four numbers, decided over all boxes: by stated areas, else by what is possible.

    Hugging Face documents COCO's notation, which holds unless the boxes contradict it.
    """
    fits: Counter[str] = Counter()
    misfits: Counter[str] = Counter()
    boxes = [(box, row.size_wh) for row in rows for box in row.boxes if box]
    areas = [
        (box, area)
        for row in rows
        for box, area in zip(row.boxes, row.areas, strict=False)
        if box is not None and area > 0
    ]
    for (a, b, c, d), area in areas:
        fits["top_left"] += _is_near(c * d, area)
        fits["corners"] += _is_near((c - a) * (d - b), area)
    for (a, b, c, d), size_wh in boxes:
        width, height = size_wh or (float("inf"), float("inf"))
        misfits["top_left"] += a + c > width + ROUNDING or b + d > height + ROUNDING
        misfits["corners"] += c <= a or d <= b or c > width + ROUNDING or d > height + ROUNDING
    if areas and max(fits.values()) >= SURE * len(areas) > min(fits["top_left"], fits["corners"]):
        return "corners" if fits["corners"] > fits["top_left"] else "top_left"
    return "corners" if not misfits["corners"] and misfits["top_left"] > (1 - SURE) * len(boxes) else "top_left"


def _is_near(area: float, stated: float) -> bool:
    return abs(area - stated) <= max(1e-6, 0.01 * stated)


def _paths(listing: Listing) -> list[str]:
    keys = ("objects", *BOX_KEYS[:3])
    paths = {path for key in keys for path in find_documents(listing, key, ending=".jsonl")}
    return sorted(paths)


def _rows(listing: Listing, path: str, findings: list[Finding]) -> Iterator[Row]:
    try:
        lines = listing.read_text(path, MAX_JSON_BYTES).split("\n")
    except FileError as error:
        findings.append(Finding("labels_damaged", path, "drop", error.cause.values, error.cause.key))
        return
    broken = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            document = parse_json(line, 1)
        except FileError as error:
            broken += 1
            if broken <= MAX_BROKEN:
                values = {"line": number, **error.cause.values}
                findings.append(Finding("labels_damaged", path, "drop", values, error.cause.key))
            continue
        if isinstance(document, dict) and (names := _names_of(document)):
            yield _row(path, names, document)


def _names_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    for key in PHOTO_KEYS:
        said = row.get(key)
        if isinstance(said, dict):  # an image of ``datasets``: {"path": ..., "bytes": null}
            said = said.get("path")
        if isinstance(said, str) and said:
            return (said,)
        if key == "image_id" and isinstance(said, int) and not isinstance(said, bool):
            return (str(said),)
    return ()


def _row(path: str, names: tuple[str, ...], row: Mapping[str, Any]) -> Row:
    flat = any(isinstance(row.get(key), list) for key in BOX_KEYS)
    objects = row if flat else next((row[key] for key in OBJECT_KEYS if _are_objects(row.get(key))), None)
    size = stated_size(row.get("width"), row.get("height"))
    boxes, classes, areas, field = _listed(objects)
    facts = (boxes, classes, areas, size if all(size) else None)
    return Row(names, path, *facts, unlabelled=objects is None, field=field)


def _are_objects(value: Any) -> bool:
    """Return whether a field holds objects: lists of their properties, or a list of objects; both may be empty."""
    if isinstance(value, list):
        return not value or any(isinstance(one, dict) and bool(one.keys() & set(BOX_KEYS)) for one in value)
    return isinstance(value, dict) and (not value or bool(value.keys() & set(BOX_KEYS)))


def _listed(
    objects: Any,
) -> tuple[tuple[tuple[float, ...] | None, ...], tuple[object, ...], tuple[float, ...], str]:
    """Return the boxes, classes and areas of a photo, and the field of the classes."""
    if isinstance(objects, list):
        dicts = [one if isinstance(one, dict) else {} for one in objects]
        field = next((key for key in CLASS_KEYS if any(key in one for one in dicts)), "")
        box_key = next((key for key in BOX_KEYS if any(key in one for one in dicts)), "bbox")
        said = (
            [one.get(box_key) for one in dicts],
            [one.get(field) for one in dicts],
            [one.get("area") for one in dicts],
        )
    else:
        columns = objects if isinstance(objects, dict) else {}
        lists = {key: value for key, value in columns.items() if isinstance(value, list)}
        field = next((key for key in CLASS_KEYS if key in lists), "")
        box_key = next((key for key in BOX_KEYS if key in lists), "bbox")
        said = lists.get(box_key, []), lists.get(field, []), lists.get("area", lists.get("areas", []))
    boxes = tuple(tuple(box) if (box := numbers_of(one)) and len(box) == 4 else None for one in said[0])
    areas = tuple(number_of(area) or 0.0 for area in said[2])
    return boxes, tuple(said[1]), areas if any(areas) else (), field


def _class_names(listing: Listing, rows: Sequence[Row]) -> tuple[dict[int, str], list[Finding]]:
    """Return the names of numbered classes, generated ones where no file has them."""
    numbers = {number for row in rows for said in row.classes if (number := _number_of(said)) is not None}
    if not numbers:
        return {}, []
    field = next((row.field for row in rows if row.field), "")
    named, findings = read_names(listing, field)
    names: Names = named
    if not names:
        generated = {number: f"class_{number}" for number in numbers}
        return generated, [find_nameless("names_missing", "", generated.values())]
    return dict(names), findings


def _number_of(said: object) -> int | None:
    """Return a class number; None for a name."""
    if isinstance(said, str):
        return int(said) if said.isdecimal() and len(said) < 7 else None
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said < 1e6:
        return None
    return int(said) if said == int(said) else None


def _are_fractions(rows: Sequence[Row]) -> bool:
    """Return whether all boxes are fractions of their photos: in pixels, none of them would have an area."""
    numbers = [number for row in rows for box in row.boxes for number in box or ()]
    return bool(numbers) and 0 < max(numbers) <= 1


def _entry(row: Row, notation: Notation, names: Names, *, relative: bool, split: Split | None) -> LabelEntry:
    drawn = PhotoMarks()
    complete = len(row.classes) == len(row.boxes)
    for index, box in enumerate(row.boxes):
        drawn.next_shape()
        if box is None:
            drawn.refuse("bbox_missing")
            continue
        said = row.classes[index] if complete else ""
        number = _number_of(said)
        if number is not None and number not in names:
            drawn.refuse("class_unlisted", category=str(said))
            continue
        drawn.add([names[number] if number is not None else plain_name(said or "")], _corners(box, notation))
    return drawn.entry(
        row.names,
        row.file,
        stated_wh=row.size_wh,
        split=split,
        relative=relative,
        notation=notation,
        unlabelled=row.unlabelled,
    )


def _corners(box: Sequence[float], notation: Notation) -> BoxXYXY:
    a, b, c, d = box
    return (a, b, c, d) if notation == "corners" else (a, b, a + c, b + d)
