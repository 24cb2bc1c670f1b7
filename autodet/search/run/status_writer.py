"""When a supervisor writes its search's status: soon after an event, about once a second for progress within epochs."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from autodet.records import SearchState, SearchStatus
from autodet.search.status.status_file import read_snapshot, write_snapshot

SECONDS_A_TRIAL = 0.001  # between two snapshots, for each trial under way
PROGRESS_SECONDS = 1.0  # between two that say no more than how far epochs are


class StatusWriter:
    """Writes a search's status.

    Args:
        folder: The search's.
        compose: Makes the status out of a state and a message.

    Attributes:
        said: The state and the message that were written last.
    """

    def __init__(self, folder: Path, compose: Callable[[SearchState, str], SearchStatus]) -> None:
        self._folder, self._compose = folder, compose
        self._event, self._progress, self._written = True, False, 0.0
        self.said: tuple[SearchState, str] | None = None

    def note_event(self) -> None:
        """Remember that there is something that readers should see soon."""
        self._event = True

    def note_progress(self) -> None:
        """Remember that an epoch has got further."""
        self._progress = True

    def write_when_due(self, trials: int) -> None:
        """Write that the search is running if there is news; the more trials run, the rarer."""
        pause = max(trials * SECONDS_A_TRIAL, 0.0 if self._event else PROGRESS_SECONDS)
        if (self._event or self._progress) and time.monotonic() - self._written >= pause:
            self.write("running")

    def write(self, state: SearchState, message: str = "") -> SearchStatus:
        """Write the status now."""
        status = self._compose(state, message)
        write_snapshot(self._folder, status)
        self._event = self._progress = False
        self._written, self.said = time.monotonic(), (state, message)
        return status

    def write_message(self, message: str) -> None:
        """Put a message into the last status, at times at which no new one can be composed."""
        write_snapshot(self._folder, replace(read_snapshot(self._folder), state="running", message=message))
        self.note_event()  # so that the message goes when it is no longer true
