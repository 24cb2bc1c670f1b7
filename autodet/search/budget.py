"""How long a search takes, and what still fits into its time: arithmetic on what was measured, and nothing else."""

import heapq
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Self

from autodet.records import Attempt, TrialStatus

REFIT_MARGIN, TURN_SECONDS = 1.1, 1.0  # a refit that is cut short is worth nothing; trials end before it begins
SHORTEST_SHARE = 0.25  # of the epochs asked for; a trial of fewer says little about its parameters


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
        for epochs in range(self.epochs, math.ceil(self.epochs * SHORTEST_SHARE) - 1, -1):
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
