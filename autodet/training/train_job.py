"""Training jobs; does not import torch, so that planning trials stays fast."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from autodet.evaluation.objective import MAP50, Objective
from autodet.records import Hyperparameters, Origin

BEST_BUNDLE = "best.autodet"
VAL_PREDICTIONS = "val.npz"  # of the best epoch's model, with its calibrated scores
CHECKPOINT = "last.pt"
MIN_PHOTOS_TO_CHOOSE = 10  # validation photos; with fewer, a trial keeps its last epoch unless it collapsed
EPOCH_FILES = (BEST_BUNDLE, VAL_PREDICTIONS, CHECKPOINT)  # in the order of writing: no checkpoint without its bundle


@dataclass(frozen=True)
class EpochProgress:
    """Progress of an epoch.

    Attributes:
        epoch: Epoch number, from 1.
        share: Share of its work done, 0 to 1, evaluation included.
        seconds: Time spent on it so far.
        loss: Mean training loss of about the last second; None in the first second and during evaluation.
    """

    epoch: int
    share: float
    seconds: float
    loss: float | None = None


class Pulse(Protocol):
    """Heartbeat: called after every batch, and repeatedly while a trial loads, to tell slow trials from hung ones."""

    def __call__(self, progress: EpochProgress | None = None) -> None:
        """Report that training makes progress.

        Args:
            progress: Progress of the epoch; None outside of epochs.
        """


def no_pulse(progress: EpochProgress | None = None) -> None:
    """A pulse that does nothing."""


@dataclass(frozen=True)
class Start:
    """A model that provides a trial's starting weights, instead of the pretrained network.

    Attributes:
        bundle: Bundle file, on the machine of the trial.
        origin: The identity of the model.
    """

    bundle: Path
    origin: Origin


@dataclass(frozen=True)
class TrainJob:
    """Training job of one trial; picklable, so that it can be sent to another process or machine.

    Attributes:
        dataset_folder: The data set's folder in the workspace.
        folder: The trial's own folder, for the checkpoint and the best epoch's bundle.
        hyperparameters: The hyperparameters.
        epochs: Number of epochs to train.
        name: Name of the resulting model.
        device: ``cpu``, ``cuda:0`` and so on.
        threads: CPU threads to use; 0 for torch's default.
        seed: Random seed; makes a trial reproducible on one CPU.
        accumulation: Gradient accumulation: number of parts in which each batch is trained, one after another, if a
            whole batch does not fit into memory; the optimizer still steps once per batch.
        objective: The objective that selects the best epoch, from ``MIN_PHOTOS_TO_CHOOSE`` validation photos on.
        refit: Train on validation photos too, and keep the last epoch instead of the best.
        train_share: Share of the training photos to use, drawn with the seed, above 0 and at most 1. An epoch repeats
            them, so that it has as many steps as with all.
        start: The starting weights; the pretrained weights of the network if not given.
        members: Bundles of trials by number, the best first; if there are any, nothing is trained, but their weights
            are averaged (``autodet.training.average``).
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
    objective: Objective = MAP50
    refit: bool = False
    train_share: float = 1.0
    start: Start | None = None
    members: Mapping[int, Path] = field(default_factory=dict)
