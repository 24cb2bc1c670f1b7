"""YOLO: a text file for each photo, one object a line, and the class names in a file of their own.

A line is ``class x y width height`` with the box's middle and size, or ``class x1 y1 x2 y2 x3 y3 ...`` with a
polygon's corners; all are shares of the photo's width and height, as a person sees the photo. A number more (a
confidence) or a tail of keypoints is passed over. Names, and which photo is in which split, stand in ``data.yaml``,
or, as Darknet has it, in ``obj.data`` and ``obj.names``, or in ``classes.txt``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, TypeGuard

import yaml

from autodet.datasets.labels import BoxXYXY, LabelledPhoto, Mark, Reading, UnknownClassError, plain_name
from autodet.datasets.listing import Listing, split_of
from autodet.errors import DatasetError
from autodet.records import SPLITS, Problem, Split

NAME_LISTS = ("classes.txt", "obj.names", "classes.names", "_darknet.labels", "predefined_classes.txt")
MAX_YAML_BYTES = 1_000_000
MAX_TEXT_BYTES = 64_000_000
MAX_CLASS_NUMBER = 100_000
LINE_DROPPED = "The line was left out."


@dataclass(frozen=True)
class YoloSettings:
    """What stands beside the labels.

    Attributes:
        names: Class names by number; empty if no file has them.
        splits: Where each split's photos are, as written: folders or lists.
        keypoints: Whether each line goes on with keypoints after its box.
    """

    names: Mapping[int, str]
    splits: Mapping[Split, tuple[str, ...]]
    keypoints: bool = False


def unmet(listing: Listing) -> str | None:
    """What keeps a source from being YOLO, as a clause; None if it is."""
    if not listing.ending(".txt"):
        return "there are no .txt label files"
    labels = [path for _, path in _pairs(listing) if path]
    if not labels:
        return "no .txt file is called like a photo"
    if read_settings(listing).names or any(_is_label(listing, path) for path in labels[:100]):
        return None
    return f"{labels[0]}: it has no lines of a class number and the four numbers of a box"


def read(listing: Listing) -> Reading:
    """Read the labels of every photo; one without a label file has no objects on it."""
    settings = read_settings(listing)
    splits = _splits(listing, settings)
    photos: list[LabelledPhoto] = []
    problems: list[Problem] = []
    unnamed: set[str] = set()
    for photo, path in _pairs(listing):
        marks: list[Mark] = []
        for found in _read_labels(listing, path, settings) if path else ():
            (problems if isinstance(found, Problem) else marks).append(found)  # type: ignore[arg-type]
        unnamed |= set() if settings.names else {mark.name for mark in marks}
        split = split_of(photo) or splits.get(photo)
        photos.append(LabelledPhoto(photo, path or photo, tuple(marks), split=split, relative=True))
    if unnamed:
        problem = "No file says what the class numbers mean (a data.yaml with 'names', or a classes.txt)."
        action = f"The classes were called {', '.join(sorted(unnamed)[:3])}{' ...' * (len(unnamed) > 3)}."
        problems.append(Problem("", problem, action, "names_missing"))
    return Reading(tuple(photos), tuple(problems))


def parse_line(line: str, settings: YoloSettings) -> Mark:
    """Read one object.

    Args:
        line: The line, not empty.
        settings: Class names by number; without any, classes are called ``class_0`` and so on.

    Returns:
        The mark; its box is in shares of the photo.

    Raises:
        DatasetError: It is no class number with a box or a polygon. ``UnknownClassError``: the class has no name.
    """
    number, *places = line.split()
    try:
        class_number, values = int(float(number)), [float(place) for place in places]
    except (ValueError, OverflowError) as error:
        raise DatasetError("A line is not a class number and numbers.") from error
    if not all(abs(value) < 1e6 for value in values):
        raise DatasetError("A line has numbers that are no places on a photo.")
    box = _box(values[:4] if settings.keypoints else values)
    if not 0 <= class_number < MAX_CLASS_NUMBER or (settings.names and class_number not in settings.names):
        raise UnknownClassError(f"A line has the class number {number[:20]}, which has no name.")
    return Mark(settings.names.get(class_number) or f"class_{class_number}", box)


def read_settings(listing: Listing) -> YoloSettings:
    """Names and splits, from the first file that has them."""
    document = _yaml_document(listing) or _darknet_document(listing)
    splits: dict[Split, tuple[str, ...]] = {}
    for split in SPLITS:
        given = document.get(split, document.get("valid") if split == "val" else None)
        splits[split] = tuple(entry for entry in (given if isinstance(given, list) else [given]) if _is_text(entry))
    names = _names(document.get("names")) or _listed_names(listing)
    return YoloSettings(names, splits, keypoints="kpt_shape" in document)


def _is_text(entry: Any) -> TypeGuard[str]:
    return isinstance(entry, str) and bool(entry.strip())


def _box(values: list[float]) -> BoxXYXY:
    if len(values) == 4 or (len(values) > 4 and len(values) % 2 == 1):
        x, y, width, height = values[:4]
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if len(values) >= 6:
        xs, ys = values[0::2], values[1::2]
        return min(xs), min(ys), max(xs), max(ys)
    raise DatasetError("A line has neither the four numbers of a box nor the corners of a polygon.")


def _read_labels(listing: Listing, path: PurePosixPath, settings: YoloSettings) -> Iterator[Mark | Problem]:
    if (listing.root / path).stat().st_size > MAX_TEXT_BYTES:
        problem = f"The labels are larger than {MAX_TEXT_BYTES // 1_000_000} MB."
        yield Problem(str(path), problem, "They were left out.", "labels_damaged")
    for number, line in enumerate(_lines(listing, path), start=1):
        if not line.strip():
            continue
        try:
            yield parse_line(line, settings)
        except DatasetError as error:
            kind = "class_unknown" if isinstance(error, UnknownClassError) else "box_damaged"
            yield Problem(str(path), f"Line {number}: {error}", LINE_DROPPED, kind)


def _is_label(listing: Listing, path: PurePosixPath) -> bool:
    """Whether a text file has a line that can be read as an object."""
    without_names = YoloSettings({}, {})
    for line in _lines(listing, path)[:5]:
        try:
            parse_line(line, without_names)
        except (DatasetError, ValueError):
            continue
        return True
    return False


def _pairs(listing: Listing) -> Iterator[tuple[PurePosixPath, PurePosixPath | None]]:
    """Every photo with its label file, or with None where it has none."""
    labels = {str(path): path for path in listing.ending(".txt") if path.name.lower() not in NAME_LISTS}
    for photo in listing.photos:
        yield photo, next((labels[at] for at in _label_places(photo) if at in labels), None)


def _label_places(photo: PurePosixPath) -> Iterator[str]:
    """Where a photo's labels may lie: ``labels`` in place of the innermost ``images``, or beside the photo."""
    label = photo.with_suffix(".txt")
    for index in reversed(range(len(label.parts) - 1)):
        for images, labels in (("images", "labels"), ("image", "label")):
            if label.parts[index].lower() == images:
                for name in (labels, labels.capitalize(), labels.upper()):
                    yield "/".join((*label.parts[:index], name, *label.parts[index + 1 :]))
    yield str(label)
    yield "/".join((*label.parts[:-1], "labels", label.name))
    if len(label.parts) > 1:
        yield "/".join((*label.parts[:-2], "labels", label.name))  # any folder of photos, and labels beside it


def _yaml_document(listing: Listing) -> dict[str, Any]:
    """The first YAML file that is about a data set, as written; nothing where there is none."""
    for path in sorted(listing.ending(".yaml", ".yml"), key=lambda path: (len(path.parts), path)):
        if (listing.root / path).stat().st_size > MAX_YAML_BYTES:
            continue
        try:
            document = yaml.safe_load(listing.read(path))
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
        if isinstance(document, dict) and ("names" in document or "nc" in document):
            return document
    return {}


def _darknet_document(listing: Listing) -> dict[str, Any]:
    """The splits that Darknet's ``obj.data`` names: ``train = data/train.txt``."""
    for path in listing.ending(".data"):
        pairs = (line.partition("=") for line in _lines(listing, path)[:100])
        document = {key.strip(): value.strip() for key, _, value in pairs}
        return {key: document[key] for key in ("train", "valid", "test") if document.get(key)}
    return {}


def _names(names: Any) -> dict[int, str]:
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict):
        return {}
    numbered = {str(key).strip(): plain_name(name) for key, name in names.items()}
    return {int(key): name for key, name in numbered.items() if key.isascii() and key.isdigit() and len(key) < 7}


def _listed_names(listing: Listing) -> dict[int, str]:
    for path in listing.ending(".txt", ".names", ".labels"):
        if path.name.lower() in NAME_LISTS or path.suffix == ".names":
            return {number: plain_name(line) for number, line in enumerate(_lines(listing, path)) if line.strip()}
    return {}


def _splits(listing: Listing, settings: YoloSettings) -> dict[PurePosixPath, Split]:
    """The split of every photo that ``train``, ``val`` and ``test`` of the settings mean; the first one counts."""
    splits: dict[PurePosixPath, Split] = {}
    for split, entries in settings.splits.items():
        for entry in entries:
            for photo in _meant(listing, entry):
                splits.setdefault(photo, split)
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
            lines = (line.strip() for line in _lines(listing, path) if line.strip())
            found = (_photo_of_line(listing, line, path) for line in lines)
            return [photo for photo in found if photo]
    return []


def _photo_of_line(listing: Listing, line: str, beside: PurePosixPath) -> PurePosixPath | None:
    parts = [part for part in PurePosixPath(line.replace("\\", "/")).parts if part not in ("/", ".", "..")]
    for start in range(len(parts)):
        if (path := PurePosixPath(*parts[start:])) in listing.photo_set:
            return path
    return listing.find_photo(PureWindowsPath(line).name, beside)


def _lines(listing: Listing, path: PurePosixPath) -> list[str]:
    if (listing.root / path).stat().st_size > MAX_TEXT_BYTES:
        return []
    return listing.read(path).decode("utf-8-sig", "replace").splitlines()
