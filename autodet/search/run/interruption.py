"""Interrupted searches: record the reason, using disk space reserved for that."""

import logging
import os
from dataclasses import replace
from pathlib import Path

from autodet.errors import AutodetError, disk_full_sentence
from autodet.records import Notice
from autodet.search.executors.error_text import unexpected_reason
from autodet.search.status.status_file import LOG, read_snapshot, write_snapshot

RESERVE = "reserve"
RESERVE_BYTES = 256_000  # for writing the status when the disk is full

log = logging.getLogger("autodet.supervisor")


def set_aside(folder: Path) -> None:
    """Reserve disk space, so that the status can be written when the disk is full."""
    if not (folder / RESERVE).exists():
        (folder / RESERVE).write_bytes(os.urandom(RESERVE_BYTES))  # zeros may be stored sparsely


def give_back(folder: Path) -> None:
    """Free the reserved disk space."""
    (folder / RESERVE).unlink(missing_ok=True)


def write_interrupted(folder: Path, error: Exception) -> None:
    """Write the status ``interrupted`` with the reason; the search can be resumed once the cause is fixed."""
    reason = disk_full_sentence(error) or (str(error) if isinstance(error, AutodetError) else "")
    notice = Notice.of("interrupted", detail=reason)
    if not reason:
        notice = Notice.of("interrupted_unexpectedly", detail=unexpected_reason(error), log=str(folder / LOG))
    try:
        give_back(folder)
        status = replace(read_snapshot(folder), state="interrupted", seconds_left=None, notices=(notice,))
        write_snapshot(folder, status)
    except (AutodetError, OSError):
        log.exception("The search's status could not be written.")
