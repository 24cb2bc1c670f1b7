"""Learning rate over a training: warm-up, then decay."""

import math
from collections.abc import Callable

WARM_UP = 0.05  # share of all steps
FINAL_LR_FACTOR = 0.01

# Decay curves: map (progress after the warm-up, its total) to the remaining decay, 1 to 0.
_FALLS: dict[str, Callable[[float, float], float]] = {
    "cosine": lambda done, all_: (1 + math.cos(math.pi * done / all_)) / 2,  # Loshchilov, Hutter, arXiv 1608.03983
    "linear": lambda done, all_: 1 - done / all_,
    "constant": lambda _done, _all: 1.0,
}


def lr_factor(progress: float, scheduler: str) -> float:
    """Return the learning rate as a share of its peak: linear warm-up from a tenth, then decay by the scheduler.

    Args:
        progress: Share of all steps done, 0 to 1.
        scheduler: A name of ``Hyperparameters.scheduler``.
    """
    if progress < WARM_UP:
        return 0.1 + 0.9 * progress / WARM_UP
    fall = _FALLS[scheduler](progress - WARM_UP, 1 - WARM_UP)
    return FINAL_LR_FACTOR + (1 - FINAL_LR_FACTOR) * fall
