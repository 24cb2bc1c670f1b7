"""Folders of trials, into each of which only one process can write.

Each attempt has the trial's folder under a name of its own: ``trials/3``, then ``trials/3-2``, ``trials/3-3``. The
next attempt begins by renaming it, which is one step for the file system. So a worker that was given up, but wakes up
again later, no longer finds where it wrote: its checkpoint and its bundle are refused, whatever it believes.
"""

import re
from pathlib import Path

from autodet.workspace import delete_folder

TRIALS = "trials"  # below the search's folder
NAME = re.compile(r"(\d+)(?:-(\d+))?")


class TrialFolders:
    """The folders of a search's trials, for its supervisor.

    Args:
        trials: The folder that they are in.
    """

    def __init__(self, trials: Path) -> None:
        self._trials = trials
        self._latest: dict[int, int] = {}
        for name in filter(None, (NAME.fullmatch(path.name) for path in trials.glob("*"))):
            trial, number = int(name[1]), int(name[2] or 1)
            self._latest[trial] = max(number, self._latest.get(trial, 1))

    def folder(self, trial: int) -> Path:
        """Where a trial's latest attempt writes; where there was none yet, the first one will."""
        number = self._latest.get(trial, 1)
        return self._trials / (str(trial) if number == 1 else f"{trial}-{number}")

    def begin(self, trial: int) -> Path:
        """The folder for a new attempt at a trial, with what the last one reached; nobody else can write there."""
        last = self.folder(trial)
        if last.exists():
            self._latest[trial] = self._latest.get(trial, 1) + 1
            return last.rename(self.folder(trial))
        last.mkdir(parents=True)
        return last

    def discard(self, trial: int) -> None:
        """Forget all that was reached."""
        delete_folder(self.folder(trial))
        self._latest.pop(trial, None)
