"""Two models compared on one data set, and the labels of a data set that look wrong to a model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autodet.datasets.manifest import Dataset
from autodet.errors import warn
from autodet.evaluation.outcomes import ShownOutcomes, find_outcomes
from autodet.evaluation.paired_bootstrap import compare_outcomes
from autodet.inference.comparable_records import comparable_dataset
from autodet.inference.detector import Detector
from autodet.inference.evaluations import evaluate_model
from autodet.inference.leakage import evaluation_leakage
from autodet.inference.measured_photos import AnyPhotos, measured_photos
from autodet.messages.cautions import caution_text
from autodet.models.matching_weights import match_classes
from autodet.models.model_card import ModelCard
from autodet.models.store import StoredModel, find_model
from autodet.records import Comparison, ImageRecord, IntArray, LabelIssue, PhotoErrors, Prediction

AnyModel = str | Path | StoredModel | Detector
Progress = Callable[[int, int], None]
NO_CAUTIONS: Mapping[str, str] = {}


def compare(
    a: AnyModel, b: AnyModel, dataset: AnyPhotos, split: str = "test", progress: Progress | None = None
) -> Comparison:
    """Compare two models on one split, and tell whether the difference is more than chance.

    Evaluations that are kept beside the models are used. Only the classes of the data set count; for photos that are
    not imported, only those that both models know. Warns (``AutodetWarning``) if a model was trained on some of the
    photos, and about photos that are not imported like ``Detector.evaluate``.

    Args:
        a: The first model: a detector, the id or name of a model in the workspace, or an ``.autodet`` file.
        b: The second model.
        dataset: The data set, its id or its name; both models must know its classes. Or a path, as in
            ``Detector.evaluate``.
        split: ``train``, ``val``, ``test`` or ``all``.
        progress: Callback that receives the number of photos done and the total, for each model in turn.

    Raises:
        ModelError: The split is empty, the data set has a class that a model lacks, or the photos of a path have no
            class that both know.
        NotFoundError: A model or the data set does not exist.
        DatasetError: The photos of a path have no labels, or cannot be read without a decision.
        PhotoError: A photo cannot be read.
    """
    models = _stored(a), _stored(b)
    with measured_photos(dataset, [model.card for model in models]) as photos:
        compared = compare_models(*models, photos, split, progress)
    for caution in compared.comparison.cautions.values():
        warn(caution)
    return compared.comparison


@dataclass(frozen=True, eq=False)
class ComparedModels:
    """Two models on the same photos, with everything that each found.

    Attributes:
        comparison: The figures.
        records: The photos of the split, with the class ids of the data set.
        a: Outcomes of the first model at its thresholds, with the class ids of the data set.
        b: Outcomes of the second.
    """

    comparison: Comparison
    records: tuple[ImageRecord, ...]
    a: ShownOutcomes
    b: ShownOutcomes


def compare_models(
    a: StoredModel, b: StoredModel, dataset: Dataset, split: str, progress: Progress | None = None
) -> ComparedModels:
    """Compare two models as ``compare``, without warnings."""
    dataset = comparable_dataset((a.card, b.card), dataset)
    cautions = _cautions({"a": a, "b": b}, dataset, split)
    shown = [
        shown_outcomes(model.card, dataset, split, evaluate_model(model, dataset, split, progress)[1])
        for model in (a, b)
    ]
    return compare_shown((a.id, b.id), dataset, split, (shown[0], shown[1]), cautions)


def compare_shown(
    models: tuple[str, str],
    dataset: Dataset,
    split: str,
    shown: tuple[ShownOutcomes, ShownOutcomes],
    cautions: Mapping[str, str] = NO_CAUTIONS,
) -> ComparedModels:
    """Compare what two models found on the same photos.

    Args:
        models: What to call them.
        dataset: The data set.
        split: ``train``, ``val``, ``test`` or ``all``.
        shown: Their ``shown_outcomes`` on this split.
        cautions: As ``Comparison.cautions``.
    """
    records = dataset.split(split)
    differences = compare_outcomes(shown[0].outcomes, shown[1].outcomes)
    errors = zip(*(one.errors_by_photo().tolist() for one in shown), strict=True)
    photos = [PhotoErrors(record.file, *counts) for record, counts in zip(records, errors, strict=True)]
    comparison = Comparison(
        models=dict(zip("ab", models, strict=True)),
        dataset=dataset.name if dataset.temporary else dataset.id,
        split=split,
        map50=differences.map50,
        map50_95=differences.map50_95,
        per_class=differences.per_class,
        images=tuple(sorted(photos, key=lambda photo: -abs(photo.a - photo.b))),
        cautions=cautions,
    )
    return ComparedModels(comparison, records, *shown)


def shown_outcomes(card: ModelCard, dataset: Dataset, split: str, predictions: Sequence[Prediction]) -> ShownOutcomes:
    """Match the predictions of a model with the ground truth, in the class ids of the data set, at its thresholds."""
    names = match_classes(card.classes, dataset.classes).kept
    to_dataset = np.full(len(card.classes), -1)
    for class_id, name in enumerate(dataset.classes):
        to_dataset[card.classes.index(names[name])] = class_id
    seen = [_renumbered(prediction, to_dataset) for prediction in predictions]
    thresholds = {name: card.all_thresholds[names[name]] for name in dataset.classes}
    return find_outcomes(dataset.split(split), seen, dataset.classes).at(thresholds)


def label_issues(
    model: AnyModel, dataset: AnyPhotos, split: str = "test", progress: Progress | None = None
) -> tuple[LabelIssue, ...]:
    """List the labels of a split that look wrong to a model, the worst first.

    Use a model that was not trained on these photos: it would repeat the mistakes of their labels. Warns
    (``AutodetWarning``) if it was, and about photos that are not imported like ``Detector.evaluate``.

    Args:
        model: A detector, the id or name of a model in the workspace, or an ``.autodet`` file.
        dataset: The data set, its id or its name. Or a path, as in ``Detector.evaluate``.
        split: ``train``, ``val``, ``test`` or ``all``.
        progress: Callback that receives the number of photos done and the total.

    Raises:
        ModelError: The split is empty, or the data set has a class that the model lacks.
        NotFoundError: The model or the data set does not exist.
        DatasetError: The photos of a path have no labels, or cannot be read without a decision.
        PhotoError: A photo cannot be read.
    """
    stored = _stored(model)
    with measured_photos(dataset, [stored.card]) as photos:
        for caution in _cautions({"": stored}, photos, split).values():
            warn(caution)
        report, _ = evaluate_model(stored, photos, split, progress)
    return report.label_issues


def _renumbered(prediction: Prediction, to_dataset: IntArray) -> Prediction:
    class_ids = to_dataset[prediction.class_ids]
    known = class_ids >= 0
    return Prediction(prediction.boxes_xyxy[known], class_ids[known], prediction.scores[known])


def _cautions(models: Mapping[str, StoredModel], dataset: Dataset, split: str) -> dict[str, str]:
    leakage = {
        name: evaluation_leakage(model.card, dataset, split, dataset.workspace) for name, model in models.items()
    }
    return {name: f"{models[name].card.name}: {caution_text(notice)}" for name, notice in leakage.items() if notice}


def _stored(model: AnyModel) -> StoredModel:
    if isinstance(model, Detector):
        return model.stored
    return model if isinstance(model, StoredModel) else find_model(model)
