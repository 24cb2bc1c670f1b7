"""Evaluations in background threads of this process, so that they continue after the visitor leaves the page.

``evaluate_model`` stores the results beside the model; a job only reports progress. One evaluation runs at a time,
because each uses every core.
"""

import logging
import threading
from dataclasses import dataclass

from autodet.datasets.manifest import Dataset
from autodet.errors import sentence_for
from autodet.inference.evaluations import evaluate_model
from autodet.models.store import StoredModel

UNEXPECTED = "The evaluation failed unexpectedly; the app's log has the details. Try again."

log = logging.getLogger("autodet.evaluation")

_Key = tuple[str, str, str, str]
_jobs: dict[_Key, "EvaluationJob"] = {}
_lock = threading.Lock()
_turn = threading.Lock()  # held by the running evaluation


@dataclass
class EvaluationJob:
    """An evaluation that is waiting, running or failed.

    Attributes:
        done: Number of photos done.
        total: Number of all photos; 0 while the job waits or loads the model.
        waits: Whether the job waits for another evaluation.
        error: Error message of a failed job, otherwise empty.
    """

    done: int = 0
    total: int = 0
    waits: bool = False
    error: str = ""

    def report(self, done: int, total: int) -> None:
        """Record the progress."""
        self.done, self.total = done, total


def start_evaluation(model: StoredModel, dataset: Dataset, split: str) -> EvaluationJob:
    """Evaluate a model on a split in the background.

    Returns:
        The new job, or the existing one if the same evaluation is already waiting or running.
    """
    key = _key(model, dataset, split)
    with _lock:
        job = _jobs.get(key)
        if job and not job.error:
            return job
        job = _jobs[key] = EvaluationJob(waits=_turn.locked())
    threading.Thread(target=_run, args=(key, job, model, dataset, split), daemon=True).start()
    return job


def find_evaluation(model: StoredModel, dataset: Dataset, split: str) -> EvaluationJob | None:
    """Return the waiting, running or failed job of a model and split; None if there is none or it has succeeded."""
    with _lock:
        return _jobs.get(_key(model, dataset, split))


def _run(key: _Key, job: EvaluationJob, model: StoredModel, dataset: Dataset, split: str) -> None:
    with _turn:
        job.waits = False
        try:
            evaluate_model(model, dataset, split, job.report)
        except Exception as error:  # thread boundary
            job.error = sentence_for(error) or UNEXPECTED
            log.exception("The evaluation of %s failed.", model.id)
            return
    with _lock:
        _jobs.pop(key, None)


def _key(model: StoredModel, dataset: Dataset, split: str) -> _Key:
    return str(model.path), model.card.weights_sha256, dataset.fingerprint, split
