"""How well a detection supports a label, as ObjectLab scores it.

Tkachenko, Thyagarajan and Mueller, "ObjectLab: Automated Diagnosis of Mislabeled Images in Object Detection Data",
arXiv 2309.00832. The similarity of two boxes is 0.9 times their IoU plus a term that falls with the distance of their
centres.
"""

import numpy as np

from autodet.evaluation.overlap import DoubleArray, pair_ious
from autodet.records import FloatArray

IOU_WEIGHT = 0.9  # ALPHA in ObjectLab
DISTANCE_FACTOR = 0.1  # per pixel; EUC_FACTOR in ObjectLab


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
