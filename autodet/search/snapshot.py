"""What a search says of itself, and what is true of it.

The supervisor writes ``status.json`` after every event; a reader needs neither Optuna nor the supervisor. The
three small files beside it decide what the snapshot is worth:

    lock      held by the supervisor while it lives
    launched  touched by whoever starts a supervisor
    stop      touched by whoever wants the search to stop
"""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from autodet.errors import AutodetError, SearchError
from autodet.lock import is_locked
from autodet.records import SearchState, SearchStatus, TrialStatus
from autodet.workspace import read_json, write_json

STATUS, LAUNCHED, STOP, LOG = "status.json", "launched", "stop", "supervisor.log"
START_SECONDS = 60.0  # a supervisor that has not taken the lock by then never will


def write_snapshot(folder: Path, status: SearchStatus) -> None:
    """Write a search's status into its folder."""
    write_json(folder / STATUS, asdict(status) | {"trials": [trial.to_json() for trial in status.trials]})


def read_snapshot(folder: Path) -> SearchStatus:
    """What a search's supervisor last wrote, whether or not it is still true.

    Raises:
        SearchError: The snapshot is missing or damaged.
    """
    try:
        document: dict[str, Any] = read_json(folder / STATUS)
        trials = tuple(TrialStatus.from_json(trial) for trial in document["trials"])
        return SearchStatus(**{**document, "search": folder.name, "trials": trials})
    except (AutodetError, OSError, KeyError, TypeError) as error:
        raise SearchError(
            f"The search {folder.name} is damaged: {folder / STATUS} cannot be read; delete its folder."
        ) from error


def read_status(folder: Path) -> SearchStatus:
    """A search's status as it is now.

    Raises:
        SearchError: The snapshot is missing or damaged.
    """
    snapshot = read_snapshot(folder)
    while (state := observed_state(folder, snapshot.state)) == "interrupted" != snapshot.state:
        written_since = read_snapshot(folder)
        if written_since == snapshot:
            break
        snapshot = written_since  # its supervisor ended, properly, between the two looks
    if state != snapshot.state:
        snapshot = replace(snapshot, state=state, message="")  # a message is about the state that it was written with
    if state not in ("running", "stopping"):
        return replace(snapshot, seconds_left=None)
    passed = max(0.0, time.time() - (folder / STATUS).stat().st_mtime)
    left = None if snapshot.seconds_left is None else max(0.0, snapshot.seconds_left - passed)
    return replace(snapshot, seconds=snapshot.seconds + passed, seconds_left=left)


def observed_state(folder: Path, written: SearchState) -> SearchState:
    """What state a search is in, given what its supervisor last wrote: the one place where that is decided."""
    if _launched_since(folder):
        return "queued"
    if written not in ("queued", "running"):
        return written
    if not is_locked(folder):
        return "interrupted"
    return "stopping" if (folder / STOP).exists() else written


def _launched_since(folder: Path) -> bool:
    """Whether a supervisor was started that has not written anything yet but still may."""
    try:
        launched = (folder / LAUNCHED).stat().st_mtime
        return launched >= (folder / STATUS).stat().st_mtime and time.time() - launched < START_SECONDS
    except FileNotFoundError:
        return False
