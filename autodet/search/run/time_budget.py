"""The time budget of a search: its clock, the measured epoch times, and the work that still fits the time limit."""

import heapq
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import fmean
from typing import Self

from autodet.records import TrialStatus
from autodet.search.order.space import mean_epochs
from autodet.search.order.spec import SearchSpec
from autodet.search.run.trial_book import TrialBook

REFIT_MARGIN, TURN_SECONDS = 1.1, 1.0  # safety margins: a refit that is cut short is useless, so trials end before it
MIN_EPOCH_SHARE = 0.25  # of the requested epochs; a shorter trial says little about its parameters
RECENT = 50  # number of latest trials with an epoch that the pace is estimated from


@dataclass(frozen=True)
class Pace:
    """Measured durations so far.

    Attributes:
        startup_seconds: From the start of a trial to its first epoch: process start, imports, weights.
        epoch_seconds: One epoch, evaluation included.
    """

    startup_seconds: float
    epoch_seconds: float

    @classmethod
    def of(cls, trials: Iterable[TrialStatus]) -> Self | None:
        """Return the mean pace of trials, with equal weight for each; None before the first epoch."""
        measured = [trial for trial in trials if trial.epochs]
        if not measured:
            return None
        attempts = [attempt for trial in measured for attempt in trial.attempts]
        startups = [attempt.startup_seconds for attempt in attempts if attempt.startup_seconds is not None]
        return cls(fmean(startups) if startups else 0.0, fmean(map(mean_epoch_seconds, measured)))

    @classmethod
    def of_batches(cls, trials: Iterable[TrialStatus]) -> Self | None:
        """Estimate the pace from trained batches before any epoch is done; None before the first batch."""
        begun = [trial for trial in trials if trial.epoch_share]
        if not begun:
            return None
        startups = [
            attempt.startup_seconds
            for trial in begun
            for attempt in trial.attempts
            if attempt.startup_seconds is not None
        ]
        epochs = [trial.epoch_seconds / trial.epoch_share for trial in begun]
        return cls(fmean(startups) if startups else 0.0, fmean(epochs))


def mean_epoch_seconds(trial: TrialStatus) -> float:
    """Return the mean epoch time of a trial with at least one epoch."""
    return fmean(result.seconds for result in trial.epochs)


@dataclass(frozen=True)
class Budget:
    """The limits of a search.

    Attributes:
        trials: Number of planned trials.
        epochs: Epochs per trial.
        time_limit: Total seconds, or None.
        refit_growth: Duration of a refit epoch relative to a trial epoch; 0 without a refit.
        usual_epochs: Mean epochs per trial if they differ; defaults to ``epochs``.
    """

    trials: int
    epochs: int
    time_limit: float | None = None
    refit_growth: float = 0.0
    usual_epochs: float | None = None

    def seconds_left(self, spent_seconds: float) -> float:
        """Return the seconds until the time limit, at least 0; infinite without a limit."""
        return math.inf if self.time_limit is None else max(0.0, self.time_limit - spent_seconds)

    def refit_seconds(self, pace: Pace | None, epochs: float) -> float:
        """Return the duration of a refit with this many epochs; 0 without a refit or before any measurement."""
        if pace is None or not self.refit_growth:
            return 0.0
        return pace.startup_seconds + epochs * pace.epoch_seconds * self.refit_growth

    def reserve(self, pace: Pace | None, epochs: int, best_epoch: int, seconds_left: float) -> float:
        """Return the seconds that trials must leave, so that even a slightly slower refit ends before the limit.

        0 once a refit of the best trial no longer fits: trials may then use the remaining time.
        """
        if not self.refit_growth or self.refit_seconds(pace, max(1, best_epoch)) > seconds_left:
            return 0.0
        return REFIT_MARGIN * self.refit_seconds(pace, epochs) + TURN_SECONDS

    def allows_epoch(
        self, trial: TrialStatus, seconds_left: float, pace: Pace | None, best_epoch: int, *, starts: bool = False
    ) -> bool:
        """Return whether a trial's next epoch, and the refit that it may require, can end in time.

        Args:
            trial: The trial.
            seconds_left: Seconds until the time limit.
            pace: Pace of the search so far; without one, everything is allowed.
            best_epoch: Epoch of the best model so far, which sets the length of the refit.
            starts: Whether the trial has to be started first.
        """
        if pace is None or math.isinf(seconds_left):
            return True
        epoch = mean_epoch_seconds(trial) if trial.epochs else pace.epoch_seconds
        startup = pace.startup_seconds if starts else 0.0
        refit = self.reserve(pace, max(best_epoch, len(trial.epochs) + 1), best_epoch, seconds_left)
        return startup + epoch + refit <= seconds_left

    def epochs_for_another(self, seconds_left: float, pace: Pace | None, best_epoch: int) -> int:
        """Return the number of epochs for a trial that starts now; 0 if it should not start.

        A late trial gets fewer epochs, so that its learning rate schedule completes in time.
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
        """Return the seconds until the end if no trial is pruned; None before the first batch.

        Args:
            trials: All trials started so far.
            seconds_left: Seconds until the time limit.
            pace: Pace of the search so far.
            best_epoch: Epoch of the best model so far.
            slots: Number of trials that run in parallel.
        """
        if pace is None:
            return None
        ends = [0.0] * slots
        for seconds in self._trial_seconds(trials, pace):
            heapq.heapreplace(ends, ends[0] + seconds)  # assign each trial to the slot that is free first
        return min(max(ends) + self.refit_seconds(pace, best_epoch), seconds_left)

    def _trial_seconds(self, trials: Sequence[TrialStatus], pace: Pace) -> list[float]:
        """Return the remaining seconds of each trial: running trials first, then those not started."""
        seconds = []
        for trial in (trial for trial in trials if trial.state == "running"):
            epoch = mean_epoch_seconds(trial) if trial.epochs else pace.epoch_seconds
            startup = pace.startup_seconds if trial.is_loading else 0.0
            epochs_left = trial.planned_epochs - len(trial.epochs) - trial.epoch_share
            seconds.append(startup + epoch * max(0.0, epochs_left))
        whole = pace.startup_seconds + (self.usual_epochs or self.epochs) * pace.epoch_seconds
        return seconds + [whole] * (self.trials - len(trials))


class Stopwatch:
    """Counts seconds while it runs; it starts paused.

    Args:
        seconds: Initial value, for example from an earlier process.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self._before = seconds
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """The seconds counted so far."""
        return self._before + (0.0 if self._since is None else time.monotonic() - self._since)

    def pause(self) -> None:
        """Stop counting."""
        self._before, self._since = self.seconds, None

    def go_on(self) -> None:
        """Resume counting."""
        self._since = time.monotonic() if self._since is None else self._since


class Timekeeper:
    """Applies the time budget to the running search.

    Args:
        spec: The specification of the search.
        clock: Stopwatch that runs while the search has a device.
        book: The trials and the refit.
        refit_growth: See ``Budget``.

    Attributes:
        clock: Running time of the search.
        cut: Whether the time limit cut the search short.
    """

    def __init__(self, spec: SearchSpec, clock: Stopwatch, book: TrialBook, refit_growth: float) -> None:
        self._spec, self.clock, self._book = spec, clock, book
        usual = mean_epochs(spec.space, spec.epochs)
        if spec.follow_up:
            usual = fmean(trial.epochs for trial in spec.follow_up.trials)
        self._budget = Budget(spec.trials, spec.epochs, spec.time_limit, refit_growth, usual)
        self.cut = False

    def seconds_left(self) -> float:
        """Return the seconds until the time limit; infinite without a limit."""
        return self._budget.seconds_left(self.clock.seconds)

    def epochs_for_another(self) -> int:
        """Return the number of epochs for a trial that starts now; 0 if it should not start."""
        if self._spec.time_limit is None:
            return self._spec.epochs
        return self._budget.epochs_for_another(self.seconds_left(), self._pace(), self._best_epoch())

    def reserve(self) -> float:
        """Return the seconds that trials must leave for the refit."""
        if not self._spec.refit or self._spec.time_limit is None:
            return 0.0
        best = self._best_epoch()
        return self._budget.reserve(self._pace(), best, best, self.seconds_left())

    def allows_epoch(self, trial: TrialStatus, *, starts: bool = False) -> bool:
        """Return whether a trial's next epoch can end in time; if not, mark the search as cut."""
        if self._spec.time_limit is None:
            return True
        left, pace = self.seconds_left(), self._pace()
        allowed = self._budget.allows_epoch(trial, left, pace, self._best_epoch(), starts=starts)
        self.cut = self.cut or not allowed
        return allowed

    def allows_refit(self) -> bool:
        """Return whether the rest of the refit can end in time."""
        return self._refit_seconds() <= self.seconds_left()

    def allows_average(self, members: int) -> bool:
        """Return whether as many trials can be averaged in time, if each takes an epoch at most."""
        pace = self._pace()
        return pace is None or pace.startup_seconds + members * pace.epoch_seconds <= self.seconds_left()

    def forecast(self, slots: int) -> float | None:
        """Return the seconds until the end with this number of slots; None before the first batch."""
        trials, left = list(self._book), self.seconds_left()
        if self._book.refit:
            return min(self._refit_seconds(), left)
        pace = self._pace() or Pace.of_batches(trials)
        budget = replace(self._budget, trials=len(trials)) if self.cut else self._budget  # no more trials start
        return budget.forecast(trials, left, pace, self._best_epoch(), slots)

    def refit_share(self) -> float | None:
        """Return the share of the final refit that is done, 0 to 1; None if no refit is requested."""
        if not self._spec.refit:
            return None
        return min(1.0, self._refit_epochs() / max(1, self._best_epoch()))

    def _refit_seconds(self) -> float:
        if not self._spec.refit:
            return 0.0
        return self._budget.refit_seconds(self._pace(), self._best_epoch() - self._refit_epochs())

    def _refit_epochs(self) -> float:
        refit = self._book.refit
        return len(refit.epochs) + refit.epoch_share if refit else 0.0

    def _pace(self) -> Pace | None:
        measured = (trial for trial in reversed(self._book) if trial.epochs)
        return Pace.of(islice(measured, RECENT))

    def _best_epoch(self) -> int:
        best = self._book.best if self._spec.refit else None
        return best.best_epoch.epoch if best and best.best_epoch else 0
