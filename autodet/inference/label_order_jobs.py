"""The look at photos that orders them, in the background; ``look_at_photos`` keeps the results."""

from collections.abc import Sequence

from autodet.access.change import change
from autodet.datasets.manifest import Dataset
from autodet.inference.background_jobs import Job, end_jobs, find_job, start_job
from autodet.inference.job_process import Report, run_apart
from autodet.inference.label_orders import look_at_photos
from autodet.models.store import StoredModel

UNEXPECTED = "The look at the photos failed unexpectedly; the app's log has the details. Try again."


def start_look(dataset: Dataset, models: Sequence[StoredModel]) -> Job:
    """Look at the photos of a data set with up to two models in the background.

    Returns:
        The new job, or the existing one if the data set already has one that is waiting or running.

    Raises:
        AccessError: The visitor may not change anything.
    """
    with change("compare photos", dataset.id, dataset.workspace):
        return start_job(_key(dataset), lambda job: run_apart(job, _look, dataset, tuple(models)), UNEXPECTED)


def find_look(dataset: Dataset) -> Job | None:
    """Return the waiting, running or failed job of a data set; None if there is none or it has succeeded."""
    return find_job(_key(dataset))


def cancel_look(dataset: Dataset) -> None:
    """Cancel the job of a data set; its results so far stay.

    Raises:
        AccessError: The visitor may not change anything.
    """
    with change("compare photos", dataset.id, dataset.workspace):
        end_jobs(_name(dataset))


def _look(dataset: Dataset, models: Sequence[StoredModel], report: Report) -> None:
    look_at_photos(dataset, models, report)


def _key(dataset: Dataset) -> tuple[str, ...]:
    return "label order", _name(dataset)


def _name(dataset: Dataset) -> str:
    return f"label order {dataset.folder}"
