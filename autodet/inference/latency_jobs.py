"""Latency measurements in the background; ``measure_model_latency`` stores the result beside the model."""

from autodet.access.change import change
from autodet.datasets.manifest import Dataset
from autodet.inference.background_jobs import Job, find_job, start_job
from autodet.inference.job_process import Report, run_apart
from autodet.inference.model_latency import measure_model_latency
from autodet.models.store import StoredModel

UNEXPECTED = "The measurement failed unexpectedly; the app's log has the details. Try again."


def start_latency(model: StoredModel, dataset: Dataset) -> Job:
    """Measure the latency of a model on photos of a data set in the background.

    Returns:
        The new job, or the existing one if it is already waiting or running.

    Raises:
        AccessError: The visitor may not change anything.
    """
    with change("measure latency", model.id, dataset.workspace):
        return start_job(_key(model), lambda job: run_apart(job, _measure, model, dataset), UNEXPECTED)


def find_latency(model: StoredModel) -> Job | None:
    """Return the waiting, running or failed job of a model; None if there is none or it has succeeded."""
    return find_job(_key(model))


def _measure(model: StoredModel, dataset: Dataset, _report: Report) -> None:
    measure_model_latency(model, dataset)


def _key(model: StoredModel) -> tuple[str, ...]:
    return "latency", str(model.path), model.card.weights_sha256
