"""Batches of predictions of this session."""

from collections.abc import Iterable

import streamlit as st

from autodet.inference.prediction_batches import NamedPhoto, PredictionBatch
from autodet.models.store import StoredModel
from autodet.ui.common.loaded_models import loaded, session_predictions, version_of

BATCHES = "batches of predictions"  # session state, by version of the model
MAX_BATCHES = 3


def find_batch(model: StoredModel, photos: Iterable[NamedPhoto], *, tiles: bool = False) -> PredictionBatch:
    """Return the batch of a model on these photos; a new one starts, and keeps the results of the one before.

    Args:
        model: The model.
        photos: The photos with their names.
        tiles: Whether to predict on tiles of large photos too.
    """
    batches: dict[tuple[str, bool], PredictionBatch] = st.session_state.setdefault(BATCHES, {})
    key, distinct = (version_of(model), tiles), tuple(dict.fromkeys(photos))
    batch = batches.pop(key, None)
    if batch is None or batch.photos != distinct:
        if batch:
            batch.cancel()
        earlier = batch.results if batch else {}
        batch = PredictionBatch(session_predictions(), loaded(model), key, distinct, earlier)
        batch.start()
    batches[key] = batch
    while len(batches) > MAX_BATCHES:
        batches.pop(next(iter(batches))).cancel()
    return batch
