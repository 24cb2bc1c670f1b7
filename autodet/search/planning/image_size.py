"""Default photo size: as small as the objects allow, because training time grows with the area."""

from collections.abc import Sequence

from autodet.records import Notice
from autodet.search.order.space import PARAMETERS
from autodet.search.planning.dataset_profile import Facts

FACTORS = (1.0, 1.3, 1.6, 2.0)  # multiples of the network's default size
STEP = PARAMETERS["image_size"].step
MIN_SIDE = 32  # pixels, four times the finest stride; docs/training.md shows the loss for smaller boxes


def multiples(size: int, factors: Sequence[float]) -> list[int]:
    """Return a photo size times each factor, rounded to ``STEP``, without duplicates."""
    rounded = (round(size * factor / STEP) * STEP for factor in factors)
    return list(dict.fromkeys(max(int(PARAMETERS["image_size"].least), side) for side in rounded))


def has_many_small_boxes(size: int, facts: Facts) -> bool:
    """Return whether a quarter of the boxes (classes weighted equally) are below ``MIN_SIDE`` at this size."""
    return facts.small_box * size < MIN_SIDE


def fit_photo_size(own: int, facts: Facts) -> int:
    """Choose the default photo size.

    Args:
        own: The network's default size, used as the minimum.
        facts: Data set statistics.

    Returns:
        The smallest candidate at which three quarters of the boxes reach ``MIN_SIDE``, else the largest candidate.
        Candidates range from ``own`` to twice that, but not above the size of the photos.
    """
    sizes = [size for size in multiples(own, FACTORS) if size <= max(own, facts.photo_side)]
    return next((size for size in sizes if not has_many_small_boxes(size, facts)), sizes[-1])


def photo_size_reason(size: int, own: int, facts: Facts) -> Notice:
    """Explain the size that ``fit_photo_size`` returns."""
    if size != own:
        return Notice.of("photo_size_raised", size=size, usual=own, least=MIN_SIDE)
    if has_many_small_boxes(size, facts):
        return Notice.of("photo_size_limited", size=size)
    return Notice.of("photo_size_usual", size=size, median_box=facts.median_box)
