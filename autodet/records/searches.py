"""Searches: status, trials, best trial and starting weights."""

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

from autodet.records.follow_ups import FollowUpKind
from autodet.records.known import known_entries
from autodet.records.notices import Notice
from autodet.records.trials import TrialStatus, best_of

SearchState = Literal["queued", "running", "stopping", "finished", "stopped", "interrupted", "failed"]
ACTIVE_STATES: tuple[SearchState, ...] = ("queued", "running", "stopping")
MAX_ANCESTORS = 50  # recorded per model; repeated fine-tuning drops the oldest


@dataclass(frozen=True)
class Origin:
    """The model that provided a search's starting weights.

    Attributes:
        model: Id in the workspace, or file name without the extension.
        weights_sha256: Checksum of the weights, which identifies the model in any workspace.
        dataset: Name of the data set that it was trained on.
        dataset_fingerprint: Fingerprint of that data set.
        refit: Whether it was also trained on that data set's validation photos.
        start_from: Origin of its own starting weights; None for the network's pretrained weights.
    """

    model: str
    weights_sha256: str
    dataset: str
    dataset_fingerprint: str
    refit: bool = False
    start_from: "Origin | None" = None

    @property
    def ancestors(self) -> "tuple[Origin, ...]":
        """This model, the model that it started from, and so on."""
        return (self, *(self.start_from.ancestors if self.start_from else ()))

    def nearest(self, count: int = MAX_ANCESTORS) -> "Origin":
        """Return a copy with at most ``count`` ancestors, including this model."""
        earlier = self.start_from.nearest(count - 1) if self.start_from and count > 1 else None
        return replace(self, start_from=earlier)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, including those of ``start_from``."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Any) -> "Origin | None":
        """Invert ``to_json``; None for None. Entries that this version does not know are ignored.

        Raises:
            AttributeError: The document is not a mapping.
            TypeError: An entry is missing or has the wrong type, or there are too many ancestors.
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
class BestResult:
    """The figures of a search's model on the validation photos.

    Attributes:
        trials: Number of its trial; of an average, those of all its trials, the best first.
        epoch: Best epoch of the first of them.
        score: Value of the objective, 0 to 1.
        map50: COCO AP at IoU 0.50, 0 to 1.
    """

    trials: tuple[int, ...]
    epoch: int
    score: float
    map50: float

    @property
    def is_average(self) -> bool:
        """Whether the weights are the mean of several trials'."""
        return len(self.trials) > 1


@dataclass(frozen=True)
class SearchStatus:
    """Status of one search, for pages and programs.

    Attributes:
        search: Id of the search.
        dataset: Id of the data set.
        state: Current state; ``interrupted`` means that the process died and the search can be resumed.
        trials: Trials started so far, by number.
        planned_trials: Requested number of trials, capped at the combinations in the search space unless they repeat.
        planned_epochs: Requested epochs per trial, the maximum if they are tuned; ``TrialStatus.planned_epochs`` is
            the number of each trial.
        time_limit: Requested time limit in seconds, or None.
        model: Id of the model made from the best epoch so far, or None.
        seconds: Run time of the search, without interruptions and waits for a device.
        seconds_left: Estimated remaining time; None before the first batch and after the end.
        created: Time of the request, ISO 8601 with time zone.
        message: The notices as sentences. ``Search.status`` and ``list_searches`` fill in this and the other sentences
            for readers, with ``autodet.messages.search.with_sentences``; they are never stored.
        objective: Objective that ranks epochs and trials; see ``autodet.evaluation.objective``.
        start_from: Model with the starting weights of all trials; None for the network's pretrained weights.
        caution: The cautions as sentences.
        diagnosis: The diagnoses as sentences.
        name: Name given to the search and its model; empty in searches of earlier versions.
        refit_share: Completed share of the final refit, 0 to 1; None if no refit was requested.
        notices: Why the search waits, was interrupted, stopped or failed, and what became of its final refit.
        cautions: Why metrics need care: the model with the starting weights was trained on the photos they are computed
            from (data leakage), or they do not cover some classes; or that there are more trials than combinations.
        diagnoses: Trials that found nothing, with the likely causes. Never stored.
        follow_up: Kind of a search that repeats trials of another one; None for a search that looks for parameters.
        follows: Id of the search whose trials it repeats; empty if it follows none.
        owner: Who started it; empty if unknown.
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
    notices: tuple[Notice, ...] = ()
    cautions: tuple[Notice, ...] = ()
    diagnoses: tuple[Notice, ...] = ()
    follow_up: FollowUpKind | None = None
    follows: str = ""
    owner: str = ""

    def __repr__(self) -> str:
        """Return a short form, for notebooks."""
        return f"SearchStatus({self.search!r}, {self.summary})"

    @property
    def summary(self) -> str:
        """State, trials and best score in a few words."""
        best, found = self.best_result, ""
        if best:
            trials = ", ".join(map(str, best.trials))
            source = f"average of trials {trials}" if best.is_average else f"trial {trials}"
            found = f", best {self.objective} {best.score:.3f} ({source})"
        return f"{self.state}, {self.trials_over} of {self.planned_trials} trials done{found}"

    @property
    def progress(self) -> float:
        """Completed share of the whole search, 0 to 1, by batches; it never decreases while a supervisor runs.

        Each trial and the final refit have the same weight; a trial that ended early counts as complete.
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
        """Whether the search is waiting or running, so that a page must refresh."""
        return self.state in ACTIVE_STATES

    @property
    def unfinished(self) -> bool:
        """Whether the search is not running but can be resumed: trials or the final refit are left."""
        has_more = len(self.trials) < self.planned_trials or self.refit_share is not None
        return self.state == "interrupted" or (self.state == "stopped" and has_more)

    @property
    def trials_over(self) -> int:
        """Number of trials that have ended, in any state."""
        return sum(trial.state != "running" for trial in self.trials)

    @cached_property
    def best_trial(self) -> TrialStatus | None:
        """Trial whose best epoch has the highest score; ties go to the lowest latency, then to the earliest."""
        return best_of(self.trials)

    @cached_property
    def best_result(self) -> BestResult | None:
        """Figures of the model: those of the best trial, or of an average that scores higher; None before an epoch."""
        best, epoch = self.best_trial, self.best_trial.best_epoch if self.best_trial else None
        if best is None or epoch is None:
            return None
        for notice in self.notices:
            if notice.kind == "average_published":
                values = notice.values
                map50 = values.get("map50", values["score"])  # older notices lack it
                return BestResult(tuple(values["trials"]), epoch.epoch, values["score"], map50)
        return BestResult((best.number,), epoch.epoch, epoch.score, epoch.map50)

    @cached_property
    def pareto_front(self) -> tuple[TrialStatus, ...]:
        """Trials that no other trial beats in both quality and latency, fastest first.

        Empty if the objective does not include latency.
        """
        timed = [(trial.best_epoch.rank, trial) for trial in self.trials if trial.best_epoch and trial.latency_ms]
        front: list[tuple[tuple[float, float], TrialStatus]] = []
        for rank, trial in sorted(timed, key=lambda ranked: (ranked[0], -ranked[1].number), reverse=True):
            if not front or rank[1] > front[-1][0][1] or rank == front[-1][0]:
                front.append((rank, trial))
        return tuple(trial for _, trial in reversed(front))

    def to_json(self) -> dict[str, Any]:
        """Return the document that ``status --json`` prints.

        The keys are attribute names, except ``best``: the best trial, its best epoch, that epoch's ``map50``, and the
        ``objective`` with its ``value``; and ``average``: the trials whose average is the model, with the same
        figures, or None if the model is the best trial's. If there is a Pareto front, each trial also has the key
        ``pareto``: whether it is on the front.
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
            "follow_up": self.follow_up,
            "follows": self.follows or None,
            "owner": self.owner or None,
            "average": self._average_to_json(),
        }

    def _best_to_json(self) -> dict[str, Any] | None:
        best, epoch = self.best_trial, self.best_trial.best_epoch if self.best_trial else None
        if best is None or epoch is None:
            return None
        objective = {"objective": self.objective, "value": epoch.score}
        return {"trial": best.number, "epoch": epoch.epoch, "map50": epoch.map50} | objective

    def _average_to_json(self) -> dict[str, Any] | None:
        best = self.best_result
        if best is None or not best.is_average:
            return None
        objective = {"objective": self.objective, "value": best.score}
        return {"trials": list(best.trials), "map50": best.map50} | objective
