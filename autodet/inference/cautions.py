"""What a detector may have missed on photos, in words: objects beyond its limit, and objects too small for it."""

from collections.abc import Sequence

from autodet.models.bundle import ModelCard
from autodet.records import Prediction
from autodet.text_format import counted

WAY_OUT = "Cut such photos into parts, and predict on each."


def prediction_cautions(card: ModelCard, limit: int, predictions: Sequence[Prediction]) -> list[str]:
    """Sentences on objects that may be missing from predictions.

    Args:
        card: The model that made them.
        limit: How many objects it finds on a photo at most.
        predictions: All predictions of a run.

    Returns:
        At most one sentence a reason; none if all is well, or if the model does not say what it was trained on.
    """
    cautions = []
    if count := sum(seen.truncated for seen in predictions):
        cautions.append(
            f"{_on(count, predictions)} the model found {limit} objects, its limit; there may be more. {WAY_OUT}"
        )
    sizes = card.trained_sizes
    large = [max(seen.size_wh) for seen in predictions if sizes and sizes.exceed(seen)]
    if sizes and large:
        cautions.append(
            f"{_on(len(large), predictions)} objects may be too small for the model: the longer side has "
            f"{'up to ' * (len(large) > 1)}{max(large):,} pixels, {sizes.photo_side:,} in the median training photo, "
            f"and no objects of a usual size were found. {WAY_OUT}"
        )
    return cautions


def _on(count: int, predictions: Sequence[Prediction]) -> str:
    """On how many photos."""
    return "On the photo" if len(predictions) == 1 else f"On {count:,} of {counted(len(predictions), 'photo')}"
