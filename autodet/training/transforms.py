"""Augmentation: each epoch shows the network another version of every photo."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torchvision import tv_tensors
from torchvision.transforms import v2

from autodet.models.letterbox import PAD_GREY

MINIMUM_VISIBLE = 0.25  # a box of which less is left in the square is no longer marked
MINIMUM_SIDE = 3.0
COLOURED = 0.8  # of all squares
MOSAICS = 0.5  # likewise
MOSAIC_ZOOM = 0.8  # how much more than a square's side of the four is seen at most
BRIGHTNESS, CONTRAST, SATURATION, HUE = 0.3, 0.3, 0.4, 0.02  # how far from 1; of hue, from 0, in turns
LUMA = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601


class TrainingTransform:
    """Flip, move, zoom and recolour a square, its boxes with it.

    Args:
        side: Of the square, in pixels.
        strength: How far: 1 is the usual, above 0 and up to 2.
    """

    def __init__(self, side: int, strength: float = 1.0) -> None:
        self.side = side
        self.geometry = v2.Compose(
            [
                v2.RandomHorizontalFlip(),
                v2.RandomAffine(
                    degrees=5 * strength,
                    translate=(0.15 * strength, 0.15 * strength),
                    scale=(1 - 0.4 * strength, 1 + 0.5 * strength),
                    interpolation=v2.InterpolationMode.BILINEAR,
                    fill=PAD_GREY,
                ),
            ]
        )
        self.strength = strength

    def __call__(self, square: Tensor, boxes_xyxy: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Transform one square.

        Args:
            square: uint8, shape (3, S, S).
            boxes_xyxy: Boxes in pixels of the square, float32, shape (N, 4).

        Returns:
            The new square, the boxes that are left, shape (M, 4), and which those are, bool, shape (N,).
        """
        # No clamping on the way, so that what was cut off can be told from what was small.
        boxes = tv_tensors.BoundingBoxes(
            boxes_xyxy, format="XYXY", canvas_size=(self.side, self.side), clamping_mode=None
        )
        image, moved = self.geometry(tv_tensors.Image(square), boxes)
        cut, kept = keep_visible(moved.as_subclass(Tensor), self.side)
        coloured = image.as_subclass(Tensor)
        if torch.rand(()) < COLOURED:
            coloured = recolour(coloured, self.strength)
        return coloured, cut, kept

    def mosaic(self, squares: Sequence[Tensor], boxes_xyxy: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """A part of four squares that lie two by two, in another size and other colours.

        Objects come in new company and smaller, which is worth most where photos are few (Bochkovskiy et al., arXiv
        2004.10934).

        Args:
            squares: Four, uint8, shape (3, S, S).
            boxes_xyxy: The boxes of each, in pixels of its square, float32, shape (N, 4).

        Returns:
            As ``__call__``; which boxes are left is told of those of all four, one square after another.
        """
        side = self.side
        zoom = 1 + float(torch.rand(())) * min(1.0, MOSAIC_ZOOM * self.strength)
        seen = int(side * zoom)
        left, top = torch.randint(2 * side - seen + 1, (2,)).tolist()
        whole = torch.cat([torch.cat(list(squares[row : row + 2]), dim=2) for row in (0, 2)], dim=1)
        part = whole[None, :, top : top + seen, left : left + seen].float()
        square = functional.interpolate(part, size=(side, side), mode="bilinear", antialias=True)[0]
        corners = torch.tensor([[0, 0], [side, 0], [0, side], [side, side]]) - torch.tensor([left, top])
        moved = [boxes + corner.repeat(2) for boxes, corner in zip(boxes_xyxy, corners, strict=True)]
        cut, kept = keep_visible(torch.cat(moved) * (side / seen), side)
        return recolour(square.round().to(torch.uint8), self.strength), cut, kept


def keep_visible(boxes_xyxy: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Boxes cut off at the edges of a square, and which of them are left, for enough of them is visible.

    Args:
        boxes_xyxy: Boxes in pixels of the square, partly outside, shape (N, 4).
        side: The square's side in pixels.

    Returns:
        Shape (M, 4), and bool, shape (N,).
    """
    cut = boxes_xyxy.clamp(0, side)
    sides = cut[:, 2:] - cut[:, :2]
    visible = sides.prod(1) / (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(1).clamp(min=1e-6)
    kept = (visible >= MINIMUM_VISIBLE) & (sides >= MINIMUM_SIDE).all(1)
    return cut[kept], kept


def recolour(square: Tensor, strength: float) -> Tensor:
    """Change brightness, contrast, saturation and hue; each is a product with a matrix, and so are all of them.

    Args:
        square: uint8, shape (3, S, S), RGB.
        strength: How far at most; 1 is the usual.

    Returns:
        uint8, shape (3, S, S).
    """
    draws = torch.empty(4).uniform_(-1, 1) * strength
    brightness, contrast, saturation = (1 + draws[:3] * torch.tensor([BRIGHTNESS, CONTRAST, SATURATION])).clamp(min=0)
    pixels = square.flatten(1).float()
    grey = LUMA.expand(3, 3)
    saturating = saturation * torch.eye(3) + (1 - saturation) * grey
    matrix = brightness * contrast * saturating @ _turn_around_grey(2 * math.pi * HUE * float(draws[3]))
    mean = brightness * (1 - contrast) * (LUMA @ pixels.mean(1))
    return torch.addmm(mean.expand(3, 1), matrix, pixels).clamp_(0, 255).to(torch.uint8).view_as(square)


def _turn_around_grey(angle: float) -> Tensor:
    """A rotation of RGB around the axis of greys by an angle in radians (Rodrigues' formula); shape (3, 3)."""
    cosine, third = math.cos(angle), 1 / 3
    turned = math.sin(angle) * math.sqrt(third) * torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    return cosine * torch.eye(3) + (1 - cosine) * torch.full((3, 3), third) + turned


def seed_transforms(seed: int, epoch: int) -> None:
    """Make an epoch's randomness depend on nothing but the trial's seed and the epoch's number."""
    torch.manual_seed(seed * 100_003 + epoch)
