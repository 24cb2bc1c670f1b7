"""Faster R-CNN (Ren et al., arXiv 1506.01497) in the sizes that a CPU can train, built on torchvision's parts.

Every network that a builder returns takes letterboxed squares as they are stored, uint8 with shape
(B, 3, S, S), and class ids from 0: normalisation and the background class are its own business.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, fasterrcnn_mobilenet_v3_large_320_fpn
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FeaturePyramidNetwork, FrozenBatchNorm2d
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from autodet.models.efficientnet_lite import EfficientNetLite0, fold_imagenet_weights
from autodet.models.roi_align import QuickRoIAlign
from autodet.models.weights import load_coco_weights, load_imagenet_weights

FPN_CHANNELS = 64
MOBILENET_FROZEN_BLOCKS = 7  # those before stride 16
ASPECT_RATIOS = (0.5, 1.0, 2.0)
Targets = list[dict[str, Tensor]]


class SquareInput(nn.Module):
    """What stands between letterboxed squares and a torchvision detector, in place of its own resizing.

    Args:
        mean: Subtracted per channel, in units of 0 to 255.
        std: Divided by per channel, in units of 0 to 255.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor, targets: Targets | None = None) -> tuple[ImageList, Targets | None]:
        """Normalise squares, shape (B, 3, S, S), and make room for the background among the labels."""
        squares = (images.to(self.mean.dtype) - self.mean) / self.std
        squares = squares.contiguous(memory_format=torch.channels_last)
        sizes = [(squares.shape[2], squares.shape[3])] * squares.shape[0]
        if targets is not None:
            targets = [{**target, "labels": target["labels"] + 1} for target in targets]
        return ImageList(squares, sizes), targets

    def postprocess(self, detections: Targets, _sizes: object, _original_sizes: object) -> Targets:
        """Take the background out of the labels again."""
        return [{**detection, "labels": detection["labels"] - 1} for detection in detections]


class PyramidBackbone(nn.Module):
    """A feature extractor with a feature pyramid on top (Lin et al., arXiv 1612.03144)."""

    def __init__(self, body: EfficientNetLite0, out_channels: int) -> None:
        super().__init__()
        self.body = body
        self.fpn = FeaturePyramidNetwork(list(body.channels), out_channels, extra_blocks=LastLevelMaxPool())
        self.out_channels = out_channels

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Pyramid of images, shape (B, 3, H, W): one map of ``out_channels`` a level, finest first."""
        maps: OrderedDict[str, Tensor] = self.fpn(self.body(images))
        return maps


def build_efficientnet_lite0(class_count: int, pretrained: bool) -> FasterRCNN:
    """Faster R-CNN on EfficientNet-Lite0: pyramid levels at strides 8, 16, 32 and 64.

    Args:
        class_count: Classes without the background.
        pretrained: Whether to start from ImageNet weights, or from noise that a bundle's weights replace.
    """
    body = EfficientNetLite0()
    if pretrained:
        body.load_state_dict(fold_imagenet_weights(load_imagenet_weights()))
    network = FasterRCNN(
        PyramidBackbone(body, FPN_CHANNELS),
        num_classes=class_count + 1,
        rpn_anchor_generator=AnchorGenerator(((24, 32), (48, 64), (96, 128), (192, 256)), (ASPECT_RATIOS,) * 4),
        box_roi_pool=QuickRoIAlign(["0", "1", "2"], output_size=7, sampling_ratio=2),
        rpn_pre_nms_top_n_train=600,
        rpn_post_nms_top_n_train=300,
        rpn_pre_nms_top_n_test=300,
        rpn_post_nms_top_n_test=150,
        box_batch_size_per_image=128,
        box_score_thresh=0.01,
    )
    # The weights were trained on (pixel - 127) / 128.
    return _with_square_input(network, mean=(127.0,) * 3, std=(128.0,) * 3)


def build_mobilenet_v3(class_count: int, pretrained: bool) -> FasterRCNN:
    """Faster R-CNN on MobileNetV3 as torchvision has it, with a new head for the classes at hand.

    Args:
        class_count: Classes without the background.
        pretrained: Whether to start from COCO weights, or from noise that a bundle's weights replace.
    """
    network = fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, num_classes=91, box_score_thresh=0.01
    )
    _freeze_batch_norm(network)
    for block in list(network.backbone.body.children())[:MOBILENET_FROZEN_BLOCKS]:
        block.requires_grad_(False)
    if pretrained:
        network.load_state_dict(load_coco_weights("fasterrcnn_mobilenet_v3_large_320_fpn"))
    inputs = network.roi_heads.box_predictor.cls_score.in_features
    network.roi_heads.box_predictor = FastRCNNPredictor(inputs, class_count + 1)
    mean, std = network.transform.image_mean, network.transform.image_std
    return _with_square_input(network, [255 * value for value in mean], [255 * value for value in std])


def _freeze_batch_norm(module: nn.Module) -> None:
    """Keep every BatchNorm's statistics: batches of detection are too small to measure better ones."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, FrozenBatchNorm2d(child.num_features, child.eps))
        else:
            _freeze_batch_norm(child)


def _with_square_input(network: FasterRCNN, mean: Sequence[float], std: Sequence[float]) -> FasterRCNN:
    network.transform = SquareInput(mean, std)
    return network.to(memory_format=torch.channels_last)
