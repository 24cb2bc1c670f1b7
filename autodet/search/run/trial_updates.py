"""A trial's status after news of its attempt: progress within an epoch, and an epoch's result."""

from dataclasses import asdict, replace

from autodet.records import EpochResult, TrialStatus
from autodet.search.executors.resource_usage import Usage
from autodet.search.run.time_budget import startup_seconds
from autodet.training.job import EpochProgress


def after_progress(trial: TrialStatus, progress: EpochProgress, moment: str) -> TrialStatus:
    """A trial whose epoch has got further; itself where that is no news.

    An epoch that is trained again, because its process was lost, is news once it is further than before.

    Args:
        trial: The trial.
        progress: Of one of its epochs; word of an earlier one may arrive late.
        moment: When it was heard, ISO 8601.
    """
    if progress.epoch != len(trial.epochs) + 1 or progress.share <= trial.epoch_share:
        return trial
    trial = _after_start(trial, progress.seconds, moment)
    return replace(trial, epoch_share=progress.share, epoch_seconds=progress.seconds)


def after_epoch(trial: TrialStatus, result: EpochResult, usage: Usage, moment: str) -> TrialStatus:
    """A trial with one epoch more, heard of at a moment (ISO 8601); of one that it has, only the usage is news."""
    trial = trial.change_attempt(**asdict(usage))
    if result.epoch <= len(trial.epochs):
        return trial
    trial = _after_start(trial, result.seconds, moment)
    return replace(trial, epochs=(*trial.epochs, result), epoch_share=0.0, epoch_seconds=0.0)


def _after_start(trial: TrialStatus, seconds: float, moment: str) -> TrialStatus:
    """A trial that knows how long its attempt took to start; it is some seconds into its first epoch."""
    attempt = trial.attempts[-1]
    if attempt.startup_seconds is not None:
        return trial
    return trial.change_attempt(startup_seconds=startup_seconds(attempt, seconds, moment))
