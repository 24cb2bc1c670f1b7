"""Things of visitors that sessions hold by a token, such as dropped photos, until the last session lets go."""

import atexit
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class HeldItems(Generic[Item]):
    """Things by their tokens; thread-safe.

    Args:
        discard: Called with each thing that is discarded, at the latest when the process ends.
        keep_seconds: Time for which a thing is kept after the last session lets go.
    """

    def __init__(self, discard: Callable[[Item], None], keep_seconds: float = 0.0) -> None:
        self.keep_seconds = keep_seconds
        self._discard = discard
        self._items: dict[str, Item] = {}
        self._sessions: Counter[str] = Counter()
        self._lock = threading.Lock()
        atexit.register(self._discard_all)

    def add(self, item: Item, token: str = "") -> str:
        """Add a thing, and return its token, which cannot be guessed."""
        token = token or secrets.token_urlsafe(12)
        with self._lock:
            self._items[token] = item
        return token

    def find(self, token: str) -> Item | None:
        """Return a thing; None if it is discarded."""
        with self._lock:
            return self._items.get(token)

    def hold(self, token: str) -> str:
        """Keep a thing for one more session; return the token."""
        with self._lock:
            self._sessions[token] += 1
        return token

    def release(self, token: str) -> None:
        """Let go of a thing for one session; without a session it is discarded after ``keep_seconds``."""
        with self._lock:
            self._sessions[token] -= 1
        timer = threading.Timer(self.keep_seconds, self.discard_unused, [token])
        timer.daemon = True
        timer.start()

    def discard_unused(self, token: str) -> None:
        """Discard a thing that no session holds."""
        with self._lock:
            held = self._sessions[token] > 0
        if not held:
            self.discard(token)

    def discard(self, token: str) -> None:
        """Discard a thing, even if sessions hold it."""
        with self._lock:
            item = self._items.pop(token, None)
            self._sessions.pop(token, None)
        if item is not None:
            self._discard(item)

    def _discard_all(self) -> None:
        for token in list(self._items):
            self.discard(token)
