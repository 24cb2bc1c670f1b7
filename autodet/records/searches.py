"""Searches: their trials, which of them is the best, and what they began with."""

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

from autodet.records.known import known_entries
from autodet.records.trials import TrialStatus

SearchState = Literal["queued", "running", "stopping", "finished", "stopped", "interrupted", "failed"]
ACTIVE_STATES: tuple[SearchState, ...] = ("queued", "running", "stopping")
MAX_ANCESTORS = 50  # that a model remembers; who trains on every night forgets the oldest


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

    def nearest(self, count: int = MAX_ANCESTORS) -> "Origin":
        """The same, knowing no more than so many ancestors, itself among them."""
        earlier = self.start_from.nearest(count - 1) if self.start_from and count > 1 else None
        return replace(self, start_from=earlier)

    def to_json(self) -> dict[str, Any]:
        """Plain values, what it had begun with among them."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Any) -> "Origin | None":
        """The inverse of ``to_json``; None for None. Entries that this version does not know are ignored.

        Raises:
            AttributeError: It is no document.
            TypeError: An entry is missing or not what it should be, or there are too many ancestors.
        """
        if document is None:
            return None
        origin = cls(**known_entries(cls, document) | {"start_from": cls.from_json(document.get("start_from"))})
        texts = (origin.model, origin.weights_sha256, origin.dataset, origin.dataset_fingerprint)
        plausible = all(isinstance(text, str) for text in texts) and isinstance(origin.refit, bool)
        if not plausible or len(origin.ancestors) > MAX_ANCESTORS:
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
        planned_trials: How many were asked for; no more than there are combinations to try.
        planned_epochs: Epochs a trial that were asked for, the most where they are tuned; each trial's own number is
            ``TrialStatus.planned_epochs``.
        time_limit: Seconds that were asked for, or None.
        model: Id of the model made from the best epoch so far, or None.
        seconds: Time that the search has run for; interruptions, and waiting for a device, left out.
        seconds_left: Forecast of the time still needed; None before the first batch and after the end.
        created: When the search was asked for, ISO 8601 with time zone.
        message: A sentence where there is something to say (why it failed, what replaced a model's weights).
        objective: What decides which is the best; see ``autodet.evaluation.objective``.
        start_from: The model whose weights all trials began with; None for the network's pretrained weights.
        caution: Sentences where figures are to be taken with care, because that model knows photos they are made of, or
            because they say nothing of some classes.
        diagnosis: Sentences where trials have found nothing: which, and the likely causes. Never stored.
        name: The name that the search and its model were given; empty in searches of earlier versions.
        refit_share: Share of the final refit that is done, 0 to 1; None where none was asked for.
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
    name: str = ""
    refit_share: float | None = None

    def __repr__(self) -> str:
        """A short form, for notebooks."""
        return f"SearchStatus({self.search!r}, {self.summary})"

    @property
    def summary(self) -> str:
        """State, trials and best score in a few words."""
        best, epoch = self.best_trial, self.best_trial.best_epoch if self.best_trial else None
        found = f", best {self.objective} {epoch.score:.3f} (trial {best.number})" if best and epoch else ""
        return f"{self.state}, {self.trials_over} of {self.planned_trials} trials done{found}"

    @property
    def progress(self) -> float:
        """Share of the whole search that is done, 0 to 1, by batches; it never goes back while a supervisor works.

        Each trial weighs the same, and so does the final refit; one that has ended early counts as a whole.
        """
        if self.state == "finished":
            return 1.0
        parts = [trial.progress for trial in self.trials]
        planned = max(self.planned_trials, len(parts))
        if self.refit_share is not None:
            parts, planned = [*parts, self.refit_share], planned + 1
        return sum(parts) / planned if planned else 0.0

    @property
    def active(self) -> bool:
        """Whether it is waiting or at work, so that a page has something to refresh."""
        return self.state in ACTIVE_STATES

    @property
    def unfinished(self) -> bool:
        """Whether it is not at work, but could go on."""
        stopped_early = self.state == "stopped" and len(self.trials) < self.planned_trials
        return self.state == "interrupted" or stopped_early

    @property
    def trials_over(self) -> int:
        """How many trials have ended, whatever became of them."""
        return sum(trial.state != "running" for trial in self.trials)

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
        """What ``status --json`` prints.

        The keys are names of the attributes, but for ``best``: the best trial, its best epoch, that epoch's ``map50``,
        and the ``objective`` with its ``value``. Each trial has the key ``pareto`` too, whether it is on the front,
        where there is one.
        """
        front = {trial.number for trial in self.pareto_front}
        marks = {trial.number: {"pareto": trial.number in front} for trial in self.trials} if front else {}
        return {
            "search": self.search,
            "dataset": self.dataset,
            "state": self.state,
            "trials": [trial.to_json() | marks.get(trial.number, {}) for trial in self.trials],
            "best": self._best_to_json(),
            "model": self.model,
            "seconds": round(self.seconds, 1),
            "start_from": self.start_from.to_json() if self.start_from else None,
            "caution": self.caution,
            "diagnosis": self.diagnosis,
            "name": self.name or self.search,
            "message": self.message,
            "objective": self.objective,
            "planned_trials": self.planned_trials,
            "planned_epochs": self.planned_epochs,
            "time_limit": self.time_limit,
            "progress": round(self.progress, 4),
            "seconds_left": None if self.seconds_left is None else round(self.seconds_left, 1),
            "created": self.created,
        }

    def _best_to_json(self) -> dict[str, Any] | None:
        best, epoch = self.best_trial, self.best_trial.best_epoch if self.best_trial else None
        if best is None or epoch is None:
            return None
        objective = {"objective": self.objective, "value": epoch.score}
        return {"trial": best.number, "epoch": epoch.epoch, "map50": epoch.map50} | objective
