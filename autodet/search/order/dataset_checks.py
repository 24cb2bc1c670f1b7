"""A search's data set: the same from its first trial to its last."""

from autodet.datasets.manifest import Dataset, fingerprint_of, read_dataset
from autodet.errors import SearchError
from autodet.search.order.spec import SearchSpec
from autodet.workspace import Workspace, safe_join


def check_dataset(spec: SearchSpec, workspace: Workspace) -> None:
    """See that the data set is there, and what it was when the search was asked for.

    Photos are not opened; whoever trains compares each with its hash.

    Raises:
        SearchError: It is gone or has changed.
    """
    folder = safe_join(workspace.datasets, spec.dataset)
    if not folder.is_dir():
        raise SearchError(f"The search's data set {spec.dataset} is not there any more; start a search on another one.")
    check_whole(dataset := read_dataset(folder))
    if spec.fingerprint not in ("", dataset.fingerprint):  # searches of earlier versions have none
        raise SearchError(
            f"The data set {spec.dataset} is not what it was when the search began; put it back as it was, or start a "
            "new search."
        )


def refit_growth(spec: SearchSpec, workspace: Workspace) -> float:
    """How many times the photos of a trial's epoch an epoch of the final refit has."""
    dataset = read_dataset(safe_join(workspace.datasets, spec.dataset))
    learnt, judged = len(dataset.split("train")), len(dataset.split("val"))
    return (learnt + judged) / max(1, learnt)


def check_whole(dataset: Dataset) -> None:
    """See that nobody has changed a data set since it was stored.

    Raises:
        SearchError: Its labels or splits are not those that its fingerprint was made of.
    """
    if fingerprint_of(dataset.classes, dataset.images) != dataset.fingerprint:
        raise SearchError(
            f"The data set {dataset.id} has been changed by hand since it was imported: its manifest does not match "
            "its fingerprint; import it again."
        )


def check_labels(dataset: Dataset) -> None:
    """Refuse a data set that has nothing to learn from, or nothing to judge epochs by.

    Raises:
        SearchError: It has not; the message says what to do.
    """
    advice = "with labelled photos there, or without split folders to have it split for you"
    if sum(record.annotations.teaches for record in dataset.images) < 2:
        advice = "with more labelled photos"
    for split, use in (("train", "to learn from"), ("val", "to judge epochs by")):
        marked = [record.annotations for record in dataset.split(split) if len(record.annotations)]
        if not any(annotations.teaches for annotations in marked):
            raise SearchError(
                f"The data set {dataset.name} has no boxes{' but difficult ones' * bool(marked)} in its split {split}, "
                f"so there is nothing {use}; import it {advice}."
            )
