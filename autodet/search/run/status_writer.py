"""Throttled status writes: soon after an event, about once a second for progress within epochs."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from autodet.records import Notice, SearchState, SearchStatus
from autodet.search.status.status_file import read_snapshot, write_snapshot

SECONDS_A_TRIAL = 0.001  # minimum interval between snapshots, per running trial
PROGRESS_SECONDS = 1.0  # minimum interval between snapshots of progress alone


class StatusWriter:
    """Writes the status of a search.

    Args:
        folder: The search folder.
        compose: Builds the status from a state and notices.

    Attributes:
        said: The last state and notices written.
    """

    def __init__(self, folder: Path, compose: Callable[[SearchState, tuple[Notice, ...]], SearchStatus]) -> None:
        self._folder, self._compose = folder, compose
        self._event, self._progress, self._written = True, False, 0.0
        self.said: tuple[SearchState, tuple[Notice, ...]] | None = None

    def note_event(self) -> None:
        """Note an event that readers should see soon."""
        self._event = True

    def note_progress(self) -> None:
        """Note progress within an epoch."""
        self._progress = True

    def write_when_due(self, trials: int, notices: tuple[Notice, ...] = ()) -> None:
        """Write the status ``running`` if there is news; the interval grows with the number of running trials."""
        pause = max(trials * SECONDS_A_TRIAL, 0.0 if self._event else PROGRESS_SECONDS)
        if (self._event or self._progress) and time.monotonic() - self._written >= pause:
            self.write("running", notices)

    def write(self, state: SearchState, notices: tuple[Notice, ...] = ()) -> SearchStatus:
        """Write the status now."""
        status = self._compose(state, notices)
        write_snapshot(self._folder, status)
        self._event = self._progress = False
        self._written, self.said = time.monotonic(), (state, notices)
        return status

    def write_notice(self, notice: Notice) -> None:
        """Replace the notices in the last status, for use while no new status can be composed."""
        write_snapshot(self._folder, replace(read_snapshot(self._folder), state="running", notices=(notice,)))
        self.note_event()  # the next write removes the notice
