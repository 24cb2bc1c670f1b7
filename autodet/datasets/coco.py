"""COCO: one JSON file for many photos, as ``annotations/instances_train.json`` or beside the photos of a split."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, TypeGuard

from autodet.datasets.labels import BoxXYXY, LabelledPhoto, Mark, Reading, UnknownClassError, plain_name
from autodet.datasets.listing import SPLIT_FOLDERS, Listing, split_of
from autodet.errors import DatasetError
from autodet.records import Problem, Split

MAX_JSON_BYTES = 1_000_000_000
MOST_RUNS = 1_000_000  # of a mask: more than any photo's outline needs
LISTS = ("images", "annotations", "categories")
NOT_COCO = "The JSON is not COCO: it has no lists 'images', 'annotations' and 'categories'."
SIDE_TASKS = ("caption", "keypoint", "stuff", "panoptic")  # other labels of the same photos, told by the file's name
LEFT_OUT, BOX_DROPPED = "The photo was left out.", "The box was dropped."

Found = Iterator[LabelledPhoto | Problem]


def unmet(listing: Listing) -> str | None:
    """What keeps a source from being COCO, as a clause; None if it is."""
    reason = "there is no .json file"
    for path in listing.ending(".json"):
        try:
            content = _read_capped(listing, path)
        except DatasetError as error:
            reason = f"{path}: {error}".removesuffix(".")
            continue
        if all(f'"{name}"'.encode() in content for name in LISTS):
            return None
        reason = f"{path}: {NOT_COCO}".removesuffix(".")
    return reason


def read(listing: Listing) -> Reading:
    """Read every COCO file and find its photos; JSON files of other kinds are passed over."""
    photos: dict[PurePosixPath, LabelledPhoto] = {}
    problems: list[Problem] = []
    for path in sorted(listing.ending(".json"), key=_rank):
        try:
            document = _read_document(listing, path)
        except DatasetError as error:
            if all(f'"{name}"'.encode() in listing.read(path)[:MAX_JSON_BYTES] for name in LISTS):
                problems.append(Problem(str(path), str(error), "Its photos were left out.", "labels_damaged"))
            continue
        twice = 0
        for found in _read_photos(listing, path, document):
            if isinstance(found, Problem):
                problems.append(found)
            elif found.photo in photos:
                twice += 1
            else:
                photos[found.photo] = found
        if twice:
            problem = f"Of its photos, {twice} {'is' if twice == 1 else 'are'} described by another file too."
            problems.append(Problem(str(path), problem, "The other file counts.", "labels_twice"))
    return Reading(tuple(photos.values()), tuple(problems))


def parse_annotation(annotation: Any, categories: Mapping[str, str]) -> Mark:
    """Read one entry of ``annotations``; a crowd counts as difficult.

    The box is ``bbox``, as ``[x, y, width, height]``, else the bounds of ``segmentation``: polygons, or a mask in
    run-length encoding.

    Args:
        annotation: The entry.
        categories: Class names by ``key_of`` their ids.

    Raises:
        DatasetError: It has no box. ``UnknownClassError``: its category has no name.
    """
    fields = annotation if isinstance(annotation, dict) else {}
    name = categories.get(key_of(fields.get("category_id")))
    if not name:
        raise UnknownClassError(
            f"A mark has the category {key_of(fields.get('category_id'))[:40]}, which is not in categories."
        )
    return Mark(name, _box(fields), difficult=bool(fields.get("iscrowd") or fields.get("ignore")))


def key_of(id: Any) -> str:
    """An id as text, so that ``7``, ``7.0`` and ``"7"`` are one."""
    return str(int(id)) if isinstance(id, float) and id.is_integer() else str(id)


def _rank(path: PurePosixPath) -> tuple[bool, bool, PurePosixPath]:
    """Which file counts where several describe a photo: one of boxes, then one of a split."""
    name = path.stem.lower()
    return any(task in name for task in SIDE_TASKS), _split_of_file(path) is None, path


def _read_capped(listing: Listing, path: PurePosixPath) -> bytes:
    if (listing.root / path).stat().st_size > MAX_JSON_BYTES:
        raise DatasetError(f"The JSON is larger than {MAX_JSON_BYTES // 1_000_000} MB.")
    return listing.read(path)


def _read_document(listing: Listing, path: PurePosixPath) -> dict[str, Any]:
    try:
        document = json.loads(_read_capped(listing, path))
    except (ValueError, RecursionError) as error:
        raise DatasetError("The JSON is broken and cannot be read.") from error
    if not isinstance(document, dict) or not all(isinstance(document.get(key), list) for key in LISTS):
        raise DatasetError(NOT_COCO)
    return document


def _read_photos(listing: Listing, path: PurePosixPath, document: dict[str, Any]) -> Found:
    categories = {
        key_of(entry.get("id")): plain_name(entry.get("name") or "")
        for entry in document["categories"]
        if isinstance(entry, dict)
    }
    marked: dict[str, list[Any]] = defaultdict(list)
    for annotation in document["annotations"]:
        if isinstance(annotation, dict):
            marked[key_of(annotation.get("image_id"))].append(annotation)
    split = _split_of_file(path)
    beside = path.parent / split / path.name if split else path
    for image in document["images"]:
        fields = image if isinstance(image, dict) else {}
        name = str(fields.get("file_name") or "")
        photo = _find_photo(listing, name, beside) if name else None
        if photo is None:
            problem = f"There is no photo called {name[:200]!r} for this entry."
            yield Problem(str(path), problem, LEFT_OUT, "photo_missing")
            continue
        marks: list[Mark] = []
        for found in _read_marks(photo, marked[key_of(fields.get("id"))], categories):
            if isinstance(found, Problem):
                yield found
            else:
                marks.append(found)
        stated = _stated_wh(fields.get("width"), fields.get("height"))
        yield LabelledPhoto(photo, photo, tuple(marks), stated, split or split_of(photo))


def _read_marks(
    photo: PurePosixPath, annotations: Sequence[Any], categories: Mapping[str, str]
) -> Iterator[Mark | Problem]:
    for annotation in annotations:
        try:
            yield parse_annotation(annotation, categories)
        except DatasetError as error:
            kind = "class_unknown" if isinstance(error, UnknownClassError) else "box_damaged"
            yield Problem(str(photo), str(error), BOX_DROPPED, kind)


def _box(fields: Mapping[str, Any]) -> BoxXYXY:
    box, segmentation = fields.get("bbox"), fields.get("segmentation")
    if _are_numbers(box) and len(box) == 4:
        x, y, width, height = (float(value) for value in box)
        return x, y, x + width, y + height
    if isinstance(segmentation, dict):
        return _box_of_mask(segmentation)
    if isinstance(segmentation, list) and segmentation:
        rings = segmentation if isinstance(segmentation[0], list) else [segmentation]
        if all(_are_numbers(ring) and len(ring) >= 6 and len(ring) % 2 == 0 for ring in rings):
            xs, ys = ([float(v) for ring in rings for v in ring[start::2]] for start in (0, 1))
            return min(xs), min(ys), max(xs), max(ys)
    raise DatasetError("A mark has neither a bbox of four numbers nor a polygon or mask.")


def _box_of_mask(mask: Mapping[str, Any]) -> BoxXYXY:
    """The bounds of a mask whose runs, down the columns, alternate between outside and inside."""
    size, counts = mask.get("size"), mask.get("counts")
    runs = _unpacked(counts) if isinstance(counts, str) else counts
    if not (_are_numbers(size) and len(size) == 2 and _are_numbers(runs) and 0 < len(runs) <= MOST_RUNS):
        raise DatasetError("A mark has a mask that cannot be read.")
    height, at = int(size[0]), 0
    columns: list[int] = []
    rows: list[int] = []
    for number, run in enumerate(int(value) for value in runs):
        if run < 0 or height <= 0:
            raise DatasetError("A mark has a mask that cannot be read.")
        if number % 2 and run:
            first, last = divmod(at, height), divmod(at + run - 1, height)
            columns += [first[0], last[0]]
            rows += [first[1], last[1]] if first[0] == last[0] else [0, height - 1]
        at += run
    if not columns:
        raise DatasetError("A mark has a mask with nothing in it.")
    return float(min(columns)), float(min(rows)), float(max(columns) + 1), float(max(rows) + 1)


def _unpacked(text: str) -> list[int] | None:
    """The runs of a compressed mask: numbers of five bits a letter, from the third run on as differences.

    The encoding is that of the COCO API's ``rleToString``.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in text[: MOST_RUNS * 2]:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 40:
            return None
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs


def _find_photo(listing: Listing, name: str, beside: PurePosixPath) -> PurePosixPath | None:
    """The photo whose path the entry gives if there is one, else the nearest of its name."""
    path = PurePosixPath(name.replace("\\", "/"))
    exact = [
        folder / path for folder in (beside.parent, beside.parent.parent, PurePosixPath()) if not path.is_absolute()
    ]
    return next((at for at in exact if at in listing.photo_set), None) or listing.find_photo(
        PureWindowsPath(name).name, beside
    )


def _split_of_file(path: PurePosixPath) -> Split | None:
    """The split that a JSON file is about: ``instances_train2017.json``, or by the folder it lies in."""
    for word in reversed(re.split(r"[^a-z]+", path.stem.lower())):
        if word in SPLIT_FOLDERS:
            return SPLIT_FOLDERS[word]
    return split_of(path)


def _stated_wh(width: Any, height: Any) -> tuple[int, int]:
    return (int(width), int(height)) if _is_number(width) and _is_number(height) and min(width, height) > 0 else (0, 0)


def _are_numbers(values: Any) -> TypeGuard[list[float]]:
    return isinstance(values, list) and all(_is_number(value) for value in values)


def _is_number(value: Any) -> bool:
    """Whether a value is a number that a place on a photo can be."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9
