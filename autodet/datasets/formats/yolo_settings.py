"""What stands beside YOLO's labels: the classes' names, and which photo is in which split."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import yaml

from autodet.datasets.formats.labels import plain_name, settle_splits
from autodet.datasets.formats.listing import Listing
from autodet.datasets.formats.split_names import SPLIT_WORDS, split_words
from autodet.errors import DatasetError
from autodet.records import SPLITS, Problem, Split

MAX_YAML_BYTES = 200_000
MOST_YAMLS = 50  # more are never about data sets
MAX_TEXT_BYTES = 64_000_000
MOST_ENTRIES = 1000  # folders and lists of a split
MOST_FOLDERS = 32  # of a path, from its end
NAME_LISTS = ("classes.txt", "class.txt", "names.txt", "class_names.txt", "_classes.txt", "labels.txt", "obj.names")
LAST_RESORT = "predefined_classes.txt"  # of a labelling tool, which rewrites classes.txt
_NUMBERED = re.compile(r"^(\d{1,6})\s*[:\s,;=]\s*(.*\S)\s*$")


@dataclass(frozen=True)
class YoloSettings:
    """What one file says.

    Attributes:
        names: Class names by number; empty if it has none.
        splits: Where each split's photos are, as written: folders or lists.
        keypoints: Whether each line goes on with keypoints after its box.
        path: The file.
    """

    names: Mapping[int, str]
    splits: Mapping[Split, tuple[str, ...]]
    keypoints: bool = False
    path: str = ""

    @property
    def folder(self) -> str:
        """The folder of the file, and with a slash behind it, unless it is the root."""
        return self.path[: self.path.rfind("/") + 1]


@dataclass(frozen=True)
class AllSettings:
    """Every file of settings in a source, the likeliest first."""

    documents: tuple[YoloSettings, ...]
    lists: tuple[YoloSettings, ...]
    _known: dict[str, YoloSettings] = field(default_factory=dict)

    def of(self, labels: str) -> YoloSettings:
        """What is said about the labels in a file: nearest above them, else anywhere."""
        folder = labels.rpartition("/")[0]
        if folder not in self._known:
            self._known[folder] = self._find(f"{folder}/")
        return self._known[folder]

    def _find(self, folder: str) -> YoloSettings:
        named = [[one for one in settings if one.names] for settings in (self.documents, self.lists)]
        for settings in named:
            above = [one for one in settings if folder.startswith(one.folder)]
            if above:
                return max(above, key=lambda one: len(one.folder))
        return next(iter([*named[0], *named[1], *self.documents]), YoloSettings({}, {}))


def read_settings(listing: Listing) -> AllSettings:
    """Everything that YAML files, Darknet's files and lists of names say."""
    yamls = sorted(listing.ending(".yaml", ".yml"), key=_likelihood)[:MOST_YAMLS]
    documents = [one for path in yamls if (one := _read_yaml(listing, path))]
    documents += [_read_darknet(listing, path) for path in listing.ending(".data")]
    lists = [one for path in sorted(_name_lists(listing), key=_likelihood) if (one := _read_names(listing, path)).names]
    return AllSettings(tuple(documents), tuple(lists))


def read_splits(listing: Listing, settings: AllSettings) -> tuple[dict[PurePosixPath, Split], list[Problem]]:
    """The split of every photo that ``train``, ``val`` and ``test`` of the settings mean.

    Where several files have settings, as for the folds of a cross-validation, the first that names a photo counts.
    Without any, lists that are called ``train.txt`` and so on count.
    """
    finder = _PhotosMeant(listing)
    splits: dict[PurePosixPath, Split] = {}
    problems: list[Problem] = []
    for document in (*settings.documents, *_called_like_splits(listing)):
        if splits and document not in settings.documents:
            break
        named: dict[PurePosixPath, set[Split]] = defaultdict(set)
        for split, entries in document.splits.items():
            for entry in entries:
                for photo in finder.meant(entry, document.folder):
                    if photo not in splits:
                        named[photo].add(split)
        settled, twice = settle_splits(named, document.path)
        splits |= settled
        problems += twice
    return splits, problems


def is_list(path: str) -> bool:
    """Whether a text file is called like one that is no photo's labels."""
    name = path.rpartition("/")[2].lower()
    return name in NAME_LISTS or name == LAST_RESORT or name.removesuffix(".txt") in SPLIT_WORDS


def lines_of(listing: Listing, path: str, letters: int | None = None) -> list[str]:
    """The lines of a text file, or of its first ``letters``; none if it is larger than any of them is."""
    try:
        return listing.read_text(path, MAX_TEXT_BYTES)[:letters].splitlines()
    except DatasetError:
        return []


def _likelihood(path: str) -> tuple[bool, int, bool, str]:
    """Which of several files counts where it matters: near the root, and called as is usual."""
    name = path.rpartition("/")[2].lower()
    usual = name.rpartition(".")[0] in ("data", "dataset", "classes", "obj")
    return name == LAST_RESORT, path.count("/"), not usual, path


def _read_yaml(listing: Listing, path: str) -> YoloSettings | None:
    """A YAML file that is about a data set; None if it is about something else, or broken."""
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
        splits[split] = tuple(entry for entry in entries[:MOST_ENTRIES] if isinstance(entry, str) and entry.strip())
    return YoloSettings(_names(document.get("names")), splits, "kpt_shape" in document, path)


def _loaded(text: str) -> Any:
    """YAML in which ``no`` is a word; once more without backslashes, which Windows paths between quotes have."""
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
    """Darknet's ``obj.data``: lines such as ``train = data/train.txt``."""
    pairs = (line.partition("=") for line in lines_of(listing, path)[:100])
    said = {key.strip(): value.strip() for key, _, value in pairs}
    keys: dict[Split, str] = {"train": "train", "val": "valid", "test": "test"}
    return YoloSettings({}, {split: (said[key],) for split, key in keys.items() if said.get(key)}, path=path)


def _name_lists(listing: Listing) -> Iterator[str]:
    for path in listing.ending(".txt", ".names", "_darknet.labels"):
        name = path.rpartition("/")[2].lower()
        if not name.endswith(".txt") or name in NAME_LISTS or name == LAST_RESORT:
            yield path


def _read_names(listing: Listing, path: str) -> YoloSettings:
    """A name on each line, in the order of the classes' numbers, or behind them."""
    names = dict(enumerate(map(plain_name, lines_of(listing, path)[:100_000])))
    names = {number: name for number, name in names.items() if name}
    numbered = [match for name in names.values() if (match := _NUMBERED.match(name))]
    if len(numbered) == len(names) and sorted(int(match[1]) for match in numbered) == list(range(len(names))):
        names = {int(match[1]): match[2] for match in numbered}
    return YoloSettings(names, {}, path=path)


def _called_like_splits(listing: Listing) -> Iterator[YoloSettings]:
    """Lists that lie together and are called ``train.txt``, ``val.txt`` and so on."""
    found: dict[str, dict[Split, tuple[str, ...]]] = defaultdict(dict)
    for path in listing.ending(".txt"):
        folder, _, name = path.rpartition("/")
        if split := SPLIT_WORDS.get(name[:-4].lower()):
            found[folder][split] = (name,)
    for folder, splits in found.items():
        yield YoloSettings({}, splits, path=f"{folder}/" if folder else "")


class _PhotosMeant:
    """Finds the photos that a path in settings means, on whatever machine it was written."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing

    @cached_property
    def _folders(self) -> dict[tuple[str, ...], list[PurePosixPath]]:
        folders: dict[tuple[str, ...], list[PurePosixPath]] = defaultdict(list)
        for photo in self._listing.photos:
            folders[photo.parts[:-1]].append(photo)
        return folders

    @cached_property
    def _lists(self) -> dict[str, list[str]]:
        lists: dict[str, list[str]] = defaultdict(list)
        for path in self._listing.ending(".txt"):
            lists[path.rpartition("/")[2]].append(path)
        return lists

    def meant(self, entry: str, below: str) -> list[PurePosixPath]:
        """Photos of a folder, or on a list: what the longest end of the path fits, near the settings if possible."""
        parts = _parts(entry)
        if parts and parts[-1].lower().endswith(".txt"):
            return self._listed(parts, below)
        parts = [part for part in parts if "*" not in part]
        found = self._in_folder(parts)
        return [photo for photo in found if str(photo).startswith(below)] or found

    def _in_folder(self, parts: list[str]) -> list[PurePosixPath]:
        # What is left of the path must still tell one split from another.
        last = max((at for at, part in enumerate(parts) if split_words(part)), default=len(parts) - 1)
        for start in range(last + 1):
            tail = tuple(parts[start:])
            found = [photo for folder, photos in self._folders.items() if _holds(folder, tail) for photo in photos]
            if found:
                return found
        return []

    def _listed(self, parts: list[str], below: str) -> list[PurePosixPath]:
        named = self._lists.get(parts[-1])
        if not named:
            return []
        best = max(named, key=lambda path: (_same_end(path.split("/"), parts), path.startswith(below)))
        lines = (line.strip().strip('"') for line in lines_of(self._listing, best))
        return [photo for line in lines if line and (photo := self._photo_of_line(line, best))]

    def _photo_of_line(self, line: str, beside: str) -> PurePosixPath | None:
        parts = _parts(line)
        for start in range(len(parts)):
            if photo := self._listing.photo_at.get("/".join(parts[start:])):
                return photo
        return self._listing.find_photo("/".join(parts), beside)


def _parts(path: str) -> list[str]:
    return [part for part in path.strip().replace("\\", "/").split("/") if part not in ("", ".", "..")][-MOST_FOLDERS:]


def _holds(folders: tuple[str, ...], tail: tuple[str, ...]) -> bool:
    return any(folders[at : at + len(tail)] == tail for at in range(len(folders) - len(tail) + 1))


def _same_end(ours: list[str], theirs: list[str]) -> int:
    pairs = zip(reversed(ours), reversed(theirs), strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), min(len(ours), len(theirs)))
