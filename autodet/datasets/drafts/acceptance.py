"""Acceptance of a model's proposals, what was accepted, and the way back to the labels of the data set."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from autodet.access.change import change
from autodet.datasets.drafts.journal import Drafts, read_drafts, write_drafts
from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.datasets.versions.derive import ancestors
from autodet.records import AcceptedProposals, DraftBox, PhotoDraft


def accept_proposals(
    data: Dataset | DatasetSummary | str,
    files: Collection[str] | None = None,
    min_score: float | Mapping[str, float] = 0.0,
) -> int:
    """Turn proposals into labels; those with lower scores go on waiting. ``take_back_acceptance`` undoes it.

    Args:
        data: The data set, its id or its name.
        files: The photos; None for all.
        min_score: Lowest score that is accepted, 0 to 1: one for all classes, or one for each class by name, where
            proposals of other classes are not accepted.

    Returns:
        The number of accepted proposals.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: The data set or a photo does not exist.
    """
    dataset = as_dataset(data)

    def accepted(box: DraftBox) -> bool:
        least = min_score.get(box.class_name) if isinstance(min_score, Mapping) else min_score
        return box.score is not None and least is not None and box.score >= least

    count, noted = 0, dict[str, AcceptedProposals]()

    def written(now: Drafts) -> Iterator[PhotoDraft]:
        nonlocal count
        for file in now.changed if files is None else files:
            draft = now.of(file)
            taken = [accepted(box) for box in draft.boxes]
            if any(taken):
                count += sum(taken)
                noted[file] = AcceptedProposals.of(draft)
                pairs = zip(draft.boxes, taken, strict=True)
                yield replace(
                    draft,
                    boxes=tuple(replace(box, score=None) if take else box for box, take in pairs),
                    reviewed=True,
                    accepted_from=tuple(dict.fromkeys((*draft.accepted_from, draft.model))),
                )

    with change("label photos", f"{dataset.id}: proposals accepted", dataset.workspace):
        write_drafts(dataset, written, noted)
    return count


def last_acceptance(drafts: Drafts) -> dict[str, PhotoDraft]:
    """Return the photos of the last acceptance without a later change, with their drafts before it.

    Args:
        drafts: The labels as they stand now; also after a restart.
    """
    found = ((drafts.changed.get(file), accepted) for file, accepted in drafts.accepted.items())
    return {
        draft.file: accepted.taken_back(draft)
        for draft, accepted in found
        if draft and draft.revision == accepted.revision
    }


def take_back_acceptance(data: Dataset | DatasetSummary | str) -> int:
    """Make the labels of the last acceptance proposals again; photos that were changed since stay as they are.

    Args:
        data: The data set, its id or its name.

    Returns:
        The number of proposals that wait again.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: The data set does not exist.
    """
    dataset = as_dataset(data)
    count = 0

    def written(now: Drafts) -> Iterator[PhotoDraft]:
        nonlocal count
        for file, before in last_acceptance(now).items():
            count += len(before.proposals) - len(now.of(file).proposals)
            yield before

    with change("label photos", f"{dataset.id}: acceptance taken back", dataset.workspace):
        write_drafts(dataset, written)
    return count


def accepted_photos(dataset: Dataset, model: str) -> set[str]:
    """Return the photos of a version with labels that a model proposed and a person accepted as they were.

    Args:
        dataset: The version; the data sets that it was derived from are searched.
        model: Id of the model.

    Returns:
        SHA-256 of each of these photos.
    """
    parents = [read_drafts(found) for _, found in ancestors(dataset, dataset.workspace) if found]
    return {
        drafts.records[file].sha256
        for drafts in parents
        for file, draft in drafts.changed.items()
        if model in draft.accepted_from and file in drafts.records
    }


def discard_drafts(dataset: Dataset, files: Collection[str] | None = None) -> int:
    """Give photos the labels of the data set again; their labels, proposals and flags since then are lost.

    Args:
        dataset: The data set.
        files: The photos; None for all.

    Returns:
        The number of photos that changed.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: The data set or a photo does not exist.
    """

    def written(now: Drafts) -> Iterator[PhotoDraft]:
        for file in now.changed if files is None else files:
            draft, imported = now.of(file), now.imported(file)
            if replace(imported, revision=draft.revision, author=draft.author, time=draft.time) != draft:
                yield replace(imported, revision=draft.revision)

    with change("label photos", f"{dataset.id}: drafts discarded", dataset.workspace):
        return len(write_drafts(dataset, written))
