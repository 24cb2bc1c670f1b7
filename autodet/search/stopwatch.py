"""How long a search has run for: a clock that stands still while nothing can be done."""

import time


class Stopwatch:
    """Counts seconds from a number on while it runs; it stands still at first.

    Args:
        seconds: What was counted before, by an earlier process for example.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self._before = seconds
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """What it shows."""
        return self._before + (0.0 if self._since is None else time.monotonic() - self._since)

    def pause(self) -> None:
        """Stand still."""
        self._before, self._since = self.seconds, None

    def go_on(self) -> None:
        """Count again."""
        self._since = time.monotonic() if self._since is None else self._since
