"""The records of a search's trials and of the refit or average at its end: status, attempts, retries and memory."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from datetime import datetime

from autodet.records import Attempt, EpochResult, Notice, TrialState, TrialStatus, best_of
from autodet.search.executors.resource_usage import Usage
from autodet.search.run.oom_backoff import MemoryBackoff
from autodet.training.train_job import EpochProgress

REFIT, AVERAGE = -1, -2  # numbers of the refit and the average for the executor and in the book
RETRIES = 2  # restarts of a lost trial without a completed epoch in between


class TrialBook:
    """The trials of a search and, at its end, the refit or the average. It performs no input or output.

    Args:
        trials: The trials that earlier supervisors have started; those that have not ended wait to continue.

    Attributes:
        best: Trial whose best epoch ranks highest; None before the first epoch.
        waiting: Numbers of the trials that were started and wait for a device, the next one first.
        running: Numbers of the trials that an executor runs.
    """

    def __init__(self, trials: Iterable[TrialStatus] = ()) -> None:
        self._trials = {trial.number: trial for trial in trials}
        self._final: dict[int, TrialStatus] = {}
        self.best = best_of(self._trials.values())
        self.waiting = [trial.number for trial in self._trials.values() if trial.state == "running"]
        self.running: set[int] = set()
        self._losses: Counter[int] = Counter()
        self._fitting = MemoryBackoff(self._trials.values())

    @property
    def refit(self) -> TrialStatus | None:
        """The refit, as if it were a trial; None before it is due."""
        return self._final.get(REFIT)

    def __len__(self) -> int:
        """Return the number of trials."""
        return len(self._trials)

    def __iter__(self) -> Iterator[TrialStatus]:
        """Iterate over the trials in the order of their start."""
        return iter(self._trials.values())

    def __reversed__(self) -> Iterator[TrialStatus]:
        """Iterate over the trials, the latest first."""
        return reversed(self._trials.values())

    def __getitem__(self, number: int) -> TrialStatus:
        """Return a trial, the refit or the average."""
        return (self._trials if number >= 0 else self._final)[number]

    def add(self, trial: TrialStatus) -> TrialStatus:
        """Add a trial that has not been started yet, the refit or the average; it waits for a device."""
        self.waiting.append(trial.number)
        return self._put(trial)

    def prepare(self, trial: TrialStatus) -> TrialStatus:
        """Give a trial that is about to start the gradient accumulation that others of its size have needed."""
        return self._put(replace(trial, effective={**trial.effective, **self._fitting.effective(trial.params)}))

    def begin(self, number: int, device: str, moment: str) -> TrialStatus:
        """Begin an attempt at a waiting trial on a device, at a moment (ISO 8601)."""
        self.waiting.remove(number)
        self.running.add(number)
        return self._put(self[number].begin_attempt(device, moment))

    def note_progress(self, number: int, progress: EpochProgress, moment: str) -> None:
        """Note the progress of a trial's current epoch; see ``after_progress``."""
        self._put(after_progress(self[number], progress, moment))

    def note_epoch(self, number: int, result: EpochResult, usage: Usage, moment: str) -> bool:
        """Note an epoch; return whether it is new. After a restart, earlier epochs are reported again."""
        before = self[number]
        trial = self._put(after_epoch(before, result, usage, moment))
        is_new = len(trial.epochs) > len(before.epochs)
        if is_new:
            del self._losses[number]
        return is_new

    def lose(self, number: int) -> bool:
        """Note that a trial lost its process; return whether it may be restarted."""
        self._losses[number] += 1
        return self._losses[number] <= RETRIES

    def shrink(self, number: int) -> bool:
        """Note that a trial ran out of memory; return whether it may be restarted with smaller parts of a batch."""
        return self._fitting.shrink(self[number])

    def put_back(self, number: int, moment: str) -> None:
        """End a trial's attempt; the trial is the next to start."""
        self._put(self[number].end_attempt(moment))
        self.running.remove(number)
        self.waiting.insert(0, number)

    def end(self, number: int, state: TrialState, reason: Notice | None, moment: str) -> TrialStatus:
        """End a running or waiting trial."""
        trial = replace(self[number].without_share(), state=state, reason=reason)
        self.running.discard(number)
        if number in self.waiting:
            self.waiting.remove(number)
        return self._put(trial.end_attempt(moment))

    def _put(self, trial: TrialStatus) -> TrialStatus:
        if trial.number < 0:
            self._final[trial.number] = trial
            return trial
        self._trials[trial.number] = trial
        # The best trial itself may rank lower than before, below others.
        is_best = self.best and self.best.number == trial.number
        self.best = best_of(self._trials.values() if is_best or not self.best else [trial, self.best])
        return trial


def name_of(number: int) -> str:
    """Return the name that the log uses: trial number, refit or average."""
    return {REFIT: "The final refit", AVERAGE: "The average"}.get(number, f"Trial {number}")


def after_progress(trial: TrialStatus, progress: EpochProgress, moment: str) -> TrialStatus:
    """Return a trial with the progress of its current epoch; unchanged if the progress is not new.

    If an epoch is repeated because its process was lost, its progress counts once it exceeds the previous share.

    Args:
        trial: The trial.
        progress: Progress of one of its epochs; reports of an earlier epoch may arrive late.
        moment: Time of the report, ISO 8601.
    """
    if progress.epoch != len(trial.epochs) + 1 or progress.share <= trial.epoch_share:
        return trial
    trial = _after_start(trial, progress.seconds, moment)
    return trial.after_share(progress.share, progress.seconds, progress.loss)


def after_epoch(trial: TrialStatus, result: EpochResult, usage: Usage, moment: str) -> TrialStatus:
    """Add an epoch reported at ``moment`` (ISO 8601); if the trial already has the epoch, update only the usage."""
    trial = trial.change_attempt(**asdict(usage))
    if result.epoch <= len(trial.epochs):
        return trial
    trial = _after_start(trial, result.seconds, moment)
    return replace(trial.without_share(), epochs=(*trial.epochs, result))


def _after_start(trial: TrialStatus, seconds: float, moment: str) -> TrialStatus:
    """Record the startup time of the current attempt, which is ``seconds`` into its first epoch."""
    attempt = trial.attempts[-1]
    if attempt.startup_seconds is not None:
        return trial
    return trial.change_attempt(startup_seconds=startup_seconds(attempt, seconds, moment))


def startup_seconds(attempt: Attempt, seconds: float, moment: str) -> float:
    """Return how long an attempt took until its first epoch began.

    Args:
        attempt: The attempt.
        seconds: Time spent in that epoch so far.
        moment: The current time, ISO 8601.
    """
    passed = datetime.fromisoformat(moment) - datetime.fromisoformat(attempt.started)
    return max(0.0, passed.total_seconds() - seconds)
