"""Labels that look wrong, with quality scores in the manner of ObjectLab.

Tkachenko, Thyagarajan and Mueller, "ObjectLab: Automated Diagnosis of Mislabeled Images in Object Detection Data",
arXiv 2309.00832; cleanlab's ``object_detection.rank`` computes the same scores. A similarity of two boxes, 0.9 times
their IoU plus a term that falls with the distance of their centres, tells how well a confident detection supports a
label. A quality of 0 is surely wrong, 1 is fine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autodet.evaluation.coco_matches import NO_PARTNER
from autodet.evaluation.outcomes import BACKGROUND_IOU, FOREGROUND_IOU, Outcome, Outcomes, ShownOutcomes
from autodet.evaluation.overlap import DoubleArray, OverlappingPairs, pair_ious
from autodet.records import BoolArray, BoxXYXY, FloatArray, ImageRecord, IntArray, LabelIssue

IOU_WEIGHT = 0.9  # ALPHA in ObjectLab
DISTANCE_FACTOR = 0.1  # per pixel; EUC_FACTOR in ObjectLab
MIN_CONFIDENCE = 0.7  # of a detection that speaks against a label
MAX_SPURIOUS_QUALITY = 0.25


def similarities(boxes_xyxy: FloatArray, others_xyxy: FloatArray) -> DoubleArray:
    """Compute ObjectLab's similarity of boxes with others, row by row, 0 to 1.

    Args:
        boxes_xyxy: Shape (N, 4), in pixels.
        others_xyxy: Shape (N, 4).
    """
    one, other = boxes_xyxy.astype(np.float64), others_xyxy.astype(np.float64)
    between = (one[:, :2] + one[:, 2:] - other[:, :2] - other[:, 2:]) / 2
    nearness = np.exp(-DISTANCE_FACTOR * np.hypot(between[:, 0], between[:, 1]))
    return np.asarray(IOU_WEIGHT * pair_ious(boxes_xyxy, others_xyxy) + (1 - IOU_WEIGHT) * nearness)
