"""EfficientNet-Lite with a feature pyramid on top (Lin et al., arXiv 1612.03144)."""

from collections import OrderedDict
from collections.abc import Mapping

from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from autodet.models.efficientnet_lite import LITE_SIZES, EfficientNetLite, fold_imagenet_weights

FPN_CHANNELS = 64
FPN_STRIDES = (8, 16, 32, 64)


class PyramidBackbone(nn.Module):
    """Feature extractor, ``body``, with its pyramid, ``fpn``."""

    def __init__(self, body: EfficientNetLite, out_channels: int) -> None:
        super().__init__()
        self.body = body
        self.fpn = FeaturePyramidNetwork(list(body.channels), out_channels, extra_blocks=LastLevelMaxPool())
        self.out_channels = out_channels

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Compute the pyramid of images (B, 3, H, W): one map of ``out_channels`` per level, at ``FPN_STRIDES``."""
        maps: OrderedDict[str, Tensor] = self.fpn(self.body(images))
        return maps


def build_backbone(size: str, published: Mapping[str, Tensor] | None) -> PyramidBackbone:
    """Build a backbone of one of ``LITE_SIZES``, with the published ImageNet weights if given."""
    body = EfficientNetLite(LITE_SIZES[size])
    if published is not None:
        body.load_state_dict(fold_imagenet_weights(published))
    return PyramidBackbone(body, FPN_CHANNELS)
