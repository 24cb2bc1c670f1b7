"""File locks: a supervisor holds one on its search's folder as long as it lives, an import one on its own folder.

The operating system releases a lock when the process ends, even by a crash. Locks are therefore never stale, always
tell whether a folder is in use, and keep two processes from writing one study.
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
        folder: Folder of a search or an import, or the workspace.
        patience_seconds: Timeout of the wait for the lock, which ``is_locked`` in other processes takes for an instant.

    Yields:
        A descriptor; a child process that inherits it also holds the lock until it ends.

    Raises:
        BusyError: Another process holds the lock.
        FileNotFoundError: The folder does not exist.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _wait_for(descriptor, fcntl.LOCK_EX, folder, patience_seconds)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def hold_folder(folder: Path, *, alone: bool = False, patience_seconds: float = 5.0) -> Iterator[None]:
    """Lock a folder itself, without a lock file: shared between readers, exclusive for a deletion.

    Args:
        folder: Folder, such as that of a data set.
        alone: Whether the lock is exclusive.
        patience_seconds: Timeout of the wait for the lock.

    Raises:
        BusyError: Another process holds a conflicting lock.
        FileNotFoundError: The folder does not exist.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _wait_for(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, folder, patience_seconds)
        yield
    finally:
        os.close(descriptor)


def is_locked(folder: Path) -> bool:
    """Return whether a process holds the lock; any number of processes may check at once."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """Lock a file without waiting; create it if it is missing.

    Returns:
        A descriptor, which holds the lock until ``unlock`` or until the last process that has it ends; None if another
        process holds the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    if _try(descriptor, fcntl.LOCK_EX):
        return descriptor
    os.close(descriptor)
    return None


def unlock(descriptor: int) -> None:
    """Release the lock of ``try_lock``, also for the processes that inherited it."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _wait_for(descriptor: int, kind: int, folder: Path, patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    while not _try(descriptor, kind):
        if time.monotonic() > deadline:
            raise BusyError(f"{folder} is in use by another process; wait until it is done.")
        time.sleep(0.05)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
