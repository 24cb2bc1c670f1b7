"""Photos that a model has learnt from, among those that it is to be measured on: figures on them flatter.

Only data sets that are still in the workspace can be looked at; photos are the same if all their bytes are.
"""

from collections.abc import Iterable
from contextlib import suppress

from autodet.datasets.manifest import Dataset, list_datasets, read_dataset
from autodet.errors import DatasetError
from autodet.models.bundle import ModelCard
from autodet.records import Origin
from autodet.words import counted
from autodet.workspace import Workspace, open_workspace

SPLIT_WORDS = {"val": "validation photo", "test": "test photo"}


def learnt_photos_sentence(card: ModelCard, dataset: Dataset, split: str, workspace: Workspace | None = None) -> str:
    """A warning if a model, or one that it began with, has learnt from photos that it is to be measured on.

    Args:
        card: What the model is.
        dataset: The data set that it is to be measured on.
        split: ``train``, ``val``, ``test`` or ``all``.
        workspace: Where the data sets that it was trained on are looked for.

    Returns:
        The sentence; empty if all is well, if those data sets are gone, or if it is the one to measure on and the split
        is not one from which a final refit has learnt.
    """
    count, photos = _known(card.as_origin("").ancestors, dataset, split, workspace), len(dataset.split(split))
    if not count:
        return ""
    return (
        f"The model has learnt from {count:,} of these {photos:,} photos, so the figures say little about photos "
        "that are new to it; train a model on this data set to measure it here."
    )


def flattered_sentence(origin: Origin, dataset: Dataset, workspace: Workspace | None = None) -> str:
    """A warning if trials on a data set are to begin with a model that has learnt from photos that judge them.

    Args:
        origin: The model.
        dataset: What trials learn from, and are judged by.
        workspace: Where the data sets that the model was trained on are looked for.

    Returns:
        The sentence; empty if all is well, or if those data sets are gone.
    """
    known = [
        f"{count:,} of {counted(len(dataset.split(split)), words)}"
        for split, words in SPLIT_WORDS.items()
        if (count := _known(origin.ancestors, dataset, split, workspace))
    ]
    if not known:
        return ""
    return (
        f"The model {origin.model} has learnt from {' and '.join(known)} of this data set, so the figures on them "
        "flatter: they say little about photos that are new to it."
    )


def _known(origins: Iterable[Origin], dataset: Dataset, split: str, workspace: Workspace | None) -> int:
    """How many photos of a split models have learnt from."""
    learnt: set[str] = set()
    for origin in origins:
        if origin.dataset_fingerprint != dataset.fingerprint or (origin.refit and split in ("val", "all")):
            learnt |= _learnt(origin, workspace or open_workspace())
    return sum(record.sha256 in learnt for record in dataset.split(split))


def _learnt(origin: Origin, workspace: Workspace) -> set[str]:
    """The checksums of the photos that a model has learnt from; none where its data set is gone."""
    for summary in list_datasets(workspace):
        with suppress(DatasetError):  # another one of that name, and damaged
            found = read_dataset(workspace.datasets / summary.id) if summary.name == origin.dataset else None
            if found and found.fingerprint == origin.dataset_fingerprint:
                records = found.split("train") + (found.split("val") if origin.refit else ())
                return {record.sha256 for record in records}
    return set()
