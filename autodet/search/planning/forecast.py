"""How long a search will take, before it starts."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from autodet.search.order.combinations import Combinations
from autodet.search.order.space import Range, Space, default_values, hyperparameters_of
from autodet.text_format import duration
from autodet.training.forecast import trial_seconds
from autodet.training.hardware import Hardware

COSTLY = ("architecture", "image_size", "epochs")  # what changes the time of a trial much
WIDE = 1.4  # most by least: from here on a single figure would claim too much
GPU_DOUBT = 2.0  # no GPU was measured: half as long and twice as long are likely too


@dataclass(frozen=True)
class Forecast:
    """Wall time of a whole search if no trial ends early, between two bounds in seconds."""

    least_seconds: float
    most_seconds: float

    @property
    def words(self) -> str:
        """``about 28 min``, or ``12 min to 40 min`` where more would be claimed than is known."""
        if self.most_seconds < WIDE * self.least_seconds:
            return f"about {duration((self.least_seconds + self.most_seconds) / 2)}"
        return f"{duration(self.least_seconds)} to {duration(self.most_seconds)}"


def forecast_search(
    photos: tuple[int, int], trials: int, epochs: int, space: Space, hardware: Hardware, *, refit: bool = False
) -> Forecast:
    """How long a search takes.

    The first trial has the defaults; of all others, each may be the quickest or the slowest of the space.

    Args:
        photos: How many there are to learn from, and to judge epochs by.
        trials: How many trials; as ``start_search``, it makes no more of them than there are combinations to try.
        epochs: Epochs a trial, where they are not tuned.
        space: What is tried.
        hardware: What it is tried on; trials run side by side on its slots.
        refit: Whether the best is trained once more on all these photos; for as many epochs at most.
    """
    train, val = photos
    trials = int(min(trials, Combinations(space).count))
    defaults = default_values(space)

    def seconds(values: dict[str, Any], learnt: int) -> float:
        return trial_seconds(learnt, val, int(values.get("epochs", epochs)), hyperparameters_of(values), hardware)

    possible = [defaults | ends for ends in _ends(space)] if trials > 1 else [defaults]
    bounds = []
    for pick in (min, max):
        others = pick(seconds(values, train) for values in possible)
        whole = _side_by_side([seconds(defaults, train), *[others] * (trials - 1)], len(hardware.slots))
        bounds.append(whole + (pick(seconds(values, train + val) for values in possible) if refit else 0.0))
    doubt = GPU_DOUBT if hardware.is_guess else 1.0
    return Forecast(bounds[0] / doubt, bounds[1] * doubt)


def _ends(space: Space) -> Iterator[dict[str, Any]]:
    """Every combination of the ends of what makes trials quick or slow."""
    tried = {name: space[name] for name in COSTLY if name in space}
    ends = [(one.low, one.high) if isinstance(one, Range) else one.values for one in tried.values()]
    for values in product(*ends):
        yield dict(zip(tried, values, strict=True))


def _side_by_side(seconds: Iterable[float], slots: int) -> float:
    """When the last trial ends, if each goes to the slot that is free first."""
    ends = [0.0] * slots
    for one in seconds:
        heapq.heapreplace(ends, ends[0] + one)
    return max(ends)
