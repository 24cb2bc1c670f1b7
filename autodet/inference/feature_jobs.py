"""Features of photos in the background, and the model that computes them; ``find_features`` stores the results."""

from functools import partial

from autodet.access.change import change
from autodet.datasets.manifest import Dataset, list_datasets
from autodet.errors import ModelError
from autodet.inference.background_jobs import Job, end_jobs, find_job, start_job
from autodet.inference.demo import demo_model
from autodet.inference.job_process import Report, run_apart
from autodet.inference.photo_features import find_features, kept_features
from autodet.models.store import StoredModel, list_models

UNEXPECTED = "Comparing the photos failed unexpectedly; the app's log has the details. Try again."


def feature_model(dataset: Dataset) -> StoredModel:
    """Return the model whose features suit a data set: its best one, or one of its ancestors', else the COCO model.

    Args:
        dataset: The data set.
    """
    summaries = {summary.id: summary for summary in list_datasets(dataset.workspace)}
    names, waiting = {dataset.name}, [parent.id for parent in dataset.parents]
    for parent in waiting:  # grows while ancestors are found
        if (summary := summaries.get(parent)) and summary.name not in names:
            names.add(summary.name)
            waiting.append(summary.parent)
    trained = [model for model in list_models(dataset.workspace) if model.card.dataset in names]
    return max(trained, key=lambda model: model.card.metrics.get("map50", 0.0), default=demo_model())


def start_features(model: StoredModel, dataset: Dataset) -> Job:
    """Compute the features of a data set's photos in the background.

    Returns:
        The new job, or the existing one if the same one is already waiting or running.

    Raises:
        AccessError: The visitor may not change anything.
    """
    with change("compare photos", dataset.id, dataset.workspace):
        return start_job(_key(model, dataset), lambda job: run_apart(job, _find, model, dataset), UNEXPECTED)


def feature_job(model: StoredModel, dataset: Dataset) -> Job | None:
    """Return the waiting, running or failed job of a model and data set; None if there is none or it has succeeded."""
    return find_job(_key(model, dataset))


def cancel_features(model: StoredModel, dataset: Dataset) -> None:
    """Cancel the job of a model and data set; its stored features stay.

    Raises:
        AccessError: The visitor may not change anything.
    """
    with change("compare photos", dataset.id, dataset.workspace):
        end_jobs(_name(model, dataset))


def _find(model: StoredModel, dataset: Dataset, report: Report) -> None:
    find_features(model, dataset, partial(report, ""))
    if not kept_features(model, dataset):
        raise ModelError("The result could not be stored; check that the disk is not full, and try again.")


def _key(model: StoredModel, dataset: Dataset) -> tuple[str, ...]:
    return "features", _name(model, dataset), str(dataset.folder)


def _name(model: StoredModel, dataset: Dataset) -> str:
    return " ".join([str(model.path), model.card.weights_sha256, str(dataset.folder), dataset.fingerprint, "features"])
