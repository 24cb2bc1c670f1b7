"""Drafts that a data set got after photos were added to it: the version with more photos can take them over too.

People who still have the old page open, and models that were drafting at that moment, write into the data set that they
began with.
"""

from collections.abc import Iterator
from dataclasses import replace

from autodet.access.change import change
from autodet.datasets.additions.addition import join_classes
from autodet.datasets.drafts.journal import Drafts, read_drafts, renamed_draft, write_drafts
from autodet.datasets.manifest import Dataset
from autodet.datasets.versions.derive import ancestors
from autodet.records import PhotoDraft


def later_drafts(grown: Dataset) -> list[PhotoDraft]:
    """Return the drafts that the data set of an addition got since then, of photos that have not changed here.

    Args:
        grown: The version with more photos; any other data set has none.

    Returns:
        Each draft with the file and the revision of its photo in the version.
    """
    origin = _origin(grown)
    return list(_later(origin, read_drafts(grown))) if origin else []


def take_over_later_drafts(grown: Dataset) -> int:
    """Store the ``later_drafts`` of a version in it, all or none; return their number.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: The data set was deleted, or the disk is full.
    """
    origin = _origin(grown)
    if not origin:
        return 0
    with change("label photos", f"{grown.id}: later drafts of {origin.id}", grown.workspace):
        join_classes(grown, sorted({box.class_name for draft in later_drafts(grown) for box in draft.boxes}))
        return len(write_drafts(grown, lambda now: _later(origin, now)))


def _origin(grown: Dataset) -> Dataset | None:
    """Return the data set to which photos were added; None if there is none any more."""
    if not grown.parent or not any(one.kind == "added" for one in grown.parent.changes):
        return None
    return next((found for parent, found in ancestors(grown, grown.workspace) if parent.id == grown.parent.id), None)


def _later(origin: Dataset, now: Drafts) -> Iterator[PhotoDraft]:
    theirs, since = read_drafts(origin), now.dataset.created
    files = {record.sha256: record.file for record in now.dataset.images}
    for file, draft in theirs.changed.items():
        here = files.get(theirs.records[file].sha256)
        if here and draft.time > since >= now.of(here).time:
            yield replace(renamed_draft(draft, here), revision=now.of(here).revision)
