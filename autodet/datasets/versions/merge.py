"""Merging: one data set of the photos of several, with a table that maps their class names.

data sets -> plan_merge(classes, splits, decisions), without side effects -> Merge -> store_merge -> data set

Some questions stop a merge until the user decides: whether similar names are one class, which of two different
labels of a photo are right, and whether photos show objects of classes that only other data sets label.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from autodet.datasets.checks.kinds import Decisions, decide
from autodet.datasets.manifest import (
    IMAGES,
    Dataset,
    DatasetSummary,
    Parent,
    as_dataset,
    list_datasets,
)
from autodet.datasets.splits import free_name
from autodet.datasets.versions.class_table import Names, joined_names, similar_classes
from autodet.datasets.versions.derive import free_version_name
from autodet.datasets.versions.merge_changes import joined_changes, losses, named_boxes
from autodet.datasets.versions.merge_findings import (
    disagreeing_findings,
    leak_findings,
    partial_findings,
    similar_findings,
)
from autodet.datasets.versions.planned_dataset import PlannedDataset
from autodet.datasets.versions.relabel import relabel
from autodet.datasets.versions.resplit import Resplit, move, redraw, resplit_change
from autodet.datasets.versions.shared_photos import MergedPhoto, Sharing, keep_once
from autodet.datasets.versions.storage import publish_version
from autodet.datasets.versions.version_findings import (
    OF_PAIRS,
    OF_THE_WHOLE,
    inherited,
    unmarked,
)
from autodet.datasets.versions.waiting_photos import WAITING, waiting_findings, waiting_photos
from autodet.errors import DatasetError
from autodet.messages.audience import Audience
from autodet.messages.findings import problem_sentence
from autodet.records import SPLITS, Finding, ImageRecord, VersionChange
from autodet.text_format import listed
from autodet.workspace import Workspace, open_workspace

MAX_SENTENCES = 3  # in one refusal
MAX_NAMES = 3  # of data sets in a default name


@dataclass(frozen=True)
class MergeSettings:
    """How to merge data sets.

    Attributes:
        classes: Per data set, in their order, the new names of classes; None leaves a class out. A class that is not
            named here joins the class of an earlier data set from which it differs only in case or spaces.
        resplit: How to draw new splits; None to keep the splits.
        decisions: Actions for the kinds of findings that a merge has; see ``autodet.datasets.checks.kinds``.
        adds: Whether photos are added to the first data set: a class that it lacks always needs consent then, and the
            others are no parents of the result.
    """

    classes: Sequence[Names] = ()
    resplit: Resplit | None = None
    decisions: Mapping[str, str] = field(default_factory=dict)
    adds: bool = False


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Merge(PlannedDataset):
    """A planned merge, not stored.

    Attributes:
        sources: The file of each photo.
        settled: Findings of the merge itself, with the action for each; ``stop`` blocks it.
        passed_on: Findings of the data sets that still apply.
        adds: Whether photos are added to the first data set; see ``MergeSettings``.
    """

    sources: tuple[Path, ...]
    settled: tuple[Finding, ...]
    passed_on: tuple[Finding, ...]
    adds: bool

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """The findings that block the merge under these decisions."""
        return tuple(finding for finding in self.settled if finding.action == "stop")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, sorted by file."""
        found = (*self.settled, *self.findings_of_the_whole, *self.passed_on)
        return tuple(sorted(found, key=lambda finding: finding.file))


def merge_datasets(
    datasets: Sequence[Dataset | DatasetSummary | str],
    name: str | None = None,
    *,
    classes: Mapping[str, Names] | None = None,
    resplit: Resplit | Sequence[float] | None = None,
    decisions: Mapping[str, str] | None = None,
    workspace: Workspace | None = None,
) -> Dataset:
    """Merge data sets into a new one; they stay unchanged.

    Args:
        datasets: Two or more data sets, their ids or names. The first decides how classes are spelled.
        name: Name of the result; defaults to the names of the data sets.
        classes: Per data set, by its id or name, new names of its classes; None leaves a class out, such as
            ``{"market": {"Apples": "apple", "crate": None}}``. Other classes of equal spelling are joined.
        resplit: Shares of ``train``, ``val`` and ``test``, or all settings of the draw; by default photos keep splits.
        decisions: Actions for the findings of a merge, such as ``{"class_partial": "keep"}``.
        workspace: Target workspace; defaults to the workspace of the settings.

    Raises:
        NotFoundError: No such data set exists.
        DatasetError: The merge needs a decision, or cannot be stored; nothing was stored.
    """
    given = [as_dataset(one, workspace) for one in datasets]
    if resplit is not None and not isinstance(resplit, Resplit):
        resplit = Resplit(tuple(resplit))
    settings = MergeSettings(tables_of(given, classes or {}), resplit, decisions or {})
    return store_merge(plan_merge(given, settings), name, workspace)


def tables_of(datasets: Sequence[Dataset], classes: Mapping[str, Names]) -> list[Names]:
    """Return the names for each data set, which may be given by id or name.

    Raises:
        DatasetError: A table is for another data set.
    """
    for key in classes:
        if not any(key in (dataset.id, dataset.name) for dataset in datasets):
            known = ", ".join(dataset.id for dataset in datasets)
            raise DatasetError(f"{key!r} is not one of the data sets to merge; give names for {known}.")
    return [{**classes.get(one.name, {}), **classes.get(one.id, {})} for one in datasets]


def plan_merge(datasets: Sequence[Dataset], settings: MergeSettings) -> Merge:
    """Plan a merge without storing it.

    Args:
        datasets: Two or more data sets.
        settings: Class names, splits and decisions.

    Raises:
        DatasetError: The data sets, a class name, a decision or the splits are invalid.
    """
    _check(datasets)
    decisions, labels = decide(settings.decisions), labels_of(datasets)
    tables = list(settings.classes) or [{} for _ in datasets]
    names, settled = _settle_names(datasets, tables, decisions, labels)
    classes = tuple(sorted({name for of_one in names for name in of_one if name}))
    relabelled = _relabelled(datasets, names, classes)
    doubles = named_boxes(datasets, names) - sum(len(photo.record.annotations) for photo in relabelled)
    shared = keep_once(relabelled, decisions["datasets_disagree"], in_first=settings.adds)
    if not any(finding.action == "stop" for finding in settled):  # else they may differ in a class's name only
        settled += disagreeing_findings(shared, decisions, labels)
    photos = _renamed(shared.photos)
    drawn, redrawn, groups = _with_splits(photos, classes, settings.resplit)
    left_out, leaks = leak_findings(drawn, decisions, drawn_anew=bool(groups))
    kept = sorted(
        (photo for index, photo in enumerate(drawn) if index not in left_out),
        key=lambda photo: (SPLITS.index(photo.record.split), photo.record.file),
    )
    known = [photo for photo in kept if not photo.waiting]
    images, marked = _without_empty([photo.record for photo in kept], classes, are_all_waiting=not known)
    labelled = {name: sets for name, sets in _labelled(datasets, names).items() if name in marked}
    target = frozenset(filter(None, names[0])) if settings.adds else None
    settled += [*leaks, *partial_findings(known, labelled, decisions, labels, settled, target)]
    settled += waiting_findings([photo.record.file for photo in kept if photo.waiting]) if marked else []
    settled += [Finding("class_empty", "", "drop", {"name": name}) for name in classes if name not in marked]
    before = {split for dataset in datasets for split in unmarked(dataset.images)}
    changes = (
        *joined_changes(datasets, names, labels, settings.adds),
        *losses(doubles, shared, len(left_out)),
        *redrawn,
        *(VersionChange("split_unmarked", values) for split, values in unmarked(images).items() if split not in before),
    )
    return Merge(
        parents=tuple(datasets),
        classes=marked,
        images=images,
        sources=tuple(datasets[photo.dataset].folder / IMAGES / photo.source for photo in kept),
        changes=changes,
        groups=groups,
        settled=tuple(settled),
        passed_on=tuple(_passed_on(datasets, kept, shared)),
        adds=settings.adds,
    )


def store_merge(
    merge: Merge,
    name: str | None = None,
    workspace: Workspace | None = None,
    fill: Callable[[Dataset], None] | None = None,
) -> Dataset:
    """Store a merge as a data set that shares its photos with the merged ones; it appears only when it is complete.

    Args:
        merge: The merge to store.
        name: Name of the data set; defaults to a name made of those of the merged ones.
        workspace: Target workspace; defaults to the workspace of the settings.
        fill: Writes more into its folder before it appears.

    Raises:
        DatasetError: The merge needs a decision, equals a data set, has lost photos, or the disk is full.
    """
    workspace = workspace or open_workspace()
    if merge.refusals:
        raise DatasetError(refusal_text(merge.refusals))
    for parent in merge.parents:
        if parent.fingerprint == merge.fingerprint:
            raise DatasetError(f"Nothing would change: {parent.name!r} already has all of these photos and boxes.")
    first, *others = [Parent(parent.id, parent.fingerprint, ()) for parent in merge.parents]
    draft = Dataset(
        folder=merge.parents[0].folder,
        id=first.id,
        name=" ".join((name or "").split()) or free_merge_name(merge, workspace),
        format=merge.parents[0].format,
        classes=merge.classes,
        images=merge.images,
        findings=merge.findings,
        created="",
        fingerprint=merge.fingerprint,
        parent=replace(first, changes=merge.changes),
        other_parents=() if merge.adds else tuple(others),
        splits_from="redrawn" if "resplit" in {change.kind for change in merge.changes} else "parents",
    )
    return publish_version(draft, merge.sources, merge.parents, workspace, fill)


def refusal_text(refusals: Sequence[Finding], audience: Audience = "terminal") -> str:
    """Return the problems that block a merge, as sentences."""
    sentences = [problem_sentence(finding, audience) for finding in refusals[:MAX_SENTENCES]]
    more = len(refusals) - len(sentences)
    return " ".join([*sentences, *([f"And {more} more like these."] if more else [])])


def free_merge_name(merge: Merge, workspace: Workspace | None = None) -> str:
    """Return a name that no data set has: that of a version, or the names of the merged data sets."""
    if merge.adds:
        return free_version_name(merge.parents[0], workspace)
    names = [parent.name for parent in merge.parents[:MAX_NAMES]]
    name = listed(names) + " and more" * (len(merge.parents) > MAX_NAMES)
    taken = {summary.name for summary in list_datasets(workspace)}
    return next(
        free for number in range(1, 10_000) if (free := f"{name} {number}" if number > 1 else name) not in taken
    )


def labels_of(datasets: Sequence[Dataset]) -> list[str]:
    """Return what sentences call each data set: its name, or its id where two share a name."""
    names = [dataset.name for dataset in datasets]
    return [one.name if names.count(one.name) == 1 else one.id for one in datasets]


def _check(datasets: Sequence[Dataset]) -> None:
    if len(datasets) < 2:
        raise DatasetError("A merge needs two data sets or more; give another one.")
    folders = [dataset.folder for dataset in datasets]
    for dataset in datasets:
        if folders.count(dataset.folder) > 1:
            raise DatasetError(f"The data set {dataset.id!r} is given twice; give each data set once.")


def _settle_names(
    datasets: Sequence[Dataset], tables: Sequence[Names], decisions: Decisions, labels: Sequence[str]
) -> tuple[list[list[str | None]], list[Finding]]:
    """Return the new names of all classes, with similar ones joined if the user decides so."""
    names = joined_names([dataset.classes for dataset in datasets], tables, labels)
    similar = list(similar_classes(names, tables))
    if decisions["class_similar"] == "fix":
        into = {(one.dataset, one.name): one.other for one in similar}
        names = [[name and into.get((number, name), name) for name in of_one] for number, of_one in enumerate(names)]
    return names, similar_findings(similar, decisions, labels)


def _relabelled(
    datasets: Sequence[Dataset], names: Sequence[Sequence[str | None]], classes: Sequence[str]
) -> list[MergedPhoto]:
    photos = []
    for number, (dataset, of_one) in enumerate(zip(datasets, names, strict=True)):
        by, waiting = frozenset([number]), waiting_photos(dataset)
        photos += [
            MergedPhoto(record, number, record.file, by, record.file in waiting)
            for record in relabel(dataset.images, of_one, classes)
        ]
    return photos


def _renamed(photos: Sequence[MergedPhoto]) -> list[MergedPhoto]:
    """Return the photos with file names that occur once, those of the first data sets unchanged where possible."""
    taken: dict[str, int] = {}
    renamed = []
    for photo in photos:
        path, split = PurePosixPath(photo.record.file), photo.record.split
        file = free_name(split, path.stem, path.suffix, taken)
        renamed.append(replace(photo, record=replace(photo.record, file=file)))
    return renamed


def _with_splits(
    photos: Sequence[MergedPhoto], classes: Sequence[str], resplit: Resplit | None
) -> tuple[list[MergedPhoto], tuple[VersionChange, ...], Mapping[str, Sequence[str]]]:
    if resplit is None:
        return list(photos), (), {}
    records = [photo.record for photo in photos]
    splits, groups = redraw(records, classes, resplit)
    moved = move(records, splits)
    drawn = [replace(photo, record=record) for photo, record in zip(photos, moved, strict=True)]
    return drawn, (resplit_change(records, moved, resplit),), groups


def _labelled(datasets: Sequence[Dataset], names: Sequence[Sequence[str | None]]) -> dict[str, set[int]]:
    """Return per class of the result the data sets that have boxes of it."""
    labelled: dict[str, set[int]] = {}
    for number, (dataset, of_one) in enumerate(zip(datasets, names, strict=True)):
        ids = {class_id for record in dataset.images for class_id in record.annotations.class_ids.tolist()}
        for name in {of_one[class_id] for class_id in ids}:
            if name:
                labelled.setdefault(name, set()).add(number)
    return labelled


def _without_empty(
    images: Sequence[ImageRecord], classes: Sequence[str], *, are_all_waiting: bool
) -> tuple[tuple[ImageRecord, ...], tuple[str, ...]]:
    """Return the photos and the classes that have boxes: labels of photos that are not kept do not count.

    Raises:
        DatasetError: No box is left, although photos were labelled.
    """
    ids = {class_id for record in images for class_id in record.annotations.class_ids.tolist()}
    if not ids and not are_all_waiting:
        raise DatasetError("No box would be left; keep a class that has boxes.")
    names = [name if number in ids else None for number, name in enumerate(classes)]
    return tuple(relabel(images, names)), tuple(name for name in classes if name in names)


def _passed_on(datasets: Sequence[Dataset], photos: Sequence[MergedPhoto], shared: Sharing) -> list[Finding]:
    """Return the findings of the data sets that still apply to a photo of the result."""
    now = {(photo.dataset, photo.source): photo.record.file for photo in photos}
    for copy, original in shared.kept_as.items():
        if (file := now.get((original.dataset, original.source))) is not None:
            now[copy] = file
    return [
        finding
        for number, dataset in enumerate(datasets)
        for finding in inherited(
            dataset.findings,
            {source: file for (of, source), file in now.items() if of == number},
            (*OF_THE_WHOLE, *OF_PAIRS, WAITING),
        )
    ]
