"""Training photos of a model among those that it is evaluated on: figures on them flatter.

Only data sets that are still in the workspace can be looked at; photos are the same if all their bytes are.
"""

from collections.abc import Iterable
from contextlib import suppress

from autodet.datasets.manifest import Dataset, list_datasets, read_dataset
from autodet.errors import DatasetError
from autodet.models.bundle import ModelCard
from autodet.records import Origin
from autodet.text_format import counted
from autodet.workspace import Workspace, open_workspace

SPLIT_WORDS = {"val": "validation photo", "test": "test photo"}


def learnt_photos_sentence(card: ModelCard, dataset: Dataset, split: str, workspace: Workspace | None = None) -> str:
    """A warning if a model, or one that it began with, was trained on photos that it is evaluated on.

    Args:
        card: The model's.
        dataset: The data set to evaluate it on.
        split: ``train``, ``val``, ``test`` or ``all``.
        workspace: Where the data sets that it was trained on are looked for.

    Returns:
        The sentence; empty if all is well, or if those data sets are gone. The validation photos by which the best
        epoch was chosen are no reason for one, unless a final refit was trained on them.
    """
    photos = len(dataset.split(split))
    count = _known(card.as_origin("").ancestors, dataset, split, workspace)
    if not count:
        return ""
    these = f"all {photos:,} of these photos" if count == photos else f"{count:,} of these {photos:,} photos"
    return (
        f"The model was trained on {these}, so the figures say little about photos that are new to it; evaluate it on "
        "photos that it was not trained on, such as the test split of its data set."
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
    """How many photos of a split models were trained on."""
    known: set[str] = set()
    for origin in origins:
        own = origin.dataset_fingerprint == dataset.fingerprint
        source = dataset if own else _find_source(origin, workspace or open_workspace())
        if source:
            trained = source.split("train") + (source.split("val") if origin.refit else ())
            known |= {record.sha256 for record in trained}
    return sum(record.sha256 in known for record in dataset.split(split))


def _find_source(origin: Origin, workspace: Workspace) -> Dataset | None:
    """The data set that a model was trained on; None where it is gone."""
    for summary in list_datasets(workspace):
        with suppress(DatasetError):  # another one of that name, and damaged
            found = read_dataset(workspace.datasets / summary.id) if summary.name == origin.dataset else None
            if found and found.fingerprint == origin.dataset_fingerprint:
                return found
    return None
