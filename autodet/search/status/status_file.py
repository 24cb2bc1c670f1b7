"""Status file of a search: the supervisor's last snapshot, and the actual state.

The supervisor writes ``status.json`` on every event; readers need neither Optuna nor the supervisor. Finished trials go
to the archive, ``trials.N.jsonl``, one per line, so that a search of thousands of trials is written and read
incrementally: ``status.json`` holds the running trials and references the valid part of the archive. Three small files
next to it determine whether the snapshot is current:

    lock      held by the supervisor while it is alive
    launched  touched when a supervisor is started
    stop      touched to request a stop

``unsaved.json`` holds writes that the study database could not accept when the search was stopped.
"""

import json
import time
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autodet.errors import AutodetError, SearchError
from autodet.lock import is_locked
from autodet.records import (
    Origin,
    SearchState,
    SearchStatus,
    TrialStatus,
    known_entries,
    notices_from_json,
    notices_to_json,
    planned_epochs_of,
)
from autodet.search.status.finished_trials import append_to_archive, read_archive
from autodet.workspace import read_json, write_atomically

STATUS, LAUNCHED, STOP, LOG = "status.json", "launched", "stop", "supervisor.log"
UNSAVED = "unsaved.json"
START_SECONDS = 60.0  # timeout for a launched supervisor to take the lock
ARCHIVE = "archive"
DERIVED = ("message", "caution", "diagnosis", "diagnoses")  # never stored
LOOKS = 3


def moment(timestamp: float | None = None) -> str:
    """Format a Unix timestamp, by default the current time, as ISO 8601 in UTC."""
    at = datetime.now(UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
    return at.isoformat(timespec="milliseconds")


def write_snapshot(folder: Path, status: SearchStatus) -> None:
    """Write the status into a search folder; once there are trials, only the lock holder may call this."""
    over = [trial for trial in status.trials if trial.state != "running"]
    stored = [field.name for field in fields(status) if field.name not in DERIVED]
    document: dict[str, Any] = {name: getattr(status, name) for name in stored}
    document |= {name: notices_to_json(document[name]) for name in ("notices", "cautions")}
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
        return None  # missing or damaged: start a new archive
    return found


def read_snapshot(folder: Path) -> SearchStatus:
    """Return the supervisor's last snapshot, which may be outdated.

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
    archive = document.pop(ARCHIVE, None)  # missing in searches of earlier versions
    trials = {trial["number"]: TrialStatus.from_json(trial) for trial in document["trials"]}
    if archive:
        trials |= read_archive(folder, archive)  # the archive may be newer
    in_order = tuple(trials[number] for number in sorted(trials))
    origin = Origin.from_json(document.get("start_from"))
    own = {"search": folder.name, "trials": in_order, "start_from": origin}
    status = SearchStatus(**known_entries(SearchStatus, document) | own | _notices_of(document))
    if all(trial.planned_epochs for trial in in_order):
        return status
    return replace(status, trials=tuple(_with_plan(trial, status.planned_epochs) for trial in in_order))


def _notices_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the notices of a snapshot, and no sentences, which earlier versions stored in place of notices."""
    return {
        "notices": notices_from_json(document.get("notices", document.get("message", ""))),
        "cautions": notices_from_json(document.get("cautions", document.get("caution", ""))),
        "message": "",
        "caution": "",
        "diagnosis": "",
    }


def _with_plan(trial: TrialStatus, most: int) -> TrialStatus:
    """Fill in the planned epochs of a trial, which earlier versions did not store."""
    planned = trial.planned_epochs or planned_epochs_of(trial.params, trial.effective, most)
    return replace(trial, planned_epochs=planned)


def read_status(folder: Path) -> SearchStatus:
    """Return the current status of a search.

    Raises:
        SearchError: The snapshot is missing or damaged.
    """
    snapshot = read_snapshot(folder)
    while (state := observed_state(folder, snapshot.state)) == "interrupted" != snapshot.state:
        written_since = read_snapshot(folder)
        if written_since == snapshot:
            break
        snapshot = written_since  # the supervisor exited normally between the two reads
    if state != snapshot.state:
        snapshot = replace(snapshot, state=state, notices=())  # they describe the old state
    if state == "interrupted":
        last_heard = moment((folder / STATUS).stat().st_mtime)
        snapshot = replace(snapshot, trials=tuple(trial.end_attempt(last_heard) for trial in snapshot.trials))
    if state not in ("running", "stopping"):
        return replace(snapshot, seconds_left=None)
    passed = max(0.0, time.time() - (folder / STATUS).stat().st_mtime)
    left = None if snapshot.seconds_left is None else max(0.0, snapshot.seconds_left - passed)
    return replace(snapshot, seconds=snapshot.seconds + passed, seconds_left=left)


def observed_state(folder: Path, written: SearchState) -> SearchState:
    """Return the actual state of a search, given the last written one; only this function decides it."""
    if _launched_since(folder):
        return "queued"
    if written not in ("queued", "running"):
        return written
    if not is_locked(folder):
        return "interrupted"
    return "stopping" if is_to_stop(folder) else written


def is_to_stop(folder: Path) -> bool:
    """Return whether a stop is requested."""
    return (folder / STOP).exists()


def seconds_since_launch(folder: Path) -> float:
    """Return the seconds since the calling supervisor was launched; 0 if unknown or over ``START_SECONDS``."""
    try:
        passed = time.time() - (folder / LAUNCHED).stat().st_mtime
    except FileNotFoundError:
        return 0.0
    return passed if 0 <= passed < START_SECONDS else 0.0


def _launched_since(folder: Path) -> bool:
    """Return whether a supervisor was launched that may still write its first status."""
    try:
        launched = (folder / LAUNCHED).stat().st_mtime
        # abs: a launch time in the future means that the clock was set back.
        return launched >= (folder / STATUS).stat().st_mtime and abs(time.time() - launched) < START_SECONDS
    except FileNotFoundError:
        return False
