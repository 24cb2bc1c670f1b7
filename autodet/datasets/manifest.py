"""The manifest: a JSON file that describes a data set completely, and a small summary for lists.

datasets/<id>/
  manifest.json    classes (sorted, stored once), each photo's split and boxes, findings of the import
  summary.json     the values shown in lists, so that listing stays fast for data sets of any size
  images/          the unmodified photos: <split>/<name>
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from autodet.datasets.record_columns import records_from_columns, records_to_columns
from autodet.datasets.splits import count_splits
from autodet.errors import AutodetError, DatasetError, NotFoundError
from autodet.messages.findings import finding_to_json
from autodet.messages.imports import SPLIT_ORIGINS
from autodet.names import choose, choose_only, free_name, ids_in, naming
from autodet.records import (
    SPLITS,
    Finding,
    ImageRecord,
    SplitOrigin,
    VersionChange,
    change_from_json,
    finding_from_json,
    known_entries,
)
from autodet.text_format import counted, few, shortened
from autodet.workspace import (
    Workspace,
    open_workspace,
    publish_folder,
    read_json,
    write_atomically,
    write_json,
)

IMAGES = "images"
MANIFEST = "manifest.json"
SUMMARY = "summary.json"
VERSION = 2
LATER = ("id", "owner")  # fields that summaries of earlier versions lack


@dataclass(frozen=True)
class Parent:
    """The data set that a version was derived from.

    Attributes:
        id: The parent's id when the version was created.
        fingerprint: The parent's fingerprint.
        changes: The changes.
    """

    id: str
    fingerprint: str
    changes: tuple[VersionChange, ...]


@dataclass(frozen=True, eq=False)
class Dataset:
    """An immutable data set in the workspace.

    Attributes:
        folder: The data set's folder.
        id: The folder's name, unique in the workspace.
        name: Name chosen by the user.
        format: Format of the imported source: a name of ``autodet.datasets.formats.format_detection``.
        classes: Class names, sorted; a class id is an index into them.
        images: All photos with their annotations, sorted by split and file.
        findings: Problems that the import found, with the action taken for each.
        created: Time of the import, ISO 8601 with time zone.
        fingerprint: SHA-256 over classes, splits, boxes and the photos' bytes, in hexadecimal.
        parent: The data set that it was derived from, with the changes; None if it was imported.
        other_parents: The further data sets that a merge joined to the first, without changes of their own.
        splits_from: Where the splits come from; empty if an earlier version of autodet imported it.
        temporary: Whether its photos are only evaluated, and deleted afterwards.
        owner: Who imported or made it; empty if unknown.
    """

    folder: Path
    id: str
    name: str
    format: str
    classes: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    findings: tuple[Finding, ...]
    created: str
    fingerprint: str
    parent: Parent | None = None
    other_parents: tuple[Parent, ...] = ()
    splits_from: SplitOrigin = ""
    temporary: bool = False
    owner: str = ""

    def __repr__(self) -> str:
        """Return one line, for notebooks."""
        return _in_one_line("Dataset", self)

    def split(self, name: str) -> tuple[ImageRecord, ...]:
        """Return the photos of ``train``, ``val`` or ``test``, or of all splits for ``all``; may be empty.

        Raises:
            DatasetError: No split has that name.
        """
        if name == "all":
            return self.images
        if name not in SPLITS:
            raise DatasetError(f"{name!r} is not a split; choose train, val, test or all.")
        return tuple(record for record in self.images if record.split == name)

    def photo(self, record: ImageRecord) -> Path:
        """Return the path of a record's photo; open it with ``open_photo``."""
        return self.folder / IMAGES / record.file

    @property
    def workspace(self) -> Workspace:
        """The workspace whose models and data sets it is used with."""
        return Workspace(self.folder.parents[3 if self.temporary else 1])

    @property
    def identity(self) -> str:
        """Key for caches: unlike the fingerprint, it differs for imports of the same photos under other names."""
        return f"{self.folder} {self.created} {self.fingerprint}"

    @property
    def parents(self) -> tuple[Parent, ...]:
        """The data sets that it was derived from: none if it was imported, several if it was merged."""
        return (self.parent, *self.other_parents) if self.parent else ()

    @property
    def splits(self) -> dict[str, int]:
        """Number of photos per non-empty split, in the order train, val, test."""
        return count_splits(record.split for record in self.images)

    @property
    def boxes(self) -> int:
        """Number of boxes in the whole dataset."""
        return sum(len(record.annotations) for record in self.images)

    def to_json(self) -> dict[str, Any]:
        """Return the document of the command line.

        Its keys are ``dataset, format, classes, splits, splits_from, boxes, created, owner, problems``.
        """
        return {
            "dataset": self.id,
            "format": self.format,
            "classes": list(self.classes),
            "splits": self.splits,
            "splits_from": SPLIT_ORIGINS[self.splits_from],
            "boxes": self.boxes,
            "created": self.created,
            "owner": self.owner or None,
            "problems": [finding_to_json(finding) for finding in self.findings],
        }


@dataclass(frozen=True)
class DatasetSummary:
    """The values of a data set shown in lists.

    ``problems`` and ``boxes`` are counts, ``splits`` holds the number of photos per split, and ``parent`` is the id of
    the (first) data set that a version was derived from, otherwise empty.
    """

    id: str
    name: str
    format: str
    classes: tuple[str, ...]
    splits: dict[str, int]
    boxes: int
    problems: int
    created: str
    parent: str
    owner: str = ""

    def __repr__(self) -> str:
        """Return one line, for notebooks."""
        return _in_one_line("DatasetSummary", self)

    def to_json(self) -> dict[str, Any]:
        """Return the keys ``dataset, name, format, classes, splits, boxes, created, owner``."""
        keys = ("name", "format", "classes", "splits", "boxes", "created")
        known = {key: value for key, value in asdict(self).items() if key in keys}
        return {"dataset": self.id, **known, "owner": self.owner or None}


def list_datasets(workspace: Workspace | None = None) -> list[DatasetSummary]:
    """Return all data sets of the workspace, newest first, without damaged ones (loading those reports the cause)."""
    summaries = [_read_summary(folder) for folder in _folders(workspace or open_workspace())]
    return sorted((summary for summary in summaries if summary), key=lambda s: (s.created, s.id), reverse=True)


def load_dataset(name: str, workspace: Workspace | None = None) -> Dataset:
    """Load a data set by id, else the newest with that name; a ``NameWarning`` lists the other possible matches.

    Raises:
        NotFoundError: No such data set exists; the message lists the existing ones.
        DatasetError: The data set is damaged.
    """
    workspace = workspace or open_workspace()
    summaries = list_datasets(workspace)
    # A version has a number on purpose, so its parent's id does not refer to it.
    candidates = [summary for summary in summaries if name in (summary.id, summary.name) or not summary.parent]
    found = choose(name, candidates, "data set")
    return read_dataset(_folder(found.id if found else name, workspace))


def as_dataset(given: Dataset | DatasetSummary | str, workspace: Workspace | None = None) -> Dataset:
    """Return the data set that an argument refers to.

    Args:
        given: A data set, an entry of ``list_datasets``, an id or a name.
        workspace: Workspace for looking up entries, ids and names; defaults to the workspace of the settings.

    Raises:
        NotFoundError: No such data set exists.
        DatasetError: The data set is damaged, or the argument has another type.
    """
    if isinstance(given, Dataset):
        return given
    if isinstance(given, DatasetSummary):
        return read_dataset(_folder(given.id, workspace or open_workspace()))
    if isinstance(given, str):
        return load_dataset(given, workspace)
    raise DatasetError(f"{_of_type(given)} is not a data set; give a data set, its id or its name.")


def _of_type(given: object) -> str:
    return "None" if given is None else f"A {type(given).__name__}"


def only_dataset_id(name: str, workspace: Workspace | None = None) -> str:
    """Return the given id if it exists, even if damaged, else that of the only data set with the name; for deletions.

    Raises:
        NotFoundError: No such data set exists; the message lists the existing ones.
        AmbiguousNameError: Several data sets have the name.
    """
    workspace = workspace or open_workspace()
    summary = choose_only(name, list_datasets(workspace), "data set")
    return _folder(summary.id if summary else name, workspace).name


def _folder(id: str, workspace: Workspace) -> Path:
    for folder in _folders(workspace):
        if folder.name == id:
            return folder
    known = ", ".join(summary.id for summary in list_datasets(workspace))
    there_is = f"there is {known}" if known else "there is none yet: import one, or 'sample'"
    raise NotFoundError(f"There is no data set called {id!r}; {there_is}.")


def read_dataset(folder: Path) -> Dataset:
    """Read the data set in a folder; an unchanged manifest comes from a cache.

    Raises:
        DatasetError: The manifest is missing or damaged.
    """
    path = folder / MANIFEST
    try:
        stamp = path.stat()
    except OSError as error:
        raise DatasetError(
            f"The data set {folder.name!r} is damaged: {path} is missing; delete its folder and import it again."
        ) from error
    return _read_manifest(path.absolute(), stamp.st_mtime_ns, stamp.st_size)


def publish_dataset(dataset: Dataset, workspace: Workspace) -> Dataset:
    """Publish a data set from its hidden folder under a new id.

    Returns:
        The data set in its final place; its name has a number appended if it was the id of another dataset.
    """
    with naming(workspace.datasets):
        named = replace(dataset, name=free_name(dataset.name, ids_in(workspace.datasets), "data set"))
        write_dataset(named)
        names = {summary.name for summary in list_datasets(workspace)}
        final = publish_folder(dataset.folder, workspace.datasets, named.name, names)
    return replace(named, folder=final, id=final.name)


def write_dataset(dataset: Dataset) -> None:
    """Write ``manifest.json`` and ``summary.json`` into the data set's folder, which already contains the photos."""
    document = {
        "version": VERSION,
        "name": dataset.name,
        "format": dataset.format,
        "classes": list(dataset.classes),
        "created": dataset.created,
        "owner": dataset.owner,
        "fingerprint": dataset.fingerprint,
        "parent": asdict(dataset.parent) if dataset.parent else None,
        "other_parents": [asdict(parent) for parent in dataset.other_parents],
        "splits_from": dataset.splits_from,
        "findings": [asdict(finding) for finding in dataset.findings],
        "images": records_to_columns(dataset.images),
    }
    write_atomically(dataset.folder / MANIFEST, json.dumps(document, ensure_ascii=False).encode())
    summary = {
        "name": dataset.name,
        "format": dataset.format,
        "classes": list(dataset.classes),
        "splits": dataset.splits,
        "boxes": dataset.boxes,
        "problems": len(dataset.findings),
        "created": dataset.created,
        "owner": dataset.owner,
        "parent": dataset.parent.id if dataset.parent else "",
    }
    write_json(dataset.folder / SUMMARY, summary)


def fingerprint_of(classes: Sequence[str], images: Iterable[ImageRecord]) -> str:
    """Compute the SHA-256 over classes, splits, boxes and photos' bytes, regardless of file names and order.

    Args:
        classes: Sorted class names.
        images: The records, each with its photo's hash.

    Returns:
        64 hexadecimal digits.
    """
    lines = []
    for record in images:
        marks = record.annotations
        rows = zip(marks.class_ids.tolist(), marks.difficult.tolist(), marks.boxes_xyxy.tolist(), strict=True)
        lines.append(repr((record.split, record.sha256, sorted(rows))))
    return hashlib.sha256("\n".join([repr(tuple(classes)), *sorted(lines)]).encode()).hexdigest()


def _in_one_line(type_name: str, data: Dataset | DatasetSummary) -> str:
    splits = ", ".join(f"{split} {count:,}" for split, count in data.splits.items()) or "no photos"
    classes, boxes = few(data.classes, "class", "classes"), counted(data.boxes, "box", "boxes")
    return f"{type_name}({shortened(data.id)!r}, {shortened(data.name)!r}, {splits}, {boxes} of {classes})"


def _folders(workspace: Workspace) -> list[Path]:
    return [path for path in workspace.datasets.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _read_summary(folder: Path) -> DatasetSummary | None:
    try:
        document = read_json(folder / SUMMARY)
        values = {field.name: document[field.name] for field in fields(DatasetSummary) if field.name not in LATER}
    except (AutodetError, OSError, KeyError, TypeError):
        return None
    owner = str(document.get("owner", ""))
    return DatasetSummary(id=folder.name, **{**values, "classes": tuple(values["classes"])}, owner=owner)


@lru_cache(maxsize=8)
def _read_manifest(path: Path, _modified: int, _size: int) -> Dataset:
    folder = path.parent
    try:
        document = read_json(path)
        if document["version"] != VERSION:
            raise DatasetError(
                f"The data set {folder.name!r} was written by another version of autodet; import it again."
            )
        parent = document["parent"]
        return Dataset(
            folder=folder,
            id=folder.name,
            name=document["name"],
            format=document["format"],
            classes=tuple(document["classes"]),
            images=tuple(records_from_columns(document["images"])),
            findings=tuple(map(finding_from_json, document.get("findings") or document.get("problems", ()))),
            created=document["created"],
            fingerprint=document["fingerprint"],
            parent=_parent(parent) if parent else None,
            other_parents=tuple(map(_parent, document.get("other_parents", ()))),
            splits_from=document.get("splits_from", ""),
            owner=document.get("owner", ""),
        )
    except DatasetError:
        raise
    except (AutodetError, OSError, LookupError, TypeError, ValueError) as error:
        raise DatasetError(
            f"The data set {folder.name!r} is damaged: {path} cannot be read; delete its folder and import it again."
        ) from error


def _parent(document: dict[str, Any]) -> Parent:
    return Parent(**known_entries(Parent, document) | {"changes": tuple(map(change_from_json, document["changes"]))})
