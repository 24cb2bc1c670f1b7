"""Learning curves: quality against the number of training photos, and its extrapolation to more.

The error ``1 - score`` falls about like a power of the number of photos (Hestness et al., arXiv 1712.00409). As the
logarithm of the error is then a straight line over that of the photos, ordinary least squares fit it, with an interval
from the scatter of the points around the line. A third parameter, an error that no number of photos removes, is left
out, because three numbers of photos cannot determine it. The extrapolation may therefore be too good far out.
"""

from collections.abc import Sequence

import numpy as np

from autodet.evaluation.student_t import t_quantile
from autodet.records import PowerLaw

MIN_POINTS = 3
MIN_ERROR = 0.005  # a score of 1 on few photos is not free of errors


def fit_power_law(photos: Sequence[int], scores: Sequence[float], all_photos: int) -> PowerLaw | None:
    """Fit an inverse power law of the error.

    Args:
        photos: Number of training photos of each point.
        scores: Scores, 0 to 1.
        all_photos: Number of all training photos.

    Returns:
        The fit; None for fewer than ``MIN_POINTS`` points or two numbers of photos.
    """
    if len(photos) < MIN_POINTS or len(set(photos)) < 2:
        return None
    doublings = np.log2(np.asarray(photos, float))
    errors = np.log(np.maximum(1 - np.asarray(scores, float), MIN_ERROR))
    centre, level = doublings.mean(), errors.mean()
    offsets = doublings - centre
    slope = float(offsets @ errors / (offsets @ offsets))
    freedom = len(photos) - 2
    scatter = np.sqrt(((errors - level - slope * offsets) ** 2).sum() / freedom)
    width = t_quantile(freedom) * scatter
    return PowerLaw(
        all_photos,
        float(2**centre),
        float(level),
        slope,
        float(width / np.sqrt(len(photos))),
        float(width / np.sqrt(offsets @ offsets)),
    )
