"""The predictions of a model on a split as one file of arrays."""

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from autodet.evaluation.boxes import Detections
from autodet.records import ImageRecord, Prediction
from autodet.workspace import open_atomically

WEIGHTS, PHOTOS = "weights_sha256", "photos_sha256"


def photos_checksum(photos: Sequence[ImageRecord]) -> str:
    """Return the SHA-256 over the names and contents of photos in their order, which a data set's fingerprint ignores.

    It identifies the photo of each row of predictions.
    """
    return hashlib.sha256(repr([(photo.file, photo.sha256) for photo in photos]).encode()).hexdigest()


def write_predictions(
    path: Path,
    photos: Sequence[ImageRecord],
    predictions: Sequence[Prediction],
    weights_sha256: str = "",
    *,
    compressed: bool = False,
) -> None:
    """Write predictions atomically.

    Args:
        path: Target file; an existing file is replaced.
        photos: The photos of the split.
        predictions: Predictions on each of them, in the same order.
        weights_sha256: Checksum of the weights that made them, if the file lies beside a model that may be replaced.
        compressed: Whether to compress, which takes longer.
    """
    detections = Detections.of(predictions)
    save = np.savez_compressed if compressed else np.savez
    with open_atomically(path) as file:
        save(
            file,
            starts=detections.starts,
            boxes_xyxy=detections.boxes_xyxy,
            class_ids=detections.class_ids,
            scores=detections.scores,
            truncated=np.array([prediction.truncated for prediction in predictions], bool),
            weights_sha256=np.array(weights_sha256),
            photos_sha256=np.array(photos_checksum(photos)),
        )


def read_predictions(path: Path, photos: Sequence[ImageRecord], weights_sha256: str = "") -> list[Prediction]:
    """Read the predictions on each photo of a split.

    Args:
        path: A file of ``write_predictions``.
        photos: The photos of the split.
        weights_sha256: Checksum of the weights that must have made them; empty for any.

    Raises:
        OSError: The file does not exist or cannot be read.
        ValueError: The file is damaged, other weights made it, or it belongs to other photos or another order of
            them, or an earlier version wrote it without a checksum of the photos.
    """
    try:
        with np.load(path, allow_pickle=False) as columns:
            if weights_sha256 and str(columns[WEIGHTS]) != weights_sha256:
                raise ValueError(f"{path} belongs to other weights.")
            if PHOTOS not in columns or str(columns[PHOTOS]) != photos_checksum(photos):
                raise ValueError(f"{path} belongs to other photos.")
            return _predictions({name: columns[name] for name in columns.files})
    except (BadZipFile, EOFError, KeyError, zlib.error) as error:
        raise ValueError(f"{path} is damaged.") from error


def _predictions(columns: Mapping[str, NDArray[Any]]) -> list[Prediction]:
    boxes_xyxy, class_ids, scores = (columns[name] for name in ("boxes_xyxy", "class_ids", "scores"))
    return [
        Prediction(boxes_xyxy[begin:end], class_ids[begin:end], scores[begin:end], truncated=truncated)
        for (begin, end), truncated in zip(
            pairwise(columns["starts"].tolist()), columns["truncated"].tolist(), strict=True
        )
    ]
