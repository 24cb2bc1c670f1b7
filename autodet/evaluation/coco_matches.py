"""COCO's matching of detections with ground truth, for all photos, classes and IoU thresholds of a split at once.

On each photo and for each class, detections are taken by descending score; each takes the free box with the highest
IoU, if that reaches the threshold (Lin et al., arXiv 1405.0312; pycocotools ``COCOeval.evaluateImg``). A box that does
not count (difficult, or outside the range of areas) is taken only if no other is left, and its detection does not
count either. The first detections of all photos and classes are matched together, then the second ones, and so on, so
that the loop is as long as the most crowded photo.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from autodet.evaluation.boxes import Detections, GroundTruth
from autodet.evaluation.overlap import DoubleArray, OverlappingPairs
from autodet.records import MAX_DETECTIONS, BoolArray, FloatArray, IntArray

IOUS = np.linspace(0.5, 0.95, 10)
AREAS = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}
NO_PARTNER = -1


@dataclass(frozen=True, eq=False)
class CocoMatches:
    """True positives of a split at one or several IoU thresholds.

    Attributes:
        right: True positives, shape (T, D), bool.
        counted: Detections that count as true or false positives, shape (T, D), bool.
        boxes: Ground-truth boxes of each class that count, shape (classes,), int64.
        partners: Index of the box that each detection has taken, also one that does not count; -1 if none; shape
            (T, D), int64.
    """

    right: BoolArray
    counted: BoolArray
    boxes: IntArray
    partners: IntArray


def same_class_pairs(pairs: OverlappingPairs, detections: Detections, truth: GroundTruth) -> OverlappingPairs:
    """Keep pairs of one class, of detections that are among the first ``MAX_DETECTIONS`` of a photo and class."""
    same = detections.class_ids[pairs.detections] == truth.class_ids[pairs.boxes]
    return pairs.where(same & (detections.ranks()[pairs.detections] < MAX_DETECTIONS))


def match_boxes(
    detections: Detections,
    truth: GroundTruth,
    pairs: OverlappingPairs,
    class_count: int,
    ious: DoubleArray = IOUS,
    area: tuple[float, float] = AREAS["all"],
) -> CocoMatches:
    """Match the detections of a split with its ground truth.

    Args:
        detections: The detections.
        truth: The ground truth.
        pairs: Pairs of one class (``same_class_pairs``) with at least the lowest IoU threshold.
        class_count: Number of classes.
        ious: IoU thresholds, shape (T,).
        area: Smallest and largest area of a box that counts, in square pixels.
    """
    aside = truth.difficult | _outside(truth.boxes_xyxy, area)
    partners = np.stack([take_boxes(detections, pairs, aside, min(iou, 1 - 1e-10)) for iou in ious.tolist()])
    found = partners != NO_PARTNER
    excused = aside[partners] & found if len(truth) else found
    beyond = detections.ranks() >= MAX_DETECTIONS
    outside = _outside(detections.boxes_xyxy, area) & ~found
    boxes = np.bincount(truth.class_ids[~aside], minlength=class_count)
    return CocoMatches(found & ~excused, ~excused & ~outside & ~beyond, boxes, partners)


def take_boxes(detections: Detections, pairs: OverlappingPairs, aside: BoolArray, min_iou: float) -> IntArray:
    """Let each detection take the free box with the highest IoU, the best detections of a photo and class first.

    Args:
        detections: The detections.
        pairs: Pairs that may be matched.
        aside: Mask of boxes that are taken only if no other is left, shape (M,).
        min_iou: Lowest IoU.

    Returns:
        Index of the box that each detection takes, shape (D,); -1 if none.
    """
    partners = np.full(len(detections), NO_PARTNER)
    near = pairs.where(pairs.ious >= min_iou)
    rounds = _rounds(detections, near.detections)
    order = np.argsort(rounds, kind="stable")
    rounds, near = rounds[order], near.where(order)  # type: ignore[arg-type]
    bounds = np.searchsorted(rounds, np.arange(rounds[-1] + 2)).tolist() if len(rounds) else [0]
    worth = np.where(aside[near.boxes], near.ious - 2, near.ious)
    taken = np.zeros(len(aside), bool)
    for begin, end in pairwise(bounds):
        free = begin + np.flatnonzero(~taken[near.boxes[begin:end]])
        winners = best_pairs(near.detections[free], worth[free])
        chosen = free[winners]
        partners[near.detections[chosen]] = near.boxes[chosen]
        taken[near.boxes[chosen]] = True
    return partners


def _rounds(detections: Detections, found: IntArray) -> IntArray:
    """Return the round of each pair: its detection's place among those of its photo and class that overlap a box."""
    present = np.unique(found)
    part = Detections(
        detections.photos[present],
        detections.class_ids[present],
        detections.boxes_xyxy[present],
        detections.scores[present],
        detections.starts,
    )
    rounds = np.zeros(len(detections), np.int64)
    rounds[present] = part.ranks()
    return rounds[found]


def best_pairs(found: IntArray, worth: DoubleArray) -> IntArray:
    """Return the place of each detection's best pair; of equal ones the last. Pairs are sorted by detection."""
    if not len(found):
        return np.zeros(0, np.int64)
    begins = np.flatnonzero(np.diff(found, prepend=-1))
    best = np.repeat(np.maximum.reduceat(worth, begins), np.diff(begins, append=len(found)))
    return np.maximum.reduceat(np.where(worth == best, np.arange(len(found)), -1), begins)


def areas_of(boxes_xyxy: FloatArray) -> DoubleArray:
    """Compute the areas of boxes in square pixels, shape (N,)."""
    x1, y1, x2, y2 = boxes_xyxy.T.astype(np.float64)
    return np.asarray((x2 - x1) * (y2 - y1))


def _outside(boxes_xyxy: FloatArray, area: tuple[float, float]) -> BoolArray:
    areas = areas_of(boxes_xyxy)
    return (areas < area[0]) | (areas > area[1])
