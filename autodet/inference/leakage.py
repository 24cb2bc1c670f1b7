"""Cautions about data leakage: photos that a model was both trained and evaluated on inflate its metrics.

Only data sets that are still in the workspace are checked. Photos are compared by SHA-256, so near-duplicates are not
detected.
"""

from collections.abc import Iterable
from contextlib import suppress

from autodet.datasets.manifest import Dataset, list_datasets, read_dataset
from autodet.errors import DatasetError
from autodet.models.model_card import ModelCard
from autodet.records import ImageRecord, Notice, Origin
from autodet.workspace import Workspace, open_workspace


def evaluation_leakage(
    card: ModelCard, dataset: Dataset, split: str, workspace: Workspace | None = None
) -> Notice | None:
    """Return a caution if the model, or a model in its fine-tuning history, was trained on photos of the split.

    Args:
        card: The model's card.
        dataset: The data set for the evaluation.
        split: ``train``, ``val``, ``test`` or ``all``.
        workspace: Workspace to search for the training data sets.

    Returns:
        The caution; None if no photo overlaps or the training data sets are gone. Validation photos, which select the
        best epoch, count as training photos only after a final refit on them.
    """
    known = _known(card.as_origin("").ancestors, dataset, split, workspace)
    return Notice.of("evaluation_leakage", known=known, photos=len(dataset.split(split))) if known else None


def start_leakage(origin: Origin, dataset: Dataset, workspace: Workspace | None = None) -> Notice | None:
    """Return a caution if the starting weights of trials were trained on validation or test photos of a data set.

    Args:
        origin: The model that provides the starting weights.
        dataset: The data set that trials train and validate on.
        workspace: Workspace to search for the data sets that the model was trained on.

    Returns:
        The caution; None if no photo overlaps or the training data sets are gone.
    """
    photos = {
        split: [known, len(dataset.split(split))]
        for split in ("val", "test")
        if (known := _known(origin.ancestors, dataset, split, workspace))
    }
    return Notice.of("start_leakage", model=origin.model, photos=photos) if photos else None


def _known(origins: Iterable[Origin], dataset: Dataset, split: str, workspace: Workspace | None) -> int:
    """Count the photos of a split that any of the models was trained on."""
    known: set[str] = set()
    for origin in origins:
        own = origin.dataset_fingerprint == dataset.fingerprint
        source = dataset if own else find_source(origin, workspace or open_workspace())
        if source:
            trained = source.split("train") + (source.split("val") if origin.refit else ())
            known.update(*map(photo_hashes, trained))
    return sum(not known.isdisjoint(photo_hashes(record)) for record in dataset.split(split))


def photo_hashes(record: ImageRecord) -> tuple[str, str]:
    """Return what identifies a photo: the stored file, and the file that it was converted from."""
    return record.sha256, record.source_sha256


def find_source(origin: Origin, workspace: Workspace) -> Dataset | None:
    """Return the data set that a model was trained on; None if it is gone."""
    for summary in list_datasets(workspace):
        with suppress(DatasetError):  # a damaged data set of the same name
            found = read_dataset(workspace.datasets / summary.id) if summary.name == origin.dataset else None
            if found and found.fingerprint == origin.dataset_fingerprint:
                return found
    return None
