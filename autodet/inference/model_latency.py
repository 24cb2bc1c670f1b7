"""Latency of a model as it predicts on this machine, measured once and kept beside the model.

``autodet.training.latency`` measures the networks of a search, before they have an ONNX graph, on one core.
"""

import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from PIL import Image

from autodet.access.change import may_change
from autodet.datasets.manifest import Dataset
from autodet.datasets.photos import open_photo
from autodet.errors import AutodetError
from autodet.inference.runtime import choose_runtime
from autodet.models.store import StoredModel
from autodet.workspace import read_json, write_json

if TYPE_CHECKING:
    from autodet.inference.detector import Detector

LATENCY = "latency.json"
PHOTOS, REPEATS = 5, 3
MAX_SECONDS = 10.0  # a slow network is measured on fewer photos


def measure_model_latency(model: StoredModel, dataset: Dataset) -> float:
    """Measure the wall time of ``Detector.predict`` on photos in memory, and keep it beside a model of a workspace.

    Takes the minimum for each photo, because noise only adds time, and the median over the photos.

    Args:
        model: The model.
        dataset: The data set with the photos.

    Returns:
        Milliseconds, to two significant digits.

    Raises:
        PhotoError: A photo cannot be read.
    """
    from autodet.inference.detector import load_detector

    detector = load_detector(model)
    step = -(-len(dataset.images) // PHOTOS)
    fastest: list[float] = []
    began = time.perf_counter()
    for record in dataset.images[::step]:
        photo = open_photo(dataset.photo(record), record.file)
        if not fastest:
            _seconds(detector, photo)  # a warm-up
        fastest.append(min(_seconds(detector, photo) for _ in range(REPEATS)))
        if time.perf_counter() - began > MAX_SECONDS:
            break
    latency_ms = float(f"{1000 * median(fastest):.2g}")
    if model.is_in_workspace and may_change():
        write_json(_path(model), _identity(model) | {"latency_ms": latency_ms})
    return latency_ms


def kept_latency(model: StoredModel) -> float | None:
    """Return the measured latency in milliseconds; None if it has not been measured for these weights and runtime."""
    with suppress(AutodetError, OSError, AttributeError, KeyError, TypeError, ValueError):
        document = read_json(_path(model))
        if document.items() >= _identity(model).items():
            return float(document["latency_ms"])
    return None


def _seconds(detector: "Detector", photo: Image.Image) -> float:
    started = time.perf_counter()
    detector.predict(photo, threshold=1.0)
    return time.perf_counter() - started


def _identity(model: StoredModel) -> dict[str, str]:
    return {"weights_sha256": model.card.weights_sha256, "runtime": choose_runtime(model.card).name}


def _path(model: StoredModel) -> Path:
    return model.path.with_name(LATENCY)
