"""Locks on folders and files: a supervisor holds one on its search's for as long as it lives, an import on its own.

The operating system releases it when the process ends, however it ends; so whether a folder is being worked
on can always be told, and two processes never write one study.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autodet.errors import BusyError

LOCK = "lock"


@contextmanager
def hold_lock(folder: Path, patience_seconds: float = 5.0) -> Iterator[int]:
    """Hold the lock on a folder.

    Args:
        folder: The folder: a search's, an import's, or the workspace.
        patience_seconds: How long to wait for it; looking whether it is held takes it for an instant.

    Yields:
        A descriptor; a process that inherits it holds the lock too, until it ends.

    Raises:
        BusyError: Another process holds it.
        FileNotFoundError: There is no such folder.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _wait_for(descriptor, fcntl.LOCK_EX, folder, patience_seconds)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def hold_folder(folder: Path, *, alone: bool = False, patience_seconds: float = 5.0) -> Iterator[None]:
    """Hold a folder itself, without a file in it: several readers hold it together, a deletion holds it alone.

    Args:
        folder: The folder, such as a data set's.
        alone: Whether no other process may hold it.
        patience_seconds: How long to wait for it.

    Raises:
        BusyError: Another process holds it in a way that excludes this one.
        FileNotFoundError: There is no such folder.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _wait_for(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, folder, patience_seconds)
        yield
    finally:
        os.close(descriptor)


def is_locked(folder: Path) -> bool:
    """Whether some process holds the lock; many may look at once."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """Lock a file, made if it is not there, without waiting.

    Returns:
        A descriptor, which holds the lock until ``unlock``, or until the last process that has it ends; None where
        another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    if _try(descriptor, fcntl.LOCK_EX):
        return descriptor
    os.close(descriptor)
    return None


def unlock(descriptor: int) -> None:
    """Release the lock of ``try_lock``, for every process that has inherited it too."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _wait_for(descriptor: int, kind: int, folder: Path, patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    while not _try(descriptor, kind):
        if time.monotonic() > deadline:
            raise BusyError(f"{folder} is being worked on by another process already; wait until it is done.")
        time.sleep(0.05)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
