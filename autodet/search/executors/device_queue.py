"""The queue for device slots, which all searches of a workspace share.

    AUTODET_HOME/devices/
      lock              held for the moment in which a search looks and takes
      slots/<slot>      locked for as long as a trial runs there, by its supervisor and its worker; says whose it is
      waiting/<search>  locked by a supervisor while it waits for a slot; says since when, and for which

A free slot goes to the search with the fewest running trials, and among those to the one that has waited longest. So
trials of several searches alternate, and none waits for ever: whoever has none running comes before all who have one,
and a new search comes after those that wait already. The operating system releases what a process held, however it
ends; nobody waits for the dead. A supervisor that has stopped asking, frozen for example, is passed over.

Another workspace on the same machine has a queue of its own: both would use the same devices.
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
from autodet.settings import Settings
from autodet.text_format import listed
from autodet.training.device import Slot, device_slots, number_slots, visible_gpu

PASSED_OVER_SECONDS = 10.0  # who has not asked for so long is not waited for
PATIENCE_SECONDS = 1.0  # the lock is held for milliseconds
MAX_NOTE_BYTES = 100_000  # bytes
MAX_NAMES = 2


@dataclass(frozen=True)
class HeldSlot:
    """A slot that is this process's until it gives it back.

    Attributes:
        slot: Which.
        descriptor: Holds its lock; a process that inherits it holds it too.
    """

    slot: Slot
    descriptor: int


@dataclass(frozen=True)
class _Ticket:
    """What a search that waits says of itself; moments are of the machine's monotonic clock, in seconds."""

    search: str
    running: int
    since: float
    asked: float
    slots: tuple[str, ...]

    @property
    def turn(self) -> tuple[int, float, str]:
        return self.running, self.since, self.search


class SlotQueue:
    """One search's place in the queue.

    Args:
        home: The workspace's folder.
        search: The search's id.
        slots: The slots that it may use.
        most: How many of them at a time; all if not given.
    """

    def __init__(self, home: Path, search: str, slots: Sequence[Slot], most: int | None = None) -> None:
        self.slots, self.most = tuple(slots), len(slots) if most is None else most
        self.obstacle = ""
        self._search, self._folder = search, home / "devices"
        self._files = {slot: _file_name(slot) for slot in self.slots}
        self._held: list[HeldSlot] = []
        self._ticket: tuple[int, float] | None = None  # descriptor, since when
        for name in ("slots", "waiting"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)

    def take(self) -> HeldSlot | None:
        """A free slot, if there is one and it is this search's turn; else wait, and say why in ``obstacle``."""
        if len(self._held) >= self.most:
            return None
        try:
            with hold_lock(self._folder, PATIENCE_SECONDS):
                return self._take()
        except BusyError:
            self.obstacle = "It waits for a free device."
            return None

    def give_back(self, held: HeldSlot) -> None:
        """Let others have a slot."""
        self._held.remove(held)
        unlock(held.descriptor)

    def leave(self) -> None:
        """Wait no longer."""
        if self._ticket:
            self._waiting(self._search).unlink(missing_ok=True)
            unlock(self._ticket[0])
        self._ticket, self.obstacle = None, ""

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
                raise BusyError(f"The search {self._search} waits for a device in another process already.")
            self._ticket = descriptor, now
        descriptor, since = self._ticket
        ticket = _Ticket(self._search, len(self._held), since, now, tuple(self._files.values()))
        _write(descriptor, asdict(ticket))
        return ticket

    def _tickets(self) -> list[_Ticket]:
        """Who else waits; what the dead have left is cleared away."""
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
                continue  # of another version
            if time.monotonic() - ticket.asked < PASSED_OVER_SECONDS:
                tickets.append(ticket)
        return tickets

    def _waiting(self, search: str) -> Path:
        return self._folder / "waiting" / search


def queue_for(home: Path, search: str, device: str | None, settings: Settings) -> SlotQueue:
    """The queue for the slots that a search may use: all of this installation's, or one at a time on one device."""
    slots = number_slots(device_slots(settings))
    if device is None:
        return SlotQueue(home, search, slots)
    (alone,) = number_slots([device])
    return SlotQueue(home, search, [slot for slot in slots if slot.device == alone.device] or [alone], most=1)


def _file_name(slot: Slot) -> str:
    device = slot.device if slot.device == "cpu" else f"gpu-{visible_gpu(slot.device)}"
    return re.sub(r"[^\w.-]", "-", device if slot.number == 1 else f"{device}.{slot.number}")


def _obstacle(users: Mapping[str, str], earlier: Sequence[str]) -> str:
    """Why a search waits: who uses which slots, or who comes first."""
    if users:
        return f"It waits for a free device: {_listed(set(users.values()))} using {', '.join(users)}."
    return f"It waits for a free device: {_listed(set(earlier))} next."


def _listed(searches: set[str]) -> str:
    """``the search a is``, ``the searches a, b and 3 more are``."""
    named = sorted(searches)
    if len(named) == 1:
        return f"the search {named[0]} is"
    if len(named) > MAX_NAMES + 1:
        named[MAX_NAMES:] = [f"{len(named) - MAX_NAMES} more"]
    return f"the searches {listed(named)} are"


def _write(descriptor: int, note: object) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(note).encode(), 0)


def _read(path: Path) -> dict[str, Any]:
    try:
        note = json.loads(path.read_bytes()[:MAX_NOTE_BYTES])
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
