"""What a trial is asked to do; light, so that whoever plans trials need not import torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from autodet.evaluation.objective import DEFAULT_OBJECTIVE
from autodet.records import Hyperparameters, Origin

BEST_BUNDLE = "best.autodet"
CHECKPOINT = "last.pt"


@dataclass(frozen=True)
class EpochProgress:
    """How far an epoch is.

    Attributes:
        epoch: From 1.
        share: Of its work, 0 to 1, evaluation included.
        seconds: How long that took.
    """

    epoch: int
    share: float
    seconds: float


class Pulse(Protocol):
    """Called after every batch, and again and again while a trial loads, so that slow and hung can be told apart."""

    def __call__(self, progress: EpochProgress | None = None) -> None:
        """Say that training gets on.

        Args:
            progress: How far the epoch is; None outside of epochs.
        """


def no_pulse(progress: EpochProgress | None = None) -> None:
    """A pulse that does nothing."""


@dataclass(frozen=True)
class Start:
    """A model whose weights a trial begins with, in place of the network's pretrained ones.

    Attributes:
        bundle: Its file, where the trial runs.
        origin: Which model that is.
    """

    bundle: Path
    origin: Origin


@dataclass(frozen=True)
class TrainJob:
    """One trial's work order; picklable, so that it can travel to another process or machine.

    Attributes:
        dataset_folder: The data set's folder in the workspace.
        folder: The trial's own folder: the checkpoint and the best epoch's bundle are kept there.
        hyperparameters: What to train with.
        epochs: How many epochs to train.
        name: What the resulting model is called.
        device: ``cpu``, ``cuda:0`` and so on.
        threads: CPU threads to use; 0 leaves torch's own choice.
        seed: Makes a trial repeatable on one CPU.
        accumulation: Parts that each batch is trained in, one after another, where a whole one does not fit into
            memory; the step of the optimizer is that of the whole batch.
        objective: What decides which epoch is the best; see ``autodet.evaluation.objective``.
        refit: Learn from validation photos too, and keep the last epoch instead of the best.
        start: What to begin with; the network's pretrained weights if not given.
    """

    dataset_folder: Path
    folder: Path
    hyperparameters: Hyperparameters
    epochs: int
    name: str
    device: str = "cpu"
    threads: int = 0
    seed: int = 0
    accumulation: int = 1
    objective: str = DEFAULT_OBJECTIVE
    refit: bool = False
    start: Start | None = None
