"""A version from drafts: the photos with their labels as they stand now, for training."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from autodet.access.change import change
from autodet.access.visitor import current_visitor
from autodet.datasets.drafts.journal import Drafts, as_imported, read_drafts
from autodet.datasets.drafts.journal_file import FOLDER
from autodet.datasets.drafts.label_splits import continued_splits, scenes_of
from autodet.datasets.formats.label_merge import same_object
from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset, list_datasets
from autodet.datasets.splits import count_splits
from autodet.datasets.versions.derive import Version, ancestors, store_version, version_of
from autodet.datasets.versions.diff import ALL
from autodet.datasets.versions.relabel import relabel
from autodet.datasets.versions.resplit import move
from autodet.datasets.versions.waiting_photos import waiting_photos
from autodet.errors import BusyError, DatasetError
from autodet.lock import hold_folder
from autodet.records import Annotations, DraftBox, ImageRecord, Mark, PhotoDraft, Split, SplitOrigin, VersionChange

PATIENCE_SECONDS = 60.0
# Splits that a person gave the photos of a pool, or drew on purpose.
GIVEN: tuple[SplitOrigin, ...] = ("folders", "labels", "val_drawn", "redrawn")
Choice = Literal["drop", "keep"]
KnownLabels = tuple[Mapping[str, Sequence[ImageRecord]], Sequence[str]]  # photos of a version, its classes


def derive_labels(
    data: Dataset | DatasetSummary | str,
    name: str | None = None,
    *,
    unlabelled: Choice | None = None,
    undecided: Choice = "drop",
) -> Dataset:
    """Create a version of a data set with the labels as they stand now; the data set itself stays unchanged.

    Args:
        data: The data set, its id or its name.
        name: Name of the version; defaults to the data set's name with the next free number.
        unlabelled: What happens to unlabelled photos; see ``plan_labels``.
        undecided: What happens to photos with proposals that wait for a decision.

    Raises:
        NotFoundError: No such data set exists.
        DatasetError: Nothing is labelled, or the labels have not changed; nothing was stored.
    """
    return store_labels(plan_labels(as_dataset(data), unlabelled=unlabelled, undecided=undecided), name)


def plan_labels(dataset: Dataset, *, unlabelled: Choice | None = None, undecided: Choice = "drop") -> Version:
    """Plan a version of a data set with the labels as they stand now, for ``store_labels``.

    A data set without labels is a pool, of which people label more and more photos. A photo of a pool keeps the split
    that it had in an earlier version, and near-duplicates stay together. Other data sets keep their splits.

    Args:
        dataset: The data set.
        unlabelled: Whether photos without labels that were not confirmed to be empty are left out, or taken as photos
            without objects; by default, those of a pool and those that were added without labels are left out.
        undecided: Whether photos with undecided proposals are left out, or taken without the
            proposals.

    Raises:
        DatasetError: Nothing is labelled.
    """
    drafts = read_drafts(dataset)
    waiting = waiting_photos(dataset)
    left_out: Counter[Literal["unlabelled", "undecided"]] = Counter()
    taken: list[ImageRecord] = []
    for record in dataset.images:
        draft = drafts.changed.get(record.file)
        if draft and draft.proposals and undecided == "drop":
            left_out["undecided"] += 1
        elif unlabelled != "keep" and (unlabelled or record.file in waiting) and not _is_labelled(record, draft):
            left_out["unlabelled"] += 1
        else:
            taken.append(record)
    drawn = (drafts.changed[record.file] for record in taken if record.file in drafts.changed)
    classes = tuple(sorted({*dataset.classes, *(box.class_name for draft in drawn for box in draft.labels)}))
    records = labelled_records(drafts, taken, classes)
    if not any(len(record.annotations) for record in records):
        raise DatasetError("Nothing is labelled yet: draw a box on a photo, or accept a proposal; then make a version.")
    earlier = list(label_versions(dataset))
    changes = [*_label_changes(drafts, taken, earlier), *_left_out(left_out)]
    groups: Mapping[str, Sequence[str]] = {}
    moved: Sequence[ImageRecord] = records
    is_pool = not dataset.boxes and dataset.splits_from not in GIVEN
    if is_pool or (waiting and all(record.split != "val" for record in taken)):  # labelled photos joined a pool
        known = {one.sha256: one.split for version in reversed(earlier) for one in version.images}
        scenes = scenes_of(dataset)
        splits = continued_splits(records, classes, known, scenes)
        moved = move(records, splits)
        groups = _groups(records, scenes)
        changes.append(_split_change(records, splits, known, earlier))
    labelled = waiting | {file for file, draft in drafts.changed.items() if draft.reviewed}
    return version_of(dataset, classes, records, moved, changes, groups, labelled)


def store_labels(version: Version, name: str | None = None) -> Dataset:
    """Store a version of ``plan_labels``; a second request for the same version returns the first one.

    Args:
        version: The version.
        name: Name of the data set; defaults to the parent's name with the next free number.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: The labels are those of the data set, the data set was deleted, or the disk is full.
    """
    parent = version.parent
    with change("create data set", name or parent.name, parent.workspace) as made:
        try:
            with hold_folder(parent.folder / FOLDER, alone=True, patience_seconds=PATIENCE_SECONDS):
                stored = stored_labels(version) or store_version(version, name, parent.workspace)
        except (FileNotFoundError, BusyError) as error:
            raise DatasetError(
                f"The labels of {parent.name!r} have not changed, it was deleted, or another version is being made; "
                "reload the page."
            ) from error
        made.thing = stored.id
    return stored


def stored_labels(version: Version) -> Dataset | None:
    """Return the stored version that equals a planned one; None if there is none."""
    counts = count_splits(record.split for record in version.images), version.tally.all_boxes[ALL]
    for summary in label_summaries(version.parent):
        if (summary.splits, summary.boxes) == counts:  # only then is the manifest worth reading
            stored = as_dataset(summary, version.parent.workspace)
            if stored.fingerprint == version.fingerprint:
                return stored
    return None


def label_versions(dataset: Dataset) -> Iterator[Dataset]:
    """Yield the labelled versions of a data set and of the data sets that it was derived from, newest first."""
    for summary in label_summaries(dataset):
        yield as_dataset(summary, dataset.workspace)


def label_summaries(dataset: Dataset) -> Iterator[DatasetSummary]:
    """Yield the same versions as entries of the list of data sets, which takes no time."""
    workspace = dataset.workspace
    family = {dataset.id, *(found.id for _, found in ancestors(dataset, workspace) if found)}
    for summary in list_datasets(workspace):
        if summary.parent in family and summary.boxes and summary.id not in family:
            yield summary


def has_new_labels(dataset: Dataset) -> bool:
    """Return whether people have made labels that the newest version of a data set does not have.

    Photos with undecided proposals do not count, because a version leaves them out.
    """
    drafts = read_drafts(dataset)
    known = _known_labels(next(label_versions(dataset), None))
    return any(
        not draft.proposals and _is_new(drafts, draft, known)
        for draft in reversed(list(drafts.changed.values()))  # the newest changes are mostly among the last
    )


def _known_labels(version: Dataset | None) -> KnownLabels:
    """Return a version's photos by SHA-256, which several copies share, with its classes."""
    known: dict[str, list[ImageRecord]] = {}
    for photo in version.images if version else ():
        known.setdefault(photo.sha256, []).append(photo)
    return known, version.classes if version else ()


def _is_new(drafts: Drafts, draft: PhotoDraft, known: KnownLabels) -> bool:
    """Return whether a version lacks the labels of a draft."""
    photos, classes = known
    if before := photos.get(drafts.records[draft.file].sha256):
        labels = _stored(draft.labels)
        return all(_stored(as_imported(one, classes).labels) != labels for one in before)
    imported = drafts.imported(draft.file)
    return (imported.labels, imported.reviewed) != (draft.labels, draft.reviewed)


def _stored(labels: Sequence[DraftBox]) -> Counter[DraftBox]:
    """Return labels with the float32 coordinates that a data set stores; drafts have more digits."""
    places = np.array([box.box_xyxy for box in labels], np.float32).reshape(-1, 4).tolist()
    return Counter(
        replace(box, box_xyxy=(x1, y1, x2, y2)) for box, (x1, y1, x2, y2) in zip(labels, places, strict=True)
    )


def labelled_records(drafts: Drafts, records: Sequence[ImageRecord], classes: Sequence[str]) -> list[ImageRecord]:
    """Return photos of the data set with the labels of their drafts.

    Args:
        drafts: The labels as they stand now.
        records: The photos.
        classes: The classes of the result, at least those of the labels; a class id is an index into them.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    return [
        replace(record, annotations=_annotations(drafts.changed[record.file].labels, numbers))
        if record.file in drafts.changed
        else record
        for record in relabel(records, drafts.dataset.classes, classes)
    ]


def _is_labelled(record: ImageRecord, draft: PhotoDraft | None) -> bool:
    """Return whether a photo has labels or was confirmed to be empty, apart from proposals."""
    return bool(draft.labels or draft.reviewed) if draft else bool(len(record.annotations))


def _annotations(boxes: Sequence[DraftBox], numbers: Mapping[str, int]) -> Annotations:
    return Annotations.of(
        [box.box_xyxy for box in boxes],
        [numbers[box.class_name] for box in boxes],
        [box.difficult for box in boxes],
        [box.truncated for box in boxes],
    )


def _label_changes(drafts: Drafts, taken: Sequence[ImageRecord], earlier: Sequence[Dataset]) -> Iterator[VersionChange]:
    """Yield the change of labels, with the number of boxes and the people who labelled; nothing without changes.

    If there is an earlier version, the newest is named, with the number of photos whose labels it does not have.
    """
    counts: Counter[str] = Counter()
    last = earlier[0] if earlier else None
    known = _known_labels(last)
    authors: set[str] = set()
    for record in taken:
        draft = drafts.changed.get(record.file)
        if draft is None:
            continue
        edits = _edits(drafts.imported(record.file).labels, draft.labels)
        confirmed = draft.reviewed and not draft.labels and not len(record.annotations)
        if confirmed or any(edits.values()):
            new = _is_new(drafts, draft, known)
            counts += edits + Counter(photos=1, empty=int(confirmed), new=int(new))
            authors.add(draft.author)
    if counts:
        others = sorted(filter(None, authors - {current_visitor().name}))
        by = sorted(filter(None, authors)) if others else []  # the owner of the version is known without this
        kinds = ("photos", "added", "removed", "changed", "empty")
        since = {"since": last.name, "new": counts["new"]} if last else {}
        yield VersionChange("labelled", {kind: counts[kind] for kind in kinds} | {"authors": by} | since)


def _edits(before: Sequence[DraftBox], after: Sequence[DraftBox]) -> Counter[str]:
    """Count added, removed and changed boxes; one that moved or got another class overlaps the one before."""
    old, new = Counter(before) - Counter(after), Counter(after) - Counter(before)
    waiting, changed = list(old.elements()), 0
    for box in new.elements():
        mark = Mark("", box.box_xyxy)
        same = next((one for one in waiting if same_object(mark, Mark("", one.box_xyxy))), None)
        if same:
            waiting.remove(same)
            changed += 1
    return Counter(added=new.total() - changed, removed=len(waiting), changed=changed)


def _left_out(left_out: Mapping[Literal["unlabelled", "undecided"], int]) -> Iterator[VersionChange]:
    if photos := left_out["unlabelled"]:
        yield VersionChange("unlabelled_dropped", {"photos": photos})
    if photos := left_out["undecided"]:
        yield VersionChange("undecided_dropped", {"photos": photos})


def _groups(records: Sequence[ImageRecord], scenes: Mapping[str, int]) -> Mapping[str, Sequence[str]]:
    members: dict[int, list[str]] = {}
    for record in records:
        members.setdefault(scenes[record.file], []).append(record.file)
    return {files[0]: files for files in members.values()}


def _split_change(
    records: Sequence[ImageRecord], splits: Sequence[Split], known: Mapping[str, Split], earlier: Sequence[Dataset]
) -> VersionChange:
    new = Counter(split for record, split in zip(records, splits, strict=True) if record.sha256 not in known)
    kept = len(records) - new.total()
    drawn = {split: new[split] for split in ("train", "val", "test") if new[split]}
    return VersionChange("splits_continued", {"kept": kept, "of": earlier[0].name if kept else "", "drawn": drawn})
