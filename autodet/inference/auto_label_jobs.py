"""Auto-labels in the background, one job for each data set; a killed job keeps its results."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from autodet.access.change import change
from autodet.datasets.manifest import Dataset
from autodet.inference.auto_labels import AutoLabels, find_on_photos, propose
from autodet.inference.background_jobs import Job, end_jobs, find_job, jobs_of, start_job
from autodet.inference.draft_choice import Choice
from autodet.inference.job_process import Report, run_apart
from autodet.models.store import StoredModel
from autodet.text_format import counted

KIND = "auto labels"
UNEXPECTED = "The drafting of labels failed unexpectedly; the app's log has the details. Start it again to continue."


def start_auto_labels(
    model: StoredModel, dataset: Dataset, files: Sequence[str], choice: Choice | None, *, reviewed: bool = False
) -> Job:
    """Let a model propose labels on photos in the background.

    Args:
        model: The model.
        dataset: The data set.
        files: The photos.
        choice: As for ``propose``; None to predict only, and to keep the detections.
        reviewed: As for ``propose``.

    Returns:
        The new job, or the existing one if the data set already has one that is waiting or running.

    Raises:
        AccessError: The visitor may not change anything.
    """
    with change("propose labels", f"{dataset.id}: {counted(len(files), 'photo')}, {model.id}", dataset.workspace):
        return start_job(
            _key(dataset),
            lambda job: run_apart(job, _propose, model, dataset, list(files), choice, reviewed),
            UNEXPECTED,
        )


def find_auto_labels(dataset: Dataset) -> Job | None:
    """Return the waiting, running or failed job of a data set; None if there is none or it has succeeded."""
    return find_job(_key(dataset))


def auto_labels_under_way() -> dict[str, Job]:
    """Return the waiting and running jobs, by the id of the data set."""
    return {Path(folder).name: job for (_, _, folder), job in jobs_of(KIND).items()}


def cancel_auto_labels(dataset: Dataset) -> None:
    """Cancel the job of a data set; the proposals so far stay.

    Raises:
        AccessError: The visitor may not change anything.
    """
    with change("propose labels", dataset.id, dataset.workspace):
        end_jobs(_name(dataset))


def _propose(
    model: StoredModel, dataset: Dataset, files: Sequence[str], choice: Choice | None, reviewed: bool, report: Report
) -> AutoLabels | None:
    step = partial(report, "")
    if choice is None:
        find_on_photos(model, dataset, files, step)
        return None
    with change("propose labels", dataset.id, dataset.workspace, logged=False):  # its start is in the log
        return propose(model, dataset, files, choice, step, reviewed=reviewed)


def _key(dataset: Dataset) -> tuple[str, ...]:
    return KIND, _name(dataset), str(dataset.folder)


def _name(dataset: Dataset) -> str:
    return f"auto labels {dataset.folder}"
