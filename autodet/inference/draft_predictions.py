"""Detections of a model on photos of a data set, kept so that other thresholds need no new predictions.

datasets/<id>/drafts/predictions/KEY.jsonl   one photo in each line; KEY stands for the model's weights and calibration

Photos are named by their checksums, so that equal photos share a line. A line that a killed process left incomplete
does not count, and its photo is predicted again.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from autodet.access.change import may_change
from autodet.datasets.drafts.journal_file import FOLDER, PREDICTIONS
from autodet.datasets.manifest import Dataset
from autodet.errors import BusyError, DatasetError
from autodet.lock import hold_folder
from autodet.models.store import StoredModel
from autodet.records import ImageRecord, Prediction

MIN_KEPT_SCORE = 0.05  # no threshold of a draft is lower
BOX_DECIMALS, SCORE_DECIMALS = 2, 4


def kept_predictions(model: StoredModel, dataset: Dataset) -> Mapping[str, Prediction]:
    """Return a model's detections so far on photos of a data set, by ``photo_key``; scores from ``MIN_KEPT_SCORE``."""
    path = _path(model, dataset)
    try:
        stamp = path.stat()
    except OSError:
        return {}
    return _read(path, stamp.st_mtime_ns, stamp.st_size)


def as_kept(seen: Prediction) -> Prediction:
    """Return a prediction as it will be read again: with rounded boxes and scores."""
    boxes, scores = np.round(seen.boxes_xyxy, BOX_DECIMALS), np.round(seen.scores, SCORE_DECIMALS)
    return replace(seen, boxes_xyxy=boxes, scores=scores)


def keep_predictions(
    model: StoredModel, dataset: Dataset, records: Sequence[ImageRecord], predictions: Sequence[Prediction]
) -> None:
    """Add predictions on photos, of ``as_kept``, whole lines at once; a viewer's are not kept.

    Raises:
        DatasetError: The data set was deleted.
        OSError: The disk is full.
    """
    if not may_change():
        return
    lines = [_line(photo_key(record), seen) for record, seen in zip(records, predictions, strict=True)]
    path = _path(model, dataset)
    try:
        with hold_folder(dataset.folder):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                os.write(descriptor, "".join(f"\n{line}" for line in lines).encode())  # ends an incomplete line
            finally:
                os.close(descriptor)
    except (FileNotFoundError, BusyError) as error:
        raise DatasetError(
            f"The predictions on {dataset.name!r} could not be kept: it was deleted, or is in use; reload the page."
        ) from error


def photo_key(record: ImageRecord) -> str:
    """Return the key of a photo's prediction."""
    return record.sha256 or record.file


def _path(model: StoredModel, dataset: Dataset) -> Path:
    key = f"{model.card.weights_sha256} {model.card.calibration}"
    return dataset.folder / FOLDER / PREDICTIONS / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.jsonl"


def _line(key: str, seen: Prediction) -> str:
    boxes = [[round(side, BOX_DECIMALS) for side in box] for box in seen.boxes_xyxy.tolist()]
    scores = [round(score, SCORE_DECIMALS) for score in seen.scores.tolist()]
    document = {"photo": key, "boxes": boxes, "class_ids": seen.class_ids.tolist(), "scores": scores}
    return json.dumps(document, separators=(",", ":"))


@lru_cache(maxsize=4)
def _read(path: Path, _modified: int, _size: int) -> Mapping[str, Prediction]:
    found = {}
    for line in path.read_bytes().splitlines():
        try:
            document = json.loads(line)
            found[document["photo"]] = Prediction.of(document["boxes"], document["class_ids"], document["scores"])
        except (ValueError, KeyError, TypeError):
            continue  # an empty or incomplete line
    return found
