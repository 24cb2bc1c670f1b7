"""Cells of a detector without anchors: their places, the objects they learn, and the detections they make.

Objects are assigned to cells by the network's own predictions (task-aligned assignment, Feng et al., arXiv 2108.07755):
the cells that score and fit an object best learn it. The score thus also predicts how well its box fits.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import batched_nms, box_iou, clip_boxes_to_image

from autodet.records import MAX_DETECTIONS, MIN_SCORE

CELLS_PER_OBJECT = 10
IOU_POWER = 6.0  # exponent of the IoU in the assignment, where the score has 1; the paper's beta
MAX_CANDIDATES = 1000
VOTING_IOU, VOTE_SPREAD = 0.65, 0.05


def cell_grid(maps: Sequence[Tensor], strides: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return the centres of the cells of all levels, shape (P, 2), xy in pixels, and their strides, shape (P, 1).

    Args:
        maps: One per level, shape (B, C, H, W).
        strides: Pixels per cell of each level.
    """
    points, sides = [], []
    for features, stride in zip(maps, strides, strict=True):
        height, width = features.shape[-2:]
        rows = (torch.arange(height, device=features.device, dtype=torch.float32) + 0.5) * stride
        columns = (torch.arange(width, device=features.device, dtype=torch.float32) + 0.5) * stride
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        points.append(torch.stack((x, y), -1).view(-1, 2))
        sides.append(torch.full_like(points[-1][:, :1], stride))
    return torch.cat(points), torch.cat(sides)


def assign(
    scores: Tensor, boxes: Tensor, points: Tensor, strides: Tensor, objects: Tensor, labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Assign the objects of one square to its cells.

    Args:
        scores: Predicted scores, 0 to 1, shape (P, classes).
        boxes: Predicted boxes, xyxy in pixels, shape (P, 4).
        points: Centres of the cells, shape (P, 2).
        strides: Strides of the cells, shape (P, 1).
        objects: Ground-truth boxes, shape (M, 4).
        labels: Their classes from 0, shape (M,).

    Returns:
        Target score of each cell, 0 to 1, shape (P,), 0 for cells without an object; and the index of the cell's
        object, shape (P,).
    """
    if not len(objects):
        return scores.new_zeros(len(points)), labels.new_zeros(len(points))
    iou = box_iou(objects, boxes) * _may_learn(points, strides, objects)  # (M, P)
    alignment = scores[:, labels].T * iou**IOU_POWER
    best = alignment.topk(min(CELLS_PER_OBJECT, len(points)), 1)
    chosen = torch.zeros_like(alignment).scatter_(1, best.indices, (best.values > 0).float())
    # A cell chosen by several objects learns the one with the highest IoU.
    chosen *= functional.one_hot((iou * chosen).argmax(0), len(objects)).T
    alignment, iou = alignment * chosen, iou * chosen
    most = alignment.amax(1, keepdim=True).clamp(min=1e-12)
    quality, owner = (alignment / most * iou.amax(1, keepdim=True)).max(0)
    return quality, owner


def _may_learn(points: Tensor, strides: Tensor, objects: Tensor) -> Tensor:
    """Return a mask, shape (M, P): the cell's centre lies in the object, or the object's centre in the cell."""
    offsets = torch.cat((points[None] - objects[:, None, :2], objects[:, None, 2:] - points[None]), -1)
    middles = (objects[:, None, :2] + objects[:, None, 2:]) / 2
    return (offsets.amin(-1) > 0) | ((points[None] - middles).abs().amax(-1) <= strides[None, :, 0] / 2)


def best_detections(
    scores: Tensor, boxes: Tensor, size: tuple[int, int], nms_iou: float = 0.6, *, voting: bool = False
) -> dict[str, Tensor]:
    """Return the best boxes of one square, best first, after non-maximum suppression per class.

    Args:
        scores: Scores of all cells, shape (P, classes).
        boxes: Their boxes, xyxy in pixels, shape (P, 4).
        size: Height and width of the square.
        nms_iou: IoU from which the lower of two detections of a class is suppressed.
        voting: Whether suppressed boxes vote on the boxes that are kept.
    """
    class_count = scores.shape[1]
    best, order = scores.flatten().topk(min(MAX_CANDIDATES, boxes.shape[0]))
    confident = best > MIN_SCORE
    best, order = best[confident], order[confident]
    labels = order % class_count
    candidates = clip_boxes_to_image(boxes[torch.div(order, class_count, rounding_mode="floor")], size)
    kept = batched_nms(candidates, best, labels, nms_iou)[:MAX_DETECTIONS]
    found = _voted(candidates, labels, best, kept) if voting else candidates[kept]
    return {"boxes": found, "labels": labels[kept], "scores": best[kept]}


def _voted(boxes: Tensor, labels: Tensor, scores: Tensor, kept: Tensor) -> Tensor:
    """Average each kept box with the boxes of its class around it, weighted by score and IoU.

    Box voting: Gidaris, Komodakis, arXiv 1505.01749; the weight of the IoU is that of He et al., arXiv 1809.08545.
    """
    overlap = box_iou(boxes[kept], boxes)
    weights = scores * torch.exp(-((1 - overlap) ** 2) / VOTE_SPREAD)
    weights = weights * (overlap > VOTING_IOU) * (labels[kept][:, None] == labels)
    # A box without an area has no IoU with any, not even itself.
    return torch.where(weights.sum(1, keepdim=True) > 0, weights @ boxes / weights.sum(1, keepdim=True), boxes[kept])
