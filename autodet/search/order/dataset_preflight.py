"""Checks of a search's data set: labels exist, and nothing changes between trials."""

from autodet.datasets.manifest import Dataset, fingerprint_of, read_dataset
from autodet.datasets.versions.waiting_photos import waiting_photos
from autodet.errors import SearchError
from autodet.search.order.spec import SearchSpec
from autodet.text_format import counted
from autodet.workspace import Workspace, safe_join


def check_dataset(spec: SearchSpec, workspace: Workspace) -> None:
    """Check that the data set exists and has not changed since the search was created.

    Photos are not opened; training verifies the hash of each.

    Raises:
        SearchError: The data set is missing or has changed.
    """
    folder = safe_join(workspace.datasets, spec.dataset)
    if not folder.is_dir():
        raise SearchError(f"The search's data set {spec.dataset} no longer exists; start a search on another one.")
    check_whole(dataset := read_dataset(folder))
    if spec.fingerprint not in ("", dataset.fingerprint):  # searches of earlier versions have none
        raise SearchError(
            f"The data set {spec.dataset} has changed since the search began; restore it, or start a new search."
        )


def refit_growth(spec: SearchSpec, workspace: Workspace) -> float:
    """Return the photos per epoch of the final refit, relative to those of a trial."""
    dataset = read_dataset(safe_join(workspace.datasets, spec.dataset))
    train, val = len(dataset.split("train")), len(dataset.split("val"))
    return (train + val) / max(1, train)


def check_whole(dataset: Dataset) -> None:
    """Check that a data set has not been edited since it was stored.

    Raises:
        SearchError: The classes, labels or splits do not match the fingerprint.
    """
    if fingerprint_of(dataset.classes, dataset.images) != dataset.fingerprint:
        raise SearchError(
            f"The data set {dataset.id} has been changed by hand since it was imported: its manifest does not match "
            "its fingerprint; import it again."
        )


def check_labels(dataset: Dataset) -> None:
    """Check that a data set has training and validation boxes that are not difficult, and no photos that wait.

    Raises:
        SearchError: One of the splits has none, or photos wait to be labelled; the message gives the remedy.
    """
    if not dataset.boxes:
        raise SearchError(
            f"The data set {dataset.name} has no labels, so there is nothing to learn from; label some of its photos, "
            "and make a version of the labels."
        )
    if waiting := len(waiting_photos(dataset)):
        raise SearchError(
            f"{counted(waiting, 'photo')} of the data set {dataset.name} {'waits' if waiting == 1 else 'wait'} to be "
            "labelled, and a training would take them for photos without objects; label them, and make a version of "
            "the labels."
        )
    advice = "with labelled photos there, or without split folders to have it split for you"
    if sum(record.annotations.teaches for record in dataset.images) < 2:
        advice = "with more labelled photos"
    for split, use in (("train", "to learn from"), ("val", "to evaluate epochs on")):
        marked = [record.annotations for record in dataset.split(split) if len(record.annotations)]
        if not any(annotations.teaches for annotations in marked):
            raise SearchError(
                f"The data set {dataset.name} has no boxes{' but difficult ones' * bool(marked)} in its split {split}, "
                f"so there is nothing {use}; import it {advice}."
            )
