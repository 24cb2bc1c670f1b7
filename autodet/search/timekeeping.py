"""What time a search has left, and what fits into it: its clock and its budget, applied to its trials."""

from collections.abc import Callable
from itertools import islice

from autodet.records import TrialStatus
from autodet.search.budget import Budget, Pace
from autodet.search.space import mean_epochs
from autodet.search.spec import SearchSpec
from autodet.search.stopwatch import Stopwatch

RECENT = 50  # trials whose pace is that of the search


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
