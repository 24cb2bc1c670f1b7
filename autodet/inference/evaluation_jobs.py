"""Evaluations in threads of this process, so that they go on when the page that asked for one is left.

What an evaluation finds is kept beside the model, as ``evaluate_model`` keeps it; a job only says how far it is. One
evaluation runs at a time, because each uses every core.
"""

import logging
import threading
from dataclasses import dataclass

from autodet.datasets.manifest import Dataset
from autodet.errors import sentence_for
from autodet.inference.evaluations import evaluate_model
from autodet.models.store import StoredModel

UNFORESEEN = "The evaluation failed unexpectedly; the app's log says where. Try again."

log = logging.getLogger("autodet.evaluation")

_Key = tuple[str, str, str, str]
_jobs: dict[_Key, "EvaluationJob"] = {}
_lock = threading.Lock()
_turn = threading.Lock()  # held by the evaluation that runs


@dataclass
class EvaluationJob:
    """An evaluation under way, or one that failed.

    Attributes:
        done: Photos done.
        total: All photos; 0 while it waits or loads the model.
        waits: Whether another evaluation runs first.
        error: A sentence once it has failed; empty before.
    """

    done: int = 0
    total: int = 0
    waits: bool = False
    error: str = ""

    def report(self, done: int, total: int) -> None:
        """Note the progress."""
        self.done, self.total = done, total


def start_evaluation(model: StoredModel, dataset: Dataset, split: str) -> EvaluationJob:
    """Measure a model on a split; returns at once.

    Returns:
        The job; the one that runs already, if the very same was asked for before.
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
    """The job that measures a model on a split, or failed to; None where there is none, or it has succeeded."""
    with _lock:
        return _jobs.get(_key(model, dataset, split))


def _run(key: _Key, job: EvaluationJob, model: StoredModel, dataset: Dataset, split: str) -> None:
    with _turn:
        job.waits = False
        try:
            evaluate_model(model, dataset, split, job.report)
        except Exception as error:  # the edge of a thread
            job.error = sentence_for(error) or UNFORESEEN
            log.exception("The evaluation of %s failed.", model.id)
            return
    with _lock:
        _jobs.pop(key, None)


def _key(model: StoredModel, dataset: Dataset, split: str) -> _Key:
    return str(model.path), model.card.weights_sha256, dataset.fingerprint, split
