"""Warnings about objects that a detector may have missed: beyond its detection limit, or too small."""

from collections.abc import Sequence

from autodet.models.bundle import ModelCard
from autodet.records import Prediction
from autodet.text_format import counted

WAY_OUT = "Cut such photos into parts, and predict on each."


def prediction_cautions(card: ModelCard, limit: int, predictions: Sequence[Prediction]) -> list[str]:
    """Return warnings about objects that may be missing from predictions.

    Args:
        card: Card of the model that made the predictions.
        limit: Maximum number of detections per photo.
        predictions: All predictions of a run.

    Returns:
        At most one sentence per reason; the check for small objects is skipped if the card lacks ``trained_sizes``.
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
    """Begin a sentence with the number of photos concerned."""
    return "On the photo" if len(predictions) == 1 else f"On {count:,} of {counted(len(predictions), 'photo')}"
