"""Background processes that run a module of this package and outlive their parent process."""

import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO


def module_environment(**more: str) -> dict[str, str]:
    """Return the environment of a process that runs a module of this package, wherever the package is located."""
    package_parent = str(Path(__file__).parents[1])
    python_path = os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": python_path} | more


def start_process(
    command: Sequence[str], log: BinaryIO, home: Path, *, stdin: int = subprocess.DEVNULL, pass_fds: Sequence[int] = ()
) -> "subprocess.Popen[bytes]":
    """Start a command in its own session, and collect its exit status when it ends.

    Args:
        command: Command and its arguments.
        log: File that receives its output.
        home: Folder of the workspace.
        stdin: As for ``subprocess.Popen``.
        pass_fds: Descriptors that the process inherits.
    """
    process = subprocess.Popen(
        command,
        stdin=stdin,
        stdout=log,
        stderr=log,
        env=module_environment(AUTODET_HOME=str(home)),
        pass_fds=pass_fds,
        start_new_session=True,
    )
    # Without a wait, an ended process stays in the process table as a zombie.
    threading.Thread(target=process.wait, name=f"wait for {process.pid}", daemon=True).start()
    return process
