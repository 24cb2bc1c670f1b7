"""The time budget of a search: its clock, how long epochs take, and what still fits before the time limit."""

import heapq
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from statistics import fmean
from typing import Self

from autodet.records import Attempt, TrialStatus
from autodet.search.order.space import mean_epochs
from autodet.search.order.spec import SearchSpec

REFIT_MARGIN, TURN_SECONDS = 1.1, 1.0  # a refit that is cut short is worth nothing; trials end before it begins
MIN_EPOCH_SHARE = 0.25  # of the epochs asked for; a trial of fewer says little about its parameters
RECENT = 50  # trials whose pace is that of the search


@dataclass(frozen=True)
class Pace:
    """How long things have taken so far.

    Attributes:
        startup_seconds: From a trial's start until its first epoch begins: a process, imports, weights.
        epoch_seconds: An epoch, its evaluation included.
    """

    startup_seconds: float
    epoch_seconds: float

    @classmethod
    def of(cls, trials: Iterable[TrialStatus]) -> Self | None:
        """The pace of trials, each of them as important as the others; None before the first epoch."""
        measured = [trial for trial in trials if trial.epochs]
        if not measured:
            return None
        attempts = [attempt for trial in measured for attempt in trial.attempts]
        startups = [attempt.startup_seconds for attempt in attempts if attempt.startup_seconds is not None]
        return cls(fmean(startups) if startups else 0.0, fmean(map(mean_epoch_seconds, measured)))

    @classmethod
    def of_batches(cls, trials: Iterable[TrialStatus]) -> Self | None:
        """A first guess before any epoch is done, from the batches of trials; None before the first batch."""
        begun = [trial for trial in trials if trial.epoch_share]
        if not begun:
            return None
        startups = [one.startup_seconds for trial in begun for one in trial.attempts if one.startup_seconds is not None]
        epochs = [trial.epoch_seconds / trial.epoch_share for trial in begun]
        return cls(fmean(startups) if startups else 0.0, fmean(epochs))


def mean_epoch_seconds(trial: TrialStatus) -> float:
    """How long an epoch of a trial took, of a trial that has some."""
    return fmean(result.seconds for result in trial.epochs)


def startup_seconds(attempt: Attempt, seconds: float, moment: str) -> float:
    """How long an attempt took until its first epoch began.

    Args:
        attempt: The attempt.
        seconds: How long that epoch has taken at the moment.
        moment: ISO 8601.
    """
    passed = datetime.fromisoformat(moment) - datetime.fromisoformat(attempt.started)
    return max(0.0, passed.total_seconds() - seconds)


@dataclass(frozen=True)
class Budget:
    """What a search may take.

    Attributes:
        trials: How many trials are planned.
        epochs: Epochs a trial.
        time_limit: Seconds for everything, or None.
        refit_growth: How much longer an epoch of the final refit is than one of a trial; 0 where there is
            no refit.
        usual_epochs: Epochs that a trial has in the mean, where they are tuned; those of all trials if not given.
    """

    trials: int
    epochs: int
    time_limit: float | None = None
    refit_growth: float = 0.0
    usual_epochs: float | None = None

    def seconds_left(self, spent_seconds: float) -> float:
        """Seconds until the time limit, not below 0; infinite where there is none."""
        return math.inf if self.time_limit is None else max(0.0, self.time_limit - spent_seconds)

    def refit_seconds(self, pace: Pace | None, epochs: float) -> float:
        """How long the final refit of so many epochs takes; 0 where there is none, or nothing is known yet."""
        if pace is None or not self.refit_growth:
            return 0.0
        return pace.startup_seconds + epochs * pace.epoch_seconds * self.refit_growth

    def reserve(self, pace: Pace | None, epochs: int, best_epoch: int, seconds_left: float) -> float:
        """What trials must leave of the time, so that the refit ends before the limit even if it is a little slower.

        0 once there is no time for a refit of the best trial: then trials may have what is left.
        """
        if not self.refit_growth or self.refit_seconds(pace, max(1, best_epoch)) > seconds_left:
            return 0.0
        return REFIT_MARGIN * self.refit_seconds(pace, epochs) + TURN_SECONDS

    def allows_epoch(
        self, trial: TrialStatus, seconds_left: float, pace: Pace | None, best_epoch: int, *, starts: bool = False
    ) -> bool:
        """Whether a trial's next epoch can end in time, and after it the refit that it may call for.

        Args:
            trial: The trial.
            seconds_left: Until the time limit.
            pace: Of the search so far; where nothing is known, everything is allowed.
            best_epoch: The epoch of the best model so far, which says how long the refit would be.
            starts: Whether the trial has to be started first.
        """
        if pace is None or math.isinf(seconds_left):
            return True
        epoch = mean_epoch_seconds(trial) if trial.epochs else pace.epoch_seconds
        startup = pace.startup_seconds if starts else 0.0
        refit = self.reserve(pace, max(best_epoch, len(trial.epochs) + 1), best_epoch, seconds_left)
        return startup + epoch + refit <= seconds_left

    def epochs_for_another(self, seconds_left: float, pace: Pace | None, best_epoch: int) -> int:
        """How many epochs a trial that starts now can have; 0 if it should not start.

        One that starts late gets fewer, so that its learning rate falls to its end in time.
        """
        if pace is None or math.isinf(seconds_left):
            return self.epochs
        for epochs in range(self.epochs, math.ceil(self.epochs * MIN_EPOCH_SHARE) - 1, -1):
            trial = pace.startup_seconds + epochs * pace.epoch_seconds
            if trial + self.reserve(pace, max(best_epoch, epochs), best_epoch, seconds_left) <= seconds_left:
                return epochs
        return 0

    def forecast(
        self, trials: Sequence[TrialStatus], seconds_left: float, pace: Pace | None, best_epoch: int, slots: int
    ) -> float | None:
        """Seconds until the end if no trial is pruned; None before the first batch.

        Args:
            trials: All that were started.
            seconds_left: Until the time limit.
            pace: Of the search so far.
            best_epoch: The epoch of the best model so far.
            slots: How many trials run side by side.
        """
        if pace is None:
            return None
        ends = [0.0] * slots
        for seconds in self._trial_seconds(trials, pace):
            heapq.heapreplace(ends, ends[0] + seconds)  # each trial goes to the slot that is free first
        return min(max(ends) + self.refit_seconds(pace, best_epoch), seconds_left)

    def _trial_seconds(self, trials: Sequence[TrialStatus], pace: Pace) -> list[float]:
        """What trials still take: those under way, then those that have not begun."""
        seconds = []
        for trial in (trial for trial in trials if trial.state == "running"):
            epoch = mean_epoch_seconds(trial) if trial.epochs else pace.epoch_seconds
            startup = pace.startup_seconds if trial.is_loading else 0.0
            epochs_left = trial.planned_epochs - len(trial.epochs) - trial.epoch_share
            seconds.append(startup + epoch * max(0.0, epochs_left))
        whole = pace.startup_seconds + (self.usual_epochs or self.epochs) * pace.epoch_seconds
        return seconds + [whole] * (self.trials - len(trials))


class Stopwatch:
    """Counts seconds from a number on while it runs; it stands still at first.

    Args:
        seconds: What was counted before, by an earlier process for example.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self._before = seconds
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """What it shows."""
        return self._before + (0.0 if self._since is None else time.monotonic() - self._since)

    def pause(self) -> None:
        """Stand still."""
        self._before, self._since = self.seconds, None

    def go_on(self) -> None:
        """Count again."""
        self._since = time.monotonic() if self._since is None else self._since


class Timekeeper:
    """Answers what a supervisor asks about time.

    Args:
        spec: The search.
        clock: Runs while the search does.
        trials: Its trials by number, as they are at any moment.
        best_trial: The best of them so far.
        refit_growth: As ``Budget`` has it.

    Attributes:
        clock: How long the search has run for.
        cut: Whether there was no time for all.
        refit_done: Epochs that the final refit has done, with the share of the one under way; None before it begins.
    """

    def __init__(
        self,
        spec: SearchSpec,
        clock: Stopwatch,
        trials: dict[int, TrialStatus],
        best_trial: Callable[[], TrialStatus | None],
        refit_growth: float,
    ) -> None:
        self._spec, self.clock, self._trials, self._best_trial = spec, clock, trials, best_trial
        usual = mean_epochs(spec.space, spec.epochs)
        self._budget = Budget(spec.trials, spec.epochs, spec.time_limit, refit_growth, usual)
        self.cut = False
        self.refit_done: float | None = None

    def seconds_left(self) -> float:
        """Seconds until the time limit; infinite where there is none."""
        return self._budget.seconds_left(self.clock.seconds)

    def epochs_for_another(self) -> int:
        """How many epochs a trial that starts now can have; 0 if it should not start."""
        if self._spec.time_limit is None:
            return self._spec.epochs
        return self._budget.epochs_for_another(self.seconds_left(), self._pace(), self._best_epoch())

    def reserve(self) -> float:
        """Seconds that trials must leave to the refit."""
        if not self._spec.refit or self._spec.time_limit is None:
            return 0.0
        best = self._best_epoch()
        return self._budget.reserve(self._pace(), best, best, self.seconds_left())

    def refit_seconds(self) -> float:
        """How long the refit still takes."""
        if not self._spec.refit:
            return 0.0
        return self._budget.refit_seconds(self._pace(), self._best_epoch() - (self.refit_done or 0))

    def allows_epoch(self, trial: TrialStatus, *, starts: bool = False) -> bool:
        """Whether a trial's next epoch can end in time; if not, the search is cut."""
        if self._spec.time_limit is None:
            return True
        left, pace = self.seconds_left(), self._pace()
        allowed = self._budget.allows_epoch(trial, left, pace, self._best_epoch(), starts=starts)
        self.cut = self.cut or not allowed
        return allowed

    def forecast(self, slots: int) -> float | None:
        """Seconds until the end with this number of slots; None before the first batch."""
        trials, left = list(self._trials.values()), self.seconds_left()
        if self.refit_done is not None:
            return min(self.refit_seconds(), left)
        pace = self._pace() or Pace.of_batches(trials)
        return self._budget.forecast(trials, left, pace, self._best_epoch(), slots)

    def refit_share(self) -> float | None:
        """Share of the final refit that is done, 0 to 1; None where none was asked for."""
        if not self._spec.refit:
            return None
        return min(1.0, (self.refit_done or 0) / max(1, self._best_epoch()))

    def _pace(self) -> Pace | None:
        return Pace.of(islice(reversed(self._trials.values()), RECENT))

    def _best_epoch(self) -> int:
        best = self._best_trial() if self._spec.refit else None
        return best.best_epoch.epoch if best and best.best_epoch else 0
