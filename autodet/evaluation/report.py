"""All metrics of one evaluation."""

from collections.abc import Mapping, Sequence

import numpy as np

from autodet.evaluation.boxes import GroundTruth
from autodet.evaluation.coco_matches import same_class_pairs
from autodet.evaluation.coco_numbers import coco_numbers
from autodet.evaluation.confusion import confusion_cells
from autodet.evaluation.error_kinds import error_kinds
from autodet.evaluation.intervals import class_intervals, drawn_counts, drawn_precisions, draws_for, mean_intervals
from autodet.evaluation.label_issues import label_issues, suspect_labels
from autodet.evaluation.matches import match_detections
from autodet.evaluation.outcomes import ShownOutcomes, find_outcomes
from autodet.evaluation.overlap import DoubleArray
from autodet.evaluation.voc_metrics import average_precisions_voc07
from autodet.records import (
    DEFAULT_THRESHOLD,
    MAX_DETECTIONS,
    ClassReport,
    EvaluationReport,
    ImageRecord,
    IntArray,
    Notice,
    Prediction,
)

METRICS_VERSION = 2  # raised when a figure of the same predictions changes, so that stored reports are computed again


def evaluate_predictions(
    records: Sequence[ImageRecord],
    predictions: Sequence[Prediction],
    classes: Sequence[str],
    thresholds: Mapping[str, float] | None = None,
) -> EvaluationReport:
    """Compare predictions with annotations.

    Args:
        records: Photos with their annotations.
        predictions: Detections on each photo, in the same order.
        classes: Class names, indexed by class id.
        thresholds: Confidence threshold of each class, for precision, recall and F1; ``DEFAULT_THRESHOLD`` for all if
            not given.

    Returns:
        All metrics; means are over the classes that have a box among the records, 0 if there is none.
    """
    thresholds = thresholds or dict.fromkeys(classes, DEFAULT_THRESHOLD)
    outcomes = find_outcomes(records, predictions, classes)
    shown = outcomes.at(thresholds)
    pairs = same_class_pairs(outcomes.pairs, outcomes.detections, outcomes.truth)
    numbers = coco_numbers(outcomes.detections, outcomes.truth, pairs, len(classes), outcomes.matches)
    by_class = numbers.precisions[0]
    coco = numbers.to_json()
    draws = draws_for(outcomes)
    drawn, counts = drawn_precisions(outcomes, draws), drawn_counts(shown, draws)
    excess = _excess_boxes(outcomes.truth)
    images, boxes = _class_counts(outcomes.truth, len(classes))
    return EvaluationReport(
        map50=coco["AP50"] or 0.0,
        map50_95=coco["AP"] or 0.0,
        map50_voc07=_mean(average_precisions_voc07(match_detections(records, predictions, len(classes)))),
        per_class={
            name: ClassReport(
                ap50=_number(by_class[class_id, 0]),
                ap50_95=_number(by_class[class_id].mean()),
                images=images[class_id],
                boxes=boxes[class_id],
                **figures_at_threshold(shown, class_id),
                threshold=thresholds[name],
                interval=class_intervals(drawn, counts, class_id),
            )
            for class_id, name in enumerate(classes)
        },
        images=len(records),
        crowded_images=int((excess > 0).sum()),
        crowded_objects=int(excess.sum()),
        thresholds=thresholds,
        coco=coco,
        interval=mean_intervals(drawn),
        confusion=confusion_cells(shown).matrix(),
        error_kinds=error_kinds(shown),
        label_issues=label_issues(shown, records, suspect_labels(shown)),
    )


def figures_at_threshold(shown: ShownOutcomes, class_id: int) -> dict[str, float | None]:
    """Return ``precision``, ``recall`` and ``f1`` of a class, None where the denominator is 0."""
    own = shown.outcomes.detections.class_ids == class_id
    found, detections = int((shown.right & own).sum()), int((shown.shown & own).sum())
    boxes = int(shown.outcomes.matches.boxes[class_id])
    return {
        "precision": found / detections if detections else None,
        "recall": found / boxes if boxes else None,
        "f1": 2 * found / (detections + boxes) if boxes else None,
    }


def _class_counts(truth: GroundTruth, class_count: int) -> tuple[list[int], list[int]]:
    """Count the photos and the boxes of each class, difficult ones included."""
    once = np.unique(truth.photos * class_count + truth.class_ids)
    images = np.bincount(once % class_count, minlength=class_count) if class_count else once
    return images.tolist(), np.bincount(truth.class_ids, minlength=class_count).tolist()


def _excess_boxes(truth: GroundTruth) -> IntArray:
    """Count the boxes beyond ``MAX_DETECTIONS`` of each photo, difficult ones left out."""
    counts = np.bincount(truth.photos[~truth.difficult])
    return np.maximum(0, counts - MAX_DETECTIONS)


def unmeasured_caution(classes: Sequence[str], split: str) -> Notice | None:
    """Return a caution about classes that no metric of a split covers; None if there is no such class.

    Args:
        classes: Names of the classes without a box in the split.
        split: ``train``, ``val`` or ``test``; any other text for photos of no split.
    """
    return Notice.of("classes_unmeasured", classes=list(classes), split=split) if classes else None


def _mean(values: DoubleArray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def _number(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
