"""Faster R-CNN (Ren et al., arXiv 1506.01497) in the sizes that a CPU can train, built on torchvision's parts."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator

from autodet.models.depthwise import quicken
from autodet.models.precision import answer_in_float32
from autodet.models.pyramid import build_backbone
from autodet.models.roi_align import QuickRoIAlign
from autodet.models.square_input import lite_input
from autodet.models.two_looks import TwoLooks

ASPECT_RATIOS = (0.5, 1.0, 2.0)


def build_faster_rcnn(class_count: int, published: Mapping[str, Tensor] | None, size: str) -> FasterRCNN:
    """Faster R-CNN on an EfficientNet-Lite: pyramid levels at strides 8, 16, 32 and 64.

    Args:
        class_count: Classes without the background.
        published: ImageNet weights of the body, or None for noise that a bundle's weights replace.
        size: One of ``efficientnet_lite.LITE_SIZES``.
    """
    network = FasterRCNN(
        build_backbone(size, published),
        num_classes=class_count + 1,
        rpn_anchor_generator=AnchorGenerator(((24, 32), (48, 64), (96, 128), (192, 256)), (ASPECT_RATIOS,) * 4),
        box_roi_pool=QuickRoIAlign(["0", "1", "2"], output_size=7, sampling_ratio=2),
        rpn_pre_nms_top_n_train=600,
        rpn_post_nms_top_n_train=300,
        rpn_pre_nms_top_n_test=300,
        rpn_post_nms_top_n_test=300,
        box_batch_size_per_image=128,
        box_score_thresh=0.01,
    )
    network.transform = lite_input()
    network.roi_heads.__class__ = TwoLooks  # the same parts, which torchvision puts together by itself
    quicken(network)
    answer_in_float32(network.rpn.head, network.roi_heads.box_predictor)
    return network.to(memory_format=torch.channels_last)
