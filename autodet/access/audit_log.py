"""The log of changes: visitor, action, item, time and outcome; one JSON object per line.

``audit/changes.jsonl`` in the workspace is append-only. At ``MAX_BYTES`` it is renamed to ``changes.1.jsonl``, older
logs get the next number, and the oldest is deleted. A demo writes nothing into its workspace, so its entries are in
the server's log.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from autodet.access.visitor import Visitor
from autodet.errors import AutodetError
from autodet.lock import hold_lock
from autodet.settings import load_settings
from autodet.workspace import Workspace

Outcome = Literal["done", "failed", "refused"]
LOG = "changes.jsonl"
MAX_BYTES = 2_000_000
MAX_OLDER = 4  # logs that are kept beside the current one
MAX_LETTERS = 200  # of a text

log = logging.getLogger("autodet.access")


@dataclass(frozen=True)
class Entry:
    """One line of the log.

    Attributes:
        time: ISO 8601 in UTC.
        visitor: Name of the visitor; empty if unknown.
        role: Role of the visitor.
        address: IP address of the browser; empty for the command line and Python.
        action: An action of ``autodet.access.change``, or ``sign in``.
        thing: Id or name of the changed item.
        outcome: ``done``, ``failed``, or ``refused``.
    """

    time: str
    visitor: str
    role: str
    address: str
    action: str
    thing: str
    outcome: str


def write_entry(workspace: Workspace, visitor: Visitor, action: str, thing: str, outcome: str) -> None:
    """Append an entry. An error is reported in the server's log and does not stop the change."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    texts = (text[:MAX_LETTERS] for text in (visitor.name, visitor.role, visitor.address, action, thing, outcome))
    line = json.dumps(asdict(Entry(now, *texts)), ensure_ascii=True)
    if load_settings().mode == "demo" and visitor.address:
        log.info("%s", line)
        return
    try:
        with hold_lock(workspace.audit):
            _rotate(workspace.audit)
            with (workspace.audit / LOG).open("a", encoding="ascii") as file:
                file.write(line + "\n")
    except (AutodetError, OSError) as error:
        level = logging.WARNING if outcome == "done" else logging.INFO  # the caller hears of what failed
        log.log(level, "The log of changes cannot be written (%s): %s", error, line)


def read_entries(workspace: Workspace) -> Iterator[Entry]:
    """Yield the entries, the oldest first; damaged lines are skipped."""
    for path in (*(_older(workspace.audit, number) for number in range(MAX_OLDER, 0, -1)), workspace.audit / LOG):
        with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                with suppress(ValueError, TypeError):
                    yield Entry(**json.loads(line))


def _rotate(folder: Path) -> None:
    with suppress(FileNotFoundError):
        if (folder / LOG).stat().st_size < MAX_BYTES:
            return
        for number in range(MAX_OLDER - 1, 0, -1):
            with suppress(FileNotFoundError):
                _older(folder, number).replace(_older(folder, number + 1))
        (folder / LOG).replace(_older(folder, 1))


def _older(folder: Path, number: int) -> Path:
    return folder / f"changes.{number}.jsonl"
