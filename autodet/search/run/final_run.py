"""A run after the trials, which the study does not record: the base of the final refit and of the average."""

import logging
from pathlib import Path

from autodet.records import Notice, TrialState, TrialStatus
from autodet.search.order.spec import SearchSpec
from autodet.search.run.time_budget import Timekeeper
from autodet.search.run.trial_book import TrialBook, name_of
from autodet.search.run.trial_dirs import TrialFolders
from autodet.search.status.status_file import moment
from autodet.workspace import Workspace

log = logging.getLogger("autodet.supervisor")


class FinalRun:
    """A run after the trials.

    Args:
        search: The search folder.
        folder: Name of the run's folder there; each attempt takes over the files of the one before.
        spec: The specification of the search.
        book: The trial book, to which subclasses add the run.
        timekeeper: The time budget.
    """

    def __init__(self, search: Path, folder: str, spec: SearchSpec, book: TrialBook, timekeeper: Timekeeper) -> None:
        self._search, self._spec, self._book, self._time = search, spec, book, timekeeper
        self._workspace = Workspace(search.parent.parent)
        self._folders = TrialFolders(search / folder)

    def folder(self, _number: int) -> Path:
        """Return the folder of the latest attempt."""
        return self._folders.folder(0)

    def has_more(self) -> bool:
        """Return whether it waits for a device."""
        return bool(self._book.waiting)

    def next(self) -> TrialStatus | None:
        """Return the run; None if the time limit is too near, which ends it."""
        (number,) = self._book.waiting
        if self._has_time():
            return self._book.prepare(self._book[number])
        self.end(number, "stopped")
        return None

    def started(self, trial: TrialStatus) -> None:
        """Do nothing, because the study does not know of the run."""

    def end(self, number: int, state: TrialState, reason: Notice | None = None) -> None:
        """Record how it ended."""
        self._book.end(number, state, reason, moment())
        log.info("%s: %s.", name_of(number), state)

    def _has_time(self) -> bool:
        """Return whether the rest of it can end in time."""
        raise NotImplementedError
