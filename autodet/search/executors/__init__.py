"""Executors, which run trials: the interface for the supervisor, and the events that they report."""

import traceback
from dataclasses import dataclass, field
from typing import Protocol

from autodet.errors import AutodetError, DatasetError, PhotoError, disk_full_sentence
from autodet.records import EpochResult, Notice
from autodet.search.executors.error_text import unexpected_reason
from autodet.search.executors.oom import is_out_of_memory
from autodet.search.executors.resource_usage import Usage
from autodet.training.train_job import EpochProgress, TrainJob

BEAT_SECONDS = 1.0  # minimum interval between progress reports of a trial


@dataclass(frozen=True)
class EpochDone:
    """A trial finished an epoch; after a restart, its earlier epochs are reported again."""

    trial: int
    result: EpochResult
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class EpochUnderWay:
    """A trial made progress within an epoch, in training or evaluation; reported about once a second."""

    trial: int
    progress: EpochProgress


@dataclass(frozen=True)
class TrialDone:
    """A trial finished all its epochs."""

    trial: int


@dataclass(frozen=True)
class TrialFailed:
    """A trial failed; ``details`` is a traceback for the log."""

    trial: int
    reason: Notice
    details: str


@dataclass(frozen=True)
class TrialLost:
    """A trial lost its process or machine (killed, hung, unplugged); it may be restarted."""

    trial: int
    reason: Notice


@dataclass(frozen=True)
class TrialTooLarge:
    """A trial ran out of memory; it may be restarted with fewer photos at a time."""

    trial: int
    reason: Notice


@dataclass(frozen=True)
class TrialBlocked:
    """A requirement of every trial is missing (a photo, disk space); ``error`` is a sentence with the remedy."""

    trial: int
    error: str
    details: str


Event = EpochDone | EpochUnderWay | TrialDone | TrialFailed | TrialLost | TrialTooLarge | TrialBlocked


def event_of(trial: int, error: Exception) -> Event:
    """Convert an exception that ended a trial's training to an event; call it inside the ``except`` block."""
    details = traceback.format_exc()
    if is_out_of_memory(error):
        return TrialTooLarge(trial, Notice.of("memory_exhausted", detail=unexpected_reason(error)))
    if full := disk_full_sentence(error):
        return TrialBlocked(trial, full, details)
    if isinstance(error, (DatasetError, PhotoError)):
        return TrialBlocked(trial, str(error), details)
    if isinstance(error, AutodetError):
        return TrialFailed(trial, Notice.of("error", detail=str(error)), details)
    return TrialFailed(trial, Notice.of("unexpected_error", detail=unexpected_reason(error)), details)


class Executor(Protocol):
    """Runs trials, as many in parallel as it has room for."""

    @property
    def slots(self) -> int:
        """Number of trials that run in parallel."""

    @property
    def obstacle(self) -> Notice | None:
        """Why there is no room, if other searches occupy the devices; otherwise None."""

    def has_room(self) -> bool:
        """Return whether another trial can start now; call it only if there is a trial to start."""

    def start(self, trial: int, job: TrainJob) -> str:
        """Start a trial; the executor chooses its device and threads.

        Returns:
            The display name of its device (``cuda:0``); empty if it is not known yet.
        """

    def events(self, timeout_seconds: float) -> list[Event]:
        """Return the events since the last call; wait for one, but no longer than the timeout."""

    def cancel(self, trial: int) -> None:
        """End a trial and all its processes; it reports no further events."""

    def close(self) -> None:
        """End every trial."""
