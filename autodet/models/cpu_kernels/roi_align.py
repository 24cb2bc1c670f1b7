"""RoIAlign (He et al., arXiv 1703.06870) on a feature pyramid, fast in training on a CPU.

torchvision processes each sample of a region separately, and its backward pass adds the gradient of each sample to four
pixels, sequentially on one core, which took a sixth of a training step. But the samples of a region lie on a grid: the
region pooled from a map is ``rows @ map @ columns.T`` with a matrix of bilinear weights per axis, and its gradient is
two matrix products as well.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import MultiScaleRoIAlign

ROUND = 16  # the number of regions in a group is padded to a multiple of this
Pool = Callable[[Sequence[Tensor], list[Tensor]], Tensor]


class QuickRoIAlign(MultiScaleRoIAlign):  # type: ignore[misc]
    """torchvision's pooling with a backward pass by matrix products in training on a CPU.

    The forward pass in float32 is torchvision's own, bit for bit; in bfloat16 it uses matrix products in training on a
    CPU.
    """

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        """Pool the regions of boxes from feature maps, as ``MultiScaleRoIAlign`` does."""
        maps = [x[name] for name in self.featmap_names]
        if not (self.training and maps[0].device.type == "cpu" and any(tensor.requires_grad for tensor in maps)):
            return super().forward(x, boxes, image_shapes)  # type: ignore[no-any-return]

        def pool(levels: Sequence[Tensor], regions: list[Tensor]) -> Tensor:
            named = dict(zip(self.featmap_names, levels, strict=True))
            return super(QuickRoIAlign, self).forward(named, regions, image_shapes)  # type: ignore[no-any-return]

        if self.scales is None:
            no_boxes = [tensor[:0] for tensor in boxes]
            pool([tensor.float() for tensor in maps], no_boxes)  # only sets the scales
        pooled: Tensor = _Pooling.apply(self, pool, boxes, *maps)
        return pooled


@dataclass(frozen=True, slots=True)
class _Group:
    """Regions of one photo that are pooled from one pyramid level.

    A CPU generates code for each new number of regions, so the group is padded to a multiple of ``ROUND`` with regions
    of zero weight at the end.

    Attributes:
        level: Index of the pyramid level.
        photo: Index of the photo.
        count: Number of regions without padding.
        members: Indices among the regions of all photos, shape (R,), where R is ``count`` rounded up.
        rows: Weights of the map's rows, shape (R, S, H); see ``bilinear_weights``.
        columns: Weights of the map's columns, shape (R, S, W).
    """

    level: int
    photo: int
    count: int
    members: Tensor
    rows: Tensor
    columns: Tensor


def _groups(pooling: QuickRoIAlign, boxes: Sequence[Tensor], maps: Sequence[Tensor]) -> Iterator[_Group]:
    cells, samples, dtype = pooling.output_size[0], pooling.sampling_ratio, maps[0].dtype
    counts, levels, regions = [len(tensor) for tensor in boxes], pooling.map_levels(boxes), torch.cat(list(boxes))
    photos = torch.repeat_interleave(torch.tensor(counts))
    for level, (tensor, scale) in enumerate(zip(maps, pooling.scales, strict=True)):
        members = torch.where(levels == level)[0]
        of_photos = torch.bincount(photos[members], minlength=len(counts)).tolist()
        left, top, right, bottom = (regions[members] * scale).unbind(1)
        rows = bilinear_weights(top, bottom, cells, samples, tensor.shape[2]).to(dtype)
        columns = bilinear_weights(left, right, cells, samples, tensor.shape[3]).to(dtype)
        parts = zip(*(torch.split(part, of_photos) for part in (members, rows, columns)), strict=True)
        yield from (_Group(level, photo, len(part[0]), *map(_made_round, part)) for photo, part in enumerate(parts))


def _made_round(values: Tensor) -> Tensor:
    return functional.pad(values, (0, 0) * (values.ndim - 1) + (0, -len(values) % ROUND))


class _Pooling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pooling: QuickRoIAlign, pool: Pool, boxes: list[Tensor], *maps: Tensor) -> Tensor:
        ctx.groups, ctx.shapes = list(_groups(pooling, boxes, maps)), [tensor.shape for tensor in maps]
        if maps[0].dtype != torch.bfloat16:
            return pool(maps, boxes)
        pooled = maps[0].new_empty((sum(map(len, boxes)), maps[0].shape[1], *pooling.output_size))
        for group in ctx.groups:
            cut = cut_out(maps[group.level][group.photo], group.rows, group.columns)
            pooled[group.members[: group.count]] = cut[: group.count]
        return pooled

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        maps = [gradient.new_empty(shape).to(memory_format=torch.channels_last) for shape in ctx.shapes]
        for group in ctx.groups:
            maps[group.level][group.photo] = gradient_of_map(gradient[group.members], group.rows, group.columns)
        return None, None, None, *maps


def cut_out(features: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Pool regions from the feature map of one photo.

    Args:
        features: Shape (C, H, W).
        rows: Contribution of each map row to each row of cells, shape (R, S, H).
        columns: Contribution of each map column to each column of cells, shape (R, S, W).

    Returns:
        Shape (R, C, S, S).
    """
    channels, height, width = features.shape
    strips = rows.reshape(-1, height) @ features.permute(1, 2, 0).reshape(height, width * channels)
    return (columns[:, None] @ strips.view(*rows.shape[:2], width, channels)).permute(0, 3, 1, 2)


def gradient_of_map(gradient: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Compute the gradient of one photo's feature map, shape (C, H, W).

    Args:
        gradient: Gradient of the pooled regions, shape (R, C, S, S).
        rows: As in ``cut_out``.
        columns: As in ``cut_out``.
    """
    strips = columns.transpose(1, 2)[:, None] @ gradient.permute(0, 2, 3, 1)
    height, width, channels = rows.shape[2], columns.shape[2], gradient.shape[1]
    of_map = rows.reshape(-1, height).T @ strips.view(-1, width * channels)
    return of_map.view(height, width, channels).permute(2, 0, 1)


def bilinear_weights(low: Tensor, high: Tensor, cells: int, samples: int, pixels: int) -> Tensor:
    """Compute the contribution of each pixel along an axis to each cell of regions, as in torchvision's ``roi_align``.

    Args:
        low: Start of each region, in pixels of the map, shape (R,).
        high: End of each region, in pixels of the map, shape (R,).
        cells: Number of cells per region.
        samples: Number of sampling points averaged per cell.
        pixels: Number of pixels of the map along the axis.

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
