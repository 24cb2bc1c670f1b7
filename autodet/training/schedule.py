"""How the learning rate changes from step to step."""

import math
from collections.abc import Callable

import torch

WARM_UP = 0.05  # share of all steps
FINAL_LR_FACTOR = 0.01

# From how much is done of all that comes after the warm-up to how much of the fall is still to come, 1 to 0.
_FALLS: dict[str, Callable[[float, float], float]] = {
    "cosine": lambda done, all_: (1 + math.cos(math.pi * done / all_)) / 2,  # Loshchilov, Hutter, arXiv 1608.03983
    "linear": lambda done, all_: 1 - done / all_,
    "constant": lambda _done, _all: 1.0,
}


def set_learning_rates(optimizer: torch.optim.Optimizer, progress: float, scheduler: str) -> None:
    """Warm up linearly from a tenth, then fall as the scheduler says.

    Args:
        optimizer: Whose groups have a ``peak``, the rate after the warm-up.
        progress: The share of all steps done, 0 to 1.
        scheduler: A name of ``Hyperparameters.scheduler``.
    """
    if progress < WARM_UP:
        factor = 0.1 + 0.9 * progress / WARM_UP
    else:
        fall = _FALLS[scheduler](progress - WARM_UP, 1 - WARM_UP)
        factor = FINAL_LR_FACTOR + (1 - FINAL_LR_FACTOR) * fall
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
