"""Depthwise convolution with a fast backward pass on CPUs.

Torch's CPU library computes the gradient of a depthwise kernel fast only for 3 x 3: 5 x 5 takes ten times as long in
float32, and a hundred times in bfloat16. The gradient of a kernel element depends only on the pixels that the element
has seen, so the gradient of a larger kernel can be assembled from those of its 3 x 3 parts.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from autodet.models.cpu_kernels.onednn_linear import QuickLinear, convolve_pixels, is_plain

PART = 3


class QuickConv2d(nn.Conv2d):
    """``nn.Conv2d`` with fast paths on a CPU: depthwise in training, 1 x 1 in inference (see ``onednn_linear``)."""

    def _conv_forward(self, features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self._is_of_pixels and is_plain(features, weight):
            return convolve_pixels(features, weight, bias)
        learns = torch.is_grad_enabled() and (weight.requires_grad or features.requires_grad)
        if not (learns and features.device.type == "cpu" and self._is_depthwise):
            plain: Tensor = super()._conv_forward(features, weight, bias)
            return plain
        if torch.is_autocast_enabled("cpu"):
            dtype = torch.get_autocast_dtype("cpu")
            features, weight = features.to(dtype), weight.to(dtype)
            bias = None if bias is None else bias.to(dtype)
        convolved: Tensor = _Convolution.apply(features, weight, bias, self.stride[0], self.padding[0])
        return convolved

    @property
    def _is_of_pixels(self) -> bool:
        alone = self.kernel_size == self.stride == self.dilation == (1, 1)
        return alone and self.padding == (0, 0) and self.groups == 1

    @property
    def _is_depthwise(self) -> bool:
        kernel, other = self.kernel_size
        return (
            1 < self.groups == self.in_channels == self.out_channels
            and kernel == other >= PART
            and self.stride[0] == self.stride[1]
            and self.dilation == (1, 1)
            and self.padding_mode == "zeros"
            and not isinstance(self.padding, str)
            and self.padding[0] == self.padding[1]
        )


def quicken(network: nn.Module) -> None:
    """Turn plain convolutions into ``QuickConv2d`` and linear layers into ``QuickLinear`` in place; weights stay."""
    quick = {nn.Conv2d: QuickConv2d, nn.Linear: QuickLinear}
    for module in network.modules():
        module.__class__ = quick.get(type(module), type(module))


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.stride, ctx.padding = stride, padding
        return functional.conv2d(features, weight, bias, stride, padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        features, weight = ctx.saved_tensors
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        of_features, of_weight, of_bias, *_ = ctx.needs_input_grad
        return (
            gradient_of_features(gradient, features, weight, ctx.stride, ctx.padding) if of_features else None,
            gradient_of_weight(gradient, features, weight, ctx.stride, ctx.padding) if of_weight else None,
            gradient.sum((0, 2, 3)) if of_bias else None,
            None,
            None,
        )


def gradient_of_features(gradient: Tensor, features: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Compute the gradient of a depthwise convolution with respect to its input.

    Args:
        gradient: Gradient of the output, shape (B, C, H', W').
        features: Input of the convolution, shape (B, C, H, W).
        weight: Kernels, shape (C, 1, K, K).
        stride: Stride of the convolution.
        padding: Zeros on each side of the input.

    Returns:
        Shape (B, C, H, W).
    """
    half, strides = features.dtype == torch.bfloat16, stride > 1
    if strides and weight.shape[-1] > PART:
        return _spread_out(gradient, features.shape[-2:], weight, stride, padding)
    dtype = torch.float32 if half and strides else features.dtype  # the library has no fast path for both
    return _backward(gradient.to(dtype), features.to(dtype), weight.to(dtype), stride, padding, 0).to(features.dtype)


def _spread_out(gradient: Tensor, size: Sequence[int], weight: Tensor, stride: int, padding: int) -> Tensor:
    """Compute the same as a convolution without stride over the gradient with zeros between its pixels."""
    batch, channels, height, width = gradient.shape
    spread = gradient.new_zeros(batch, channels, stride * (height - 1) + 1, stride * (width - 1) + 1)
    spread = spread.to(memory_format=torch.channels_last)
    spread[..., ::stride, ::stride] = gradient
    padded = functional.conv2d(spread, weight.flip(2, 3), padding=weight.shape[-1] - 1, groups=channels)
    below, right = (size[axis] + padding - padded.shape[2 + axis] for axis in (0, 1))
    cut = (-padding, right, -padding, below)  # crop the padding, and zero-fill pixels that no kernel covered
    return functional.pad(padded, cut) if any(cut) else padded


def gradient_of_weight(gradient: Tensor, features: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Compute the gradient of the kernels, shape (C, 1, K, K); arguments as in ``gradient_of_features``."""
    padded = functional.pad(features, (padding,) * 4) if padding else features
    kernel, (height, width) = weight.shape[-1], gradient.shape[-2:]
    part_weight = weight[..., :PART, :PART].contiguous()
    result = torch.empty_like(weight)
    starts = [*range(0, kernel - PART, PART), kernel - PART]
    for row in starts:
        for column in starts:
            seen = padded[
                ..., row : row + stride * (height - 1) + PART, column : column + stride * (width - 1) + PART
            ].contiguous(memory_format=torch.channels_last)
            part = _backward(gradient, seen, part_weight, stride, 0, 1)
            result[..., row : row + PART, column : column + PART] = part
    return result


def _backward(gradient: Tensor, features: Tensor, weight: Tensor, stride: int, padding: int, wanted: int) -> Tensor:
    """Return torch's own gradient of the features (``wanted`` 0) or of the weight (``wanted`` 1)."""
    mask = [axis == wanted for axis in range(3)]
    gradients = torch.ops.aten.convolution_backward(
        gradient, features, weight, None, [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], len(weight), mask
    )
    chosen: Tensor = gradients[wanted]
    return chosen
