"""The queue for device slots, shared by all searches of a workspace.

    AUTODET_HOME/devices/
      lock              held briefly while a search checks for slots and takes one
      slots/<slot>      locked by the supervisor and worker of a trial while it runs there; names the search
      waiting/<search>  locked by a supervisor while it waits for a slot; holds the start of the wait and the slots

A free slot goes to the search with the fewest running trials; among those, to the one that has waited longest. Trials
of several searches therefore alternate, and none starves: a search without running trials comes before all searches
that have some, and a new search comes after those already waiting. The operating system releases the locks of a process
however it ends, so dead searches block no others. A supervisor that has stopped asking, for example a frozen one, is
skipped.

Each workspace has its own queue: two workspaces on one machine would use the same devices.
"""

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autodet.errors import BusyError
from autodet.lock import hold_lock, try_lock, unlock
from autodet.records import Notice
from autodet.settings import Settings
from autodet.training.device import Slot, device_slots, number_slots, visible_gpu

SKIP_SECONDS = 10.0  # a search that has not asked for a slot for this long is skipped
PATIENCE_SECONDS = 1.0  # the lock is held for milliseconds
MAX_NOTE_BYTES = 100_000


@dataclass(frozen=True)
class HeldSlot:
    """A slot that this process holds until it gives it back.

    Attributes:
        slot: The slot.
        descriptor: Holds the lock; a process that inherits it holds the lock too.
    """

    slot: Slot
    descriptor: int


@dataclass(frozen=True)
class _Ticket:
    """Entry of a waiting search; times are seconds of the machine's monotonic clock."""

    search: str
    running: int
    since: float
    asked: float
    slots: tuple[str, ...]

    @property
    def turn(self) -> tuple[int, float, str]:
        return self.running, self.since, self.search


class SlotQueue:
    """The place of one search in the queue.

    Args:
        home: The workspace folder.
        search: The search id.
        slots: The slots that it may use.
        most: Maximum number of slots at a time; all if not given.
    """

    def __init__(self, home: Path, search: str, slots: Sequence[Slot], most: int | None = None) -> None:
        self.slots, self.most = tuple(slots), len(slots) if most is None else most
        self.obstacle: Notice | None = None
        self._search, self._folder = search, home / "devices"
        self._files = {slot: _file_name(slot) for slot in self.slots}
        self._held: list[HeldSlot] = []
        self._ticket: tuple[int, float] | None = None  # descriptor, start of the wait
        for name in ("slots", "waiting"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)

    def take(self) -> HeldSlot | None:
        """Take a free slot if it is this search's turn; otherwise keep waiting and set ``obstacle`` to the reason."""
        if len(self._held) >= self.most:
            return None
        try:
            with hold_lock(self._folder, PATIENCE_SECONDS):
                return self._take()
        except BusyError:
            self.obstacle = _obstacle({}, [])
            return None

    def give_back(self, held: HeldSlot) -> None:
        """Release a slot."""
        self._held.remove(held)
        unlock(held.descriptor)

    def leave(self) -> None:
        """Leave the queue."""
        if self._ticket:
            self._waiting(self._search).unlink(missing_ok=True)
            unlock(self._ticket[0])
        self._ticket, self.obstacle = None, None

    def _take(self) -> HeldSlot | None:
        own = self._ask()
        earlier = [ticket for ticket in self._tickets() if ticket.turn < own.turn]
        users: dict[str, str] = {}
        for slot, name in self._files.items():
            if any(held.slot == slot for held in self._held):
                continue
            path = self._folder / "slots" / name
            if (descriptor := try_lock(path)) is None:
                users[slot.name] = str(_read(path).get("search", "another"))
            elif any(name in ticket.slots for ticket in earlier):
                unlock(descriptor)
            else:
                return self._hold(slot, descriptor)
        self.obstacle = _obstacle(users, [ticket.search for ticket in earlier])
        return None

    def _hold(self, slot: Slot, descriptor: int) -> HeldSlot:
        _write(descriptor, {"search": self._search})
        self._held.append(HeldSlot(slot, descriptor))
        self.leave()
        return self._held[-1]

    def _ask(self) -> _Ticket:
        now = time.monotonic()
        if self._ticket is None:
            descriptor = try_lock(self._waiting(self._search))
            if descriptor is None:
                raise BusyError(
                    f"Another process of the search {self._search} already waits for a device; end that process first."
                )
            self._ticket = descriptor, now
        descriptor, since = self._ticket
        ticket = _Ticket(self._search, len(self._held), since, now, tuple(self._files.values()))
        _write(descriptor, asdict(ticket))
        return ticket

    def _tickets(self) -> list[_Ticket]:
        """Return the tickets of other waiting searches; delete those of dead processes."""
        tickets = []
        for path in (self._folder / "waiting").iterdir():
            if path.name == self._search:
                continue
            if (descriptor := try_lock(path)) is not None:
                path.unlink()
                unlock(descriptor)
                continue
            note = _read(path)
            try:
                ticket = _Ticket(**{**note, "slots": tuple(note["slots"])})
            except (KeyError, TypeError):
                continue  # written by another version
            if time.monotonic() - ticket.asked < SKIP_SECONDS:
                tickets.append(ticket)
        return tickets

    def _waiting(self, search: str) -> Path:
        return self._folder / "waiting" / search


def queue_for(home: Path, search: str, device: str | None, settings: Settings) -> SlotQueue:
    """Return the queue for a search's slots: all of this installation, or one at a time on one device."""
    slots = number_slots(device_slots(settings))
    if device is None:
        return SlotQueue(home, search, slots)
    (alone,) = number_slots([device])
    return SlotQueue(home, search, [slot for slot in slots if slot.device == alone.device] or [alone], most=1)


def _file_name(slot: Slot) -> str:
    device = slot.device if slot.device == "cpu" else f"gpu-{visible_gpu(slot.device)}"
    return re.sub(r"[^\w.-]", "-", device if slot.number == 1 else f"{device}.{slot.number}")


def _obstacle(users: Mapping[str, str], earlier: Sequence[str]) -> Notice:
    """Return why a search waits: the searches that use the slots, by slot, or else those ahead in the queue."""
    searches = sorted({*users.values()} or {*earlier})
    return Notice.of("waits_for_device", searches=searches, devices=list(users))


def _write(descriptor: int, note: object) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(note).encode(), 0)


def _read(path: Path) -> dict[str, Any]:
    try:
        note = json.loads(path.read_bytes()[:MAX_NOTE_BYTES])
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
