"""Class names of a Hugging Face data set: ``class_label`` in the head of README.md, or in ``dataset_infos.json``."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from autodet.datasets.formats.json_documents import parse_json
from autodet.datasets.formats.labels import plain_name
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.sources.files import FileError
from autodet.records import Finding

MAX_CARD_BYTES = 4_000_000
MAX_HEAD = 400_000  # characters
MAX_DEPTH = 30
MAX_NAMES = 10_000
CARDS = ("readme.md", "dataset_infos.json", "dataset_info.json")

Names = Mapping[int, str]


def read_names(listing: Listing, field: str) -> tuple[Names, list[Finding]]:
    """Return the class names by number, and a question if files or configurations contradict each other.

    Args:
        listing: The source's files.
        field: The field of ``objects`` that holds the numbers, such as ``category``.
    """
    found = [(path, name, names) for path in _cards(listing) for name, names in _named(_document(listing, path))]
    fitting = [one for one in found if one[1].lower() == field.lower()] or found
    if not fitting:
        return {}, []
    path, _, names = fitting[0]
    for other_path, _, other in fitting[1:]:
        differing = next((number for number in names.keys() & other.keys() if names[number] != other[number]), None)
        if differing is not None:
            values = {"file": path, "other": other_path, "photos": 0, "number": differing}
            values |= {"name": names[differing], "other_name": other[differing]}
            return names, [Finding("names_differ", path, "stop", values)]
    return max((one[2] for one in fitting), key=len), []


def _cards(listing: Listing) -> list[str]:
    paths = [path for path in listing.files if path.rpartition("/")[2].lower() in CARDS]
    return sorted(paths, key=lambda path: (path.count("/"), path))[:20]


def _document(listing: Listing, path: str) -> Any:
    """Return the content of a data set's card; None if it has none."""
    try:
        text = listing.read_text(path, MAX_CARD_BYTES)
        if path.lower().endswith(".json"):
            return parse_json(text, len(listing.photos))
    except FileError:
        return None
    head = text.lstrip("\ufeff \r\n").partition("---")[2]
    lines = head.splitlines()
    end = next((number for number, line in enumerate(lines) if number and line.rstrip() in ("---", "...")), 0)
    try:
        return yaml.load("\n".join(lines[:end])[:MAX_HEAD], yaml.BaseLoader)  # noqa: S506 - makes texts, lists, dictionaries
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _named(document: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Names]]:
    """Yield the lists of class names with the feature that each belongs to."""
    if depth > MAX_DEPTH:
        return
    if isinstance(document, list):
        for value in document[:MAX_NAMES]:
            yield from _named(value, name, depth + 1)
    if not isinstance(document, dict):
        return
    own = document.get("name")
    feature = own if isinstance(own, str) and own else name
    label = document.get("class_label")
    said = label.get("names") if isinstance(label, dict) else None
    if said is None and document.get("_type") == "ClassLabel":
        said = document.get("names")
    if names := _by_number(said):
        yield feature, names
    for key, value in document.items():
        if isinstance(value, list | dict):
            is_part = key in (
                "dtype",
                "feature",
                "features",
                "sequence",
                "list",
                "struct",
                "dataset_info",
                "class_label",
            )
            yield from _named(value, feature if is_part else key, depth + 1)


def _by_number(said: Any) -> dict[int, str]:
    pairs = said.items() if isinstance(said, dict) else enumerate(said) if isinstance(said, list) else ()
    named = [(int(key), plain_name(name)) for key, name in pairs if str(key).isdecimal() and len(str(key)) < 7]
    return {number: name for number, name in named[:MAX_NAMES] if name}
