"""Quality of labels, scored as ObjectLab does.

Tkachenko, Thyagarajan and Mueller, "ObjectLab: Automated Diagnosis of Mislabeled Images in Object Detection Data",
arXiv 2309.00832; cleanlab's ``object_detection.rank`` computes the same scores. The similarity of two boxes, 0.9 times
their IoU plus a term that falls with the distance of their centres, tells how well a confident detection supports a
label. A quality of 0 is surely wrong, 1 is fine.
"""

import numpy as np

from autodet.evaluation.boxes import Detections, GroundTruth
from autodet.evaluation.overlap import DoubleArray, OverlappingPairs, overlapping_pairs, pair_ious
from autodet.records import FloatArray, IntArray

IOU_WEIGHT = 0.9  # ALPHA in ObjectLab
DISTANCE_FACTOR = 0.1  # per pixel; EUC_FACTOR in ObjectLab
CONFLICT_IOU = 0.95  # of two labels of one object


def similarities(boxes_xyxy: FloatArray, others_xyxy: FloatArray) -> DoubleArray:
    """Compute the similarity of boxes with others, row by row, 0 to 1.

    Args:
        boxes_xyxy: Shape (N, 4), in pixels.
        others_xyxy: Shape (N, 4).
    """
    one, other = boxes_xyxy.astype(np.float64), others_xyxy.astype(np.float64)
    between = (one[:, :2] + one[:, 2:] - other[:, :2] - other[:, 2:]) / 2
    nearness = np.exp(-DISTANCE_FACTOR * np.hypot(between[:, 0], between[:, 1]))
    return np.asarray(IOU_WEIGHT * pair_ious(boxes_xyxy, others_xyxy) + (1 - IOU_WEIGHT) * nearness)


def position_quality(detections: Detections, truth: GroundTruth, min_score: float) -> DoubleArray:
    """Score the position of each label: its highest similarity with a confident detection of its class.

    Args:
        detections: The detections.
        truth: The labels.
        min_score: Detections with a higher score count, if they overlap the label.

    Returns:
        Shape (M,); 1 without such a detection.
    """
    pairs = _pairs(detections, truth, np.flatnonzero(detections.scores > min_score))
    same = detections.class_ids[pairs.detections] == truth.class_ids[pairs.boxes]
    pairs = pairs.where(same & (pairs.ious > 0))
    best = _highest(pairs.boxes, _similarities(detections, truth, pairs), len(truth))
    return np.where(np.isnan(best), 1.0, best)


def class_quality(detections: Detections, truth: GroundTruth, min_score: float) -> DoubleArray:
    """Score the class of each label: 1 minus its highest similarity with a confident detection of another class.

    Args:
        detections: The detections.
        truth: The labels.
        min_score: Detections with a higher score count.

    Returns:
        Shape (M,); 1 without such a detection, 0 for a label that coincides with a label of another class.
    """
    pairs = _pairs(detections, truth, np.flatnonzero(detections.scores > min_score))
    pairs = pairs.where(detections.class_ids[pairs.detections] != truth.class_ids[pairs.boxes])
    best = _highest(pairs.boxes, _similarities(detections, truth, pairs), len(truth))
    quality = np.where(np.isnan(best), 1.0, 1 - best)
    quality[_conflicting(truth)] = 0.0
    return quality


def completeness_quality(detections: Detections, truth: GroundTruth, min_score: float) -> DoubleArray:
    """Score whether a label is missing at each confident detection that overlaps no label.

    Args:
        detections: The detections.
        truth: The labels.
        min_score: Lowest score of a confident detection.

    Returns:
        The highest similarity with a label of its class, 0 if the photo has none; NaN for a detection that is not
        confident or overlaps a label; shape (D,).
    """
    confident = np.flatnonzero(detections.scores >= min_score)
    pairs = _pairs(detections, truth, confident)
    same = detections.class_ids[pairs.detections] == truth.class_ids[pairs.boxes]
    of_class = pairs.where(same)
    best = _highest(of_class.detections, _similarities(detections, truth, of_class), len(detections))
    quality = np.full(len(detections), np.nan)
    quality[confident] = np.nan_to_num(best[confident])
    quality[pairs.detections[pairs.ious > 0]] = np.nan
    return quality


def _pairs(detections: Detections, truth: GroundTruth, among: IntArray) -> OverlappingPairs:
    return overlapping_pairs(detections, truth, 0.0, among)


def _similarities(detections: Detections, truth: GroundTruth, pairs: OverlappingPairs) -> DoubleArray:
    return similarities(detections.boxes_xyxy[pairs.detections], truth.boxes_xyxy[pairs.boxes])


def _highest(indices: IntArray, values: DoubleArray, count: int) -> DoubleArray:
    """Return the highest value at each index, NaN where there is none, shape (count,)."""
    highest = np.full(count, -np.inf)
    np.maximum.at(highest, indices, values)
    return np.where(np.isinf(highest), np.nan, highest)


def _conflicting(truth: GroundTruth) -> IntArray:
    """Return the indices of labels that coincide with a label of another class."""
    as_detections = Detections(
        truth.photos, truth.class_ids, truth.boxes_xyxy, np.ones(len(truth), np.float32), truth.starts
    )
    pairs = overlapping_pairs(as_detections, truth, CONFLICT_IOU)
    return pairs.where(truth.class_ids[pairs.detections] != truth.class_ids[pairs.boxes]).boxes
