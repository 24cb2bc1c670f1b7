"""YOLO: a text file for each photo, one object a line, and the class names in ``data.yaml`` or ``classes.txt``.

A line is ``class x y width height`` with the box's middle and size, or ``class x1 y1 x2 y2 x3 y3 ...`` with a
polygon's corners; all are shares of the photo's width and height, as a person sees the photo.
"""

from collections.abc import Iterator
from math import isfinite
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import yaml

from autodet.datasets.labels import BoxXYXY, LabelledPhoto, Mark, Reading
from autodet.datasets.listing import Listing, split_of
from autodet.datasets.photos import read_size
from autodet.errors import DatasetError, PhotoError
from autodet.records import SPLITS, Problem, Split

NAME_LISTS = ("classes.txt", "obj.names", "classes.names")
MAX_YAML_BYTES = 1_000_000
LINE_DROPPED = "The line was left out."


def unmet(listing: Listing) -> str | None:
    """What keeps a source from being YOLO, as a clause; None if it is."""
    if not listing.ending(".txt"):
        return "there are no .txt label files"
    if not _class_names(listing, _settings(listing)):
        return "there is no data.yaml with 'names' and no classes.txt"
    return None


def read(listing: Listing) -> Reading:
    """Read the labels of every photo; one without a label file has no objects on it."""
    settings = _settings(listing)
    names = _class_names(listing, settings)
    splits = _splits(listing, settings)
    labels = {str(path): path for path in listing.ending(".txt")}
    photos: list[LabelledPhoto] = []
    problems: list[Problem] = []
    for photo in listing.photos:
        path = next((labels[str(at)] for at in _label_places(photo) if str(at) in labels), None)
        marks: list[Mark] = []
        for found in _read_labels(listing, photo, path, names) if path else ():
            (problems if isinstance(found, Problem) else marks).append(found)  # type: ignore[arg-type]
        photos.append(LabelledPhoto(photo, path or photo, tuple(marks), split=split_of(photo) or splits.get(photo)))
    return Reading(tuple(photos), tuple(problems))


def parse_line(line: str, names: dict[int, str], size_wh: tuple[int, int]) -> Mark:
    """Read one object.

    Args:
        line: The line, not empty.
        names: Class names by number.
        size_wh: The photo's size in pixels.

    Raises:
        DatasetError: It is no class number with a box or a polygon, or the class has no name.
    """
    number, *places = line.split()
    try:
        class_number, values = int(float(number)), [float(place) for place in places]
    except (ValueError, OverflowError) as error:
        raise DatasetError("A line is not a class number and numbers.") from error
    if class_number not in names:
        raise DatasetError(f"A line has the class number {class_number}, which has no name.")
    if not all(isfinite(value) and abs(value) < 1e6 for value in values):
        raise DatasetError("A line has numbers that are no places on a photo.")
    return Mark(names[class_number], _box(values, size_wh))


def _box(values: list[float], size_wh: tuple[int, int]) -> BoxXYXY:
    width, height = size_wh
    if len(values) == 4:
        x, y, box_width, box_height = values
        xs, ys = [x - box_width / 2, x + box_width / 2], [y - box_height / 2, y + box_height / 2]
    elif len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = values[0::2], values[1::2]
    else:
        raise DatasetError("A line has neither the four numbers of a box nor the corners of a polygon.")
    return min(xs) * width, min(ys) * height, max(xs) * width, max(ys) * height


def _read_labels(
    listing: Listing, photo: PurePosixPath, path: PurePosixPath, names: dict[int, str]
) -> Iterator[Mark | Problem]:
    try:
        size_wh = read_size(listing.root / photo, str(photo))
    except PhotoError:
        return  # the import says so itself
    for number, line in enumerate(listing.read(path).decode("utf-8", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield parse_line(line, names, size_wh)
        except DatasetError as error:
            yield Problem(str(path), f"Line {number}: {error}", LINE_DROPPED, "box_damaged")


def _label_places(photo: PurePosixPath) -> Iterator[PurePosixPath]:
    """Where a photo's labels may lie: ``labels`` in place of the innermost ``images``, or beside the photo."""
    label = photo.with_suffix(".txt")
    for index in reversed(range(len(label.parts) - 1)):
        for images, labels in (("images", "labels"), ("image", "label")):
            if label.parts[index].lower() == images:
                yield PurePosixPath(*label.parts[:index], labels, *label.parts[index + 1 :])
    yield label


def _settings(listing: Listing) -> dict[str, Any]:
    """The first YAML file that names classes, as written; nothing where there is none."""
    for path in sorted(listing.ending(".yaml", ".yml"), key=lambda path: (len(path.parts), path)):
        content = listing.read(path)
        if len(content) > MAX_YAML_BYTES:
            continue
        try:
            document = yaml.safe_load(content)
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
        if isinstance(document, dict) and isinstance(document.get("names"), list | dict):
            return document
    return {}


def _class_names(listing: Listing, settings: dict[str, Any]) -> dict[int, str]:
    names = settings.get("names")
    if isinstance(names, dict):
        return {key: _plain(name) for key, name in names.items() if isinstance(key, int)}
    if isinstance(names, list):
        return {number: _plain(name) for number, name in enumerate(names)}
    for path in listing.ending(".txt", ".names"):
        if path.name.lower() in NAME_LISTS:
            lines = listing.read(path).decode("utf-8", "replace").splitlines()
            return {number: _plain(line) for number, line in enumerate(lines) if line.strip()}
    return {}


def _splits(listing: Listing, settings: dict[str, Any]) -> dict[PurePosixPath, Split]:
    """The split of every photo that ``train``, ``val`` and ``test`` of the settings mean."""
    splits: dict[PurePosixPath, Split] = {}
    for split in SPLITS:
        given = settings.get(split, settings.get("valid") if split == "val" else None)
        for entry in given if isinstance(given, list) else [given]:
            if isinstance(entry, str):
                splits |= dict.fromkeys(_meant(listing, entry), split)
    return splits


def _meant(listing: Listing, entry: str) -> list[PurePosixPath]:
    """Photos that a path in the settings means, on whatever machine it was written: the longest end that fits."""
    parts = [part for part in PurePosixPath(entry.replace("\\", "/")).parts if part not in ("/", ".", "..")]
    if parts and parts[-1].lower().endswith(".txt"):
        return _listed(listing, parts[-1])
    for start in range(len(parts)):
        tail = tuple(parts[start:])
        found = [photo for photo in listing.photos if _holds(photo.parts[:-1], tail)]
        if found:
            return found
    return []


def _holds(folders: tuple[str, ...], tail: tuple[str, ...]) -> bool:
    return any(folders[at : at + len(tail)] == tail for at in range(len(folders) - len(tail) + 1))


def _listed(listing: Listing, name: str) -> list[PurePosixPath]:
    for path in listing.ending(".txt"):
        if path.name == name:
            lines = listing.read(path).decode("utf-8", "replace").splitlines()
            found = (listing.find_photo(PureWindowsPath(line.strip()).name, path) for line in lines if line.strip())
            return [photo for photo in found if photo]
    return []


def _plain(name: Any) -> str:
    return " ".join(str(name).split())
