"""Settings beside YOLO's labels: class names and splits."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from autodet.datasets.formats.labels import plain_name
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.split_names import split_of_list
from autodet.errors import DatasetError
from autodet.records import SPLITS, Split

MAX_YAML_BYTES = 200_000
MAX_DOCUMENTS = 50  # further ones are never about data sets
DARKNET = ".data"  # extension of Darknet's settings files
MAX_TEXT_BYTES = 64_000_000
MAX_ENTRIES = 1000  # folders and lists per split
MAX_FOLDERS = 32  # names of a path, from its end
NAME_LISTS = ("classes.txt", "class.txt", "names.txt", "class_names.txt", "_classes.txt", "labels.txt", "obj.names")
LAST_RESORT = "predefined_classes.txt"  # from a labelling tool, which rewrites classes.txt
_NUMBERED = re.compile(r"^(\d{1,6})\s*[:\s,;=]\s*(.*\S)\s*$")


@dataclass(frozen=True)
class YoloSettings:
    """Content of one settings file.

    Attributes:
        names: Class names by number; empty if there are none.
        splits: Photo locations of each split, as written: folders or lists.
        keypoints: Whether keypoints follow the box on each line.
        path: The file.
        base: The base folder of its paths, as written; empty if not given.
    """

    names: Mapping[int, str]
    splits: Mapping[Split, tuple[str, ...]]
    keypoints: bool = False
    path: str = ""
    base: str = ""

    @property
    def folder(self) -> str:
        """The file's folder with a trailing slash; empty for the root."""
        return self.path[: self.path.rfind("/") + 1]


@dataclass(frozen=True)
class AllSettings:
    """All settings files of a source, most likely first; ``lists`` have names only."""

    documents: tuple[YoloSettings, ...]
    lists: tuple[YoloSettings, ...]


def read_settings(listing: Listing) -> AllSettings:
    """Read the YAML files, Darknet files and name lists of a source."""
    yamls = sorted(listing.ending(".yaml", ".yml"), key=_likelihood)[:MAX_DOCUMENTS]
    documents = [settings for path in yamls if (settings := _read_yaml(listing, path))]
    documents += [_read_darknet(listing, path) for path in listing.ending(DARKNET)[:MAX_DOCUMENTS]]
    names = (_read_names(listing, path) for path in sorted(_name_lists(listing), key=_likelihood))
    lists = [settings for settings in names if settings.names]
    return AllSettings(tuple(documents), tuple(lists))


def lists_called_like_splits(listing: Listing) -> Iterator[YoloSettings]:
    """Yield the lists of each folder that are called ``train.txt``, ``val.txt`` and so on."""
    found: dict[str, dict[Split, tuple[str, ...]]] = defaultdict(dict)
    for path in listing.ending(".txt"):
        folder, _, name = path.rpartition("/")
        if split := split_of_list(name):
            found[folder][split] = (name,)
    for folder, splits in found.items():
        yield YoloSettings({}, splits, path=f"{folder}/" if folder else "")


def is_list(path: str) -> bool:
    """Return whether a text file is named like a class or photo list, rather than a photo's labels."""
    name = path.rpartition("/")[2].lower()
    return name in NAME_LISTS or name == LAST_RESORT or split_of_list(name) is not None


def lines_of(listing: Listing, path: str, letters: int | None = None) -> list[str]:
    """Return the lines of a text file, or of its first ``letters`` characters; none if it is too large for any list."""
    try:
        return listing.read_text(path, MAX_TEXT_BYTES)[:letters].splitlines()
    except DatasetError:
        return []


def _likelihood(path: str) -> tuple[bool, int, bool, str]:
    """Return a sort key that puts files near the root, and files with usual names, first."""
    name = path.rpartition("/")[2].lower()
    usual = name.rpartition(".")[0] in ("data", "dataset", "classes", "obj")
    return name == LAST_RESORT, path.count("/"), not usual, path


def _read_yaml(listing: Listing, path: str) -> YoloSettings | None:
    """Read a YAML file about a data set; return None if it is about something else, or broken."""
    try:
        document = _loaded(listing.read_text(path, MAX_YAML_BYTES))
    except DatasetError:
        return None
    if not isinstance(document, dict) or not {"names", "nc", "train"} & document.keys():
        return None
    splits: dict[Split, tuple[str, ...]] = {}
    for split in SPLITS:
        given = document.get(split) or (document.get("valid") if split == "val" else None)
        entries = given if isinstance(given, list) else [given]
        splits[split] = tuple(entry for entry in entries[:MAX_ENTRIES] if isinstance(entry, str) and entry.strip())
    base = document.get("path")
    names = _names(document.get("names")) or _names_in(listing, document.get("names"))
    return YoloSettings(names, splits, "kpt_shape" in document, path, base if isinstance(base, str) else "")


def _loaded(text: str) -> Any:
    """Parse YAML with ``no`` as text; retry without the backslashes of quoted Windows paths, then without tabs."""
    for attempt in dict.fromkeys((text, text.replace("\\", "/"), text.replace("\t", " "))):
        try:
            return yaml.load(attempt, yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and dictionaries only
        except (yaml.YAMLError, ValueError, RecursionError):
            continue
    return None


def _names(names: Any) -> dict[int, str]:
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict):
        return {}
    numbered = {str(key).strip(): plain_name(name) for key, name in names.items() if isinstance(name, str)}
    if numbered and all(_is_number(name) for name in numbered.values()) and not any(map(_is_number, numbered)):
        numbered = {number: plain_name(name) for name, number in numbered.items()}
    return {int(key): name for key, name in numbered.items() if _is_number(key) and name}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7


def _read_darknet(listing: Listing, path: str) -> YoloSettings:
    """Read Darknet's ``obj.data``: lines such as ``train = data/train.txt``, ``names = data/obj.names``."""
    pairs = (line.partition("=") for line in lines_of(listing, path)[:100])
    said = {key.strip(): value.strip() for key, _, value in pairs}
    keys: dict[Split, str] = {"train": "train", "val": "valid", "test": "test"}
    splits = {split: (said[key],) for split, key in keys.items() if said.get(key)}
    return YoloSettings(_names_in(listing, said.get("names")), splits, path=path)


def _names_in(listing: Listing, stated: object) -> Mapping[int, str]:
    """Read the names file that settings refer to, found by the longest matching end of its path."""
    parts = parts_of(stated) if isinstance(stated, str) else []
    alike = listing.ending(parts[-1].lower()) if parts else []
    alike = [path for path in alike if path.rpartition("/")[2].lower() == parts[-1].lower()]
    if not alike:
        return {}
    return _read_names(listing, max(alike, key=lambda path: same_end(path.split("/"), parts))).names


def _name_lists(listing: Listing) -> Iterator[str]:
    for path in listing.ending(".txt", ".names", "_darknet.labels"):
        name = path.rpartition("/")[2].lower()
        if not name.endswith(".txt") or name in NAME_LISTS or name == LAST_RESORT:
            yield path


def _read_names(listing: Listing, path: str) -> YoloSettings:
    """Read one name per line, in the order of the class numbers, or after its number."""
    names = dict(enumerate(map(plain_name, lines_of(listing, path)[:100_000])))
    names = {number: name for number, name in names.items() if name}
    numbered = [match for name in names.values() if (match := _NUMBERED.match(name))]
    if len(numbered) == len(names) and sorted(int(match[1]) for match in numbered) == list(range(len(names))):
        names = {int(match[1]): match[2] for match in numbered}
    return YoloSettings(names, {}, path=path)


def parts_of(path: str) -> list[str]:
    """Split a path of any operating system into names; keep the last ``MAX_FOLDERS``."""
    return [part for part in path.strip().replace("\\", "/").split("/") if part not in ("", ".", "..")][-MAX_FOLDERS:]


def same_end(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """Count the trailing names that two paths share."""
    pairs = zip(reversed(ours), reversed(theirs), strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), min(len(ours), len(theirs)))
