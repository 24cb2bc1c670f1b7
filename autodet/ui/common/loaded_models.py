"""Detectors, loaded once for all visitors, and their predictions on dropped photos."""

from typing import TYPE_CHECKING

import streamlit as st

from autodet.access.quota import shared_quota
from autodet.errors import PhotoError
from autodet.inference.prediction_batches import SessionPredictions
from autodet.models.store import StoredModel
from autodet.records import Prediction
from autodet.ui.common.server_app import browser_id

if TYPE_CHECKING:
    from autodet.inference.detector import Detector


SESSION = "session predictions"  # session state


def predict_photo(model: StoredModel, content: bytes, name: str, *, tiles: bool = False) -> Prediction:
    """Detect objects on a visitor's photo, within the quotas of a demo; the session remembers the prediction.

    Returns:
        The prediction, including detections of low confidence.

    Raises:
        PhotoError: The photo cannot be read.
        BusyError: Too many predictions are waiting.
        QuotaError: The visitor's quota, or that of all visitors, is used up.
    """
    result = next(session_predictions().predict(loaded(model), (version_of(model), tiles), [(content, name)]))
    if result.prediction.error:
        raise PhotoError(result.prediction.error)
    return result.prediction


def session_predictions() -> SessionPredictions:
    """Return the predictions that this session remembers."""
    if SESSION not in st.session_state:
        st.session_state[SESSION] = SessionPredictions(browser_id(), shared_quota)
    found: SessionPredictions = st.session_state[SESSION]
    return found


def loaded(model: StoredModel) -> "Detector":
    """Return the detector of a model; recently used ones stay loaded."""
    return _detector(version_of(model), model)


def version_of(model: StoredModel) -> str:
    """Identify a model by its whole card: models with the same weights may differ in their calibration or graph."""
    return f"{model.id} {vars(model.card)}"


@st.cache_resource(max_entries=3, show_spinner="Loading the model")
def _detector(version: str, _model: StoredModel) -> "Detector":
    from autodet.inference.detector import load_detector_apart

    del version  # the cache key
    return load_detector_apart(_model)
