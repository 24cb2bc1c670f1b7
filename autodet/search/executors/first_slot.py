"""A new search waits for its first device slot before its process loads Optuna and the rest of the supervisor.

A waiting process takes less than half of the memory of a supervisor.
"""

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path

from autodet.errors import AutodetError
from autodet.messages.search import notices_text
from autodet.records import Notice
from autodet.search.executors.device_queue import HeldSlot, SlotQueue, queue_for
from autodet.search.status.status_file import LAUNCHED, is_to_stop, read_snapshot, write_snapshot
from autodet.settings import load_settings
from autodet.workspace import read_json

SPEC = "spec.json"
TICK_SECONDS = 0.5

log = logging.getLogger("autodet.supervisor")


@dataclass(frozen=True)
class FirstSlot:
    """The place of a search in the queue, and the slot that it got there.

    Attributes:
        queue: The place in the queue.
        held: The slot; None if the search must end, or cannot begin, before it gets one.
    """

    queue: SlotQueue
    held: HeldSlot | None


def wait_for_first_slot(folder: Path) -> FirstSlot | None:
    """Wait until a new search has a slot, or is to stop; the caller holds the search's lock.

    Returns:
        The slot; None for a search that has trials already or runs on a cluster, and for one whose files or settings
        cannot be read, which the supervisor reports.
    """
    try:
        spec, status = read_json(folder / SPEC), read_snapshot(folder)
        if status.trials or spec.get("executor") == "ray":
            return None
        queue = queue_for(folder.parent.parent, folder.name, spec.get("device"), load_settings())
    except (AutodetError, OSError, AttributeError):
        return None
    said: tuple[Notice, ...] = ()
    while (held := queue.take()) is None and not is_to_stop(folder):
        paused = Notice("time_limit_paused") if status.time_limit else None
        notices = tuple(filter(None, (queue.obstacle, paused)))
        if notices != said:
            log.info("%s", notices_text(notices))
            write_snapshot(folder, replace(status, state="queued", notices=notices))
            said = notices
        time.sleep(TICK_SECONDS)
    if said:
        (folder / LAUNCHED).touch()  # the wait does not count towards the time limit
    return FirstSlot(queue, held)
