"""Two models compared on one data set, and the labels of a data set that look wrong to a model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.errors import warn
from autodet.evaluation.outcomes import Outcomes, find_outcomes
from autodet.evaluation.paired_bootstrap import compare_outcomes
from autodet.inference.detector import Detector
from autodet.inference.evaluations import evaluate_model
from autodet.inference.leakage import evaluation_leakage
from autodet.messages.cautions import caution_text
from autodet.models.matching_weights import match_classes
from autodet.models.model_card import ModelCard
from autodet.models.store import StoredModel, find_model
from autodet.records import Comparison, IntArray, LabelIssue, PhotoErrors, Prediction

AnyModel = str | Path | StoredModel | Detector
AnyDataset = Dataset | DatasetSummary | str
Progress = Callable[[int, int], None]


def compare(
    a: AnyModel, b: AnyModel, dataset: AnyDataset, split: str = "test", progress: Progress | None = None
) -> Comparison:
    """Compare two models on one split, and tell whether the difference is more than chance.

    Evaluations that are kept beside the models are used. Only the classes of the data set count. Warns
    (``AutodetWarning``) if a model was trained on some of the photos.

    Args:
        a: The first model: a detector, the id or name of a model in the workspace, or an ``.autodet`` file.
        b: The second model.
        dataset: The data set, its id or its name; both models must know its classes.
        split: ``train``, ``val``, ``test`` or ``all``.
        progress: Callback that receives the number of photos done and the total, for each model in turn.

    Raises:
        ModelError: The split is empty, or the data set has a class that a model lacks.
        NotFoundError: A model or the data set does not exist.
        PhotoError: A photo cannot be read.
    """
    dataset = as_dataset(dataset)
    models = {"a": _stored(a), "b": _stored(b)}
    cautions = _cautions(models, dataset, split)
    for caution in cautions.values():
        warn(caution)
    seen = {name: _evaluated(model, dataset, split, progress) for name, model in models.items()}
    differences = compare_outcomes(seen["a"].outcomes, seen["b"].outcomes)
    errors = {name: one.outcomes.at(one.thresholds).errors_by_photo().tolist() for name, one in seen.items()}
    photos = [
        PhotoErrors(record.file, *counts)
        for record, *counts in zip(dataset.split(split), errors["a"], errors["b"], strict=True)
    ]
    return Comparison(
        models={name: model.id for name, model in models.items()},
        dataset=dataset.id,
        split=split,
        map50=differences.map50,
        map50_95=differences.map50_95,
        per_class=differences.per_class,
        images=tuple(sorted(photos, key=lambda photo: -abs(photo.a - photo.b))),
        cautions=cautions,
    )


def label_issues(
    model: AnyModel, dataset: AnyDataset, split: str = "test", progress: Progress | None = None
) -> tuple[LabelIssue, ...]:
    """List the labels of a split that look wrong to a model, the worst first.

    Use a model that was not trained on these photos: it would repeat the mistakes of their labels. Warns
    (``AutodetWarning``) if it was.

    Args:
        model: A detector, the id or name of a model in the workspace, or an ``.autodet`` file.
        dataset: The data set, its id or its name.
        split: ``train``, ``val``, ``test`` or ``all``.
        progress: Callback that receives the number of photos done and the total.

    Raises:
        ModelError: The split is empty, or the data set has a class that the model lacks.
        NotFoundError: The model or the data set does not exist.
        PhotoError: A photo cannot be read.
    """
    stored, dataset = _stored(model), as_dataset(dataset)
    for caution in _cautions({"": stored}, dataset, split).values():
        warn(caution)
    report, _ = evaluate_model(stored, dataset, split, progress)
    return report.label_issues


@dataclass(frozen=True, eq=False)
class _Evaluated:
    outcomes: Outcomes
    thresholds: Mapping[str, float]


def _evaluated(model: StoredModel, dataset: Dataset, split: str, progress: Progress | None) -> _Evaluated:
    """Return the outcomes of a model in the class ids of the data set."""
    _, predictions = evaluate_model(model, dataset, split, progress)
    names = match_classes(model.card.classes, dataset.classes).kept
    to_dataset = np.full(len(model.card.classes), -1)
    for class_id, name in enumerate(dataset.classes):
        to_dataset[model.card.classes.index(names[name])] = class_id
    seen = [_renumbered(prediction, to_dataset) for prediction in predictions]
    return _Evaluated(
        find_outcomes(dataset.split(split), seen, dataset.classes), _thresholds(model.card, dataset.classes, names)
    )


def _renumbered(prediction: Prediction, to_dataset: IntArray) -> Prediction:
    class_ids = to_dataset[prediction.class_ids]
    known = class_ids >= 0
    return Prediction(prediction.boxes_xyxy[known], class_ids[known], prediction.scores[known])


def _thresholds(card: ModelCard, classes: Sequence[str], names: Mapping[str, str]) -> Mapping[str, float]:
    return {name: card.all_thresholds[names[name]] for name in classes}


def _cautions(models: Mapping[str, StoredModel], dataset: Dataset, split: str) -> dict[str, str]:
    leakage = {
        name: evaluation_leakage(model.card, dataset, split, dataset.workspace) for name, model in models.items()
    }
    return {name: f"{models[name].card.name}: {caution_text(notice)}" for name, notice in leakage.items() if notice}


def _stored(model: AnyModel) -> StoredModel:
    if isinstance(model, Detector):
        return model.stored
    return model if isinstance(model, StoredModel) else find_model(model)
