"""Places for imports: a limited number run at a time, and the others wait in the order of their requests.

    workspace/imports/.places/<number>   locked by the import that has the place

The operating system releases the lock when a process ends, so a killed import does not block others.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from autodet.errors import BusyError
from autodet.lock import is_locked, try_lock, unlock
from autodet.settings import load_settings

MAX_WAITING = 12
POLL_SECONDS = 0.3
WAITING = "waiting"  # file in the folder of an import, written when it begins to wait


def check_waiting(imports: Path) -> None:
    """Check that one more import may wait.

    Raises:
        BusyError: Too many imports run or wait already.
    """
    waiting = len(_waiting(imports))
    if waiting >= MAX_WAITING:
        raise BusyError("The queue of imports is full; try again when some of them are done.")


@contextmanager
def hold_place(folder: Path, while_waiting: Callable[[], None]) -> Iterator[None]:
    """Wait for a place, and hold it.

    Args:
        folder: Folder of the import, which this process has locked.
        while_waiting: Called repeatedly during the wait; an exception that it raises ends the wait.

    Raises:
        SettingsError: The settings are invalid.
    """
    places = folder.parent / ".places"
    places.mkdir(exist_ok=True)
    most = load_settings().max_imports
    (folder / WAITING).touch()
    try:
        while (descriptor := _take(folder, places, most)) is None:
            while_waiting()
            time.sleep(POLL_SECONDS)
    finally:
        (folder / WAITING).unlink(missing_ok=True)
    try:
        yield
    finally:
        unlock(descriptor)


def _take(folder: Path, places: Path, most: int) -> int | None:
    if _waiting(folder.parent)[:1] not in ([], [folder]):
        return None
    return next((held for number in range(most) if (held := try_lock(places / str(number))) is not None), None)


def _waiting(imports: Path) -> list[Path]:
    """Return the folders of waiting imports whose process is alive, the earliest first."""
    found = []
    for mark in imports.glob(f"[!.]*/{WAITING}"):
        try:
            found.append((mark.stat().st_mtime_ns, mark.parent))
        except OSError:
            continue  # it has just begun
    return [folder for _, folder in sorted(found) if is_locked(folder)]
