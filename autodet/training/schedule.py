"""Learning rate schedules."""

import math
from collections.abc import Callable

import torch

WARM_UP = 0.05  # share of all steps
FINAL_LR_FACTOR = 0.01

# Decay curves: map (progress after the warm-up, its total) to the remaining decay, 1 to 0.
_FALLS: dict[str, Callable[[float, float], float]] = {
    "cosine": lambda done, all_: (1 + math.cos(math.pi * done / all_)) / 2,  # Loshchilov, Hutter, arXiv 1608.03983
    "linear": lambda done, all_: 1 - done / all_,
    "constant": lambda _done, _all: 1.0,
}


def set_learning_rates(optimizer: torch.optim.Optimizer, progress: float, scheduler: str) -> None:
    """Set the learning rates: linear warm-up from a tenth of the peak, then decay by the scheduler.

    Args:
        optimizer: Optimizer whose parameter groups have a ``peak``, the rate after the warm-up.
        progress: Share of all steps done, 0 to 1.
        scheduler: A name of ``Hyperparameters.scheduler``.
    """
    if progress < WARM_UP:
        factor = 0.1 + 0.9 * progress / WARM_UP
    else:
        fall = _FALLS[scheduler](progress - WARM_UP, 1 - WARM_UP)
        factor = FINAL_LR_FACTOR + (1 - FINAL_LR_FACTOR) * fall
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
