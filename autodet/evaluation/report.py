"""All metrics of one evaluation."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autodet.evaluation.coco_metrics import average_precisions
from autodet.evaluation.voc_metrics import average_precisions_voc07
from autodet.records import MAX_DETECTIONS, ClassReport, EvaluationReport, ImageRecord, Notice, Prediction


def evaluate_predictions(
    records: Sequence[ImageRecord], predictions: Sequence[Prediction], classes: Sequence[str]
) -> EvaluationReport:
    """Compare predictions with annotations.

    Args:
        records: Photos with their annotations.
        predictions: Detections on each photo, in the same order.
        classes: Class names, indexed by class id.

    Returns:
        All metrics; means are over the classes that have a box among the records, 0 if there is none.
    """
    by_class = average_precisions(records, predictions, len(classes))
    return EvaluationReport(
        map50=_mean(by_class[:, 0]),
        map50_95=_mean(by_class),
        map50_voc07=_mean(average_precisions_voc07(records, predictions, len(classes))),
        per_class={
            name: ClassReport(
                ap50=_number(by_class[class_id, 0]),
                ap50_95=_number(by_class[class_id].mean()),
                images=sum(class_id in record.annotations.class_ids for record in records),
                boxes=sum(int((record.annotations.class_ids == class_id).sum()) for record in records),
            )
            for class_id, name in enumerate(classes)
        },
        images=len(records),
        crowded_images=sum(int((~record.annotations.difficult).sum()) > MAX_DETECTIONS for record in records),
    )


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
