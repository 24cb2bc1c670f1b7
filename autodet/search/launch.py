"""Launch of supervisor processes, which outlive their parent."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from autodet.processes import DATABASE, start_process
from autodet.search.status.status_file import LAUNCHED, LOG, STATUS

Launcher = Callable[[Path], object]


def launch(folder: Path, *, module: str = "autodet.search", train: str | None = None) -> "subprocess.Popen[bytes]":
    """Start a supervisor process for the search in a folder.

    Args:
        folder: Folder of the search.
        module: Module that the process runs; its arguments are the folder and ``train``.
        train: Training function of the trials, as ``module:function``; ``autodet.training.loop:train`` by default.
    """
    if (folder / STATUS).stat().st_mtime > time.time():
        os.utime(folder / STATUS)  # the clock was set back; LAUNCHED must not be older than STATUS
    (folder / LAUNCHED).touch()
    command = [sys.executable, "-m", module, str(folder), *([train] if train else [])]
    with (folder / LOG).open("ab") as log:
        return start_process(command, log, folder.parent.parent, secrets=DATABASE)
