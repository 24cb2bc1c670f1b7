"""Torchvision's COCO-pretrained detectors with heads for other classes.

BatchNorms are folded, the first layers of the backbone are frozen, and a class that COCO knows by the same name keeps
its trained rows of the head.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import get_model, get_model_weights

from autodet.models.cpu_kernels.depthwise import quicken
from autodet.models.cpu_kernels.folded_batchnorm import fold_batch_norms
from autodet.models.cpu_kernels.precision import answer_in_float32
from autodet.models.matching_weights import transplant
from autodet.models.normalize import imagenet_input
from autodet.records import MIN_SCORE

SSD_FEATURES, BODY = "backbone.features.", "backbone.body."


class SsdBackbone(nn.Module):
    """Torchvision's SSDlite backbone, with its pretrained part named ``body`` as in the other backbones."""

    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.body: nn.Sequential = backbone.features
        self.extra: nn.ModuleList = backbone.extra

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Compute six maps of images, shape (B, 3, H, W): at strides 16 and 32, then each half the size."""
        maps: list[Tensor] = []
        for block in (*self.body, *self.extra):
            maps.append(block(maps[-1] if maps else images))
        return OrderedDict((str(level), features) for level, features in enumerate(maps))


def build_coco_detector(
    class_count: int,
    published: Mapping[str, Tensor] | None,
    classes: Sequence[str],
    name: str,
    frozen: int,
    background: int,
    settings: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Build one of torchvision's detectors.

    Args:
        class_count: Number of classes without the background.
        published: COCO weights, or None for random weights that a bundle's weights replace.
        classes: Class names; if empty, no row of the head is kept.
        name: Torchvision's name of the detector.
        frozen: Number of frozen layers of the backbone, counted from the input.
        background: Number of class ids reserved for the background.
        settings: Further arguments of torchvision's builder.
    """
    threshold = "box_score_thresh" if name.startswith("fasterrcnn") else "score_thresh"
    network: Any = get_model(
        name,
        weights=None,
        weights_backbone=None,
        num_classes=class_count + background,
        **{threshold: MIN_SCORE, **(settings or {})},
    )
    if name.startswith("ssd"):
        network.backbone = SsdBackbone(network.backbone)
    fold_batch_norms(network)
    quicken(network)
    if published is not None:
        state = {key.replace(SSD_FEATURES, BODY): value for key, value in published.items()}
        known: Sequence[str] = get_model_weights(name).DEFAULT.meta["categories"]
        names = classes or [f"class {number}, without a name" for number in range(class_count)]
        network.reused_classes = dict(transplant(state, known, network, names).kept)
    body = network.get_submodule("backbone.body")
    first = body[0] if isinstance(body, nn.Sequential) else body
    for layer in list(first.children())[:frozen]:
        layer.requires_grad_(False)
    network.transform = imagenet_input(background)
    two_stages = hasattr(network, "roi_heads")
    answer_in_float32(*((network.rpn.head, network.roi_heads.box_predictor) if two_stages else (network.head,)))
    detector: nn.Module = network.to(memory_format=torch.channels_last)
    return detector
