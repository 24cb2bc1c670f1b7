"""Checkpoint of a trial after every epoch, so that a killed trial loses at most the current epoch."""

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import torch

from autodet.errors import TrainingError
from autodet.evaluation.objective import Objective
from autodet.records import EpochResult, Hyperparameters
from autodet.training.train_job import CHECKPOINT, TrainJob
from autodet.workspace import write_atomically


@dataclass
class Progress:
    """State needed to resume a trial as if it had never stopped.

    Attributes:
        state: State dicts of network, average, optimizer and scaler by name; empty before the first epoch.
        history: The completed epochs.
        reused_classes: Classes that started with rows of the starting weights, mapped to their names there.
        similar_classes: Other classes, mapped to the classes of the starting weights whose rows they started from.
    """

    state: dict[str, Any] = field(default_factory=dict)
    history: list[EpochResult] = field(default_factory=list)
    reused_classes: dict[str, str] = field(default_factory=dict)
    similar_classes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def highest_score(self) -> float:
        """The highest score of an epoch; -1 before the first."""
        return max((result.score for result in self.history), default=-1.0)


def save_checkpoint(job: TrainJob, fingerprint: str, progress: Progress) -> None:
    """Write the checkpoint atomically, replacing that of the last epoch."""
    content = BytesIO()
    document = {
        "identity": _identity(job, fingerprint),
        "state": progress.state,
        "history": [result.to_json() for result in progress.history],
        "reused_classes": progress.reused_classes,
        "similar_classes": progress.similar_classes,
    }
    torch.save(document, content)
    write_atomically(job.folder / CHECKPOINT, content.getvalue())


def load_checkpoint(job: TrainJob, fingerprint: str) -> Progress:
    """Return the progress of the trial; empty if it has no checkpoint yet.

    Raises:
        TrainingError: The checkpoint is damaged, or was made by another job or from other data.
    """
    path = job.folder / CHECKPOINT
    if not path.exists():
        return Progress()
    try:
        document = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises any exception of its unpickler
        raise TrainingError(f"The checkpoint {path} is damaged; start a new search.") from error
    # Parameters unknown to an earlier version had their default values, and it stored objectives as they were typed.
    stored = Hyperparameters().to_json() | document["identity"]
    if stored | {"objective": str(Objective.parse(stored["objective"]))} != _identity(job, fingerprint):
        raise TrainingError(
            f"The checkpoint {path} belongs to other parameters or to a data set that has changed since; start a new "
            "search."
        )
    history = [EpochResult(**result) for result in document["history"]]
    reused, similar = (document.get(name, {}) for name in ("reused_classes", "similar_classes"))
    return Progress(document["state"], history, reused, similar)


def _identity(job: TrainJob, fingerprint: str) -> dict[str, Any]:
    identity: dict[str, Any] = {
        **job.hyperparameters.to_json(),
        "epochs": job.epochs,
        "objective": str(job.objective),
        "seed": job.seed,
        "fingerprint": fingerprint,
    }
    if job.refit:
        identity["refit"] = True
    if job.train_share < 1:
        identity["train_share"] = job.train_share
    if job.start:
        identity["start"] = job.start.origin.weights_sha256
    return identity
