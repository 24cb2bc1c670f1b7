"""Parameter combinations of a search: tried ones, and remaining ones if no parameter is continuous."""

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autodet.records import Notice
from autodet.search.order.space import PARAMETERS, Range, Space, Tried


class Combinations:
    """Combinations of a search space, with the number of trials of each.

    Args:
        space: The search space.
        tried: Parameters of past trials; trials that lack a tuned parameter are ignored.

    Attributes:
        count: Number of combinations; infinite if a continuous parameter is tuned.
    """

    def __init__(self, space: Space, tried: Iterable[Mapping[str, Any]] = ()) -> None:
        self._values = {name: _values(name, one) for name, one in space.items() if not _is_fixed(one)}
        self.count: float = math.prod(math.inf if values is None else len(values) for values in self._values.values())
        self._times = Counter(self._key(params) for params in tried if self._values.keys() <= params.keys())

    @property
    def least_times(self) -> int:
        """Number of trials of the least-tried combination."""
        return min(self._times.values()) if len(self._times) == self.count else 0

    def times(self, params: Mapping[str, Any]) -> int:
        """Return the number of trials of a combination."""
        return self._times[self._key(params)]

    def draw(self, seed: int) -> dict[str, Any]:
        """Draw a random combination among the least-tried ones; ``count`` must be finite."""
        least = self.least_times
        taken = sorted(self._number(key) for key, times in self._times.items() if times > least)
        number = random.Random(seed).randrange(int(self.count) - len(taken))  # noqa: S311 - no secret
        for other in taken:
            number += other <= number
        return self._at(number)

    def _key(self, params: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(params[name] for name in self._values)

    def _number(self, key: tuple[Any, ...]) -> int:
        """Return the index of a combination, from 0."""
        number = 0
        for values, value in zip(self._values.values(), key, strict=True):
            number = number * len(values or ()) + (values or ()).index(value)
        return number

    def _at(self, number: int) -> dict[str, Any]:
        combination = {}
        for name, values in reversed(self._values.items()):
            number, place = divmod(number, len(values or ()))
            combination[name] = (values or ())[place]
        return combination


def cap_caution(trials: int, count: float) -> Notice | None:
    """Return a caution if a search has more trials than combinations; else None."""
    return None if trials <= count else Notice.of("trials_capped", trials=trials, combinations=int(count))


def _is_fixed(tried: Tried) -> bool:
    return not tried.tuned or (isinstance(tried, Range) and tried.low == tried.high)


def _values(name: str, tried: Tried) -> Sequence[Any] | None:
    """Return the possible values of a parameter; None if it is continuous."""
    if not isinstance(tried, Range):
        return tried.values
    step = PARAMETERS[name].step
    return range(int(tried.low), int(tried.high) + 1, step) if step else None
