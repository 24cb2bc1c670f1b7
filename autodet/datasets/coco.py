"""COCO: one JSON file for many photos, as ``annotations/instances_train.json`` or beside the photos of a split."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from math import isfinite
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from autodet.datasets.labels import LabelledPhoto, Mark, Reading
from autodet.datasets.listing import SPLIT_FOLDERS, Listing, split_of
from autodet.errors import DatasetError
from autodet.records import Problem, Split

MAX_JSON_BYTES = 1_000_000_000
LISTS = ("images", "annotations", "categories")
LEFT_OUT = "The photo was left out."
BOX_DROPPED = "The box was dropped."


def unmet(listing: Listing) -> str | None:
    """What keeps a source from being COCO, as a clause; None if it is."""
    reason = "there is no .json file"
    for path in reversed(listing.ending(".json")):
        try:
            _read_document(listing, path)
        except DatasetError as error:
            reason = f"{path}: {error}".removesuffix(".")
            continue
        return None
    return reason


def read(listing: Listing) -> Reading:
    """Read every COCO file and find its photos; JSON files of other kinds are passed over."""
    photos: dict[PurePosixPath, LabelledPhoto] = {}
    problems: list[Problem] = []
    for path in listing.ending(".json"):
        try:
            document = _read_document(listing, path)
        except DatasetError:
            continue
        for found in _read_photos(listing, path, document):
            if isinstance(found, Problem):
                problems.append(found)
            elif found.photo in photos:
                problems.append(
                    Problem(
                        str(path), f"Another file already describes {found.photo}.", "It was left out.", "labels_twice"
                    )
                )
            else:
                photos[found.photo] = found
    return Reading(tuple(photos.values()), tuple(problems))


def parse_annotation(annotation: Any, categories: dict[Any, str]) -> Mark:
    """Read one entry of ``annotations``: ``bbox`` is ``[x, y, width, height]``; a crowd counts as difficult.

    Raises:
        DatasetError: It has no box of four numbers, or its category is not listed.
    """
    fields = annotation if isinstance(annotation, dict) else {}
    box = fields.get("bbox")
    if not (isinstance(box, list) and len(box) == 4 and all(_is_number(value) for value in box)):
        raise DatasetError("A mark has no bbox of four numbers.")
    name = categories.get(fields.get("category_id"))
    if not name:
        raise DatasetError(f"A mark has the category {fields.get('category_id')!r}, which is not in categories.")
    x, y, width, height = (float(value) for value in box)
    return Mark(name, (x, y, x + width, y + height), difficult=bool(fields.get("iscrowd")))


def _read_document(listing: Listing, path: PurePosixPath) -> dict[str, Any]:
    if (listing.root / path).stat().st_size > MAX_JSON_BYTES:
        raise DatasetError(f"The JSON is larger than {MAX_JSON_BYTES // 1_000_000} MB.")
    try:
        document = json.loads(listing.read(path))
    except (ValueError, RecursionError) as error:
        raise DatasetError("The JSON is broken and cannot be read.") from error
    if not isinstance(document, dict) or not all(isinstance(document.get(key), list) for key in LISTS):
        raise DatasetError("The JSON is not COCO: it has no lists 'images', 'annotations' and 'categories'.")
    return document


def _read_photos(listing: Listing, path: PurePosixPath, document: dict[str, Any]) -> Iterator[LabelledPhoto | Problem]:
    categories = {
        entry.get("id"): " ".join(str(entry.get("name") or "").split())
        for entry in document["categories"]
        if isinstance(entry, dict) and isinstance(entry.get("id"), int | str)
    }
    marked: dict[Any, list[Any]] = defaultdict(list)
    for annotation in document["annotations"]:
        if isinstance(annotation, dict):
            marked[str(annotation.get("image_id"))].append(annotation)
    split = _split_of_file(path)
    beside = path.parent / split / path.name if split else path
    for image in document["images"]:
        name = str(image.get("file_name") or "") if isinstance(image, dict) else ""
        photo = _find_photo(listing, name, beside) if name else None
        if photo is None:
            yield Problem(str(path), f"There is no photo called {name!r} for this entry.", LEFT_OUT, "photo_missing")
            continue
        marks = []
        for annotation in marked[str(image.get("id"))]:
            try:
                marks.append(parse_annotation(annotation, categories))
            except DatasetError as error:
                yield Problem(str(photo), str(error), BOX_DROPPED, "box_damaged")
        size = image.get("width"), image.get("height")
        stated = (int(size[0]), int(size[1])) if all(_is_number(side) and side > 0 for side in size) else (0, 0)
        yield LabelledPhoto(photo, photo, tuple(marks), stated, split or split_of(photo))


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


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
