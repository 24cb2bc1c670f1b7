"""Out-of-memory backoff: one trial finds how many photos fit into memory, later trials of the same size reuse it."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from autodet.records import TrialStatus


class MemoryBackoff:
    """Gradient accumulation that trials of a search need to fit into memory.

    Args:
        trials: The trials of the search so far.
    """

    def __init__(self, trials: Iterable[TrialStatus]) -> None:
        self._parts: dict[tuple[Any, ...], int] = {}
        for trial in trials:
            if "accumulation" in trial.effective:
                self._learn(trial.params, trial.effective["accumulation"])

    def effective(self, params: Mapping[str, Any]) -> dict[str, int]:
        """Return the memory-related entries of ``TrialStatus.effective`` for a trial with these parameters."""
        parts = self._parts.get(_size(params), 1)
        return {} if parts == 1 else {"batch_size": math.ceil(params["batch_size"] / parts), "accumulation": parts}

    def shrink(self, trial: TrialStatus) -> bool:
        """Record that a trial ran out of memory, and double its accumulation.

        Returns:
            Whether a smaller part is left to try; False if the trial already used one photo at a time.
        """
        if trial.effective.get("batch_size", trial.params["batch_size"]) == 1:
            return False
        self._learn(trial.params, 2 * trial.effective.get("accumulation", 1))
        return True

    def _learn(self, params: Mapping[str, Any], parts: int) -> None:
        self._parts[_size(params)] = max(parts, self._parts.get(_size(params), 1))


def _size(params: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the parameters that determine memory use most."""
    return params["architecture"], params["image_size"], params["batch_size"]
