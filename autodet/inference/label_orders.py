"""Orders in which the photos of a data set can be labelled."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from autodet.access.change import change
from autodet.datasets.checks.duplicates import Shot, keep_together
from autodet.datasets.drafts.journal import Drafts, read_drafts
from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.errors import ModelError
from autodet.evaluation.label_order import NO_EVIDENCE, Evidence, Look, find_evidence, order_photos
from autodet.inference.auto_labels import find_on_photos
from autodet.inference.demo import demo_model, find_model_or_demo
from autodet.inference.draft_predictions import kept_predictions, photo_key
from autodet.inference.feature_jobs import feature_model
from autodet.inference.photo_features import find_features, kept_features
from autodet.models.matching_weights import match_classes
from autodet.models.store import StoredModel, list_models
from autodet.records import FloatArray, IntArray, LabelReason, Prediction
from autodet.workspace import Workspace

OrderKind = Literal["imported", "teaches", "random", "proposals"]
ORDER_KINDS: tuple[OrderKind, ...] = get_args(OrderKind)
DONE = ("labelled", "empty")  # states of photos that need no labels

PREDICTS, COMPARES = "predict", "compare"  # steps of ``look_at_photos``
Models = Sequence[StoredModel]  # that order photos: one, or two that are compared, or none
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class PhotoOrder:
    """All photos of a data set in an order.

    Attributes:
        files: The photos.
        reasons: Reasons for the places of photos, by file; only for photos that wait for labels.
    """

    files: tuple[str, ...]
    reasons: Mapping[str, LabelReason] = field(default_factory=dict)


def models_that_know(drafts: Drafts) -> list[StoredModel]:
    """Return the models that know a class of a data set: those of the workspace, newest first, and the COCO model."""
    models = (*list_models(drafts.dataset.workspace), demo_model())
    return [model for model in models if _known_classes(drafts, model)]


def with_second(drafts: Drafts, model: StoredModel) -> tuple[StoredModel, ...]:
    """Return a model, and the newest other one of the workspace with which it can be compared, if there is one.

    Both know the same classes of the data set.
    """
    names = _known_classes(drafts, model)
    others = (
        other
        for other in list_models(drafts.dataset.workspace)
        if other.card.weights_sha256 != model.card.weights_sha256 and _known_classes(drafts, other) == names
    )
    return (model, *islice(others, 1))


def waiting_files(drafts: Drafts) -> list[str]:
    """Return the photos that have neither labels nor the confirmation that they show no objects."""
    return [record.file for record in drafts.dataset.images if drafts.state_of(record.file) not in DONE]


def unseen_photos(drafts: Drafts, models: Models) -> int:
    """Count the photos that ``look_at_photos`` has to read before ``order_by_teaching`` has all it needs."""
    dataset = drafts.dataset
    unseen = {file for model in models for file in _not_predicted(drafts, model)}
    return len(unseen) if kept_features(_compared_by(dataset, models), dataset) else len(dataset.images)


def look_at_photos(dataset: Dataset, models: Models, report: Report | None = None) -> None:
    """Predict on the photos that wait for labels, compute the features of all, and keep both.

    Args:
        dataset: The data set.
        models: The models; without one, only features are computed.
        report: Callback that receives the step (``PREDICTS`` or ``COMPARES``), and its photos done and in total.

    Raises:
        AccessError: The visitor may not change anything.
        ModelError: The features cannot be computed.
        BundleError: A model is damaged.
        PhotoError: A photo cannot be read.
    """
    drafts = read_drafts(dataset)
    if not unseen_photos(drafts, models):
        return
    with change("compare photos", dataset.id, dataset.workspace, logged=False):
        find_features(_compared_by(dataset, models), dataset, report and partial(report, COMPARES))
        for model in models:
            if missing := _not_predicted(drafts, model):
                find_on_photos(model, dataset, missing, report and partial(report, PREDICTS))


def next_photos(
    dataset: Dataset | DatasetSummary | str,
    model: str | Path | StoredModel | None = None,
    count: int = 20,
    order: OrderKind = "teaches",
    progress: Callable[[int, int], None] | None = None,
    *,
    workspace: Workspace | None = None,
) -> PhotoOrder:
    """Return the photos of a data set that should be labelled next, with the reasons.

    Args:
        dataset: The data set, its id or its name.
        model: The model that should learn from them, its id or its name, an ``.autodet`` file, or ``demo``: 80 kinds of
            everyday objects. If the workspace has another one that knows the same classes, both are compared. Without
            a model, photos are ordered by how they look alone.
        count: Largest number of photos.
        order: ``teaches``, ``random``, ``proposals`` (the lowest scores first) or ``imported``.
        progress: Callback that receives the number of photos done and the total.
        workspace: Workspace that resolves ids and names.

    Raises:
        NotFoundError: The data set or the model does not exist.
        AccessError: The visitor may not change anything.
        ModelError: The order is unknown, or the features of the photos cannot be computed or kept.
        BundleError: The model is damaged.
        PhotoError: A photo cannot be read.
    """
    if order not in ORDER_KINDS:
        raise ModelError(f"There is no order {order!r}; choose one of {', '.join(ORDER_KINDS)}.")
    drafts = read_drafts(as_dataset(dataset, workspace))
    models: Models = ()
    if model is not None:
        used = model if isinstance(model, StoredModel) else find_model_or_demo(model, drafts.dataset.workspace)
        models = with_second(drafts, used)
    made = order_of(drafts, order, models, progress and (lambda _step, done, total: progress(done, total)))
    waiting = set(waiting_files(drafts))
    files = [file for file in made.files if file in waiting][: max(0, count)]
    return PhotoOrder(tuple(files), {file: made.reasons[file] for file in files if file in made.reasons})


def order_of(drafts: Drafts, kind: OrderKind, models: Models = (), report: Report | None = None) -> PhotoOrder:
    """Return an order of a data set's photos, after a look at those that it needs.

    Args:
        drafts: The labels as they stand now.
        kind: The kind of order.
        models: For ``teaches``, as for ``order_by_teaching``.
        report: As for ``look_at_photos``.

    Raises:
        AutodetError: As ``look_at_photos``.
        ModelError: The results could not be kept.
    """
    if kind == "random":
        return order_randomly(drafts)
    if kind == "proposals":
        return order_by_proposals(drafts)
    if kind == "imported":
        return PhotoOrder(tuple(drafts.records))
    look_at_photos(drafts.dataset, models, report)
    if order := order_by_teaching(drafts, models):
        return order
    raise ModelError("The features of the photos could not be kept; free some space on the disk, and try again.")


def order_by_teaching(drafts: Drafts, models: Models) -> PhotoOrder | None:
    """Order the photos that wait for labels by their teaching value, from the results of ``look_at_photos``.

    Args:
        drafts: The labels as they stand now.
        models: The models; without one, photos are ordered by how they look alone.

    Returns:
        The order, with the other photos behind; None if there are no features.
    """
    dataset = drafts.dataset
    features = kept_features(_compared_by(dataset, models), dataset)
    if features is None:
        return None
    shots = [Shot(record.file, record.sha256, record.look) for record in dataset.images]
    look = Look(features.vectors, np.array(keep_together(shots), np.int64))
    waits = np.array([drafts.state_of(record.file) not in DONE for record in dataset.images], bool)
    waiting, done = (np.flatnonzero(mask).astype(np.int64) for mask in (waits, ~waits))
    files = [dataset.images[place].file for place in waiting]
    order, reasons = order_photos(_evidence(drafts, models, files), look.of(waiting), look.of(done))
    first = [files[place] for place in order]
    return PhotoOrder((*first, *(dataset.images[place].file for place in done)), dict(zip(first, reasons, strict=True)))


def order_randomly(drafts: Drafts, seed: int = 0) -> PhotoOrder:
    """Order photos by chance; a photo keeps its place among the others when a version adds photos."""

    def drawn(file: str) -> bytes:
        return hashlib.sha256(f"{seed} {photo_key(drafts.records[file])}".encode()).digest()

    return PhotoOrder(tuple(sorted(drafts.records, key=drawn)))


def order_by_proposals(drafts: Drafts) -> PhotoOrder:
    """Order the photos with proposals by their lowest score; the others follow as imported."""
    lowest = {
        file: min(box.score or 0.0 for box in draft.proposals)
        for file, draft in drafts.changed.items()
        if draft.proposals
    }
    files = sorted(drafts.records, key=lambda file: lowest.get(file, np.inf))
    return PhotoOrder(tuple(files), {file: LabelReason("proposal", value=score) for file, score in lowest.items()})


def _known_classes(drafts: Drafts, model: StoredModel) -> set[str]:
    return set(match_classes(model.card.classes, drafts.classes).kept)


def _compared_by(dataset: Dataset, models: Models) -> StoredModel:
    """Return the model whose features tell how alike photos are."""
    return models[0] if models else feature_model(dataset)


def _not_predicted(drafts: Drafts, model: StoredModel) -> list[str]:
    kept = kept_predictions(model, drafts.dataset)
    return [file for file in waiting_files(drafts) if photo_key(drafts.records[file]) not in kept]


def _evidence(drafts: Drafts, models: Models, files: Sequence[str]) -> list[Evidence]:
    if not models:
        return [NO_EVIDENCE] * len(files)
    counts = _label_counts(drafts)
    views = [_View.of(drafts, model) for model in models]
    return [_evidence_of(views, photo_key(drafts.records[file]), drafts.classes, counts) for file in files]


def _evidence_of(views: "Sequence[_View]", key: str, classes: Sequence[str], counts: IntArray) -> Evidence:
    first, *others = ((view.prediction(key), view.thresholds) for view in views)
    if first[0] is None:
        return NO_EVIDENCE
    second = next(((seen, thresholds) for seen, thresholds in others if seen is not None), None)
    return find_evidence(first[0], classes, first[1], counts, second)


@dataclass(frozen=True, eq=False)
class _View:
    """The kept predictions of a model, in the classes of a data set.

    Attributes:
        kept: The predictions, by ``photo_key``.
        class_ids: Class id in the data set of each of the model's, -1 for those that it lacks.
        thresholds: The model's threshold of each class of the data set, infinite for those that the model lacks.
    """

    kept: Mapping[str, Prediction]
    class_ids: IntArray
    thresholds: FloatArray

    @classmethod
    def of(cls, drafts: Drafts, model: StoredModel) -> "_View":
        class_ids = np.full(len(model.card.classes), -1, np.int64)
        thresholds = np.full(len(drafts.classes), np.inf, np.float32)
        for name, known in match_classes(model.card.classes, drafts.classes).kept.items():
            class_ids[model.card.classes.index(known)] = drafts.classes.index(name)
            thresholds[drafts.classes.index(name)] = model.card.all_thresholds[known]
        return cls(kept_predictions(model, drafts.dataset), class_ids, thresholds)

    def prediction(self, key: str) -> Prediction | None:
        """Return the prediction on a photo with the data set's class ids; None if there is none."""
        seen = self.kept.get(key)
        if seen is None:
            return None
        ids = self.class_ids[seen.class_ids]
        known = ids >= 0
        return Prediction(seen.boxes_xyxy[known], ids[known], seen.scores[known])


def _label_counts(drafts: Drafts) -> IntArray:
    """Count the labels of each class."""
    counts: Counter[str] = Counter()
    for record in drafts.dataset.images:
        if record.file in drafts.changed:
            counts.update(box.class_name for box in drafts.changed[record.file].labels)
        else:
            counts.update(drafts.classes[class_id] for class_id in record.annotations.class_ids.tolist())
    return np.array([counts[name] for name in drafts.classes], np.int64)
