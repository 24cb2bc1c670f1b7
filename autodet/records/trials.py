"""Trials: hyperparameters, epoch results and status."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

from autodet.records.known import known_entries
from autodet.records.notices import Notice, notices_from_json

FROZEN_DEPTHS = ("none", "early", "half", "all")
SCHEDULERS = ("cosine", "linear", "constant")
MAX_LOSSES = 100  # points of a curve within an epoch


@dataclass(frozen=True)
class Hyperparameters:
    """Hyperparameters of a trial; the defaults are those of trial 0.

    Attributes:
        architecture: A name in ``autodet.models.registry``.
        lr: Peak learning rate of the new layers.
        backbone_lr_factor: Factor on ``lr`` for the pretrained backbone.
        weight_decay: Decoupled weight decay of AdamW.
        batch_size: Photos per step; in a search, that of the network by default.
        image_size: Side in pixels of the square that photos are letterboxed into; in a search, that of the network by
            default.
        ema_decay: Decay per step of the EMA weights that are evaluated and kept; 0 disables the EMA.
        frozen_depth: Frozen part of the pretrained backbone: ``none``, ``early`` (the network's own default),
            ``half`` or ``all``.
        augmentation: Strength of shifts, zooms and colour changes; 1 is the default, 0 leaves photos unchanged.
        scheduler: Decay of the learning rate after the warm-up: ``cosine``, ``linear`` or ``constant`` (no decay).
    """

    architecture: str = "nanodet_g"
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
        """Return plain values, as in the ``params`` of a trial."""
        return asdict(self)


@dataclass(frozen=True)
class EpochResult:
    """Result of one epoch of one trial.

    Attributes:
        epoch: Epoch number, from 1.
        loss: Mean training loss over the epoch.
        map50: COCO AP at IoU 0.50 on ``val``, 0 to 1.
        map50_95: COCO AP on ``val``, 0 to 1.
        seconds: Wall time of the epoch, including its evaluation.
        value: Value of the search's objective, 0 to 1; None if the objective is ``map50``.
        latency_ms: Latency of one prediction in milliseconds (``autodet.training.latency``), if the objective includes
            it and the epoch was kept.
        kept: Whether its model became the model of the trial; a later kept epoch replaces it. Never set by earlier
            versions, which kept the first epoch with the highest score.
    """

    epoch: int
    loss: float
    map50: float
    map50_95: float
    seconds: float
    value: float | None = None
    latency_ms: float | None = None
    kept: bool = False

    @property
    def score(self) -> float:
        """Score that ranks the epochs, trials and models of a search; higher is better."""
        return self.map50 if self.value is None else self.value

    @property
    def rank(self) -> tuple[float, float]:
        """Score, with the negative latency as tie-breaker; the highest rank is the best."""
        return self.score, -(self.latency_ms or 0.0)

    def to_json(self) -> dict[str, Any]:
        """Return ``epoch, loss, map50, map50_95, seconds``, plus ``value``, ``latency_ms`` and ``kept`` if set."""
        return {key: value for key, value in vars(self).items() if value is not None and value is not False}


TrialState = Literal["running", "finished", "pruned", "stopped", "failed"]


@dataclass(frozen=True)
class Attempt:
    """One run of a trial on one device; a trial that was lost or interrupted has several.

    Attributes:
        device: Device slot, such as ``cuda:0`` or ``cpu #2``; empty if unknown.
        started: Start time, ISO 8601 with time zone.
        ended: End time, ISO 8601; None while it runs. If the supervisor was killed, its last status update.
        memory_bytes: Peak memory of its process as of its last epoch; None if unknown.
        gpu_memory_bytes: Peak memory in use on its GPU, by all processes.
        gpu_utilisation: Share of the time in which its GPU was busy, for any process, 0 to 1.
        startup_seconds: Time from its start until its first epoch; None until that epoch reports progress.
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
    """Status of one trial, for pages and programs.

    Attributes:
        number: Trial number, from 0; trial 0 has the defaults.
        state: Current state.
        params: ``Hyperparameters`` as plain values.
        epochs: Completed epochs, in order.
        error: The reason as a sentence, for readers; never stored. See ``SearchStatus.message``.
        attempts: Runs on a device, in order; empty in searches of earlier versions.
        effective: Differences from ``params`` and from the search's seed. After running out of memory: ``batch_size``
            of each forward pass, and gradient ``accumulation``, the passes per step. Short of time: ``epochs``. A
            repeat of an earlier trial: its own ``seed``. On a learning curve: ``train_share``.
        planned_epochs: Epochs to train if nothing ends it early; see ``planned_epochs_of``.
        epoch_share: Completed share of the next epoch, 0 to 1, including evaluation. After a restart it keeps its
            value until the epoch gets further. Not stored in the study.
        epoch_seconds: Time that this share took.
        epoch_losses: Points (share, loss) of the current epoch, at most ``MAX_LOSSES``. Not stored in the study.
        reason: Why it failed, or was stopped before its first epoch.
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
    epoch_losses: tuple[tuple[float, float], ...] = ()
    reason: Notice | None = None

    def __repr__(self) -> str:
        """Return a short form, for notebooks."""
        best = f", best {self.best_epoch.score:.3f}" if self.best_epoch else ""
        return f"TrialStatus({self.number}, {self.state}, epoch {len(self.epochs)}/{self.planned_epochs}{best})"

    @property
    def progress(self) -> float:
        """Completed share of the planned epochs, 0 to 1; 1 once the trial has ended, even if early."""
        if self.state != "running":
            return 1.0
        return min(1.0, (len(self.epochs) + self.epoch_share) / self.planned_epochs) if self.planned_epochs else 0.0

    @property
    def is_loading(self) -> bool:
        """Whether its process is starting or loading the network and its weights: no batch has ended yet."""
        begun = self.attempts and self.attempts[-1].startup_seconds is not None
        return self.state == "running" and not begun and not self.epoch_share

    @cached_property
    def best_epoch(self) -> EpochResult | None:
        """The epoch whose model is the trial's model; None before the first."""
        return best_epoch_of(self.epochs)

    @property
    def highest_epoch(self) -> EpochResult | None:
        """First epoch with the highest score; None before the first."""
        return highest_epoch_of(self.epochs)

    @property
    def train_share(self) -> float:
        """Share of the search's training photos that it trains on, above 0 and at most 1."""
        return float(self.effective.get("train_share", 1.0))

    @property
    def latency_ms(self) -> float | None:
        """Prediction latency of the best epoch in milliseconds; None if not measured."""
        return self.best_epoch.latency_ms if self.best_epoch else None

    def after_share(self, share: float, seconds: float, loss: float | None) -> Self:
        """Return the trial with a larger share of its current epoch done, and the loss there, if there is one."""
        done = self.epoch_losses[-1][0] if self.epoch_losses else 0.0
        point = ((round(share, 4), round(loss, 4)),) if loss is not None and share - done >= 1 / MAX_LOSSES else ()
        losses = (*self.epoch_losses, *point)
        return replace(self, epoch_share=share, epoch_seconds=seconds, epoch_losses=losses)

    def without_share(self) -> Self:
        """Return the trial between two epochs."""
        return replace(self, epoch_share=0.0, epoch_seconds=0.0, epoch_losses=())

    def begin_attempt(self, device: str, moment: str) -> Self:
        """Return the trial with a new attempt on a device, started at a moment (ISO 8601)."""
        return replace(self, attempts=(*self.attempts, Attempt(device, moment)))

    def end_attempt(self, moment: str) -> Self:
        """Return the trial with its attempt ended at a moment (ISO 8601); unchanged if none is running."""
        running = self.attempts and self.attempts[-1].ended is None
        return self.change_attempt(ended=moment) if running else self

    def change_attempt(self, **facts: Any) -> Self:
        """Return the trial with updated attributes of its last attempt."""
        return replace(self, attempts=(*self.attempts[:-1], replace(self.attempts[-1], **facts)))

    def to_json(self) -> dict[str, Any]:
        """Return a document with the attribute names as keys; ``reason`` only if there is one."""
        reason = {"reason": self.reason.to_json()} if self.reason else {}
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
            **({"epoch_losses": self.epoch_losses} if self.epoch_losses else {}),
        } | reason

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Invert ``to_json``; entries that this version does not know are ignored."""
        epochs = tuple(EpochResult(**known_entries(EpochResult, result)) for result in document["epochs"])
        attempts = tuple(Attempt(**known_entries(Attempt, attempt)) for attempt in document.get("attempts", []))
        known = {key: document[key] for key in ("number", "state", "params")}
        known |= _explanation(document)
        later = ("effective", "planned_epochs", "epoch_share", "epoch_seconds")
        known |= {key: document[key] for key in later if key in document}
        losses = tuple((share, loss) for share, loss in document.get("epoch_losses", []))
        return cls(**known, epochs=epochs, attempts=attempts, epoch_losses=losses)


def best_epoch_of(epochs: Sequence[EpochResult]) -> EpochResult | None:
    """Return the last epoch that was kept, or the first with the highest score if none is marked; None if empty."""
    return next((result for result in reversed(epochs) if result.kept), None) or highest_epoch_of(epochs)


def highest_epoch_of(epochs: Sequence[EpochResult]) -> EpochResult | None:
    """Return the first epoch with the highest score; None if there is none."""
    return max(epochs, key=lambda result: (result.score, -result.epoch), default=None)


def best_of(trials: Iterable[TrialStatus]) -> TrialStatus | None:
    """Return the trial whose best epoch ranks highest; ties go to the earliest. None before the first epoch."""
    ranked = [(trial.best_epoch.rank, trial) for trial in trials if trial.best_epoch]
    return max(ranked, key=lambda one: (one[0], -one[1].number))[1] if ranked else None


def _explanation(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``error`` and ``reason`` of a trial; earlier versions stored the sentence alone."""
    if "reason" in document:
        return {"error": document["error"], "reason": Notice.from_json(document["reason"])}
    return {"reason": next(iter(notices_from_json(document["error"] or "")), None)}


def planned_epochs_of(params: Mapping[str, Any], effective: Mapping[str, Any], most: int) -> int:
    """Return the epochs of a trial: the search's maximum, or fewer if they are tuned or time is short.

    Args:
        params: As ``TrialStatus.params``.
        effective: As ``TrialStatus.effective``.
        most: Maximum epochs per trial of the search.
    """
    return min(most, int(params.get("epochs", most)), int(effective.get("epochs", most)))
