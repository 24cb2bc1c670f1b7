"""Detectors, loaded once for all visitors, and their predictions on dropped photos."""

import hashlib
from typing import TYPE_CHECKING

import streamlit as st

from autodet.access.quota import Use, shared_quota
from autodet.datasets.photos import photo_size
from autodet.models.store import StoredModel
from autodet.records import MIN_SCORE, Prediction
from autodet.settings import load_settings
from autodet.ui.common.sign_in import session_id

if TYPE_CHECKING:
    from autodet.inference.detector import Detector


MAX_REMEMBERED = 1000
SEEN = "seen"  # session state: predictions by photo and model


def predict_photo(model: StoredModel, content: bytes, name: str) -> Prediction:
    """Detect objects on a visitor's photo, within the quotas of a demo; the session remembers the prediction.

    Returns:
        The prediction, including detections of low confidence.

    Raises:
        PhotoError: The photo cannot be read.
        BusyError: Too many predictions are waiting.
        QuotaError: The visitor's quota, or that of all visitors, is used up.
    """
    remembered: dict[tuple[str, str], Prediction] = st.session_state.setdefault(SEEN, {})
    key = (hashlib.sha256(content).hexdigest(), version_of(model))
    if key not in remembered:
        use = Use.of_photo(photo_size(content, name), len(content))
        with shared_quota.prediction(session_id(), use, load_settings()):
            remembered[key] = next(loaded(model).predict_named([(content, name)], MIN_SCORE, "raise"))
        while len(remembered) > MAX_REMEMBERED:
            del remembered[next(iter(remembered))]
    return remembered[key]


def loaded(model: StoredModel) -> "Detector":
    """Return the detector of a model; recently used ones stay loaded."""
    return _detector(version_of(model), model)


def version_of(model: StoredModel) -> str:
    """Identify a model by its whole card: models with the same weights may differ in their calibration or graph."""
    return f"{model.id} {model.card!r}"


@st.cache_resource(max_entries=3, show_spinner="Loading the model")
def _detector(version: str, _model: StoredModel) -> "Detector":
    from autodet.inference.detector import load_detector_apart

    del version  # the cache key
    return load_detector_apart(_model)
