"""The values that everything passes around: frozen, plain, without torch.

Boxes are ``(x1, y1, x2, y2)`` in pixels of the photo as a person sees it (EXIF orientation applied), x to
the right, y down, ``x2`` and ``y2`` exclusive. Class ids run from 0 to n-1 in the order of the data set's
sorted class names. Epochs and photos count from 1, trials from 0.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True, eq=False, slots=True)
class Annotations:
    """What a person marked on one photo.

    Attributes:
        boxes_xyxy: Boxes, shape (N, 4), float32, pixels of the photo.
        class_ids: Classes, shape (N,), int64.
        difficult: Boxes that a metric neither rewards nor punishes, shape (N,), bool.
        truncated: Boxes of objects that the photo's edge, or something before them, cuts off, shape (N,), bool.
    """

    boxes_xyxy: FloatArray
    class_ids: IntArray
    difficult: BoolArray
    truncated: BoolArray

    @classmethod
    def of(cls, boxes_xyxy: Any, class_ids: Any, difficult: Any = None, truncated: Any = None) -> Self:
        """Annotations from any sequences, empty ones included; nothing is difficult or truncated if not said."""
        ids = np.asarray(class_ids, dtype=np.int64).reshape(-1)
        no = np.zeros(len(ids), bool)
        return cls(
            boxes_xyxy=np.asarray(boxes_xyxy, dtype=np.float32).reshape(-1, 4),
            class_ids=ids,
            difficult=no if difficult is None else np.asarray(difficult, bool).reshape(-1),
            truncated=no if truncated is None else np.asarray(truncated, bool).reshape(-1),
        )

    def __len__(self) -> int:
        return len(self.class_ids)

    @property
    def teaches(self) -> bool:
        """Whether there is a box that counts: difficult ones are neither learnt from nor judged by."""
        return not self.difficult.all()


@dataclass(frozen=True, eq=False, slots=True)
class ImageRecord:
    """One photo of a data set.

    Attributes:
        file: The photo's path below the data set's ``images`` folder, with forward slashes.
        width: Width in pixels, after EXIF orientation.
        height: Height in pixels, after EXIF orientation.
        split: ``train``, ``val`` or ``test``.
        annotations: What is marked on it; may be empty: a photo without objects is data.
        sha256: SHA-256 of the photo's bytes, in hexadecimal.
        origin: The photo's path below the source that it was imported from, with forward slashes.
        look: How the photo looks, in 128 bits; see ``autodet.datasets.gate.likeness``.
    """

    file: str
    width: int
    height: int
    split: Split
    annotations: Annotations
    sha256: str = ""
    origin: str = ""
    look: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that an import found in a file, and what it did about it, both as sentences.

    Attributes:
        file: The file, below the source's root; empty where it is about the whole data set.
        problem: What is wrong.
        action: What was done about it.
        kind: A name of ``autodet.datasets.gate.kinds.KINDS``.
        photos: The photos that show it: paths below the source's root or, once imported, below the data set's
            ``images``.
    """

    file: str
    problem: str
    action: str
    kind: str = ""
    photos: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a detector sees on one photo, best first.

    Attributes:
        boxes_xyxy: Boxes, shape (N, 4), float32, pixels of the photo.
        class_ids: Classes, shape (N,), int64.
        scores: Confidences in (0, 1], shape (N,), float32, falling.
    """

    boxes_xyxy: FloatArray
    class_ids: IntArray
    scores: FloatArray

    @classmethod
    def of(cls, boxes_xyxy: Any, class_ids: Any, scores: Any) -> Self:
        """A prediction from any sequences, sorted best first."""
        order = np.argsort(-np.asarray(scores, np.float32).reshape(-1), kind="stable")
        return cls(
            boxes_xyxy=np.asarray(boxes_xyxy, np.float32).reshape(-1, 4)[order],
            class_ids=np.asarray(class_ids, np.int64).reshape(-1)[order],
            scores=np.asarray(scores, np.float32).reshape(-1)[order],
        )

    def above(self, threshold: float) -> Self:
        """Only what scores at least ``threshold``."""
        keep = self.scores >= threshold
        return type(self)(self.boxes_xyxy[keep], self.class_ids[keep], self.scores[keep])

    def __len__(self) -> int:
        return len(self.scores)


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
SearchState = Literal["queued", "running", "stopping", "finished", "stopped", "interrupted", "failed"]
ACTIVE_STATES: tuple[SearchState, ...] = ("queued", "running", "stopping")


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
        effective: What is done otherwise than ``params`` say, because memory ran out: ``batch_size``, the photos at a
            time, and ``accumulation``, how many such parts make one step. Or ``epochs``, because time was short.
    """

    number: int
    state: TrialState
    params: Mapping[str, Any]
    epochs: tuple[EpochResult, ...] = ()
    error: str | None = None
    attempts: tuple[Attempt, ...] = ()
    effective: Mapping[str, Any] = field(default_factory=dict)

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
        """The keys ``number, state, params, epochs, error, attempts, effective``."""
        return {
            "number": self.number,
            "state": self.state,
            "params": dict(self.params),
            "epochs": [result.to_json() for result in self.epochs],
            "error": self.error,
            "attempts": [asdict(attempt) for attempt in self.attempts],
            "effective": dict(self.effective),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of ``to_json``."""
        epochs = tuple(EpochResult(**result) for result in document["epochs"])
        attempts = tuple(Attempt(**attempt) for attempt in document.get("attempts", []))
        effective = document.get("effective", {})  # neither is there in searches of earlier versions
        known = {key: document[key] for key in ("number", "state", "params", "error")}
        return cls(**known, epochs=epochs, attempts=attempts, effective=effective)


MOST_ANCESTORS = 50  # that a model remembers; who trains on every night forgets the oldest


@dataclass(frozen=True)
class Origin:
    """The model whose weights a search began with.

    Attributes:
        model: Its id in the workspace, or its file's name without the ending.
        weights_sha256: Its weights' checksum, by which it is known wherever it is.
        dataset: Name of the data set that it was trained on.
        dataset_fingerprint: That data set's fingerprint.
        refit: Whether it has learnt from that data set's validation photos too.
        start_from: What it had begun with itself; None for the network's pretrained weights.
    """

    model: str
    weights_sha256: str
    dataset: str
    dataset_fingerprint: str
    refit: bool = False
    start_from: "Origin | None" = None

    @property
    def ancestors(self) -> "tuple[Origin, ...]":
        """Itself, what it had begun with, and so on."""
        return (self, *(self.start_from.ancestors if self.start_from else ()))

    def nearest(self, count: int = MOST_ANCESTORS) -> "Origin":
        """The same, knowing no more than so many ancestors, itself among them."""
        earlier = self.start_from.nearest(count - 1) if self.start_from and count > 1 else None
        return replace(self, start_from=earlier)

    def to_json(self) -> dict[str, Any]:
        """Plain values, what it had begun with among them."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Any) -> "Origin | None":
        """The inverse of ``to_json``; None for None.

        Raises:
            TypeError: An entry is missing, unknown or not what it should be, or there are too many ancestors.
        """
        if document is None:
            return None
        origin = cls(**{**document, "start_from": cls.from_json(document.get("start_from"))})
        texts = (origin.model, origin.weights_sha256, origin.dataset, origin.dataset_fingerprint)
        plausible = all(isinstance(text, str) for text in texts) and isinstance(origin.refit, bool)
        if not plausible or len(origin.ancestors) > MOST_ANCESTORS:
            raise TypeError
        return origin


@dataclass(frozen=True)
class SearchStatus:
    """One search as a page or a program sees it.

    Attributes:
        search: The search's id.
        dataset: The data set's id.
        state: What the search is doing; ``interrupted`` means that its process died and it can be resumed.
        trials: The trials started so far, by number.
        planned_trials: How many were asked for.
        planned_epochs: Epochs per trial that were asked for.
        time_limit: Seconds that were asked for, or None.
        model: Id of the model made from the best epoch so far, or None.
        seconds: Time that the search has run for; interruptions, and waiting for a device, left out.
        seconds_left: Forecast of the time still needed; None before the first epoch and after the end.
        created: When the search was asked for, ISO 8601 with time zone.
        message: A sentence where there is something to say (why it failed, what replaced a model's weights).
        objective: What decides which is the best; see ``autodet.evaluation.objective``.
        start_from: The model whose weights all trials began with; None for the network's pretrained weights.
        caution: A sentence where figures are to be taken with care, because that model knows photos they are made of.
        diagnosis: Sentences where trials have found nothing: which, and the likely causes. Never stored.
    """

    search: str
    dataset: str
    state: SearchState
    trials: tuple[TrialStatus, ...] = ()
    planned_trials: int = 0
    planned_epochs: int = 0
    time_limit: float | None = None
    model: str | None = None
    seconds: float = 0.0
    seconds_left: float | None = None
    created: str = ""
    message: str = ""
    objective: str = "map50"
    start_from: Origin | None = None
    caution: str = ""
    diagnosis: str = ""

    @property
    def active(self) -> bool:
        """Whether it is waiting or at work, so that a page has something to refresh."""
        return self.state in ACTIVE_STATES

    @cached_property
    def best_trial(self) -> TrialStatus | None:
        """The trial whose best epoch has the highest score; of equals the quickest, then the earliest."""
        measured = [trial for trial in self.trials if trial.best_epoch]
        return max(measured, key=lambda t: (t.best_epoch.rank if t.best_epoch else (0, 0), -t.number), default=None)

    @cached_property
    def pareto_front(self) -> tuple[TrialStatus, ...]:
        """The trials that no other one beats in both quality and time, the quickest first.

        Empty where the objective does not ask for the time of a prediction.
        """
        timed = [(trial.best_epoch.rank, trial) for trial in self.trials if trial.best_epoch and trial.latency_ms]
        front: list[tuple[tuple[float, float], TrialStatus]] = []
        for rank, trial in sorted(timed, key=lambda one: (one[0], -one[1].number), reverse=True):
            if not front or rank[1] > front[-1][0][1] or rank == front[-1][0]:
                front.append((rank, trial))
        return tuple(trial for _, trial in reversed(front))

    def to_json(self) -> dict[str, Any]:
        """The keys ``search, dataset, state, trials, best, model, seconds, start_from, caution, diagnosis``.

        Each trial has the key ``pareto`` too, whether it is on the front, where there is one.
        """
        best = self.best_trial
        epoch = best.best_epoch if best else None
        front = {trial.number for trial in self.pareto_front}
        marks = {trial.number: {"pareto": trial.number in front} for trial in self.trials} if front else {}
        return {
            "search": self.search,
            "dataset": self.dataset,
            "state": self.state,
            "trials": [trial.to_json() | marks.get(trial.number, {}) for trial in self.trials],
            "best": {"trial": best.number, "epoch": epoch.epoch, "map50": epoch.map50} if best and epoch else None,
            "model": self.model,
            "seconds": round(self.seconds, 1),
            "start_from": self.start_from.to_json() if self.start_from else None,
            "caution": self.caution,
            "diagnosis": self.diagnosis,
        }


@dataclass(frozen=True)
class ClassReport:
    """How well one class is found.

    Attributes:
        ap50: COCO AP at IoU 0.50; None where no box of the class is in the split.
        ap50_95: COCO AP; None likewise.
        images: Photos of the split on which the class is marked.
        boxes: Boxes of the class in the split.
    """

    ap50: float | None
    ap50_95: float | None
    images: int
    boxes: int


@dataclass(frozen=True)
class EvaluationReport:
    """How well a model does on one split; means are over the classes that have a box there.

    Attributes:
        map50: COCO AP at IoU 0.50, 0 to 1.
        map50_95: COCO AP, mean over IoU 0.50 to 0.95, 0 to 1.
        map50_voc07: Pascal VOC 2007's 11-point AP at IoU 0.50, the figure that AutoGluon reported.
        per_class: One report a class, in class order.
        images: Photos in the split.
    """

    map50: float
    map50_95: float
    map50_voc07: float
    per_class: Mapping[str, ClassReport] = field(default_factory=dict)
    images: int = 0

    def to_json(self) -> dict[str, Any]:
        """The keys ``map50, map50_95, map50_voc07, per_class, images``."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of ``to_json``."""
        per_class = {name: ClassReport(**report) for name, report in document["per_class"].items()}
        return cls(**{**document, "per_class": per_class})
