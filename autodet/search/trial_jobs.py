"""Predictions of trials of earlier versions, made in the background."""

from functools import partial
from pathlib import Path

from autodet.access.change import change
from autodet.datasets.manifest import Dataset
from autodet.inference.background_jobs import Job, find_job, start_job
from autodet.inference.job_process import Report, run_apart
from autodet.search.trial_models import predict_trial
from autodet.workspace import Workspace

UNEXPECTED = "The evaluation failed unexpectedly; the app's log has the details. Try again."


def start_trial_prediction(folder: Path, trial: int, dataset: Dataset) -> Job:
    """Predict on the validation photos with the model of a trial, in the background.

    Returns:
        The new job, or the existing one if it is already waiting or running.

    Raises:
        AccessError: The visitor may not change anything.
    """
    with change("evaluate", f"{folder.name} trial {trial}", Workspace(folder.parent.parent)):
        return start_job(_key(folder, trial), lambda job: run_apart(job, _predict, folder, trial, dataset), UNEXPECTED)


def find_trial_prediction(folder: Path, trial: int) -> Job | None:
    """Return the waiting, running or failed job of a trial; None if there is none or it has succeeded."""
    return find_job(_key(folder, trial))


def _predict(folder: Path, trial: int, dataset: Dataset, report: Report) -> None:
    predict_trial(folder, trial, dataset, partial(report, ""))


def _key(folder: Path, trial: int) -> tuple[str, ...]:
    return "trial", str(folder), str(trial)
