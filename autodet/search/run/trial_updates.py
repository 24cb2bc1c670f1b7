"""Updates of a trial's status: progress within an epoch, and the result of an epoch."""

from dataclasses import asdict, replace

from autodet.records import EpochResult, TrialStatus
from autodet.search.executors.resource_usage import Usage
from autodet.search.run.time_budget import startup_seconds
from autodet.training.job import EpochProgress


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
    return replace(trial, epoch_share=progress.share, epoch_seconds=progress.seconds)


def after_epoch(trial: TrialStatus, result: EpochResult, usage: Usage, moment: str) -> TrialStatus:
    """Add an epoch reported at ``moment`` (ISO 8601); if the trial already has the epoch, update only the usage."""
    trial = trial.change_attempt(**asdict(usage))
    if result.epoch <= len(trial.epochs):
        return trial
    trial = _after_start(trial, result.seconds, moment)
    return replace(trial, epochs=(*trial.epochs, result), epoch_share=0.0, epoch_seconds=0.0)


def _after_start(trial: TrialStatus, seconds: float, moment: str) -> TrialStatus:
    """Record the startup time of the current attempt, which is ``seconds`` into its first epoch."""
    attempt = trial.attempts[-1]
    if attempt.startup_seconds is not None:
        return trial
    return trial.change_attempt(startup_seconds=startup_seconds(attempt, seconds, moment))
