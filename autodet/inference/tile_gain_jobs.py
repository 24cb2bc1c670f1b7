"""Measurements of tiles in the background; ``evaluate_model`` stores the evaluations without and with tiles."""

from functools import partial

from autodet.access.change import change
from autodet.inference.background_jobs import Job, end_jobs, find_job, start_job
from autodet.inference.job_process import Report, run_apart
from autodet.inference.tile_gain import measure_tile_gain
from autodet.models.store import StoredModel
from autodet.workspace import Workspace, open_workspace

UNEXPECTED = "The measurement failed unexpectedly; the app's log has the details. Try again."


def start_tile_gain(model: StoredModel) -> Job:
    """Measure what tiles gain on the validation photos of a model's data set.

    Returns:
        The new job, or the existing one if it is already waiting or running.

    Raises:
        AccessError: The visitor may not change anything, and evaluations are kept.
    """
    workspace = open_workspace()
    with change("evaluate", model.id, workspace):
        return start_job(_key(model), lambda job: run_apart(job, _measure, model, workspace), UNEXPECTED)


def find_tile_gain(model: StoredModel) -> Job | None:
    """Return the waiting, running or failed job of a model; None if there is none or it has succeeded."""
    return find_job(_key(model))


def cancel_tile_gain(model: StoredModel) -> None:
    """Cancel the measurement of a model.

    Raises:
        AccessError: The visitor may not change anything.
    """
    with change("evaluate", model.id, open_workspace()):
        end_jobs(_name(model))


def _measure(model: StoredModel, workspace: Workspace, report: Report) -> None:
    measure_tile_gain(model, workspace, partial(report, ""))


def _key(model: StoredModel) -> tuple[str, ...]:
    return "tile gain", _name(model)


def _name(model: StoredModel) -> str:
    return f"{model.path} {model.card.weights_sha256}"
