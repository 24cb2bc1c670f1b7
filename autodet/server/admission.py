"""Browsers that a page has let in, which may upload files. Thread-safe; forgotten when the server ends."""

import threading
import time

ADMISSION_SECONDS = 12 * 3600.0

_until: dict[str, float] = {}  # expiry on the monotonic clock, by browser
_lock = threading.Lock()


def admit(browser: str) -> None:
    """Let a browser upload files until it signs out or ``ADMISSION_SECONDS`` after its last page."""
    now = time.monotonic()
    with _lock:
        for expired in [one for one, until in _until.items() if until < now]:
            del _until[expired]
        _until[browser] = now + ADMISSION_SECONDS


def dismiss(browser: str) -> None:
    """Refuse further uploads of a browser until a page lets it in again."""
    with _lock:
        _until.pop(browser, None)


def is_admitted(browser: str) -> bool:
    """Return whether a browser may upload files."""
    with _lock:
        return _until.get(browser, 0.0) > time.monotonic()
