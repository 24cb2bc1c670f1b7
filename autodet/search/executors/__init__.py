"""Where trials run: what a supervisor asks of an executor, and what it hears from it."""

import traceback
from dataclasses import dataclass, field
from typing import Protocol

from autodet.errors import AutodetError, DatasetError, PhotoError, disk_full_sentence
from autodet.records import EpochResult
from autodet.search.executors.error_text import unforeseen_reason
from autodet.search.executors.oom import is_out_of_memory
from autodet.search.executors.resource_usage import Usage
from autodet.training.job import EpochProgress, TrainJob

BEAT_SECONDS = 1.0  # a trial shows that it gets on no more often than that


@dataclass(frozen=True)
class EpochDone:
    """A trial has finished an epoch; after a restart it tells its earlier epochs again."""

    trial: int
    result: EpochResult
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class EpochUnderWay:
    """A trial has trained, or evaluated, more of an epoch; heard of about once a second."""

    trial: int
    progress: EpochProgress


@dataclass(frozen=True)
class TrialDone:
    """A trial has trained all its epochs."""

    trial: int


@dataclass(frozen=True)
class TrialFailed:
    """A trial cannot go on; ``error`` is a sentence, ``details`` a traceback for the log."""

    trial: int
    error: str
    details: str


@dataclass(frozen=True)
class TrialLost:
    """What a trial ran on is gone (killed, hung, unplugged); it may be started again."""

    trial: int
    reason: str


@dataclass(frozen=True)
class TrialTooLarge:
    """A trial needs more memory than there is; it may be started again with fewer photos at a time."""

    trial: int
    reason: str


@dataclass(frozen=True)
class TrialBlocked:
    """What every trial needs is gone (a photo, space on the disk); ``reason`` is a sentence that says what to do."""

    trial: int
    reason: str
    details: str


Event = EpochDone | EpochUnderWay | TrialDone | TrialFailed | TrialLost | TrialTooLarge | TrialBlocked


def event_of(trial: int, error: Exception) -> Event:
    """What an exception that ended a trial's training means for it; to be called while the exception is handled."""
    details = traceback.format_exc()
    if is_out_of_memory(error):
        return TrialTooLarge(trial, unforeseen_reason(error))
    if full := disk_full_sentence(error):
        return TrialBlocked(trial, full, details)
    if isinstance(error, (DatasetError, PhotoError)):
        return TrialBlocked(trial, str(error), details)
    if isinstance(error, AutodetError):
        return TrialFailed(trial, str(error), details)
    sentence = f"The trial failed unexpectedly ({unforeseen_reason(error)}); the log has the details."
    return TrialFailed(trial, sentence, details)


class Executor(Protocol):
    """Runs trials somewhere, as many side by side as it has room for."""

    @property
    def slots(self) -> int:
        """How many trials run side by side."""

    @property
    def obstacle(self) -> str:
        """Why there is no room, as a sentence, where others use what trials run on; else empty."""

    def has_room(self) -> bool:
        """Whether another trial can be started now; to be asked only if there is one to start."""

    def start(self, trial: int, job: TrainJob) -> str:
        """Start a trial; its device and threads are the executor's to choose.

        Returns:
            What it runs on, as people call it (``cuda:0``); empty where that is not known yet.
        """

    def events(self, timeout_seconds: float) -> list[Event]:
        """What happened since the last call; waits for something to happen, but no longer than asked."""

    def cancel(self, trial: int) -> None:
        """End a trial and everything that it runs on; nothing more is heard of it."""

    def close(self) -> None:
        """End every trial."""
