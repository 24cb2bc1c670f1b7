"""Memory for the photos of requests: bounded, given in order of arrival, with a share for each address.

A request that waits has sent nothing but its headers: the server does not read its photo yet, so that the network
holds it back.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from autodet.errors import BusyError

MAX_BYTES = 120_000_000  # of all photos together
MAX_ADDRESS_BYTES = 60_000_000
MAX_REQUESTS = 512  # that wait or are served
MAX_ADDRESS_REQUESTS = 256


@dataclass(eq=False)
class Share:
    """The memory that a request holds or waits for.

    Attributes:
        address: IP address of the client.
        size: Size in bytes.
        granted: Completed when the memory is free.
    """

    address: str
    size: int
    granted: "asyncio.Future[None]"


class PhotoMemory:
    """The memory of a server; for one event loop."""

    def __init__(self) -> None:
        self._held: list[Share] = []
        self._waiting: list[Share] = []

    @contextmanager
    def share(self, address: str, size: int) -> Iterator[Share]:
        """Reserve memory as long as the context lasts; await ``granted`` of the yielded value before using it.

        Args:
            address: IP address of the client.
            size: Size in bytes, at most ``MAX_ADDRESS_BYTES``.

        Raises:
            BusyError: Too many requests wait.
        """
        requests = Counter(one.address for one in (*self._held, *self._waiting))
        if requests.total() >= MAX_REQUESTS or requests[address] >= MAX_ADDRESS_REQUESTS:
            raise BusyError("Too many photos are waiting for a prediction right now; try again in some seconds.")
        share = Share(address, size, asyncio.get_running_loop().create_future())
        self._waiting.append(share)
        self._grant()
        try:
            yield share
        finally:
            (self._held if share in self._held else self._waiting).remove(share)
            self._grant()

    def shrink(self, share: Share, size: int) -> None:
        """Return the part of a share that turned out not to be needed."""
        share.size = min(share.size, size)
        self._grant()

    def _grant(self) -> None:
        """Give memory to those who wait, in order; an address that holds its share does not block others."""
        free = MAX_BYTES - sum(share.size for share in self._held)
        held = Counter[str]()
        for share in self._held:
            held[share.address] += share.size
        for share in list(self._waiting):
            held[share.address] += share.size  # also if it waits: later ones from there wait behind it
            if held[share.address] > MAX_ADDRESS_BYTES:
                continue
            if share.size > free:
                return
            free -= share.size
            self._waiting.remove(share)
            self._held.append(share)
            share.granted.set_result(None)
