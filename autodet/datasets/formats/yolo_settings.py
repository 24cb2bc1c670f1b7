"""Settings beside YOLO's labels: class names and splits."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.split_names import split_of_list
from autodet.datasets.formats.yolo_names import (
    NameList,
    is_file,
    named_in,
    names_in_csv,
    names_in_json,
    names_in_pbtxt,
    names_in_text,
    names_of,
)
from autodet.datasets.formats.yolo_yaml import load_yaml, top_numbers
from autodet.errors import DatasetError
from autodet.records import SPLITS, Split

MAX_YAML_BYTES = 200_000
MAX_LIST_BYTES = 2_000_000
MAX_DOCUMENTS = 50  # further ones are never about data sets
MAX_LISTS = 1000
DARKNET = ".data"  # extension of Darknet's settings files
MAX_TEXT_BYTES = 64_000_000
MAX_ENTRIES = 1000  # folders and lists per split
MAX_FOLDERS = 32  # names of a path, from its end
NAME_LISTS = (
    *("classes.txt", "class.txt", "names.txt", "class_names.txt", "_classes.txt", "labels.txt", "obj.names"),
    *("class_list.txt", "classlist.txt", "classnames.txt", "class_name.txt", "label_list.txt", "labelmap.txt"),
    *("label_map.txt", "label.txt", "name.txt", "categories.txt", "obj_names.txt", "obj.names.txt"),
)
LAST_RESORT = "predefined_classes.txt"  # from a labelling tool, which rewrites classes.txt
# Names of other files that list classes, without extension.
_OTHER_LISTS = {
    *("notes", "classes", "class", "class_names", "class_list", "names", "labels", "label_map", "labelmap"),
    *("dataset", "id2label", "class_indices", "categories", "obj", "_classes", "label_list", "class_descriptions"),
    *("class_to_idx", "idx_to_class", "class_to_id", "id_to_class", "label2id", "class_mapping", "label_mapping"),
}
_READERS: Mapping[str, Callable[[str], NameList]] = {
    ".json": names_in_json,
    ".pbtxt": names_in_pbtxt,
    ".csv": names_in_csv,
    ".tsv": names_in_csv,
}


@dataclass(frozen=True)
class YoloSettings:
    """Content of one settings file.

    Attributes:
        names: Class names by number; empty if there are none.
        splits: Photo locations of each split, as written: folders or lists.
        kpt_shape: The number of keypoints after each box and of numbers per keypoint, if stated.
        path: The file.
        base: The base folder of its paths, as written; empty if not given.
        task: The task that the file names, such as ``segment``; empty if none.
        from_one: Whether the file numbers classes from 1; ``names`` then counts from 0.
        is_lenient: Whether the names are not written as YOLO's, so that reading them took a repair.
    """

    names: Mapping[int, str]
    splits: Mapping[Split, tuple[str, ...]]
    kpt_shape: tuple[int, int] | None = None
    path: str = ""
    base: str = ""
    task: str = ""
    from_one: bool = False
    is_lenient: bool = False

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
    names = (_read_names(listing, path) for path in sorted(_name_lists(listing), key=_likelihood)[:MAX_LISTS])
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


def _likelihood(path: str) -> tuple[bool, int, bool, bool, str]:
    """Return a sort key that puts files near the root, and files with usual names, first."""
    name = path.rpartition("/")[2].lower()
    usual = name.rpartition(".")[0] in ("data", "dataset", "classes", "obj")
    return name == LAST_RESORT, path.count("/"), name.endswith(tuple(_READERS)), not usual, path


def _read_yaml(listing: Listing, path: str) -> YoloSettings | None:
    """Read a YAML file about a data set; return None if it is about something else, or broken."""
    try:
        document, is_repaired = load_yaml(listing.read_text(path, MAX_YAML_BYTES))
    except DatasetError:
        return None
    if not isinstance(document, dict):
        return None
    stated, level = named_in(document)
    level = level if names_of(stated) or "names" in level else document
    keys = {key.lower() for key in document if isinstance(key, str)}
    if not {"names", "nc", "train"} & keys and not (level is not document and names_of(stated)):
        return None
    splits: dict[Split, tuple[str, ...]] = {}
    for split in SPLITS:
        given = _given(split, level, document)
        entries = given if isinstance(given, list) else [given]
        splits[split] = tuple(entry for entry in entries[:MAX_ENTRIES] if isinstance(entry, str) and entry.strip())
    names, is_lenient = _yaml_names(listing, stated, level)
    base, task = _given("path", level, document), _given("task", level, document)
    return YoloSettings(
        names,
        splits,
        _kpt_shape(_given("kpt_shape", level, document)),
        path,
        base if isinstance(base, str) else "",
        task if isinstance(task, str) else "",
        is_lenient=bool(names) and (is_lenient or is_repaired),
    )


def _given(key: str, *levels: Mapping[str, Any]) -> Any:
    """Return the value of a key in the first map that has it; ``valid`` is a synonym of ``val``."""
    keys = (key, "valid") if key == "val" else (key,)
    return next((level[one] for level in levels for one in keys if level.get(one)), None)


def _yaml_names(listing: Listing, stated: Any, level: Mapping[str, Any]) -> tuple[Mapping[int, str], bool]:
    """Return the names that a YAML document states, and whether they are not written as YOLO's."""
    count = level.get("nc")
    number = int(count) if isinstance(count, str) and count.isascii() and count.isdigit() and len(count) < 7 else 0
    if is_file(stated):
        return _names_in(listing, stated), False
    if names := names_of(stated, number):
        listed = isinstance(stated, list) and all(isinstance(one, str) for one in stated) and len(stated) == len(names)
        return names, not (listed or isinstance(stated, dict))
    unindented = names_of(top_numbers(level))
    return unindented, bool(unindented)


def _kpt_shape(stated: Any) -> tuple[int, int] | None:
    numbers = list(re.findall(r"\d{1,4}", str(stated))) if isinstance(stated, list | str) else []
    if len(numbers) != 2 or int(numbers[0]) < 1 or int(numbers[1]) not in (2, 3):
        return None
    return int(numbers[0]), int(numbers[1])


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
    for path in listing.ending(".txt", ".names", "_darknet.labels", *_READERS):
        name = path.rpartition("/")[2].lower()
        stem, _, ending = name.rpartition(".")
        if ending == "txt":
            listed = name in NAME_LISTS or name == LAST_RESORT
        elif f".{ending}" in _READERS:
            listed = stem in _OTHER_LISTS or (ending == "pbtxt" and ("label" in stem or "map" in stem))
        else:
            listed = True
        if listed:
            yield path


def _read_names(listing: Listing, path: str) -> YoloSettings:
    """Read a list of class names in any notation."""
    reader = next((read for ending, read in _READERS.items() if path.lower().endswith(ending)), names_in_text)
    try:
        names, from_one = reader(listing.read_text(path, MAX_LIST_BYTES))
    except DatasetError:
        return YoloSettings({}, {}, path=path)
    return YoloSettings(names, {}, path=path, from_one=from_one)


def parts_of(path: str) -> list[str]:
    """Split a path of any operating system into names; keep the last ``MAX_FOLDERS``."""
    return [part for part in path.strip().replace("\\", "/").split("/") if part not in ("", ".", "..")][-MAX_FOLDERS:]


def same_end(ours: Sequence[str], theirs: Sequence[str]) -> int:
    """Count the trailing names that two paths share."""
    pairs = zip(reversed(ours), reversed(theirs), strict=False)
    return next((number for number, (one, other) in enumerate(pairs) if one != other), min(len(ours), len(theirs)))
