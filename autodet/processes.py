"""Processes that run a module of this package: those that outlive their parent process, and connected ones."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import BinaryIO

Secrets = tuple[str, ...]  # prefixes of variable names
NO_SECRETS: Secrets = ()
DATABASE: Secrets = ("AUTODET_STORAGE_URL", "PG", "RAY_")  # for supervisors: the studies, the cluster
OWN_S3_KEYS: Secrets = ("AWS_",)  # for imports that may use the keys of the machine
_SECRET = ("AUTODET_PASSWORD", *DATABASE)
_PASSED_ON = (
    *("AUTODET_", "PYTHON", "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_", "TZ", "TMP", "TEMP", "XDG_"),
    *("LD_", "DYLD_", "VIRTUAL_ENV", "CONDA_", "SYSTEMROOT", "SSL_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "CUDA", "CUBLAS", "NVIDIA_", "NCCL_", "TORCH", "PYTORCH_"),
    *("OMP_", "MKL_", "KMP_", "OPENBLAS_", "GOMP_", "DNNL_", "ONEDNN_", "ORT_", "MALLOC_", "GLIBC_"),
)


def module_environment(secrets: Secrets = NO_SECRETS, **more: str) -> dict[str, str]:
    """Return the environment of a process that runs a module of this package, wherever the package is located.

    Args:
        secrets: Secrets that the process needs; it gets no password and no other keys.
        **more: Further variables.
    """
    needed = {name: value for name, value in os.environ.items() if _is_needed(name.upper(), secrets)}
    package_parent = str(Path(__file__).parents[1])
    python_path = os.pathsep.join(filter(None, [package_parent, os.environ.get("PYTHONPATH")]))
    return needed | {"PYTHONPATH": python_path} | more


def drop_secrets() -> None:
    """Remove the variables that only this process's parent needed from the environment of this process."""
    for name in os.environ.keys() - module_environment().keys():
        del os.environ[name]


def _is_needed(name: str, secrets: Secrets) -> bool:
    return name.startswith(secrets) or (name.startswith(_PASSED_ON) and not name.startswith(_SECRET))


def start_process(
    command: Sequence[str],
    log: BinaryIO,
    home: Path,
    *,
    stdin: int = subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
    secrets: Secrets = NO_SECRETS,
) -> "subprocess.Popen[bytes]":
    """Start a command in its own session, and collect its exit status when it ends.

    Args:
        command: Command and its arguments.
        log: File that receives its output.
        home: Folder of the workspace.
        stdin: As for ``subprocess.Popen``.
        pass_fds: Descriptors that the process inherits.
        secrets: As for ``module_environment``.
    """
    process = subprocess.Popen(
        command,
        stdin=stdin,
        stdout=log,
        stderr=log,
        env=module_environment(secrets, AUTODET_HOME=str(home)),
        pass_fds=pass_fds,
        start_new_session=True,
    )
    # Without a wait, an ended process stays in the process table as a zombie.
    threading.Thread(target=process.wait, name=f"wait for {process.pid}", daemon=True).start()
    return process


@dataclass(frozen=True)
class Child:
    """A process that is connected to this one."""

    process: "subprocess.Popen[bytes]"
    connection: Connection

    def end(self) -> None:
        """Close the connection, and kill the process."""
        self.connection.close()
        self.process.kill()
        self.process.wait()


def start_child(module: str) -> Child:
    """Start a module of this package as a process whose only argument is the descriptor of its connection."""
    ours, theirs = socket.socketpair()
    with theirs:
        descriptor = theirs.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(descriptor)],
            stdin=subprocess.DEVNULL,
            env=module_environment(),
            pass_fds=[descriptor],
        )
    return Child(process, Connection(ours.detach()))
