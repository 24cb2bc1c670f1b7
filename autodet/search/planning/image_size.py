"""At what size photos are learnt from: as small as the objects on them allow, for time grows with the area."""

from collections.abc import Sequence

from autodet.search.order.space import PARAMETERS
from autodet.search.planning.dataset_profile import Facts

FACTORS = (1.0, 1.3, 1.6, 2.0)  # times the network's own size
STEP = PARAMETERS["image_size"].step
MIN_SIDE = 32  # pixels, four times the finest stride; what smaller boxes lose is in docs/training.md


def multiples(size: int, factors: Sequence[float]) -> list[int]:
    """So many times a photo size, as near as networks can be given."""
    rounded = (round(size * factor / STEP) * STEP for factor in factors)
    return list(dict.fromkeys(max(int(PARAMETERS["image_size"].least), one) for one in rounded))


def has_many_small_boxes(size: int, facts: Facts) -> bool:
    """Whether a quarter of the boxes, each class counting the same, have less than ``MIN_SIDE`` at this size."""
    return facts.small_box * size < MIN_SIDE


def fit_photo_size(own: int, facts: Facts) -> int:
    """The size that photos have by default.

    Args:
        own: The network's own size, which photos have at least.
        facts: The data set.

    Returns:
        The least size at which three quarters of the boxes have a side of ``MIN_SIDE``; where there is none, the
        largest of twice the network's own and what the photos have.
    """
    sizes = [size for size in multiples(own, FACTORS) if size <= max(own, facts.photo_side)]
    return next((size for size in sizes if not has_many_small_boxes(size, facts)), sizes[-1])


def photo_size_sentence(size: int, own: int, facts: Facts) -> str:
    """Why photos have the size that ``fit_photo_size`` gives them."""
    if size == own:
        kept = f"Photos have {size} px, because the median box is {facts.median_box:.0%} of its photo's longer side"
        if not has_many_small_boxes(size, facts):
            return f"{kept}; larger ones would help if objects were small."
        return f"Photos have {size} px; a quarter of the boxes are small then, but the photos are no larger."
    times = (size / own) ** 2
    return (
        f"Photos have {size} px, because a quarter of the boxes (each class counts the same) would be smaller than "
        f"{MIN_SIDE} px at the usual {own}; an epoch takes about {times:.1f} times as long."
    )
