"""Model evaluations, cached beside the model: pages, the command line and ``Detector.evaluate`` share them."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autodet.datasets.manifest import Dataset
from autodet.errors import AutodetError
from autodet.inference.comparable_records import comparable_records
from autodet.models.store import StoredModel
from autodet.records import EvaluationReport, Prediction
from autodet.workspace import read_json, write_json

EVALUATIONS = "evaluations"
Kept = tuple[EvaluationReport, list[Prediction]]


def evaluate_model(
    model: StoredModel, dataset: Dataset, split: str, progress: Callable[[int, int], None] | None = None
) -> Kept:
    """Evaluate a model on one split of a data set, and store the result, or return the stored result.

    Args:
        model: The model.
        dataset: The data set; its classes must be a subset of the model's.
        split: ``train``, ``val``, ``test`` or ``all``.
        progress: Callback that receives the number of photos done and the total.

    Returns:
        The report and the predictions for each photo of the split, with the model's class ids.

    Raises:
        ModelError: The split is empty, or the data set has a class that the model lacks.
    """
    from autodet.inference.detector import load_detector

    records = comparable_records(model.card, dataset, split)
    if kept := kept_evaluation(model, dataset, split):
        return kept
    predictions = load_detector(model).predict_dataset(dataset, records, progress)
    report = _report(model, dataset, split, predictions)
    keep_evaluation(model, dataset, split, (report, predictions))
    return report, predictions


def _report(model: StoredModel, dataset: Dataset, split: str, predictions: Sequence[Prediction]) -> EvaluationReport:
    from autodet.evaluation.report import evaluate_predictions

    records = comparable_records(model.card, dataset, split)
    return evaluate_predictions(records, predictions, model.card.classes, model.card.all_thresholds)


def keep_evaluation(model: StoredModel, dataset: Dataset, split: str, evaluation: Kept) -> None:
    """Store an evaluation of a model of a workspace; nothing is written beside a bundle elsewhere.

    Raises:
        OSError: The file cannot be written.
    """
    if not model.is_in_workspace:
        return
    report, predictions = evaluation
    path = _path(model, dataset, split)
    path.parent.mkdir(exist_ok=True)
    write_json(path, {"report": report.to_json(), "predictions": [_to_json(seen) for seen in predictions]})


def kept_evaluation(model: StoredModel, dataset: Dataset, split: str) -> Kept | None:
    """Return the stored evaluation of the same weights, data set and split; None if unavailable.

    A report of an earlier version, which has no thresholds, is computed again from the stored predictions.
    """
    try:
        document = read_json(_path(model, dataset, split))
        report = EvaluationReport.from_json(document["report"])
        predictions = [_from_json(seen) for seen in document["predictions"]]
        return report if report.thresholds else _report(model, dataset, split, predictions), predictions
    except (AutodetError, OSError, KeyError, TypeError, ValueError):
        return None


def _path(model: StoredModel, dataset: Dataset, split: str) -> Path:
    key = f"{model.card.weights_sha256} {dataset.fingerprint} {split}"
    return model.path.parent / EVALUATIONS / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"


def _to_json(prediction: Prediction) -> dict[str, Any]:
    return {
        "boxes": prediction.boxes_xyxy.round(2).tolist(),
        "class_ids": prediction.class_ids.tolist(),
        "scores": prediction.scores.round(4).tolist(),
        "truncated": prediction.truncated,
    }


def _from_json(document: dict[str, Any]) -> Prediction:
    truncated = document.get("truncated", False)  # absent in files of earlier versions
    return Prediction.of(document["boxes"], document["class_ids"], document["scores"], truncated=truncated)
