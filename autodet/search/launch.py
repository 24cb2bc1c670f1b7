"""Launch of supervisor processes, which outlive their parent."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from autodet.errors import SearchError
from autodet.inference.runtime import is_installed
from autodet.processes import DATABASE, start_process
from autodet.search.status.status_file import LAUNCHED, LOG, STATUS
from autodet.text_format import listed

Launcher = Callable[[Path], object]
PACKAGES = ("torch", "torchvision", "optuna", "pycocotools")  # of training, which a demo's installation lacks
STAND_BY = "--stand-by"  # argument of a process that reads the folder from its standard input
STAND_BY_SECONDS = 120.0


def check_training() -> None:
    """Check that this installation can train.

    Raises:
        SearchError: A package is missing.
    """
    if missing := [package for package in PACKAGES if not is_installed(package)]:
        raise SearchError(
            f"Nothing can be trained here, because {listed(missing)} {'is' if len(missing) == 1 else 'are'} not "
            "installed. Train in a full installation, and upload the model here on the page Models."
        )


def launch(folder: Path, *, module: str = "autodet.search", train: str | None = None) -> "subprocess.Popen[bytes]":
    """Start a supervisor process for the search in a folder.

    Args:
        folder: Folder of the search.
        module: Module that the process runs; its arguments are the folder and ``train``.
        train: Training function of the trials, as ``module:function``; ``autodet.training.loop:train`` by default.

    Raises:
        SearchError: This installation cannot train.
    """
    check_training()
    if (folder / STATUS).stat().st_mtime > time.time():
        os.utime(folder / STATUS)  # the clock was set back; LAUNCHED must not be older than STATUS
    (folder / LAUNCHED).touch()
    command = [sys.executable, "-m", module, str(folder), *([train] if train else [])]
    with (folder / LOG).open("ab") as log:
        return start_process(command, log, folder.parent.parent, secrets=DATABASE)


def stand_by(home: Path) -> Launcher:
    """Start a supervisor process that loads its libraries and waits for its search, unless one is already waiting.

    It waits at most ``STAND_BY_SECONDS``, and ends if this process ends.

    Args:
        home: Folder of the workspace.

    Returns:
        A function that launches the search in a folder, in a new process if none is waiting.
    """
    process = _waiting.get(home)
    if process is None or process.poll() is not None:
        command = [sys.executable, "-m", "autodet.search", STAND_BY, str(home)]  # the home is for process lists
        with Path(os.devnull).open("wb") as log:  # once it has a search, it writes to the search's log
            _waiting[home] = start_process(command, log, home, stdin=subprocess.PIPE, secrets=DATABASE)
    return partial(_launch_waiting, home)


_waiting: dict[Path, "subprocess.Popen[bytes]"] = {}  # by workspace


def _launch_waiting(home: Path, folder: Path) -> None:
    process = _waiting.pop(home, None)
    if process is None or process.stdin is None:
        launch(folder)
        return
    try:
        (folder / LAUNCHED).touch()
        with process.stdin as orders:
            orders.write(f"{folder}\n".encode())
    except BrokenPipeError:  # it has ended
        launch(folder)
