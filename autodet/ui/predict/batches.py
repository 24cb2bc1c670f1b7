"""Batches of predictions of a visit."""

from collections.abc import Iterable

from autodet.inference.prediction_batches import NamedPhoto, PredictionBatch
from autodet.inference.tiles import Tiling
from autodet.models.store import StoredModel
from autodet.ui.common.loaded_models import loaded, session_predictions, version_of
from autodet.ui.predict.visit import current_visit

MAX_BATCHES = 3


def find_batch(model: StoredModel, photos: Iterable[NamedPhoto], *, tiles: bool = False) -> PredictionBatch:
    """Return the batch of a model on these photos; a new one starts, and keeps the results of the one before.

    Args:
        model: The model.
        photos: The photos with their names.
        tiles: Whether to predict on tiles of large photos too.
    """
    batches = current_visit().batches
    key, distinct = (version_of(model), tiles), tuple(dict.fromkeys(photos))
    batch = batches.pop(key, None)
    if batch is None or batch.photos != distinct:
        if batch:
            batch.cancel()
        earlier = batch.results if batch else {}
        if tiles and (whole := batches.get((key[0], False))):
            tiling = Tiling.of(model.card)
            earlier |= {photo: one for photo, one in whole.results.items() if not tiling.tiles(*one.prediction.size_wh)}
        batch = PredictionBatch(session_predictions(), loaded(model), key, distinct, earlier)
        batch.start()
    batches[key] = batch
    while len(batches) > MAX_BATCHES:
        batches.pop(next(iter(batches))).cancel()
    return batch
