"""The processes of supervisors, which outlive whoever starts them."""

import os
import subprocess
import sys
import time
from pathlib import Path

from autodet.search.snapshot import LAUNCHED, LOG, STATUS
from autodet.workspace import module_environment

_launched: list["subprocess.Popen[bytes]"] = []  # kept so that those that have ended are reaped


def launch(folder: Path) -> None:
    """Start a supervisor for the search in a folder."""
    _launched[:] = [process for process in _launched if process.poll() is None]
    if (folder / STATUS).stat().st_mtime > time.time():
        os.utime(folder / STATUS)  # the clock was put back since, and what is launched now must be the later
    (folder / LAUNCHED).touch()
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            _command(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=module_environment(AUTODET_HOME=str(folder.parent.parent)),
            start_new_session=True,
        )
    _launched.append(process)


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "autodet.search", str(folder)]
