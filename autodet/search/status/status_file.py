"""What a search says of itself, and what is true of it.

The supervisor writes ``status.json`` when something has happened; a reader needs neither Optuna nor the supervisor.
Trials that are over go to the archive, ``trials.N.jsonl``, a line each, so that a search of thousands of trials is
written and read in pieces: ``status.json`` has the trials under way and says how much of which archive belongs to it.
The three small files beside it decide what the snapshot is worth:

    lock      held by the supervisor while it lives
    launched  touched by whoever starts a supervisor
    stop      touched by whoever wants the search to stop

``unsaved.json`` has what the database of studies could not take when a search was stopped.
"""

import json
import time
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autodet.errors import AutodetError, SearchError
from autodet.lock import is_locked
from autodet.records import Origin, SearchState, SearchStatus, TrialStatus, known_entries, planned_epochs_of
from autodet.search.status.finished_trials import append_to_archive, read_archive
from autodet.workspace import read_json, write_atomically

STATUS, LAUNCHED, STOP, LOG = "status.json", "launched", "stop", "supervisor.log"
UNSAVED = "unsaved.json"
START_SECONDS = 60.0  # a supervisor that has not taken the lock by then never will
ARCHIVE = "archive"
LOOKS = 3


def moment(timestamp: float | None = None) -> str:
    """A moment, now if none is given in seconds since 1970, in ISO 8601."""
    at = datetime.now(UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    return at.isoformat(timespec="milliseconds")


def write_snapshot(folder: Path, status: SearchStatus) -> None:
    """Write a search's status into its folder; only who holds its lock may, once it has trials."""
    over = [trial for trial in status.trials if trial.state != "running"]
    document: dict[str, Any] = {field.name: getattr(status, field.name) for field in fields(status)}
    document["start_from"] = status.start_from.to_json() if status.start_from else None
    document["trials"] = [trial.to_json() for trial in status.trials if trial.state == "running"]
    document[ARCHIVE], outdated = append_to_archive(folder, _archive_of(folder), over) if over else (None, [])
    write_atomically(folder / STATUS, json.dumps(document, ensure_ascii=False).encode())
    for path in outdated:
        path.unlink(missing_ok=True)


def _archive_of(folder: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] | None = read_json(folder / STATUS).get(ARCHIVE)
    except (AutodetError, OSError, AttributeError):
        return None  # missing or damaged: there is nothing to add to
    return found


def read_snapshot(folder: Path) -> SearchStatus:
    """What a search's supervisor last wrote, whether or not it is still true.

    Raises:
        SearchError: The snapshot is missing or damaged.
    """
    for look in range(LOOKS):
        try:
            return _read_snapshot(folder)
        except (AutodetError, OSError, KeyError, TypeError) as error:
            if look == LOOKS - 1:
                raise SearchError(
                    f"The search {folder.name} is damaged: {folder / STATUS} cannot be read; delete its folder."
                ) from error
    raise AssertionError


def _read_snapshot(folder: Path) -> SearchStatus:
    document: dict[str, Any] = read_json(folder / STATUS)
    archive = document.pop(ARCHIVE, None)  # searches of earlier versions have none
    trials = {trial["number"]: TrialStatus.from_json(trial) for trial in document["trials"]}
    if archive:
        trials |= read_archive(folder, archive)  # what it has may be newer
    in_order = tuple(trials[number] for number in sorted(trials))
    origin = Origin.from_json(document.get("start_from"))
    status = SearchStatus(
        **known_entries(SearchStatus, document) | {"search": folder.name, "trials": in_order, "start_from": origin}
    )
    if all(trial.planned_epochs for trial in in_order):
        return status
    return replace(status, trials=tuple(_with_plan(trial, status.planned_epochs) for trial in in_order))


def _with_plan(trial: TrialStatus, most: int) -> TrialStatus:
    """A trial that an earlier version wrote, which did not say how many epochs it was to have."""
    planned = trial.planned_epochs or planned_epochs_of(trial.params, trial.effective, most)
    return replace(trial, planned_epochs=planned)


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
    if state == "interrupted":
        last_heard = moment((folder / STATUS).stat().st_mtime)
        snapshot = replace(snapshot, trials=tuple(trial.end_attempt(last_heard) for trial in snapshot.trials))
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
    return "stopping" if is_to_stop(folder) else written


def is_to_stop(folder: Path) -> bool:
    """Whether somebody wants a search to stop."""
    return (folder / STOP).exists()


def seconds_since_launch(folder: Path) -> float:
    """How long ago the supervisor that asks was started; 0 if nobody has said that it was."""
    try:
        passed = time.time() - (folder / LAUNCHED).stat().st_mtime
    except FileNotFoundError:
        return 0.0
    return passed if 0 <= passed < START_SECONDS else 0.0


def _launched_since(folder: Path) -> bool:
    """Whether a supervisor was started that has not written anything yet but still may."""
    try:
        launched = (folder / LAUNCHED).stat().st_mtime
        # abs: a moment that lies ahead was noted before the clock was put back.
        return launched >= (folder / STATUS).stat().st_mtime and abs(time.time() - launched) < START_SECONDS
    except FileNotFoundError:
        return False
