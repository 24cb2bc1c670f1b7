"""Learning curves: quality against the number of training photos, and its extrapolation to more.

The error ``1 - score`` falls about like a power of the number of photos (Hestness et al., arXiv 1712.00409). As the
logarithm of the error is then a straight line over that of the photos, least squares fit it, with an interval from the
scatter of the points around the line. A third parameter, an error that no number of photos removes, is left out,
because three numbers of photos cannot determine it. The extrapolation may therefore be too good far out.

The trainings of one seed share photos and luck, which moves all of them up or down. The slope is therefore fitted
within the seeds, each of which has a level of its own (fixed effects).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autodet.evaluation.student_t import t_quantile
from autodet.records import PowerLaw

MIN_ERROR = 0.005  # a score of 1 on few photos is not free of errors


def fit_power_law(
    photos: Sequence[int], scores: Sequence[float], seeds: Sequence[int], all_photos: int
) -> PowerLaw | None:
    """Fit an inverse power law of the error.

    Args:
        photos: Number of training photos of each point.
        scores: Scores, 0 to 1.
        seeds: Seed of each point.
        all_photos: Number of all training photos.

    Returns:
        The fit; None with too few points: three of one seed, or two each of two seeds.
    """
    freedom = len(photos) - len(set(seeds)) - 1
    if freedom < 1:
        return None
    doublings = np.log2(np.asarray(photos, float))
    errors = np.log(np.maximum(1 - np.asarray(scores, float), MIN_ERROR))
    within, changes = _within_seeds(doublings, seeds), _within_seeds(errors, seeds)
    spread = float(within @ within)
    if not spread:
        return None
    slope = float(within @ changes) / spread
    centre, level = doublings.mean(), errors.mean()
    scatter = np.sqrt(((changes - slope * within) ** 2).sum() / freedom)
    off_line = np.sqrt(((errors - level - slope * (doublings - centre)) ** 2).sum() / (len(photos) - 2))
    # Points of one seed are not independent: with several seeds, their means also tell how sure the level is.
    level_error = max(off_line / np.sqrt(len(photos)), _error_of_seeds(errors, seeds))
    return PowerLaw(
        all_photos,
        float(2**centre),
        float(level),
        slope,
        float(t_quantile(len(photos) - 2) * level_error),
        float(t_quantile(freedom) * scatter / np.sqrt(spread)),
    )


def _within_seeds(values: NDArray[np.float64], seeds: Sequence[int]) -> NDArray[np.float64]:
    """Subtract from each value the mean of its seed."""
    means, places = _seed_means(values, seeds)
    return values - means[places]


def _error_of_seeds(values: NDArray[np.float64], seeds: Sequence[int]) -> float:
    """Return the standard error of the mean of the seeds' means; 0 with one seed."""
    means, _ = _seed_means(values, seeds)
    return float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else 0.0


def _seed_means(values: NDArray[np.float64], seeds: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the mean of each seed, and for each value the place of its seed."""
    _, places = np.unique(np.asarray(seeds), return_inverse=True)
    return np.bincount(places, values) / np.bincount(places), places
