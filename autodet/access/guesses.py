"""Delays and locks after wrong passwords, for each address."""

import ipaddress
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

RECENT_SECONDS = 900.0
MAX_WRONG = 10  # recent wrong passwords of an address, after which it is locked out
MAX_DELAY_SECONDS = 30.0
MAX_WAITING = 32  # guesses that may wait at once, each from a different address
MAX_ADDRESSES = 10_000
IPV6_PREFIX = 64  # providers give each customer at least a network of this prefix length


class TooManyGuessesError(Exception):
    """The guess cannot be checked now."""


class LockedOutError(TooManyGuessesError):
    """Too many wrong passwords came from the address recently."""


class Guesses:
    """Rate limiter for wrong passwords; thread-safe.

    Args:
        sleep: Function that waits for the given number of seconds.
        clock: Function that returns the time in seconds.
    """

    def __init__(
        self, sleep: Callable[[float], object] = time.sleep, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sleep, self._clock = sleep, clock
        self._lock = threading.Lock()
        self._wrong: dict[str, deque[float]] = {}
        self._waiting: set[str] = set()

    def recent(self, address: str) -> int:
        """Return the number of wrong passwords of an address in the last ``RECENT_SECONDS``."""
        with self._lock:
            return len(self._recent(_network(address)))

    def note_wrong(self, address: str) -> None:
        """Count a wrong password."""
        with self._lock:
            network = _network(address)
            moments = self._recent(network)
            self._wrong.pop(network, None)  # moves the address to the end, so that the first entry is the least recent
            while len(self._wrong) >= MAX_ADDRESSES:
                del self._wrong[next(iter(self._wrong))]
            self._wrong[network] = moments
            moments.append(self._clock())

    @contextmanager
    def wait(self, address: str) -> Iterator[None]:
        """Delay a guess, right or wrong, depending on the number of recent wrong guesses from its address.

        Raises:
            LockedOutError: The address is locked out.
            TooManyGuessesError: Another guess from the address is waiting, or too many guesses are.
        """
        network = _network(address)
        with self._lock:
            wrong = len(self._recent(network))
            if wrong >= MAX_WRONG:
                raise LockedOutError
            if network in self._waiting or len(self._waiting) >= MAX_WAITING:
                raise TooManyGuessesError
            self._waiting.add(network)
        try:
            self._sleep(min(MAX_DELAY_SECONDS, 2.0 ** (wrong - 1)) if wrong else 0.0)
            yield
        finally:
            with self._lock:
                self._waiting.discard(network)

    def _recent(self, network: str) -> deque[float]:
        moments = self._wrong.get(network) or deque(maxlen=MAX_WRONG)
        while moments and moments[0] < self._clock() - RECENT_SECONDS:
            moments.popleft()
        return moments


def _network(address: str) -> str:
    """Return the key of an address: for IPv6, the network of one customer."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, IPV6_PREFIX), strict=False))
    return str(ip)
