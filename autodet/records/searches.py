"""Searches: their trials, which of them is the best, and what they began with."""

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

from autodet.records.known import known_entries
from autodet.records.trials import TrialStatus

SearchState = Literal["queued", "running", "stopping", "finished", "stopped", "interrupted", "failed"]
ACTIVE_STATES: tuple[SearchState, ...] = ("queued", "running", "stopping")
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
        caution: Sentences where figures are to be taken with care, because that model knows photos they are made of, or
            because they say nothing of some classes.
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
