"""Fast single-stage detector: every cell of the pyramid predicts directly, without proposals.

Each cell predicts a score per class and the distances from its centre to the four sides of a box, as FCOS does (Tian et
al., arXiv 1904.01355); ``autodet.models.dense_cells`` assigns objects to cells.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import generalized_box_iou_loss

from autodet.models.cpu_kernels.depthwise import quicken
from autodet.models.dense_cells import assign, best_detections, cell_grid
from autodet.models.normalize import Targets, lite_input
from autodet.models.pyramid import FPN_STRIDES, PyramidBackbone, build_backbone
from autodet.records import MAX_DETECTIONS, MIN_SCORE

TOWER_DEPTH = 2
NORM_GROUPS = 16
PRIOR_SCORE = 0.01  # initial score of a cell: most cells see no object
FIRST_REACH = 3.0  # initial distance from a cell's centre to the sides of its box, in strides
MAX_REACH = 5.0  # upper limit of the logarithm, against overflow
BOX_WEIGHT = 5.0


class DenseHead(nn.Module):
    """Two small towers over every level of the pyramid: one for classes, one for objectness and boxes."""

    def __init__(self, channels: int, class_count: int, levels: int) -> None:
        super().__init__()
        self.class_tower, self.box_tower = _tower(channels), _tower(channels)
        self.class_score = nn.Conv2d(channels, class_count, 3, padding=1)
        self.objectness = nn.Conv2d(channels, 1, 3, padding=1)
        self.reach = nn.Conv2d(channels, 4, 3, padding=1)
        self.scales = nn.Parameter(torch.ones(levels))
        for layer, bias in (
            (self.class_score, 0.0),
            (self.objectness, -math.log(1 / PRIOR_SCORE - 1)),
            (self.reach, 0.0),
        ):
            nn.init.normal_(layer.weight, std=0.01)
            layer.bias = nn.Parameter(torch.full((layer.out_channels,), bias))

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Predict for the P cells of all levels.

        Args:
            maps: One per level, shape (B, channels, H, W).

        Returns:
            Objectness logits, shape (B, P), class logits, shape (B, P, classes), and distances to the left, top, right
            and bottom in strides, above 0, shape (B, P, 4).
        """
        objects, classes, reaches = [], [], []
        for features, scale in zip(maps, self.scales, strict=True):
            around = self.box_tower(features)
            objects.append(self.objectness(around).flatten(1))
            classes.append(self.class_score(self.class_tower(features)).flatten(2))
            exponent = self.reach(around).flatten(2) * scale
            reaches.append(FIRST_REACH * exponent.float().clamp(max=MAX_REACH).exp())
        return (
            torch.cat(objects, 1).float(),
            torch.cat(classes, 2).transpose(1, 2).float(),
            torch.cat(reaches, 2).transpose(1, 2),
        )


def _tower(channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(TOWER_DEPTH):
        conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        layers += [conv, nn.GroupNorm(NORM_GROUPS, channels), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class OneStageDetector(nn.Module):
    """Backbone with a dense head; ``autodet.models.registry.build_network`` describes inputs and outputs."""

    def __init__(self, backbone: PyramidBackbone, class_count: int) -> None:
        super().__init__()
        self.detections_per_img, self.score_thresh = MAX_DETECTIONS, MIN_SCORE  # named as in torchvision's detectors
        self.transform = lite_input(background=0)
        self.backbone = backbone
        self.head = DenseHead(backbone.out_channels, class_count, len(FPN_STRIDES))

    def forward(self, squares: Tensor, targets: Targets | None = None) -> dict[str, Tensor] | Targets:
        """Return losses in training and detections in evaluation."""
        images, _ = self.transform(squares)
        maps = list(self.backbone(images.tensors).values())
        objects, classes, reaches = self.head(maps)
        points, strides = cell_grid(maps, FPN_STRIDES)
        boxes = torch.cat((points - reaches[..., :2] * strides, points + reaches[..., 2:] * strides), -1)
        if targets is not None and self.training:
            return _losses(objects, classes, boxes, points, strides, targets)
        scores = objects.sigmoid()[..., None] * classes.softmax(-1)
        return [best_detections(*outputs, images.image_sizes[0]) for outputs in zip(scores, boxes, strict=True)]


def _losses(
    objects: Tensor, classes: Tensor, boxes: Tensor, points: Tensor, strides: Tensor, targets: Targets
) -> dict[str, Tensor]:
    """Compute the losses over all squares, weighting each positive cell by how well it fits its object."""
    scores = (objects.sigmoid()[..., None] * classes.softmax(-1)).detach()
    qualities, matched_labels, matched_boxes = [], [], []
    for photo_scores, photo_boxes, target in zip(scores, boxes.detach(), targets, strict=True):
        quality, owner = assign(photo_scores, photo_boxes, points, strides, target["boxes"], target["labels"])
        qualities.append(quality)
        matched_labels.append(target["labels"][owner[quality > 0]])
        matched_boxes.append(target["boxes"][owner[quality > 0]])
    wanted = torch.stack(qualities)
    positive, total = wanted > 0, wanted.sum().clamp(min=1.0)
    share = wanted[positive] / total
    box_loss = generalized_box_iou_loss(boxes[positive], torch.cat(matched_boxes), reduction="none")
    class_loss = functional.cross_entropy(classes[positive], torch.cat(matched_labels), reduction="none")
    return {
        "loss_object": functional.binary_cross_entropy_with_logits(objects, wanted, reduction="sum") / total,
        "loss_class": (class_loss * share).sum(),
        "loss_box": BOX_WEIGHT * (box_loss * share).sum(),
    }


def build_one_stage(class_count: int, published: Mapping[str, Tensor] | None, size: str) -> OneStageDetector:
    """Build the single-stage detector on an EfficientNet-Lite.

    Args:
        class_count: Number of classes.
        published: ImageNet weights of the backbone, or None for random weights that a bundle's weights replace.
        size: One of ``LITE_SIZES``.
    """
    network = OneStageDetector(build_backbone(size, published), class_count)
    quicken(network)
    return network.to(memory_format=torch.channels_last)
