"""Hourly quotas for predictions in a demo, for each session and for all sessions together."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from autodet.errors import QuotaError
from autodet.settings import MEGABYTE, Limit, Settings

HOUR = 3600.0
PATIENCE_SECONDS = 20.0  # maximum wait for the predictions of other visitors


@dataclass(frozen=True)
class Use:
    """The cost of a prediction: photos, megapixels and uploaded megabytes."""

    photos: float = 0.0
    megapixels: float = 0.0
    megabytes: float = 0.0

    @classmethod
    def of_photo(cls, size_wh: tuple[int, int], size_bytes: int) -> "Use":
        """Return the cost of one uploaded photo."""
        return cls(1, size_wh[0] * size_wh[1] / MEGABYTE, size_bytes / MEGABYTE)


class Quota:
    """The predictions of a demo within the last hour; thread-safe.

    Args:
        clock: Function that returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._free = threading.Condition(self._lock)
        self._predicting = 0
        self._uses: deque[tuple[float, str, Use]] = deque()

    @contextmanager
    def prediction(self, session: str, use: Use, settings: Settings) -> Iterator[None]:
        """Allow a session to predict on one photo; see ``predictions``."""
        with self.predictions(session, [use], settings):
            yield

    @contextmanager
    def predictions(self, session: str, uses: Iterable[Use], settings: Settings) -> Iterator[int | None]:
        """Allow a session one request for predictions, and count its cost; outside a demo nothing is counted.

        Args:
            session: Identifies the session.
            uses: Cost of each photo; read in a demo only.
            settings: The quotas.

        Yields:
            The number of photos that the quotas allow, from the first on and at least one; None outside a demo.

        Raises:
            QuotaError: A quota is used up, or too many visitors predict at once.
        """
        if settings.mode != "demo":
            yield None
            return
        allowed = self._take(session, list(uses), settings)
        try:
            yield allowed
        finally:
            with self._free:
                self._predicting -= 1
                self._free.notify()

    def _take(self, session: str, uses: Sequence[Use], settings: Settings) -> int:
        with self._free:
            if not self._free.wait_for(lambda: self._predicting < settings.demo_predictions, PATIENCE_SECONDS):
                raise QuotaError("Many visitors of this demo are predicting right now; try again in a minute.")
            while self._uses and self._uses[0][0] < self._clock() - HOUR:
                self._uses.popleft()
            for allowed, use in enumerate(uses):
                try:
                    self._check("photos", "photos", settings.demo_photos, session, use)
                    self._check("megapixels", "megapixels of photos", settings.demo_megapixels, session, use)
                    self._check("megabytes", "megabytes of photos", settings.demo_megabytes, session, use)
                except QuotaError:
                    if not allowed:
                        raise
                    break
                self._uses.append((self._clock(), session, use))
            else:
                allowed = len(uses)
            self._predicting += 1
            return allowed

    def _check(self, kind: str, what: str, limit: Limit, session: str, use: Use) -> None:
        wanted: float = getattr(use, kind)
        own = sum(getattr(taken, kind) for _, by, taken in self._uses if by == session)
        total = sum(getattr(taken, kind) for _, _, taken in self._uses)
        if own + wanted > limit[0]:
            raise QuotaError(
                f"This demo predicts on at most {limit[0]:,} {what} an hour for each visitor; come back later, or "
                "install autodet."
            )
        if total + wanted > limit[1]:
            raise QuotaError(
                f"This demo predicts on at most {limit[1]:,} {what} an hour for all visitors together; come back "
                "later, or install autodet."
            )


shared_quota = Quota()  # of the pages and the API of this server
