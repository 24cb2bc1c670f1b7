"""Versions: data sets derived from another data set by changing its classes, splits or single labels.

parent -> plan_version(changes), fast and without side effects -> Version -> store_version -> data set

A version's photos are hard links to the parent's files (or copies), so either data set can be deleted on its own.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from autodet.datasets.checks.duplicates import check_copies
from autodet.datasets.checks.kinds import DEFAULTS
from autodet.datasets.manifest import (
    IMAGES,
    Dataset,
    DatasetSummary,
    Parent,
    as_dataset,
    list_datasets,
    read_dataset,
)
from autodet.datasets.versions.box_edits import BoxEdit, apply_edits, edit_changes
from autodet.datasets.versions.diff import ALL, tally
from autodet.datasets.versions.planned_dataset import PlannedDataset
from autodet.datasets.versions.relabel import class_changes, new_names, relabel
from autodet.datasets.versions.resplit import Resplit, move, redraw, resplit_change
from autodet.datasets.versions.storage import publish_version
from autodet.datasets.versions.version_findings import (
    OF_BARE_PHOTOS,
    OF_PAIRS,
    OF_THE_WHOLE,
    inherited,
    shots_of,
    unmarked,
)
from autodet.errors import AutodetError, DatasetError
from autodet.records import SPLITS, ChangeKind, Finding, ImageRecord, VersionChange
from autodet.text_format import listed, shortened
from autodet.workspace import Workspace, open_workspace, safe_join

DRAWS: frozenset[ChangeKind] = frozenset({"resplit", "splits_continued"})


@dataclass(frozen=True)
class Changes:
    """The changes that define a version.

    Attributes:
        rename: Maps old class names to new ones, all at once, so that two classes can swap names. Classes with the same
            new name are merged, also with an existing class of that name.
        drop: Classes whose boxes are removed.
        emptied: Whether photos that lose all their boxes are kept, as photos without objects, or dropped.
        resplit: How to draw new splits; None to keep the splits.
        edits: Corrections of single labels, made before all other changes.
        leave_out: Files of photos that the version does not have.
    """

    rename: Mapping[str, str] = field(default_factory=dict)
    drop: Collection[str] = ()
    emptied: Literal["keep", "drop"] = "keep"
    resplit: Resplit | None = None
    edits: Sequence[BoxEdit] = ()
    leave_out: Collection[str] = ()


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Version(PlannedDataset):
    """A planned version of a data set, not stored; its groups have the names of photos in the parent.

    Attributes:
        sources: The file name of each photo in the parent.
        labelled: Photos whose labels are new, under their names in the parent.
    """

    sources: tuple[str, ...]
    labelled: frozenset[str] = frozenset()

    @property
    def parent(self) -> Dataset:
        """The data set to change."""
        return self.parents[0]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of the whole, copies in new splits, and inherited findings of remaining photos, sorted by file."""
        now = {source: record.file for source, record in zip(self.sources, self.images, strict=True)}
        found_anew = (*OF_THE_WHOLE, *(OF_PAIRS if self.groups else ()))
        before = [
            finding
            for finding in self.parent.findings
            if finding.kind not in OF_BARE_PHOTOS or self.labelled.isdisjoint(finding.photos)
        ]
        found = (*self.findings_of_the_whole, *self._pairs(), *inherited(before, now, found_anew))
        return tuple(sorted(found, key=lambda finding: finding.file))

    def _pairs(self) -> Sequence[Finding]:
        """Find copies, and photos of one scene in two splits; only if new splits were drawn."""
        splits = [record.split for record in self.images]
        return check_copies(shots_of(self.images), splits, DEFAULTS)[1] if self.groups else ()


def derive_dataset(  # noqa: PLR0913 - the changes are keywords
    dataset: Dataset | DatasetSummary | str,
    name: str | None = None,
    *,
    rename: Mapping[str, str] | None = None,
    drop: Collection[str] = (),
    emptied: Literal["keep", "drop"] = "keep",
    resplit: Resplit | Sequence[float] | None = None,
    edits: Sequence[BoxEdit] = (),
    leave_out: Collection[str] = (),
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
        edits: Corrections of single labels, in the classes and file names of the data set.
        leave_out: Photos that the version does not have, as the data set names their files.
        workspace: Target workspace; defaults to the workspace of the settings.

    Raises:
        NotFoundError: No such data set exists.
        DatasetError: A change is invalid or has no effect; nothing was stored.
    """
    parent = as_dataset(dataset, workspace)
    if resplit is not None and not isinstance(resplit, Resplit):
        resplit = Resplit(tuple(resplit))
    changes = Changes(rename or {}, drop, emptied, resplit, edits, leave_out)
    return store_version(plan_version(parent, changes), name, workspace)


def plan_version(dataset: Dataset, changes: Changes) -> Version:
    """Plan a version of a data set without storing it.

    Raises:
        DatasetError: A change is invalid; the message names it and suggests a solution.
    """
    names = new_names(dataset.classes, changes.rename, changes.drop)
    classes = tuple(sorted({name for name in names if name}))
    given, made = _without(dataset, changes.leave_out)
    images = apply_edits(given, dataset.classes, changes.edits)
    before = tally(dataset.classes, images)
    made += edit_changes(changes.edits)
    made += list(class_changes(dataset.classes, names, {name: n[ALL] for name, n in before.boxes.items()}))
    records = relabel(images, names)
    kept = sum(before.boxes[old][ALL] for old, new in zip(dataset.classes, names, strict=True) if new)
    if doubles := kept - sum(len(record.annotations) for record in records):
        made.append(VersionChange("doubles_dropped", {"boxes": doubles}))
    emptied = _emptied(given, records)
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
    known = unmarked(dataset.images)
    made += [VersionChange("split_unmarked", values) for split, values in unmarked(moved).items() if split not in known]
    return version_of(dataset, classes, records, moved, made, groups)


def version_of(
    parent: Dataset,
    classes: tuple[str, ...],
    records: Sequence[ImageRecord],
    moved: Sequence[ImageRecord],
    changes: Sequence[VersionChange],
    groups: Mapping[str, Sequence[str]],
    labelled: frozenset[str] = frozenset(),
) -> Version:
    """Return a version with its photos sorted by split and file.

    Args:
        parent: The data set to change.
        classes: Class names, sorted.
        records: The photos under their names in the parent.
        moved: The same photos, in the same order, in their new splits.
        changes: The changes.
        groups: See ``PlannedDataset``.
        labelled: See ``Version``.
    """
    order = sorted(range(len(moved)), key=lambda index: (SPLITS.index(moved[index].split), moved[index].file))
    return Version(
        parents=(parent,),
        classes=classes,
        images=tuple(moved[index] for index in order),
        sources=tuple(records[index].file for index in order),
        changes=tuple(changes),
        groups=groups,
        labelled=labelled,
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
    draft = Dataset(
        folder=parent.folder,
        id=parent.id,
        name=name,
        format=parent.format,
        classes=version.classes,
        images=version.images,
        findings=version.findings,
        created="",
        fingerprint=version.fingerprint,
        parent=Parent(parent.id, parent.fingerprint, version.changes),
        splits_from="redrawn" if DRAWS & {change.kind for change in version.changes} else parent.splits_from,
    )
    sources = [parent.folder / IMAGES / source for source in version.sources]
    return publish_version(draft, sources, [parent], workspace)


def free_version_name(parent: Dataset, workspace: Workspace | None = None) -> str:
    """Return the parent's name with the lowest number, from 2, that no data set has: ``fruit 2``."""
    taken = {summary.name for summary in list_datasets(workspace)}
    stem, _, last = parent.name.rpartition(" ")
    base = stem if stem and last.isascii() and last.isdigit() else parent.name
    return next(name for number in range(2, 10_000) if (name := f"{base} {number}") not in taken)


def ancestors(dataset: Dataset, workspace: Workspace | None = None) -> Iterator[tuple[Parent, Dataset | None]]:
    """Yield the parents of a version, then their parents and so on, each once.

    Args:
        dataset: The version; an imported data set has no ancestors.
        workspace: Workspace to search; defaults to the workspace of the settings.

    Yields:
        The version's record of a parent, and the parent; None if that was deleted or replaced.
    """
    folder, waiting, seen = (workspace or open_workspace()).datasets, deque(dataset.parents), {dataset.id}
    while waiting:
        parent = waiting.popleft()
        if parent.id in seen:
            continue
        seen.add(parent.id)
        try:
            found = read_dataset(safe_join(folder, parent.id))
        except AutodetError:
            found = None
        same = found if found and found.fingerprint == parent.fingerprint else None
        yield parent, same
        waiting.extend(same.parents if same else ())


def _without(dataset: Dataset, files: Collection[str]) -> tuple[tuple[ImageRecord, ...], list[VersionChange]]:
    """Return the photos of a data set that are not left out, and the change.

    Raises:
        DatasetError: The data set has no such photo, or no photo would be left.
    """
    wanted = frozenset(files)
    if unknown := wanted - {record.file for record in dataset.images}:
        names = listed([repr(shortened(file)) for file in sorted(unknown)], most=3)
        raise DatasetError(
            f"{dataset.name!r} has no photo {names}; name photos as the data set does, such as "
            f"{dataset.images[0].file!r}."
        )
    kept = tuple(record for record in dataset.images if record.file not in wanted)
    if not kept:
        raise DatasetError("No photo would be left; leave out fewer.")
    if not wanted:
        return kept, []
    boxes = dataset.boxes - sum(len(record.annotations) for record in kept)
    return kept, [VersionChange("photos_dropped", {"photos": len(wanted), "boxes": boxes})]


def _emptied(before: Sequence[ImageRecord], after: Sequence[ImageRecord]) -> set[str]:
    pairs = zip(before, after, strict=True)
    return {new.file for old, new in pairs if len(old.annotations) and not len(new.annotations)}
