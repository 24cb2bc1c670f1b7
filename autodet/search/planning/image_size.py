"""Default photo size: as small as network, preset and objects allow, because training time grows with the area."""

from collections.abc import Sequence

from autodet.models.registry import find_architecture
from autodet.records import Notice
from autodet.search.order.space import PARAMETERS
from autodet.search.planning.dataset_profile import Facts

# Usual size by network and preset, in pixels; the smallest is also for smaller photos. Other networks have one usual
# size, that of the registry.
NANODET_SIZES = {"quick": 320, "balanced": 416, "best": 416}
USUAL_SIZES = {"nanodet_g": NANODET_SIZES, "nanodet_g_two_scales": NANODET_SIZES}
FACTORS = (1.0, 1.3, 1.6, 2.0)  # multiples of the usual size
STEP = PARAMETERS["image_size"].step
MIN_SIDE = 32  # pixels, four times the finest stride; docs/training.md shows the loss for smaller boxes


def multiples(size: int, factors: Sequence[float]) -> list[int]:
    """Return a photo size times each factor, rounded to ``STEP`` and valid, without duplicates."""
    least, most = int(PARAMETERS["image_size"].least), int(PARAMETERS["image_size"].most)
    rounded = (round(size * factor / STEP) * STEP for factor in factors)
    return list(dict.fromkeys(min(most, max(least, side)) for side in rounded))


def has_many_small_boxes(size: int, facts: Facts) -> bool:
    """Return whether a quarter of the boxes (classes weighted equally) are below ``MIN_SIDE`` at this size."""
    return facts.small_box * size < MIN_SIDE


def usual_size(network: str, preset: str) -> int:
    """Return the usual photo size of a network with a preset."""
    return USUAL_SIZES.get(network, {}).get(preset, find_architecture(network).image_size)


def usual_sizes(network: str) -> tuple[int, ...]:
    """Return the usual photo sizes of a network with any preset, ascending."""
    return tuple(sorted({*USUAL_SIZES.get(network, {}).values()} or {find_architecture(network).image_size}))


def fit_photo_size(usual: int, facts: Facts, least: int | None = None) -> int:
    """Choose the default photo size.

    Args:
        usual: The usual size.
        facts: Data set statistics.
        least: Size for photos that are smaller than the usual size; by default the usual size.

    Returns:
        The smallest candidate at which three quarters of the boxes reach ``MIN_SIDE``, else the largest candidate.
        Candidates range from the usual size to twice that, but not above the size of the photos.
    """
    least = min(least or usual, usual)
    if facts.photo_side < usual:
        return least
    sizes = [size for size in multiples(usual, FACTORS) if size <= facts.photo_side]
    return next((size for size in sizes if not has_many_small_boxes(size, facts)), sizes[-1])


def photo_size_reason(size: int, usual: int, facts: Facts) -> Notice:
    """Explain the size that ``fit_photo_size`` returns."""
    if size > usual:
        return Notice.of("photo_size_raised", size=size, usual=usual, least=MIN_SIDE)
    if has_many_small_boxes(size, facts):
        return Notice.of("photo_size_limited", size=size)
    if size < usual:
        return Notice.of("photo_size_lowered", size=size, usual=usual)
    return Notice.of("photo_size_usual", size=size, median_box=facts.median_box)
