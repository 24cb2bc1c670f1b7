"""Versions: data sets derived from another data set by changing its classes or splits.

parent -> plan_version(changes), fast and without side effects -> Version -> store_version -> data set

A version's photos are hard links to the parent's files (or copies), so either data set can be deleted on its own.
"""

import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from autodet.datasets.checks.dataset_checks import unmarked_splits, weak_classes
from autodet.datasets.checks.duplicates import Shot, check_copies
from autodet.datasets.checks.kinds import DEFAULTS
from autodet.datasets.manifest import (
    IMAGES,
    Dataset,
    DatasetSummary,
    Parent,
    as_dataset,
    fingerprint_of,
    list_datasets,
    publish_dataset,
    read_dataset,
)
from autodet.datasets.versions.diff import ALL, Difference, Tally, compare, tally
from autodet.datasets.versions.relabel import class_changes, new_names, relabel
from autodet.datasets.versions.resplit import Resplit, move, redraw, resplit_change
from autodet.errors import AutodetError, BusyError, DatasetError
from autodet.lock import hold_folder
from autodet.records import SPLITS, ChangeKind, Finding, ImageRecord, Split, Values, VersionChange
from autodet.text_format import counted, few, shortened
from autodet.workspace import Workspace, hidden_folder, open_workspace, safe_join

# Kinds that a version does not inherit: they concern the whole data set, or were settled during the import.
OF_THE_WHOLE = (
    "class_rare",
    "class_missing",
    "class_untaught",
    "splits_disagree",
    "no_validation",
    "split_unmarked",
    "large_loss",
)
OF_PAIRS = ("photo_copies", "photo_alike")


@dataclass(frozen=True)
class Changes:
    """The changes that define a version.

    Attributes:
        rename: Maps old class names to new ones, all at once, so that two classes can swap names. Classes with the same
            new name are merged, also with an existing class of that name.
        drop: Classes whose boxes are removed.
        emptied: Whether photos that lose all their boxes are kept, as photos without objects, or dropped.
        resplit: How to draw new splits; None to keep the splits.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    drop: Collection[str] = ()
    emptied: Literal["keep", "drop"] = "keep"
    resplit: Resplit | None = None


@dataclass(frozen=True, eq=False)
class Version:
    """A planned version of a data set, not stored.

    Attributes:
        parent: The data set to change.
        classes: Class names, sorted.
        images: The photos under their new names, sorted by split and file.
        sources: The file name of each photo in the parent.
        changes: The changes.
        groups: Photos of each group, by the group's name, under their names in the parent; empty without a new draw.
    """

    parent: Dataset
    classes: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    sources: tuple[str, ...]
    changes: tuple[VersionChange, ...]
    groups: Mapping[str, Sequence[str]]

    def __repr__(self) -> str:
        """Return one line, for notebooks."""
        classes = few(self.classes, "class", "classes")
        return f"Version({shortened(self.parent.id)!r}, {counted(len(self.images), 'photo')}, {classes})"

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of the version; see ``Dataset.fingerprint``."""
        return fingerprint_of(self.classes, self.images)

    @cached_property
    def tally(self) -> Tally:
        """Number of photos and boxes per split."""
        return tally(self.classes, self.images)

    @cached_property
    def findings_of_the_whole(self) -> tuple[Finding, ...]:
        """Classes that are hard to learn or evaluate, a missing val split, and splits without usable boxes."""
        return tuple(_findings_of_the_whole(self))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of the whole, copies in new splits, and inherited findings of remaining photos, sorted by file."""
        found = (*self.findings_of_the_whole, *_pairs(self), *_inherited(self))
        return tuple(sorted(found, key=lambda finding: finding.file))

    def differences(self) -> list[Difference]:
        """Compare the numbers of photos and boxes with the parent's."""
        return compare(tally(self.parent.classes, self.parent.images), self.tally)


def derive_dataset(
    dataset: Dataset | DatasetSummary | str,
    name: str | None = None,
    *,
    rename: Mapping[str, str] | None = None,
    drop: Collection[str] = (),
    emptied: Literal["keep", "drop"] = "keep",
    resplit: Resplit | Sequence[float] | None = None,
    workspace: Workspace | None = None,
) -> Dataset:
    """Create a new version of a data set; the data set itself stays unchanged.

    Args:
        dataset: A data set, its id or its name.
        name: Name of the version; defaults to the parent's name with the next free number.
        rename: Maps old class names to new ones; classes with the same new name are merged.
        drop: Classes whose boxes are removed.
        emptied: Whether photos that lose all their boxes are kept or dropped.
        resplit: Shares of ``train``, ``val`` and ``test``, such as ``(70, 15, 15)``, or all settings of the draw.
        workspace: Target workspace; defaults to the workspace of the settings.

    Raises:
        NotFoundError: No such data set exists.
        DatasetError: A change is invalid or has no effect; nothing was stored.
    """
    parent = as_dataset(dataset, workspace)
    if resplit is not None and not isinstance(resplit, Resplit):
        resplit = Resplit(tuple(resplit))
    return store_version(plan_version(parent, Changes(rename or {}, drop, emptied, resplit)), name, workspace)


def plan_version(dataset: Dataset, changes: Changes) -> Version:
    """Plan a version of a data set without storing it.

    Raises:
        DatasetError: A change is invalid; the message names it and suggests a solution.
    """
    names = new_names(dataset.classes, changes.rename, changes.drop)
    classes = tuple(sorted({name for name in names if name}))
    before = tally(dataset.classes, dataset.images)
    made = list(class_changes(dataset.classes, names, {name: n[ALL] for name, n in before.boxes.items()}))
    records = relabel(dataset.images, names)
    kept = sum(before.boxes[old][ALL] for old, new in zip(dataset.classes, names, strict=True) if new)
    if doubles := kept - sum(len(record.annotations) for record in records):
        made.append(VersionChange("doubles_dropped", {"boxes": doubles}))
    emptied = _emptied(dataset.images, records)
    if changes.emptied == "drop":
        records = [record for record in records if record.file not in emptied]
    if emptied:
        kind: ChangeKind = "emptied_dropped" if changes.emptied == "drop" else "emptied_kept"
        made.append(VersionChange(kind, {"photos": len(emptied)}))
    groups: Mapping[str, Sequence[str]] = {}
    moved = records
    if changes.resplit:
        splits, groups = redraw(records, classes, changes.resplit)
        moved = move(records, splits)
        made.append(resplit_change(records, moved, changes.resplit))
    known = _unmarked(dataset.images)
    unmarked = _unmarked(moved).items()
    made += [VersionChange("split_unmarked", values) for split, values in unmarked if split not in known]
    order = sorted(range(len(moved)), key=lambda index: (SPLITS.index(moved[index].split), moved[index].file))
    return Version(
        parent=dataset,
        classes=classes,
        images=tuple(moved[index] for index in order),
        sources=tuple(records[index].file for index in order),
        changes=tuple(made),
        groups=groups,
    )


def store_version(version: Version, name: str | None = None, workspace: Workspace | None = None) -> Dataset:
    """Store a version as a data set that shares its photos with its parent; it appears only when it is complete.

    Args:
        version: The version to store.
        name: Name of the data set; defaults to the parent's name with the next free number.
        workspace: Target workspace; defaults to the workspace of the settings.

    Raises:
        DatasetError: The version equals its parent, the parent's photos are missing, or the disk is full.
    """
    parent, workspace = version.parent, workspace or open_workspace()
    if version.fingerprint == parent.fingerprint:
        raise DatasetError(f"Nothing would change: the version would be the same as {parent.name!r}; change something.")
    name = " ".join((name or "").split()) or free_version_name(parent, workspace)
    with _failures_named(parent), hold_folder(parent.folder), hidden_folder(workspace.datasets) as folder:
        for split in {record.split for record in version.images}:
            (folder / IMAGES / split).mkdir(parents=True)
        photos, sources = folder / IMAGES, parent.folder / IMAGES
        for record, source in zip(version.images, version.sources, strict=True):
            _share(sources / source, photos / record.file)
        dataset = Dataset(
            folder=folder,
            id=folder.name,
            name=name,
            format=parent.format,
            classes=version.classes,
            images=version.images,
            findings=version.findings,
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            fingerprint=version.fingerprint,
            parent=Parent(parent.id, parent.fingerprint, version.changes),
            splits_from="redrawn" if "resplit" in {change.kind for change in version.changes} else parent.splits_from,
        )
        return read_dataset(publish_dataset(dataset, workspace).folder)


def free_version_name(parent: Dataset, workspace: Workspace | None = None) -> str:
    """Return the parent's name with the lowest number, from 2, that no data set has: ``fruit 2``."""
    taken = {summary.name for summary in list_datasets(workspace)}
    stem, _, last = parent.name.rpartition(" ")
    base = stem if stem and last.isascii() and last.isdigit() else parent.name
    return next(name for number in range(2, 10_000) if (name := f"{base} {number}") not in taken)


def ancestors(dataset: Dataset, workspace: Workspace | None = None) -> Iterator[tuple[Parent, Dataset | None]]:
    """Yield the chain of parents of a version, nearest first.

    Args:
        dataset: The version; an imported data set has no ancestors.
        workspace: Workspace to search; defaults to the workspace of the settings.

    Yields:
        The version's record of its parent, and the parent; None if that was deleted or replaced.
    """
    folder, seen = (workspace or open_workspace()).datasets, {dataset.fingerprint}
    child: Dataset | None = dataset
    while child and child.parent:
        try:
            found = read_dataset(safe_join(folder, child.parent.id))
        except AutodetError:
            found = None
        same = found is not None and found.fingerprint == child.parent.fingerprint and found.fingerprint not in seen
        yield child.parent, found if same else None
        child = found if same else None
        seen |= {child.fingerprint} if child else set()


def _emptied(before: Sequence[ImageRecord], after: Sequence[ImageRecord]) -> set[str]:
    pairs = zip(before, after, strict=True)
    return {new.file for old, new in pairs if len(old.annotations) and not len(new.annotations)}


# Findings


def _findings_of_the_whole(version: Version) -> Iterator[Finding]:
    counted = version.tally
    boxes = {name: counts[ALL] for name, counts in counted.boxes.items()}
    by_split = {split: [name for name, counts in counted.boxes.items() if counts[split]] for split in SPLITS}
    first: dict[str, str] = {}
    for record in version.images:
        for number in record.annotations.class_ids.tolist():
            first.setdefault(version.classes[number], record.file)
    for kind, values in weak_classes(boxes, by_split):
        file = first[values["name"]]
        yield Finding(kind, file, "keep", values, photos=(file,))
    if not counted.photos["val"]:
        yield Finding("no_validation", "", "keep", {}, "no_validation_drawn")
    for values in _unmarked(version.images).values():
        yield Finding("split_unmarked", "", "keep", values)


def _unmarked(images: Sequence[ImageRecord]) -> dict[Split, Values]:
    return unmarked_splits((record.split, len(record.annotations), record.annotations.teaches) for record in images)


def _pairs(version: Version) -> Sequence[Finding]:
    """Find copies, and photos of one scene in two splits; only if new splits were drawn."""
    if not version.groups:
        return ()
    shots = []
    for record in version.images:
        marks = record.annotations
        rows = zip(marks.class_ids.tolist(), marks.boxes_xyxy.tolist(), strict=True)
        drawn = frozenset((class_id, *box) for class_id, box in rows)
        shots.append(Shot(record.file, record.sha256, record.look, drawn))
    return check_copies(shots, [record.split for record in version.images], DEFAULTS)[1]


def _inherited(version: Version) -> Iterator[Finding]:
    """Yield the parent's findings that still apply; a pair needs both of its photos."""
    now = {source: record.file for source, record in zip(version.sources, version.images, strict=True)}
    found_anew = (*OF_THE_WHOLE, *(OF_PAIRS if version.groups else ()))
    for finding in version.parent.findings:
        photos = tuple(now[photo] for photo in finding.photos if photo in now)
        parted = finding.kind in OF_PAIRS and len(photos) < len(finding.photos)
        if photos and not parted and finding.kind not in found_anew:
            yield replace(finding, photos=photos)


# Files


def _share(source: Path, target: Path) -> None:
    """Hard-link a file, so that it outlives the original; copy it where the file system has no hard links."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def _failures_named(parent: Dataset) -> Iterator[None]:
    """Convert operating system errors into messages about the version."""
    try:
        yield
    except (FileNotFoundError, BusyError) as error:  # BusyError: the data set is being deleted
        raise DatasetError(
            f"The data set {parent.name!r} has lost photos, or was deleted; import it again, then make the version."
        ) from error
    except OSError as error:
        raise DatasetError(
            f"The version of {parent.name!r} could not be stored: {error.strerror or 'a file could not be written'}; "
            "check that the disk is not full."
        ) from error
