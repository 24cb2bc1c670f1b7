"""Input layer between letterboxed squares and a detector.

Every network that a builder returns takes letterboxed squares as stored, uint8 with shape (B, 3, S, S), and class ids
from 0; it handles normalisation and the background class internally.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.image_list import ImageList

Targets = list[dict[str, Tensor]]


class SquareInput(nn.Module):
    """Normalises squares, in place of a torchvision detector's own resizing.

    Args:
        mean: Mean per channel, in units of 0 to 255.
        std: Standard deviation per channel, in units of 0 to 255.
        background: Number of class ids that the network reserves for the background, below those of the classes.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float], background: int = 1) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.background = background

    def forward(self, images: Tensor, targets: Targets | None = None) -> tuple[ImageList, Targets | None]:
        """Normalise squares, shape (B, 3, S, S), and shift the labels to make room for the background."""
        squares = (images.to(self.mean.dtype) - self.mean) / self.std
        squares = squares.contiguous(memory_format=torch.channels_last)
        sizes = [(squares.shape[2], squares.shape[3])] * squares.shape[0]
        if targets is not None:
            targets = [{**target, "labels": target["labels"] + self.background} for target in targets]
        return ImageList(squares, sizes), targets

    def postprocess(self, detections: Targets, _sizes: object, _original_sizes: object) -> Targets:
        """Shift the labels back to class ids from 0."""
        return [{**detection, "labels": detection["labels"] - self.background} for detection in detections]


def scaled(squares: Tensor, scale: float, step: int) -> Tensor:
    """Resize squares, shape (B, 3, S, S), by a factor, to a multiple of ``step``; at 1 they stay as they are."""
    if scale == 1:
        return squares
    side = max(1, round(int(squares.shape[3]) * scale / step)) * step
    return functional.interpolate(squares.float(), size=(side, side), mode="bilinear", align_corners=False)


def lite_input(background: int = 1) -> SquareInput:
    """Return the normalisation that EfficientNet-Lite's weights were trained with: (pixel - 127) / 128."""
    return SquareInput((127.0,) * 3, (128.0,) * 3, background)


def imagenet_input(background: int = 1) -> SquareInput:
    """Return the normalisation that torchvision's weights were trained with."""
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return SquareInput([255 * value for value in mean], [255 * value for value in std], background)
