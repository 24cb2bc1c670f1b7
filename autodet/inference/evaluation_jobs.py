"""Evaluations in the background; ``evaluate_model`` stores the results."""

from functools import partial

from autodet.access.change import change
from autodet.datasets.manifest import Dataset
from autodet.inference.background_jobs import Job, end_jobs, find_job, start_job
from autodet.inference.conditions import measure_groups
from autodet.inference.evaluations import evaluate_model
from autodet.inference.job_process import Report, run_apart
from autodet.models.store import StoredModel

MEASURES = "measure"  # step: light and sharpness
UNEXPECTED = "The evaluation failed unexpectedly; the app's log has the details. Try again."


def start_evaluation(model: StoredModel, dataset: Dataset, split: str) -> Job:
    """Evaluate a model on a split in the background.

    Returns:
        The new job, or the existing one if the same evaluation is already waiting or running.

    Raises:
        AccessError: The visitor may not change anything, and an evaluation is kept.
    """
    with change("evaluate", model.id, dataset.workspace):
        return start_job(
            _key(model, dataset, split), lambda job: run_apart(job, _evaluate, model, dataset, split), UNEXPECTED
        )


def find_evaluation(model: StoredModel, dataset: Dataset, split: str) -> Job | None:
    """Return the waiting, running or failed job of a model and split; None if there is none or it has succeeded."""
    return find_job(_key(model, dataset, split))


def cancel_evaluation(model: StoredModel, dataset: Dataset, split: str) -> None:
    """Cancel the evaluation of a model and split; nothing is stored.

    Raises:
        AccessError: The visitor may not change anything.
    """
    with change("evaluate", model.id, dataset.workspace):
        end_jobs(_name(model, dataset, split))


def _evaluate(model: StoredModel, dataset: Dataset, split: str, report: Report) -> None:
    evaluate_model(model, dataset, split, partial(report, ""))
    measure_groups(dataset, split, partial(report, MEASURES))


def _key(model: StoredModel, dataset: Dataset, split: str) -> tuple[str, ...]:
    return "evaluation", _name(model, dataset, split), str(dataset.folder)


def _name(model: StoredModel, dataset: Dataset, split: str) -> str:
    return " ".join([str(model.path), model.card.weights_sha256, str(dataset.folder), dataset.fingerprint, split])
