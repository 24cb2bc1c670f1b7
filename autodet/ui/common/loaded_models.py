"""Detectors of models, loaded once for all visitors."""

from typing import TYPE_CHECKING

import streamlit as st

from autodet.models.store import StoredModel

if TYPE_CHECKING:
    from autodet.inference.detector import Detector


def loaded(model: StoredModel) -> "Detector":
    """Return the detector of a model; the last ones stay loaded."""
    return _detector(version_of(model), model)


def version_of(model: StoredModel) -> str:
    """Identify a model by its whole card: models with the same weights may differ in their calibration or graph."""
    return f"{model.id} {model.card!r}"


@st.cache_resource(max_entries=3, show_spinner="Loading the model")
def _detector(version: str, _model: StoredModel) -> "Detector":
    from autodet.inference.detector import load_detector_apart

    del version  # the cache key
    return load_detector_apart(_model)
