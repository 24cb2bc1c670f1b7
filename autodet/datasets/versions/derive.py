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

from autodet.datasets.checks.dataset_checks import unmarked_problems, unmarked_splits, weak_classes
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
from autodet.datasets.versions.relabel import new_names, relabel, relabelling_sentences
from autodet.datasets.versions.resplit import Resplit, move, redraw, resplit_sentence
from autodet.errors import AutodetError, BusyError, DatasetError
from autodet.lock import hold_folder
from autodet.records import SPLITS, ImageRecord, Problem, Split
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
        changes: The changes, as sentences.
        groups: Photos of each group, by the group's name, under their names in the parent; empty without a new draw.
    """

    parent: Dataset
    classes: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    sources: tuple[str, ...]
    changes: tuple[str, ...]
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
    def problems_of_the_whole(self) -> tuple[Problem, ...]:
        """Classes that are hard to learn or evaluate, a missing val split, and splits without usable boxes."""
        return tuple(_problems_of_the_whole(self))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Problems of the whole, copies in new splits, and inherited problems of remaining photos, sorted by file."""
        found = (*self.problems_of_the_whole, *_pairs(self), *_inherited(self))
        return tuple(sorted(found, key=lambda problem: problem.file))

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
    said = list(relabelling_sentences(dataset.classes, names, {name: n[ALL] for name, n in before.boxes.items()}))
    records = relabel(dataset.images, names)
    kept = sum(before.boxes[old][ALL] for old, new in zip(dataset.classes, names, strict=True) if new)
    if doubles := kept - sum(len(record.annotations) for record in records):
        said.append(f"Left out {counted(doubles, 'box', 'boxes')} that the merge marked twice.")
    emptied = _emptied(dataset.images, records)
    if changes.emptied == "drop":
        records = [record for record in records if record.file not in emptied]
    if emptied:
        photos = counted(len(emptied), "photo")
        said.append(f"{'Left out' if changes.emptied == 'drop' else 'Kept'} {photos} that lost every box.")
    groups: Mapping[str, Sequence[str]] = {}
    moved = records
    if changes.resplit:
        splits, groups = redraw(records, classes, changes.resplit)
        moved = move(records, splits)
        said.append(resplit_sentence(records, moved, changes.resplit))
    known = _unmarked(dataset.images)
    said += [sentence for split, sentence in _unmarked(moved).items() if split not in known]
    order = sorted(range(len(moved)), key=lambda index: (SPLITS.index(moved[index].split), moved[index].file))
    return Version(
        parent=dataset,
        classes=classes,
        images=tuple(moved[index] for index in order),
        sources=tuple(records[index].file for index in order),
        changes=tuple(said),
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
            problems=version.problems,
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            fingerprint=version.fingerprint,
            parent=Parent(parent.id, parent.fingerprint, version.changes),
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


# Problems


def _problems_of_the_whole(version: Version) -> Iterator[Problem]:
    counted = version.tally
    boxes = {name: counts[ALL] for name, counts in counted.boxes.items()}
    by_split = {split: [name for name, counts in counted.boxes.items() if counts[split]] for split in SPLITS}
    first: dict[str, str] = {}
    for record in version.images:
        for number in record.annotations.class_ids.tolist():
            first.setdefault(version.classes[number], record.file)
    for name, sentence, kind in weak_classes(boxes, by_split):
        yield Problem(first[name], sentence, "It was kept.", kind, (first[name],))
    if not counted.photos["val"]:
        action = "A search needs photos in val: redraw the splits, with a share for val."
        yield Problem("", "There are no photos for validation.", action, "no_validation")
    yield from unmarked_problems(_unmarked(version.images))


def _unmarked(images: Sequence[ImageRecord]) -> dict[Split, str]:
    return unmarked_splits((one.split, len(one.annotations), one.annotations.teaches) for one in images)


def _pairs(version: Version) -> Sequence[Problem]:
    """Find copies, and photos of one scene in two splits; only if new splits were drawn."""
    if not version.groups:
        return ()
    shots = []
    for record in version.images:
        marks = record.annotations
        rows = zip(marks.class_ids.tolist(), marks.boxes_xyxy.tolist(), strict=True)
        shots.append(Shot(record.file, record.sha256, record.look, frozenset((one, *box) for one, box in rows)))
    return check_copies(shots, [record.split for record in version.images], DEFAULTS)[1]


def _inherited(version: Version) -> Iterator[Problem]:
    """Yield the parent's problems that still apply; a pair needs both of its photos."""
    now = {source: record.file for source, record in zip(version.sources, version.images, strict=True)}
    found_anew = (*OF_THE_WHOLE, *(OF_PAIRS if version.groups else ()))
    for problem in version.parent.problems:
        photos = tuple(now[photo] for photo in problem.photos if photo in now)
        parted = problem.kind in OF_PAIRS and len(photos) < len(problem.photos)
        if photos and not parted and problem.kind not in found_anew:
            yield replace(problem, photos=photos)


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
