"""Processes that run a module of this package in the background and outlive the one that starts them."""

import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO


def module_environment(**more: str) -> dict[str, str]:
    """The environment of a process that runs a module of this package, from wherever the package was loaded."""
    package_parent = str(Path(__file__).parents[1])
    python_path = os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": python_path} | more


def start_process(
    command: Sequence[str], log: BinaryIO, home: Path, *, stdin: int = subprocess.DEVNULL, pass_fds: Sequence[int] = ()
) -> "subprocess.Popen[bytes]":
    """Start a command in a session of its own, and collect its exit status when it ends.

    Args:
        command: The command and its arguments.
        log: The file that its output goes to.
        home: The workspace's folder.
        stdin: As ``subprocess.Popen`` takes it.
        pass_fds: Descriptors that it inherits.
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
    # Without a wait, a process that has ended stays in the process table as a zombie.
    threading.Thread(target=process.wait, name=f"wait for {process.pid}", daemon=True).start()
    return process
