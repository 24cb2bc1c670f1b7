"""Overlap of boxes."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from autodet.evaluation.boxes import Detections, GroundTruth
from autodet.records import BoolArray, FloatArray, IntArray

MAX_PAIRS = 1_000_000  # whose overlaps are computed at once, about 200 MB

DoubleArray = NDArray[np.float64]


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


@dataclass(frozen=True, eq=False)
class OverlappingPairs:
    """Pairs of a detection and a ground-truth box of one photo, sorted by detection, then by box.

    Attributes:
        detections: Indices of the detections, shape (P,), int64.
        boxes: Indices of the ground-truth boxes, shape (P,), int64.
        ious: Their IoU, shape (P,), float64.
    """

    detections: IntArray
    boxes: IntArray
    ious: DoubleArray

    def where(self, keep: BoolArray) -> Self:
        """Keep some of the pairs."""
        return replace(self, detections=self.detections[keep], boxes=self.boxes[keep], ious=self.ious[keep])


def overlapping_pairs(
    detections: Detections, truth: GroundTruth, min_iou: float, among: IntArray | None = None
) -> OverlappingPairs:
    """Find all pairs of a detection and a ground-truth box on the same photo with at least an IoU.

    The IoU is computed in double precision, like pycocotools does, so that both agree at every threshold.

    Args:
        detections: The detections.
        truth: The ground-truth boxes of the same photos.
        min_iou: Lowest IoU of a pair; 0 for every pair.
        among: Indices of the detections to look at, ascending; all if not given.
    """
    chosen = np.arange(len(detections)) if among is None else among
    counts = np.diff(truth.starts)[detections.photos[chosen]]
    parts = [
        _pairs_of(detections, truth, min_iou, chosen[begin:end], counts[begin:end])
        for begin, end in _blocks(counts, MAX_PAIRS)
    ]
    columns = zip(*parts, strict=True) if parts else ([], [], [])
    found, boxes, ious = (np.concatenate([np.zeros(0, np.int64), *column]) for column in columns)
    return OverlappingPairs(found.astype(np.int64), boxes.astype(np.int64), ious.astype(np.float64))


def _pairs_of(
    detections: Detections, truth: GroundTruth, min_iou: float, chosen: IntArray, counts: IntArray
) -> tuple[IntArray, IntArray, DoubleArray]:
    found = np.repeat(chosen, counts)
    within = np.arange(len(found)) - np.repeat(np.cumsum(counts) - counts, counts)
    boxes = truth.starts[detections.photos[found]] + within
    ious = pair_ious(detections.boxes_xyxy[found], truth.boxes_xyxy[boxes])
    keep = ious >= min_iou
    return found[keep], boxes[keep], ious[keep]


def pair_ious(boxes_xyxy: FloatArray, others_xyxy: FloatArray) -> DoubleArray:
    """Compute the IoU of boxes with others, row by row, in double precision; 0 where both are empty.

    Args:
        boxes_xyxy: Shape (N, 4).
        others_xyxy: Shape (N, 4).

    Returns:
        Shape (N,), 0 to 1.
    """
    one, other = boxes_xyxy.T.astype(np.float64), others_xyxy.T.astype(np.float64)
    width = np.minimum(one[2], other[2]) - np.maximum(one[0], other[0])
    height = np.minimum(one[3], other[3]) - np.maximum(one[1], other[1])
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    union = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - shared
    ious: DoubleArray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return ious


def _blocks(counts: IntArray, size: int) -> list[tuple[int, int]]:
    """Return ranges of elements whose counts add up to about a size."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(size, total, size)).tolist()
    bounds = sorted({0, *cuts, len(counts)})
    return list(pairwise(bounds))
