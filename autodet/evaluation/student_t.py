"""Quantiles of Student's t distribution, for intervals from few measurements."""

import numpy as np

STEPS = 200_000


def t_quantile(freedom: float) -> float:
    """Return the 97.5 % quantile, the factor of a two-sided 95 % interval.

    Over the angle in ``x = sqrt(freedom) * tan(angle)``, the density is proportional to ``cos(angle)**(freedom - 1)``.

    Args:
        freedom: Degrees of freedom, at least 1.
    """
    angles = (np.arange(STEPS) + 0.5) * (np.pi / 2 / STEPS)
    shares = np.cumsum(np.cos(angles) ** (freedom - 1))
    angle = np.interp(0.95, shares / shares[-1], angles + np.pi / 4 / STEPS)
    return float(np.sqrt(freedom) * np.tan(angle))
