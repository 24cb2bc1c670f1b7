"""Learning rates of an optimizer."""

import torch

from autodet.records.learning_rate import lr_factor


def set_learning_rates(optimizer: torch.optim.Optimizer, progress: float, scheduler: str) -> None:
    """Set the learning rates to their share of the peak at this point of the training.

    Args:
        optimizer: Optimizer whose parameter groups have a ``peak``, the rate after the warm-up.
        progress: Share of all steps done, 0 to 1.
        scheduler: A name of ``Hyperparameters.scheduler``.
    """
    factor = lr_factor(progress, scheduler)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
