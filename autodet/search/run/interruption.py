"""Searches that are interrupted: why, and room on the disk to say so."""

import logging
import os
from dataclasses import replace
from pathlib import Path

from autodet.errors import AutodetError, disk_full_sentence
from autodet.search.executors.error_text import unforeseen_reason
from autodet.search.status.status_file import LOG, read_snapshot, write_snapshot

RESERVE = "reserve"
RESERVE_BYTES = 256_000  # for the status that says that the disk is full

log = logging.getLogger("autodet.supervisor")


def set_aside(folder: Path) -> None:
    """Keep some of the disk for the day when it is full."""
    if not (folder / RESERVE).exists():
        (folder / RESERVE).write_bytes(os.urandom(RESERVE_BYTES))  # zeros may take no room at all


def give_back(folder: Path) -> None:
    """Free what was set aside."""
    (folder / RESERVE).unlink(missing_ok=True)


def write_interrupted(folder: Path, error: Exception) -> None:
    """Say what went wrong; the search can be resumed once that is mended."""
    reason = disk_full_sentence(error) or (str(error) if isinstance(error, AutodetError) else "")
    message = f"It was interrupted. {reason} Then resume it."
    if not reason:
        message = f"It was interrupted ({unforeseen_reason(error)}); see {folder / LOG}, then resume it."
    try:
        give_back(folder)
        write_snapshot(folder, replace(read_snapshot(folder), state="interrupted", seconds_left=None, message=message))
    except (AutodetError, OSError):
        log.exception("The search's status could not be written.")
