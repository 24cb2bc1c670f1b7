"""Archive of a search's finished trials: an append-only file, so that each trial is written and read only once.

A reference ``{"file": ..., "bytes": ...}`` in ``status.json`` gives its valid length; later bytes were written by a
supervisor that was killed before it updated the reference. Finished trials do not change; if one must, a new file
replaces the old one.
"""

import json
import os
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from autodet.errors import SearchError
from autodet.records import TrialStatus

MAX_REMEMBERED = 50_000  # cached trials per process, over all searches


@dataclass
class _Archive:
    """Cache of the trials that this process has read from or written to one archive."""

    file: str
    inode: int
    size: int = 0
    trials: dict[int, TrialStatus] = field(default_factory=dict)


_remembered: OrderedDict[Path, _Archive] = OrderedDict()
_lock = Lock()


def read_archive(folder: Path, reference: dict[str, Any]) -> dict[int, TrialStatus]:
    """Return the trials of a reference, by number.

    Raises:
        SearchError: The file is damaged.
        OSError: The file does not exist; a new file may have just replaced it.
    """
    with _lock:
        return dict(_caught_up(folder, reference).trials)


def append_to_archive(
    folder: Path, reference: dict[str, Any] | None, trials: Sequence[TrialStatus]
) -> tuple[dict[str, Any], list[Path]]:
    """Append finished trials that the archive lacks.

    Args:
        folder: The search folder.
        reference: Current reference, or None.
        trials: All finished trials.

    Returns:
        The new reference, and the files that are obsolete once it is stored.
    """
    with _lock:
        archive = _known(folder, reference)
        if archive is None or any(_differs(archive, trial) for trial in trials) or len(archive.trials) > len(trials):
            number = 1 + max((int(path.suffixes[0][1:]) for path in folder.glob("trials.*.jsonl")), default=0)
            archive = _Archive(f"trials.{number}.jsonl", 0)
        new = [trial for trial in trials if trial.number not in archive.trials]
        _append(folder, archive, new)
        _remember(folder, archive)
        outdated = [path for path in folder.glob("trials.*.jsonl") if path.name != archive.file]
        return {"file": archive.file, "bytes": archive.size}, outdated


def _known(folder: Path, reference: dict[str, Any] | None) -> _Archive | None:
    try:
        return _caught_up(folder, reference) if reference else None
    except (SearchError, OSError):
        return None  # damaged: write a new archive


def _differs(archive: _Archive, trial: TrialStatus) -> bool:
    known = archive.trials.get(trial.number)
    if known is None or known is trial:
        return False
    if known == trial:
        archive.trials[trial.number] = trial  # the identity check above succeeds next time
        return False
    return True


def _append(folder: Path, archive: _Archive, trials: Iterable[TrialStatus]) -> None:
    content = "".join(json.dumps(trial.to_json(), ensure_ascii=False) + "\n" for trial in trials).encode()
    if not content and archive.size:
        return
    descriptor = os.open(folder / archive.file, os.O_RDWR | os.O_CREAT, 0o644)
    with os.fdopen(descriptor, "r+b") as file:
        file.truncate(archive.size)
        file.seek(archive.size)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        archive.inode = os.fstat(file.fileno()).st_ino
    archive.size += len(content)
    archive.trials |= {trial.number: trial for trial in trials}


def _caught_up(folder: Path, reference: dict[str, Any]) -> _Archive:
    """Return the archive of a reference; read only the bytes that this process has not read yet."""
    with (folder / reference["file"]).open("rb") as file:
        inode = os.fstat(file.fileno()).st_ino
        archive = _remembered.get(folder)
        if archive is None or (archive.file, archive.inode) != (reference["file"], inode):
            archive = _Archive(reference["file"], inode)
        if archive.size >= reference["bytes"]:
            return archive
        file.seek(archive.size)
        content = file.read(reference["bytes"] - archive.size)
    if archive.size + len(content) < reference["bytes"]:
        raise SearchError(f"{folder / reference['file']} is shorter than it was.")
    try:
        trials = [TrialStatus.from_json(json.loads(line)) for line in content.splitlines()]
    except (ValueError, KeyError, TypeError) as error:
        raise SearchError(f"{folder / reference['file']} is damaged.") from error
    archive.trials |= {trial.number: trial for trial in trials}
    archive.size = reference["bytes"]
    _remember(folder, archive)
    return archive


def _remember(folder: Path, archive: _Archive) -> None:
    _remembered[folder] = archive
    _remembered.move_to_end(folder)
    while len(_remembered) > 1 and sum(len(entry.trials) for entry in _remembered.values()) > MAX_REMEMBERED:
        _remembered.popitem(last=False)
