"""RoIAlign (He et al., arXiv 1703.06870) on a feature pyramid, with a backward pass that a CPU does quickly.

torchvision's backward pass adds the gradient of each sample to four pixels, one after another on one core; that was a
sixth of a training step. But the samples of a region lie on a grid: what it cuts out of a map is
``rows @ map @ columns.T``, with a matrix of bilinear weights for each axis, and the gradient of that is two products of
matrices.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign

Pool = Callable[[Sequence[Tensor]], Tensor]


class QuickRoIAlign(MultiScaleRoIAlign):  # type: ignore[misc]
    """torchvision's pooling, to the last bit; on a CPU in training with the quick backward pass."""

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        """Cut the regions of boxes out of feature maps, as ``MultiScaleRoIAlign`` does."""
        maps = [x[name] for name in self.featmap_names]
        if not (self.training and maps[0].device.type == "cpu" and any(one.requires_grad for one in maps)):
            return super().forward(x, boxes, image_shapes)  # type: ignore[no-any-return]

        def pool(levels: Sequence[Tensor]) -> Tensor:
            named = dict(zip(self.featmap_names, levels, strict=True))
            return super(QuickRoIAlign, self).forward(named, boxes, image_shapes)  # type: ignore[no-any-return]

        pooled: Tensor = _Pooling.apply(self, pool, boxes, *maps)
        return pooled


class _Pooling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pooling: QuickRoIAlign, pool: Pool, boxes: list[Tensor], *maps: Tensor) -> Tensor:
        ctx.pooling, ctx.boxes, ctx.shapes = pooling, boxes, [one.shape for one in maps]
        return pool(maps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        pooling, boxes = ctx.pooling, ctx.boxes
        counts = [len(one) for one in boxes]
        level_of, parts = torch.split(pooling.map_levels(boxes), counts), torch.split(gradient, counts)
        maps = []
        for level, (shape, scale) in enumerate(zip(ctx.shapes, pooling.scales, strict=True)):
            photos = [
                gradient_of_map(part[levels == level], one[levels == level] * scale, shape[1:], pooling.sampling_ratio)
                for one, levels, part in zip(boxes, level_of, parts, strict=True)
            ]
            maps.append(torch.stack(photos))
        return None, None, None, *maps


def gradient_of_map(gradient: Tensor, regions: Tensor, shape: Sequence[int], samples: int) -> Tensor:
    """The gradient of one photo's feature map.

    Args:
        gradient: Of what was cut out, shape (R, C, S, S).
        regions: Boxes in pixels of the map, xyxy, shape (R, 4).
        shape: Of the map: C, H, W.
        samples: A cell of the S x S is the mean of so many samples in each direction.

    Returns:
        Shape (C, H, W).
    """
    channels, height, width = shape
    cells = gradient.shape[-1]
    rows = bilinear_weights(regions[:, 1], regions[:, 3], cells, samples, height)
    columns = bilinear_weights(regions[:, 0], regions[:, 2], cells, samples, width)
    spread = gradient.to(rows.dtype).transpose(1, 2).reshape(-1, cells * channels, cells) @ columns
    of_map = rows.reshape(-1, height).T @ spread.reshape(-1, channels * width)
    return of_map.view(height, channels, width).transpose(0, 1).to(gradient.dtype)


def bilinear_weights(low: Tensor, high: Tensor, cells: int, samples: int, pixels: int) -> Tensor:
    """What each pixel along an axis contributes to each cell of regions, as torchvision's ``roi_align`` has it.

    Args:
        low: Where regions begin, in pixels of the map, shape (R,).
        high: Where they end.
        cells: Into so many each is divided.
        samples: Of so many points each cell is the mean.
        pixels: The map's.

    Returns:
        Shape (R, cells, pixels).
    """
    length = (high - low).clamp(min=1.0)
    share = (torch.arange(cells * samples, dtype=low.dtype, device=low.device) + 0.5) / (cells * samples)
    points = low[:, None] + length[:, None] * share
    inside = (points >= -1) & (points <= pixels)
    places = torch.arange(pixels, dtype=low.dtype, device=low.device)
    distances = (points.clamp(0, pixels - 1)[:, :, None] - places).abs()
    weights = (1 - distances).clamp(min=0) * inside[:, :, None]
    return weights.view(len(low), cells, samples, pixels).mean(dim=2)
