"""Faster R-CNN (Ren et al., arXiv 1506.01497) in sizes that a CPU can train, built from torchvision's parts."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from autodet.models.cascade_roi_head import CascadeRoIHeads
from autodet.models.cpu_kernels.depthwise import quicken
from autodet.models.cpu_kernels.precision import answer_in_float32
from autodet.models.cpu_kernels.roi_align import QuickRoIAlign
from autodet.models.normalize import lite_input
from autodet.models.pyramid import build_backbone
from autodet.records import MAX_DETECTIONS, MIN_SCORE

ANCHOR_SIDES = ((24, 32), (48, 64), (96, 128), (192, 256))  # pixels, a pair per pyramid level
ASPECT_RATIOS = (0.5, 1.0, 2.0)
PROPOSALS = 300  # per photo, passed to the head
CELLS, FEATURES = 7, 1024  # per side of a region; per layer of the head, which has two


def build_faster_rcnn(class_count: int, published: Mapping[str, Tensor] | None, size: str) -> GeneralizedRCNN:
    """Build Faster R-CNN on an EfficientNet-Lite, with pyramid levels at strides 8, 16, 32 and 64.

    Args:
        class_count: Number of classes without the background.
        published: ImageNet weights of the backbone, or None for random weights that a bundle's weights replace.
        size: One of ``efficientnet_lite.LITE_SIZES``.
    """
    backbone = build_backbone(size, published)
    proposals, head = _proposals(backbone.out_channels), _head(backbone.out_channels, class_count + 1)
    network = GeneralizedRCNN(backbone, proposals, head, lite_input())
    quicken(network)
    answer_in_float32(network.rpn.head, network.roi_heads.box_predictor)
    return network.to(memory_format=torch.channels_last)


def _proposals(channels: int) -> RegionProposalNetwork:
    anchors = AnchorGenerator(ANCHOR_SIDES, (ASPECT_RATIOS,) * len(ANCHOR_SIDES))
    return RegionProposalNetwork(
        anchors,
        RPNHead(channels, anchors.num_anchors_per_location()[0]),
        fg_iou_thresh=0.7,
        bg_iou_thresh=0.3,
        batch_size_per_image=256,
        positive_fraction=0.5,
        pre_nms_top_n={"training": 2 * PROPOSALS, "testing": PROPOSALS},
        post_nms_top_n={"training": PROPOSALS, "testing": PROPOSALS},
        nms_thresh=0.7,
    )


def _head(channels: int, label_count: int) -> CascadeRoIHeads:
    return CascadeRoIHeads(
        QuickRoIAlign(["0", "1", "2"], output_size=CELLS, sampling_ratio=2),
        TwoMLPHead(channels * CELLS**2, FEATURES),
        FastRCNNPredictor(FEATURES, label_count),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=128,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=MIN_SCORE,
        nms_thresh=0.5,
        detections_per_img=MAX_DETECTIONS,
    )
