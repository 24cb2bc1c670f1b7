"""Trial folders, each writable by one process only.

Each attempt at a trial uses the folder under its own name: ``trials/3``, then ``trials/3-2``, ``trials/3-3``. The next
attempt starts by renaming the folder, which is atomic. A worker that was abandoned but wakes up later no longer finds
its folder, so its checkpoint and bundle cannot be written.
"""

import re
from pathlib import Path

from autodet.training.train_job import CHECKPOINT
from autodet.workspace import delete_folder, sweep_unfinished

TRIALS = "trials"  # subfolder of the search folder
NAME = re.compile(r"(\d+)(?:-(\d+))?")


class TrialFolders:
    """The trial folders of a search, managed by its supervisor.

    Args:
        trials: The parent folder.
    """

    def __init__(self, trials: Path) -> None:
        self._trials = trials
        self._latest: dict[int, int] = {}
        for name in filter(None, (NAME.fullmatch(path.name) for path in trials.glob("*"))):
            trial, number = int(name[1]), int(name[2] or 1)
            self._latest[trial] = max(number, self._latest.get(trial, 1))

    def folder(self, trial: int) -> Path:
        """Return the folder of a trial's latest attempt; before the first attempt, the folder that it will use."""
        number = self._latest.get(trial, 1)
        return self._trials / (str(trial) if number == 1 else f"{trial}-{number}")

    def begin(self, trial: int) -> Path:
        """Return the folder for a new attempt with the files of the last one; no other process can write there."""
        last = self.folder(trial)
        if last.exists():
            self._latest[trial] = self._latest.get(trial, 1) + 1
            return last.rename(self.folder(trial))
        last.mkdir(parents=True)
        return last

    def tidy(self, trial: int) -> None:
        """Delete the files of a running trial: its checkpoint and partly written files."""
        (self.folder(trial) / CHECKPOINT).unlink(missing_ok=True)
        sweep_unfinished(self.folder(trial))

    def discard(self, trial: int) -> None:
        """Delete everything that a trial has written."""
        delete_folder(self.folder(trial))
        self._latest.pop(trial, None)
