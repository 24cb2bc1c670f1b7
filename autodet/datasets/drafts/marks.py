"""Flags on photos that a person wants to look at again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from autodet.access.change import change
from autodet.datasets.drafts.journal import Drafts, write_drafts
from autodet.datasets.manifest import Dataset
from autodet.records import PhotoDraft
from autodet.text_format import counted


def mark_photos(dataset: Dataset, files: Sequence[str]) -> int:
    """Flag photos, so that a person looks at them again; their labels stay as they are.

    Args:
        dataset: The data set.
        files: Its photos.

    Returns:
        The number of photos that were not flagged before.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: The data set or a photo does not exist.
    """

    def written(now: Drafts) -> Iterator[PhotoDraft]:
        for file in dict.fromkeys(files):
            if not (draft := now.of(file)).flagged:
                yield replace(draft, flagged=True)

    with change("label photos", f"{dataset.id}: {counted(len(files), 'photo')} flagged", dataset.workspace):
        return len(write_drafts(dataset, written))
