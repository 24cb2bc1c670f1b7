"""Everything that a report says, as values: figures, curves, sample photos, limits, and where the model comes from."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from autodet.datasets.manifest import Dataset
from autodet.evaluation.calibration import ReliabilityRow, reliability
from autodet.evaluation.curves import ClassCurve, class_curve
from autodet.evaluation.groupings import NO_GROUP
from autodet.evaluation.intervals import drawn_counts, draws_for, interval_of
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.evaluation.subsets import SubsetReport, by_crowding, by_photo, by_size
from autodet.inference.conditions import condition_counts, groups_if_readable
from autodet.inference.evaluations import evaluate_model, match_evaluation
from autodet.models.store import StoredModel
from autodet.records import EvaluationReport, ImageRecord, Interval, LearningCurve, Notice, SearchStatus, TrialStatus
from autodet.reports.limits import limits_of
from autodet.reports.sample_photos import SamplePhotos, choose_photos

MAX_CURVES = 6  # classes with a curve, those with the most boxes
MAX_FOLDERS = 20  # source folders with figures of their own, those with the most photos


@dataclass(frozen=True)
class Totals:
    """Counts over all classes at the model's thresholds, difficult boxes left out.

    Attributes:
        boxes: Labelled objects.
        found: Those that were found.
        shown: Detections.
        right: Those that are right.
        interval: 95 % intervals of ``recall`` and ``precision``, bootstrapped over photos; those that are defined.
    """

    boxes: int
    found: int
    shown: int
    right: int
    interval: Mapping[str, Interval]

    @property
    def recall(self) -> float | None:
        """Share of the objects found; None without an object."""
        return self.found / self.boxes if self.boxes else None

    @property
    def precision(self) -> float | None:
        """Share of the detections that are right; None without a detection."""
        return self.right / self.shown if self.shown else None


@dataclass(frozen=True)
class Training:
    """The search and the trial that a model comes from.

    Attributes:
        search: Status of the search.
        trial: The trial; None if it cannot be told.
        curve: Learning curve of the search, if one was measured.
    """

    search: SearchStatus
    trial: TrialStatus | None
    curve: LearningCurve | None = None


@dataclass(frozen=True, eq=False)
class ModelReport:
    """A report of a model on one split of a data set.

    Attributes:
        model: The model.
        dataset: The data set that it was evaluated on.
        split: ``train``, ``val``, ``test`` or ``all``.
        created: Time of the report, ISO 8601 with time zone.
        evaluation: All metrics.
        totals: Counts over all classes.
        subsets: Figures of small to large objects (``size``), of photos with few to many objects (``crowding``), of the
            largest source folders if there are several (``folder``), of dark to bright photos (``light``) and of the
            least sharp fifth (``sharpness``).
        curves: Precision, recall and F1 at every threshold, of the classes with the most boxes.
        reliability: Scores and the share of right detections, in ten ranges.
        photos: Sample photos.
        limits: What the figures do not say, the gravest first.
        training: The search that made the model; None if it is not in the workspace.
    """

    model: StoredModel
    dataset: Dataset
    split: str
    created: str
    evaluation: EvaluationReport
    totals: Totals
    subsets: Mapping[str, Sequence[SubsetReport]]
    curves: Sequence[ClassCurve]
    reliability: Sequence[ReliabilityRow]
    photos: SamplePhotos
    limits: Sequence[Notice]
    training: Training | None

    def to_json(self) -> dict[str, Any]:
        """Return the document that ``report --json`` prints."""
        from autodet.reports.documents import report_document

        return report_document(self)

    def __repr__(self) -> str:
        """Return one line, for notebooks."""
        return (
            f"ModelReport({self.model.id!r}, data set {self.dataset.id!r}, {self.split}, "
            f"mAP50 {self.evaluation.map50:.3f})"
        )


def build_report(
    model: StoredModel,
    dataset: Dataset,
    split: str,
    training: Training | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ModelReport:
    """Evaluate a model, unless its evaluation is stored, and collect the content of a report.

    Args:
        model: The model.
        dataset: The data set; its classes must be a subset of the model's.
        split: ``train``, ``val``, ``test`` or ``all``.
        training: The search that made the model.
        progress: Callback that receives the number of photos done and the total.

    Raises:
        ModelError: The split is empty, or the data set has a class that the model lacks.
        DatasetError: No split has that name.
        PhotoError: A photo cannot be read.
    """
    evaluation, predictions = evaluate_model(model, dataset, split, progress)
    shown = match_evaluation(model, dataset, split, predictions).at(model.card.all_thresholds)
    records, groups = dataset.split(split), groups_if_readable(dataset, split)
    return ModelReport(
        model=model,
        dataset=dataset,
        split=split,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        evaluation=replace(evaluation, conditions=condition_counts(shown, groups)),
        totals=_totals(shown),
        subsets={
            "size": by_size(shown),
            "crowding": by_crowding(shown),
            "folder": _by_folder(shown, records),
            **{kind: by_photo(shown, *named) for kind, named in groups.items()},
        },
        curves=_curves(shown),
        reliability=reliability(shown.outcomes.counted_matches),
        photos=choose_photos(shown, records, dataset, evaluation.error_kinds),
        limits=limits_of(model.card, dataset, split, evaluation, dataset.workspace),
        training=training,
    )


def _totals(shown: ShownOutcomes) -> Totals:
    found, detections, boxes = drawn_counts(shown, draws_for(shown.outcomes)).sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = {"recall": found / boxes, "precision": found / detections}
    right = int(shown.right.sum())
    return Totals(
        boxes=int((~shown.outcomes.truth.difficult).sum()),
        found=right,
        shown=int(shown.shown.sum()),
        right=right,
        interval={name: interval_of(values) for name, values in drawn.items() if not np.isnan(values).all()},
    )


def _by_folder(shown: ShownOutcomes, records: Sequence[ImageRecord]) -> list[SubsetReport]:
    folders = [str(PurePosixPath(record.origin or record.file).parent) for record in records]
    largest = [name for name, _ in Counter(folders).most_common(MAX_FOLDERS)]
    places = {name: place for place, name in enumerate(sorted(largest))}
    groups = np.array([places.get(folder, NO_GROUP) for folder in folders], np.int64)
    return by_photo(shown, list(places), groups) if len(places) > 1 else []


def _curves(shown: ShownOutcomes) -> list[ClassCurve]:
    boxes = shown.outcomes.matches.boxes
    most = sorted(np.argsort(-boxes, kind="stable")[:MAX_CURVES].tolist())
    return [class_curve(shown.outcomes, class_id).thinned() for class_id in most if boxes[class_id]]
