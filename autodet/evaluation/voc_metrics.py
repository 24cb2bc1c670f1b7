"""Pascal VOC 2007's average precision, the metric that AutoGluon's ``ObjectDetection`` reported.

Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", 2010, section 4.2: the mean of the highest
precision at recalls of at least 0.0, 0.1, ... 1.0. A detection is a true positive if its IoU with a box of its class is
at least 0.5 and no better detection has claimed that box; difficult boxes do not count.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from autodet.evaluation.overlap import iou_matrix
from autodet.records import ImageRecord, Prediction

MINIMUM_IOU = 0.5
RECALLS = np.linspace(0, 1, 11)


def average_precisions_voc07(
    records: Sequence[ImageRecord], predictions: Sequence[Prediction], class_count: int
) -> NDArray[np.float64]:
    """Compute 11-point AP at IoU 0.50 for each class.

    Args:
        records: Photos with their annotations.
        predictions: Detections on each photo, in the same order.
        class_count: Number of classes.

    Returns:
        Shape (class_count,): AP, 0 to 1; NaN for a class without a box that counts.
    """
    return np.array([_average_precision(records, predictions, class_id) for class_id in range(class_count)])


def _average_precision(records: Sequence[ImageRecord], predictions: Sequence[Prediction], class_id: int) -> float:
    scores: list[float] = []
    hits: list[bool] = []
    positives = 0
    for record, prediction in zip(records, predictions, strict=True):
        marked = record.annotations.class_ids == class_id
        positives += int((~record.annotations.difficult[marked]).sum())
        for score, hit in _judged(record, prediction, class_id):
            scores.append(score)
            hits.append(hit)
    if not positives:
        return float("nan")
    ranked = np.array(hits, bool)[np.argsort(-np.array(scores), kind="stable")]
    found = np.cumsum(ranked)
    precision = found / np.arange(1, len(ranked) + 1)
    recall = found / positives
    return float(np.mean([precision[recall >= level].max(initial=0.0) for level in RECALLS - 1e-9]))


def _judged(record: ImageRecord, prediction: Prediction, class_id: int) -> list[tuple[float, bool]]:
    """Return the score of each detection of a class, best first, and whether it is a true positive.

    Detections on difficult boxes are left out.
    """
    marked = record.annotations.class_ids == class_id
    difficult = record.annotations.difficult[marked]
    found = prediction.class_ids == class_id
    overlaps = iou_matrix(prediction.boxes_xyxy[found], record.annotations.boxes_xyxy[marked])
    claimed: set[int] = set()
    matches = []
    for score, row in zip(prediction.scores[found].tolist(), overlaps, strict=True):
        nearest = int(row.argmax()) if len(row) else -1
        overlapping = nearest >= 0 and row[nearest] >= MINIMUM_IOU
        if overlapping and difficult[nearest]:
            continue
        matches.append((score, overlapping and nearest not in claimed))
        if overlapping:
            claimed.add(nearest)
    return matches
