"""All metrics of one evaluation."""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from autodet.evaluation.coco_metrics import average_precisions
from autodet.evaluation.matches import Matches, match_detections
from autodet.evaluation.voc_metrics import average_precisions_voc07
from autodet.records import (
    DEFAULT_THRESHOLD,
    MAX_DETECTIONS,
    ClassReport,
    EvaluationReport,
    ImageRecord,
    Notice,
    Prediction,
)


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
    matches = match_detections(records, predictions, len(classes))
    by_class = average_precisions(records, predictions, len(classes))
    return EvaluationReport(
        map50=_mean(by_class[:, 0]),
        map50_95=_mean(by_class),
        map50_voc07=_mean(average_precisions_voc07(matches)),
        per_class={
            name: ClassReport(
                ap50=_number(by_class[class_id, 0]),
                ap50_95=_number(by_class[class_id].mean()),
                images=sum(class_id in record.annotations.class_ids for record in records),
                boxes=sum(int((record.annotations.class_ids == class_id).sum()) for record in records),
                **_at_threshold(matches, class_id, thresholds[name]),
            )
            for class_id, name in enumerate(classes)
        },
        images=len(records),
        crowded_images=sum(int((~record.annotations.difficult).sum()) > MAX_DETECTIONS for record in records),
        thresholds=thresholds,
    )


def _at_threshold(matches: Matches, class_id: int, threshold: float) -> dict[str, float | None]:
    """Return precision, recall and F1 of a class, None where the denominator is 0, and the threshold."""
    scores, right = matches.of_class(class_id)
    shown = scores >= np.float32(threshold)
    found, detections, boxes = int(right[shown].sum()), int(shown.sum()), int(matches.boxes[class_id])
    return {
        "precision": found / detections if detections else None,
        "recall": found / boxes if boxes else None,
        "f1": 2 * found / (detections + boxes) if boxes else None,
        "threshold": threshold,
    }


def unmeasured_caution(classes: Sequence[str], split: str) -> Notice | None:
    """Return a caution about classes that no metric of a split covers; None if there is no such class.

    Args:
        classes: Names of the classes without a box in the split.
        split: ``train``, ``val`` or ``test``.
    """
    return Notice.of("classes_unmeasured", classes=list(classes), split=split) if classes else None


def _mean(values: NDArray[np.float64]) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all NaN: no class has a box
        return float(np.nan_to_num(np.nanmean(values)))


def _number(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
