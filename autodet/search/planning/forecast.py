"""Forecast of the duration of a search, before its start."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from autodet.records import PlannedTrial
from autodet.search.order.combinations import Combinations
from autodet.search.order.space import Range, Space, default_values, hyperparameters_of
from autodet.training.forecast import trial_seconds
from autodet.training.hardware import Hardware

COSTLY = ("architecture", "image_size", "epochs")  # large effect on the time of a trial
GPU_DOUBT = 2.0  # no GPU was measured: the time may be half or twice as long


@dataclass(frozen=True)
class Forecast:
    """Bounds in seconds on the wall time of a whole search, if no trial ends early."""

    least_seconds: float
    most_seconds: float


def forecast_search(
    photos: tuple[int, int], trials: int, epochs: int, space: Space, hardware: Hardware, *, refit: bool = False
) -> Forecast:
    """Forecast the duration of a search.

    The first trial uses the defaults; the bounds assume that all others are the fastest or the slowest of the space.

    Args:
        photos: Numbers of training and validation photos.
        trials: Number of trials; capped at the number of combinations, as in ``start_search``.
        epochs: Epochs per trial, unless they are tuned.
        space: The search space.
        hardware: Hardware that trials run on, in parallel on its slots.
        refit: Whether a final refit on all these photos follows, for at most as many epochs.
    """
    train, val = photos
    trials = int(min(trials, Combinations(space).count))
    defaults = default_values(space)

    def seconds(values: dict[str, Any], train: int) -> float:
        return trial_seconds(train, val, int(values.get("epochs", epochs)), hyperparameters_of(values), hardware)

    possible = [defaults | ends for ends in _ends(space)] if trials > 1 else [defaults]
    bounds = []
    for pick in (min, max):
        others = pick(seconds(values, train) for values in possible)
        whole = _side_by_side([seconds(defaults, train), *[others] * (trials - 1)], len(hardware.slots))
        bounds.append(whole + (pick(seconds(values, train + val) for values in possible) if refit else 0.0))
    doubt = GPU_DOUBT if hardware.is_guess else 1.0
    return Forecast(bounds[0] / doubt, bounds[1] * doubt)


def forecast_trials(photos: tuple[int, int], planned: Iterable[PlannedTrial], hardware: Hardware) -> Forecast:
    """Forecast the duration of a follow-up, whose trials are known.

    Args:
        photos: Numbers of all training and validation photos.
        planned: Its trials; one on a part of the photos repeats them.
        hardware: Hardware that trials run on, in parallel on its slots.
    """
    seconds = [trial_seconds(*photos, trial.epochs, hyperparameters_of(trial.params), hardware) for trial in planned]
    whole, doubt = _side_by_side(seconds, len(hardware.slots)), GPU_DOUBT if hardware.is_guess else 1.0
    return Forecast(whole / doubt, whole * doubt)


def _ends(space: Space) -> Iterator[dict[str, Any]]:
    """Yield every combination of range ends and choices of the parameters in ``COSTLY``."""
    tried = {name: space[name] for name in COSTLY if name in space}
    ends = [
        (candidates.low, candidates.high) if isinstance(candidates, Range) else candidates.values
        for candidates in tried.values()
    ]
    for values in product(*ends):
        yield dict(zip(tried, values, strict=True))


def _side_by_side(seconds: Iterable[float], slots: int) -> float:
    """Return when the last trial ends, if each runs on the first free slot."""
    ends = [0.0] * slots
    for duration in seconds:
        heapq.heapreplace(ends, ends[0] + duration)
    return max(ends)
