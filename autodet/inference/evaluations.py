"""Model evaluations, cached beside the model: pages, the command line and ``Detector.evaluate`` share them.

Those on temporary data sets are kept with the data set, and are deleted with it.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from autodet.access.change import may_change
from autodet.datasets.manifest import Dataset
from autodet.errors import AutodetError
from autodet.evaluation.outcomes import Outcomes, find_outcomes
from autodet.evaluation.prediction_file import photos_checksum, read_predictions, write_predictions
from autodet.evaluation.report import METRICS_VERSION, evaluate_predictions
from autodet.inference.comparable_records import comparable_predictions, comparable_records
from autodet.inference.tile_merge import MERGE_VERSION
from autodet.inference.tiles import Tiling
from autodet.models.store import StoredModel
from autodet.records import EvaluationReport, Prediction
from autodet.workspace import read_json, write_json

EVALUATIONS = "evaluations"
PREDICTIONS = ".npz"
Kept = tuple[EvaluationReport, list[Prediction]]


def evaluate_model(
    model: StoredModel,
    dataset: Dataset,
    split: str,
    progress: Callable[[int, int], None] | None = None,
    *,
    tiles: bool = False,
) -> Kept:
    """Evaluate a model on one split of a data set, and store the result, or return the stored result.

    Args:
        model: The model.
        dataset: The data set; its classes must be a subset of the model's.
        split: ``train``, ``val``, ``test`` or ``all``.
        progress: Callback that receives the number of photos done and the total.
        tiles: Whether to predict on tiles of large photos too; kept apart from an evaluation without tiles.

    Returns:
        The report and the predictions for each photo of the split, with the model's class ids; detections of classes
        that the data set lacks are left out, because it has no labels of them.

    Raises:
        ModelError: The split is empty, or the data set has a class that the model lacks.
    """
    from autodet.inference.detector import load_detector

    records = comparable_records(model.card, dataset, split)
    if kept := kept_evaluation(model, dataset, split, tiles=tiles):
        return kept
    seen = load_detector(model).predict_dataset(dataset, records, progress, tiles=tiles)
    predictions = comparable_predictions(model.card, dataset, seen)
    report = _report(model, dataset, split, predictions)
    keep_evaluation(model, dataset, split, (report, predictions), tiles=tiles)
    return report, predictions


def _report(model: StoredModel, dataset: Dataset, split: str, predictions: Sequence[Prediction]) -> EvaluationReport:
    records = comparable_records(model.card, dataset, split)
    return evaluate_predictions(records, predictions, model.card.classes, model.card.all_thresholds)


def match_evaluation(model: StoredModel, dataset: Dataset, split: str, predictions: Sequence[Prediction]) -> Outcomes:
    """Match the predictions of an evaluation with the ground truth, in the model's class ids."""
    return find_outcomes(comparable_records(model.card, dataset, split), predictions, model.card.classes)


def keep_evaluation(model: StoredModel, dataset: Dataset, split: str, evaluation: Kept, *, tiles: bool = False) -> None:
    """Store an evaluation of a model of a workspace; nothing is written for a bundle outside it or for a viewer.

    Raises:
        OSError: The file cannot be written.
    """
    if not (model.is_in_workspace or dataset.temporary) or not may_change():
        return
    report, predictions = evaluation
    path = _path(model, dataset, split, tiles)
    path.parent.mkdir(exist_ok=True)
    write_predictions(path.with_suffix(PREDICTIONS), dataset.split(split), predictions)
    _keep_report(path, report)


def _keep_report(path: Path, report: EvaluationReport) -> None:
    write_json(path, {"metrics": METRICS_VERSION, "report": report.to_json()})


def kept_evaluation(model: StoredModel, dataset: Dataset, split: str, *, tiles: bool = False) -> Kept | None:
    """Return the stored evaluation of the same weights, data set and split; None if unavailable.

    A report of another version of the metrics is computed again from the stored predictions.
    """
    path = _path(model, dataset, split, tiles)
    try:
        document = read_json(path)
        seen = read_predictions(path.with_suffix(PREDICTIONS), dataset.split(split))
        predictions = comparable_predictions(model.card, dataset, seen)  # earlier versions kept all
        if document.get("metrics") == METRICS_VERSION:
            return EvaluationReport.from_json(document["report"]), predictions
        report = _report(model, dataset, split, predictions)
    except (AutodetError, OSError, AttributeError, KeyError, TypeError, ValueError):
        return None
    if may_change():
        with suppress(OSError):  # a full disk does not lose the report
            _keep_report(path, report)
    return report, predictions


def kept_report(model: StoredModel, dataset: Dataset, split: str, *, tiles: bool = False) -> EvaluationReport | None:
    """Return the report of the stored evaluation, as ``kept_evaluation``, without reading its predictions."""
    with suppress(AutodetError, OSError, AttributeError, KeyError, TypeError, ValueError):
        document = read_json(_path(model, dataset, split, tiles))
        if document.get("metrics") == METRICS_VERSION:
            return EvaluationReport.from_json(document["report"])
    kept = kept_evaluation(model, dataset, split, tiles=tiles)
    return kept[0] if kept else None


def _path(model: StoredModel, dataset: Dataset, split: str, tiles: bool) -> Path:
    records = dataset.split(split)
    tiling = Tiling.of(model.card)
    cut = tiles and any(tiling.tiles(record.width, record.height) for record in records)
    photos = photos_checksum(records)
    key = f"{model.card.weights_sha256} {dataset.fingerprint} {split} {photos}{f' tiles {MERGE_VERSION}' * cut}"
    place = dataset.folder.parents[1] if dataset.temporary else model.path.parent
    return place / EVALUATIONS / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
