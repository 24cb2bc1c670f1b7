"""JSON files of labelling programs: candidates for a format, their bounded content, and its problems."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from autodet.datasets.formats.labels import LabelError
from autodet.datasets.formats.masks import number_of
from autodet.datasets.formats.source_files import MAX_JSON_BYTES, Listing
from autodet.datasets.formats.split_names import split_words
from autodet.datasets.sources.files import FileError
from autodet.records import Cause, Finding, Split

MAX_PARTS, PARTS_PER_PHOTO = 2_000_000, 50_000  # memory estimate: one per comma, ten per list or object
OF_JSON = {"git_pointer": "json_git_pointer", "file_large": "json_file_large"}  # all photos of the file are lost

_COCO = {"images", "annotations", "categories"}
_NOT_COCO = {"completions", "predictions", "result", "asset", "frames", "regions", "vid", "shapes", "original_width"}

IsOfFormat = Callable[[Any], bool]


def find_documents(listing: Listing, *keys: str, ending: str | tuple[str, ...] = ".json") -> list[str]:
    """Return the JSON files that contain all of some keys, wherever they are in the document.

    COCO files, which may be huge, are left out.

    Args:
        listing: The source's files.
        *keys: Keys from ``source_files.JSON_KEYS``.
        ending: File name extensions, lowercase.
    """
    return [
        path
        for path, found in listing.json_keys.items()
        if found.issuperset(keys) and path.lower().endswith(ending) and not _is_only_coco(found)
    ]


def _is_only_coco(keys: frozenset[str]) -> bool:
    return keys >= _COCO and keys.isdisjoint(_NOT_COCO)


def parse_json(text: str, photos: int) -> Any:
    """Parse JSON that may be hostile.

    Args:
        text: The content of a file.
        photos: Number of photos of the source, which bounds the size.

    Raises:
        LabelError: The JSON is broken, too deep, or far larger than its photos need.
    """
    if text.count(",") + 10 * (text.count("[") + text.count("{")) > MAX_PARTS + PARTS_PER_PHOTO * photos:
        raise LabelError("json_bloated", photos=photos)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LabelError("json_broken") from error


def read_document(listing: Listing, path: str) -> Any:
    """Return the content of a JSON file.

    Raises:
        FileError: The file cannot be read or parsed.
    """
    return parse_json(listing.read_text(path, MAX_JSON_BYTES), len(listing.photos))


def find_unmet(listing: Listing, paths: Sequence[str], is_of_format: IsOfFormat) -> Cause | None:
    """Return why none of some files is of a format; None as soon as one is.

    Args:
        listing: The source's files.
        paths: The files that may be of the format.
        is_of_format: Returns whether a document is of the format.
    """
    reason = Cause("no_json" if not listing.json_keys else "json_other")
    for path in paths:
        try:
            if is_of_format(read_document(listing, path)):
                return None
        except FileError as error:
            reason = Cause("file", {"file": path, "cause": error.cause.key, "values": error.cause.values})
    return reason


def documents(
    listing: Listing, paths: Sequence[str], is_of_format: IsOfFormat, findings: list[Finding]
) -> Iterator[tuple[str, Any]]:
    """Yield the files of a format with their content, and report those that cannot be read.

    Args:
        listing: The source's files.
        paths: The files that may be of the format.
        is_of_format: Returns whether a document is of the format.
        findings: Receives a finding for each file that cannot be read.
    """
    for path in paths:
        try:
            document = read_document(listing, path)
        except FileError as error:
            findings.append(find_damaged(listing, path, error.cause))
            continue
        if is_of_format(document):
            yield path, document


def find_damaged(listing: Listing, path: str, cause: Cause) -> Finding:
    """Report a label file that cannot be read, with the photo of the same name if there is one."""
    photo = listing.find_photo(stem_of(path), beside=path)
    key = OF_JSON.get(cause.key, cause.key) if not photo else cause.key
    return Finding("labels_damaged", path, "drop", cause.values, key, (str(photo),) if photo else ())


def stem_of(path: str) -> str:
    """Return a file's name without folders and its last extension."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def splits_of_files(paths: Sequence[str]) -> dict[str, Split | None]:
    """Return the split that each file is named after (``train.json``), if the names of the files tell several apart."""
    found = {path: words[-1] if (words := split_words(path.rpartition("/")[2])) else None for path in paths}
    return found if len(set(found.values()) - {None}) > 1 else dict.fromkeys(paths)


def texts_of(values: Any) -> list[str]:
    """Return the texts of a list, or a single text."""
    listed = values if isinstance(values, list) else [values]
    return [value for value in listed if isinstance(value, str) and value]


def stated_size(width: Any, height: Any) -> tuple[int, int]:
    """Return a photo's stated size in pixels; ``(0, 0)`` if it is not there."""
    stated = number_of(width) or 0.0, number_of(height) or 0.0
    return (int(stated[0]), int(stated[1])) if min(stated) >= 1 else (0, 0)


def is_set(value: Any) -> bool:
    """Return whether a flag is set, written as a boolean, number or text."""
    return value is True or value == 1 or str(value).strip().lower() in ("1", "true", "yes")
