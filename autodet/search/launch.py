"""Launch of supervisor processes, which outlive their parent."""

import os
import subprocess
import sys
import time
from pathlib import Path

from autodet.processes import start_process
from autodet.search.status.status_file import LAUNCHED, LOG, STATUS

_launched: list["subprocess.Popen[bytes]"] = []  # child processes still running


def launch(folder: Path) -> None:
    """Start a supervisor for the search in a folder."""
    _launched[:] = [process for process in _launched if process.poll() is None]
    if (folder / STATUS).stat().st_mtime > time.time():
        os.utime(folder / STATUS)  # the clock was set back; LAUNCHED must not be older than STATUS
    (folder / LAUNCHED).touch()
    with (folder / LOG).open("ab") as log:
        _launched.append(start_process(_command(folder), log, folder.parent.parent))


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "autodet.search", str(folder)]
