"""Trials: what each is trained with, and what its epochs came to."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

from autodet.records.known import known_entries

FROZEN_DEPTHS = ("none", "early", "half", "all")
SCHEDULERS = ("cosine", "linear", "constant")


@dataclass(frozen=True)
class Hyperparameters:
    """What a trial is trained with; the defaults are trial 0.

    Attributes:
        architecture: A name of ``autodet.models.registry``.
        lr: Learning rate of the new layers at its peak.
        backbone_lr_factor: The pretrained backbone learns at ``lr`` times this.
        weight_decay: AdamW's decoupled weight decay.
        batch_size: Photos per step.
        image_size: Side in pixels of the square that photos are letterboxed into.
        ema_decay: Decay per step of the averaged weights that are evaluated and kept; 0 averages nothing.
        frozen_depth: How much of the pretrained body does not learn: ``none``, ``early`` (as the network's author
            has it), ``half`` or ``all``.
        augmentation: How far photos are moved, zoomed and recoloured; 1 is the usual, 0 leaves them as they are.
        scheduler: How the learning rate falls after the warm-up: along a ``cosine``, ``linear``, or not, ``constant``.
    """

    architecture: str = "fasterrcnn_efficientnet_lite0"
    lr: float = 1e-3
    backbone_lr_factor: float = 0.3
    weight_decay: float = 1e-4
    batch_size: int = 4
    image_size: int = 320
    ema_decay: float = 0.99
    frozen_depth: str = "early"
    augmentation: float = 1.0
    scheduler: str = "cosine"

    def to_json(self) -> dict[str, Any]:
        """Plain values, as ``params`` of a trial."""
        return asdict(self)


@dataclass(frozen=True)
class EpochResult:
    """What one epoch of one trial came to.

    Attributes:
        epoch: From 1.
        loss: Mean training loss over the epoch.
        map50: COCO AP at IoU 0.50 on ``val``, 0 to 1.
        map50_95: COCO AP on ``val``, 0 to 1.
        seconds: Wall time of the epoch, its evaluation included.
        value: What the search's objective makes of the epoch, 0 to 1, where that is not ``map50``.
        latency_ms: What one prediction takes, in milliseconds (``autodet.training.latency``), where the objective asks
            for it and the epoch was the trial's best so far.
    """

    epoch: int
    loss: float
    map50: float
    map50_95: float
    seconds: float
    value: float | None = None
    latency_ms: float | None = None

    @property
    def score(self) -> float:
        """What epochs, trials and models of a search are compared by; more is better."""
        return self.map50 if self.value is None else self.value

    @property
    def rank(self) -> tuple[float, float]:
        """The score, and among equals the speed; the highest is the best."""
        return self.score, -(self.latency_ms or 0.0)

    def to_json(self) -> dict[str, Any]:
        """The keys ``epoch, loss, map50, map50_95, seconds``, and ``value`` and ``latency_ms`` where there are any."""
        return {key: value for key, value in vars(self).items() if value is not None}


TrialState = Literal["running", "finished", "pruned", "stopped", "failed"]


@dataclass(frozen=True)
class Attempt:
    """A stretch of a trial on one device; a trial that was lost or interrupted has several.

    Attributes:
        device: The device slot, such as ``cuda:0`` or ``cpu #2``; empty where it is not known.
        started: When, ISO 8601 with time zone.
        ended: Likewise; None while it runs. Of one whose supervisor was killed, when it was last heard of.
        memory_bytes: The most memory that its process had, as of its last epoch; None where that is not known.
        gpu_memory_bytes: The most memory in use on its GPU, by whomever.
        gpu_utilisation: Share of the time in which its GPU computed, for whomever, 0 to 1.
        startup_seconds: From its start until its first epoch began; None before that has ended.
    """

    device: str
    started: str
    ended: str | None = None
    memory_bytes: int | None = None
    gpu_memory_bytes: int | None = None
    gpu_utilisation: float | None = None
    startup_seconds: float | None = None


@dataclass(frozen=True)
class TrialStatus:
    """One trial as a page or a program sees it.

    Attributes:
        number: From 0; trial 0 has the defaults.
        state: What became of it so far.
        params: ``Hyperparameters`` as plain values.
        epochs: The epochs done, in order.
        error: A sentence if it failed.
        attempts: Where and when it ran, in order; empty in searches of earlier versions.
        effective: Differences from ``params`` and from the search's seed. Memory ran out: ``batch_size``, the photos at
            a time, and ``accumulation``, how many such parts make one step. Time was short: ``epochs``. The trial
            repeats an earlier one: its own ``seed``.
        planned_epochs: How many epochs it trains if nothing ends it early; see ``planned_epochs_of``.
        epoch_share: Share of the next epoch that is done, 0 to 1, evaluation included. If the trial is started again,
            this stays until the epoch has got further. The study does not have it.
        epoch_seconds: How long that share took.
    """

    number: int
    state: TrialState
    params: Mapping[str, Any]
    epochs: tuple[EpochResult, ...] = ()
    error: str | None = None
    attempts: tuple[Attempt, ...] = ()
    effective: Mapping[str, Any] = field(default_factory=dict)
    planned_epochs: int = 0
    epoch_share: float = 0.0
    epoch_seconds: float = 0.0

    def __repr__(self) -> str:
        """A short form, for notebooks."""
        best = f", best {self.best_epoch.score:.3f}" if self.best_epoch else ""
        return f"TrialStatus({self.number}, {self.state}, epoch {len(self.epochs)}/{self.planned_epochs}{best})"

    @property
    def progress(self) -> float:
        """Share of its planned epochs that is done, 0 to 1; 1 as soon as it is over, however early."""
        if self.state != "running":
            return 1.0
        return min(1.0, (len(self.epochs) + self.epoch_share) / self.planned_epochs) if self.planned_epochs else 0.0

    @property
    def is_loading(self) -> bool:
        """Whether its process is still starting, or loading the network and its weights: no batch has ended yet."""
        begun = self.attempts and self.attempts[-1].startup_seconds is not None
        return self.state == "running" and not begun and not self.epoch_share

    @cached_property
    def best_epoch(self) -> EpochResult | None:
        """The first epoch with the highest score."""
        return max(self.epochs, key=lambda result: (result.score, -result.epoch), default=None)

    @property
    def latency_ms(self) -> float | None:
        """What a prediction of its best epoch takes, in milliseconds; None where that was not measured."""
        return self.best_epoch.latency_ms if self.best_epoch else None

    def begin_attempt(self, device: str, moment: str) -> Self:
        """The trial, running from a moment on (ISO 8601) on a device."""
        return replace(self, attempts=(*self.attempts, Attempt(device, moment)))

    def end_attempt(self, moment: str) -> Self:
        """The trial, which ran until a moment (ISO 8601); as it is, if it did not run."""
        running = self.attempts and self.attempts[-1].ended is None
        return self.change_attempt(ended=moment) if running else self

    def change_attempt(self, **facts: Any) -> Self:
        """The trial with more known of its last attempt."""
        return replace(self, attempts=(*self.attempts[:-1], replace(self.attempts[-1], **facts)))

    def to_json(self) -> dict[str, Any]:
        """The names of the attributes are the keys."""
        return {
            "number": self.number,
            "state": self.state,
            "params": dict(self.params),
            "epochs": [result.to_json() for result in self.epochs],
            "error": self.error,
            "attempts": [asdict(attempt) for attempt in self.attempts],
            "effective": dict(self.effective),
            "planned_epochs": self.planned_epochs,
            "epoch_share": round(self.epoch_share, 4),
            "epoch_seconds": round(self.epoch_seconds, 1),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of ``to_json``; entries that this version does not know are ignored."""
        epochs = tuple(EpochResult(**known_entries(EpochResult, result)) for result in document["epochs"])
        attempts = tuple(Attempt(**known_entries(Attempt, attempt)) for attempt in document.get("attempts", []))
        known = {key: document[key] for key in ("number", "state", "params", "error")}
        later = ("effective", "planned_epochs", "epoch_share", "epoch_seconds")
        known |= {key: document[key] for key in later if key in document}
        return cls(**known, epochs=epochs, attempts=attempts)


def planned_epochs_of(params: Mapping[str, Any], effective: Mapping[str, Any], most: int) -> int:
    """How many epochs a trial has: the most of its search, fewer if those are tuned or if time is short.

    Args:
        params: The trial's, as ``TrialStatus.params``.
        effective: Likewise.
        most: The search's epochs a trial.
    """
    return min(most, int(params.get("epochs", most)), int(effective.get("epochs", most)))
