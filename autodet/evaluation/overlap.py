"""Overlap of boxes."""

import numpy as np

from autodet.records import FloatArray


def iou_matrix(boxes_xyxy: FloatArray, others_xyxy: FloatArray) -> FloatArray:
    """Compute the intersection over union of every box with every other.

    Args:
        boxes_xyxy: Shape (N, 4).
        others_xyxy: Shape (M, 4).

    Returns:
        Shape (N, M), 0 to 1; 0 where both boxes are empty.
    """
    top_left = np.maximum(boxes_xyxy[:, None, :2], others_xyxy[None, :, :2])
    bottom_right = np.minimum(boxes_xyxy[:, None, 2:], others_xyxy[None, :, 2:])
    intersection = np.clip(bottom_right - top_left, 0, None).prod(axis=2)
    union = _areas(boxes_xyxy)[:, None] + _areas(others_xyxy)[None, :] - intersection
    overlap: FloatArray = np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)
    return overlap


def _areas(boxes_xyxy: FloatArray) -> FloatArray:
    areas: FloatArray = (boxes_xyxy[:, 2] - boxes_xyxy[:, 0]) * (boxes_xyxy[:, 3] - boxes_xyxy[:, 1])
    return areas
