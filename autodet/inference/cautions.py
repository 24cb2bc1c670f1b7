"""Cautions about predictions: unreadable photos, and objects that the model may have missed."""

from collections.abc import Sequence

import numpy as np

from autodet.inference.tiles import MAX_TILES, Tiling
from autodet.models.model_card import ModelCard
from autodet.records import DEFAULT_THRESHOLD, Notice, Prediction


def prediction_cautions(card: ModelCard, limit: int, predictions: Sequence[Prediction]) -> tuple[Notice, ...]:
    """Return cautions about objects that may be missing from predictions: beyond a limit, or too small.

    Args:
        card: Card of the model that made the predictions.
        limit: Maximum number of detections per photo.
        predictions: All predictions of a run.

    Returns:
        At most one caution per reason; the check for small objects is skipped if the card lacks ``trained_sizes``.
    """
    cautions, photos = [], len(predictions)
    whole = [seen for seen in predictions if not seen.tiles]
    tiled = [seen for seen in predictions if seen.tiles]
    if truncated := sum(seen.truncated for seen in whole):
        cautions.append(Notice.of("detections_truncated", truncated=truncated, photos=photos, limit=limit))
    if truncated := sum(seen.truncated for seen in tiled):
        cautions.append(Notice.of("tiles_truncated", truncated=truncated, photos=photos, limit=limit))
    if limited := sum(Tiling.of(card).is_capped(*seen.size_wh) for seen in tiled):
        cautions.append(Notice.of("tiles_limited", limited=limited, photos=photos, most=MAX_TILES))
    sizes = card.trained_sizes
    found = np.minimum(list(card.all_thresholds.values()), DEFAULT_THRESHOLD).astype(np.float32)
    large = [max(seen.size_wh) for seen in whole if sizes and sizes.exceed(seen, found)]
    if sizes and large:
        facts = {"large": len(large), "side": max(large), "photo_side": sizes.photo_side}
        cautions.append(Notice.of("objects_too_small", photos=photos, **facts))
    return tuple(cautions)


def unread_caution(predictions: Sequence[Prediction]) -> Notice | None:
    """Return a caution about photos that could not be read; None if all could."""
    errors = [seen.error for seen in predictions if seen.error]
    if not errors:
        return None
    return Notice.of("photos_unread", unread=len(errors), photos=len(predictions), detail=errors[0])
