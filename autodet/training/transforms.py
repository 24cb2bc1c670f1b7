"""Augmentation: each epoch shows the network another version of every photo."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from autodet.models.letterbox import PAD_GREY

MINIMUM_VISIBLE = 0.25  # a box of which less is left in the square is no longer marked
MINIMUM_SIDE = 3.0  # pixels, likewise
FLIPPED, COLOURED, MOSAICS = 0.5, 0.8, 0.5  # shares of all squares
DEGREES, SHIFT = 5.0, 0.15  # how far they are turned at most, and moved, as a share of the side
SHRINK, GROW = -0.4, 0.5  # how much smaller and larger they become at most, as a share of their size
SEEDS = 2**63  # that torch takes
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
        self.side, self.strength = side, strength

    def __call__(
        self, square: Tensor, boxes_xyxy: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Transform one square.

        Args:
            square: uint8, shape (3, S, S).
            boxes_xyxy: Boxes in pixels of the square, float32, shape (N, 4).
            generator: Draws what is done; torch's own if not given.

        Returns:
            The new square, the boxes that are left, shape (M, 4), and which those are, bool, shape (N,).
        """
        # No clamping on the way, so that what was cut off can be told from what was small.
        boxes = tv_tensors.BoundingBoxes(
            boxes_xyxy, format="XYXY", canvas_size=(self.side, self.side), clamping_mode=None
        )
        flipped, coloured, size, *ways = torch.rand(6, generator=generator).tolist()
        moves = [self.strength * (2 * way - 1) for way in ways]  # each from -strength to strength
        affine = {
            "angle": DEGREES * moves[0],
            "translate": [round(SHIFT * self.side * move) for move in moves[1:]],
            "scale": 1 + self.strength * (SHRINK + (GROW - SHRINK) * size),
            "shear": [0.0, 0.0],
        }
        if flipped < FLIPPED:
            square, boxes = functional.horizontal_flip_image(square), functional.horizontal_flip(boxes)
        image = functional.affine_image(square, **affine, interpolation=InterpolationMode.BILINEAR, fill=[PAD_GREY] * 3)
        cut, kept = keep_visible(functional.affine(boxes, **affine).as_subclass(Tensor), self.side)
        return recolour(image, self.strength, generator) if coloured < COLOURED else image, cut, kept

    def mosaic(
        self, squares: Sequence[Tensor], boxes_xyxy: Sequence[Tensor], generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """A part of four squares that lie two by two, in another size and other colours.

        Objects come in new company and smaller, which is worth most where photos are few (Bochkovskiy et al., arXiv
        2004.10934).

        Args:
            squares: Four, uint8, shape (3, S, S).
            boxes_xyxy: The boxes of each, in pixels of its square, float32, shape (N, 4).
            generator: Draws what is done; torch's own if not given.

        Returns:
            As ``__call__``; which boxes are left is told of those of all four, one square after another.
        """
        side = self.side
        zoom = 1 + float(torch.rand((), generator=generator)) * min(1.0, MOSAIC_ZOOM * self.strength)
        seen = int(side * zoom)
        left, top = torch.randint(2 * side - seen + 1, (2,), generator=generator).tolist()
        whole = torch.cat([torch.cat(list(squares[row : row + 2]), dim=2) for row in (0, 2)], dim=1)
        part = whole[None, :, top : top + seen, left : left + seen].float()
        square = nn.functional.interpolate(part, size=(side, side), mode="bilinear", antialias=True)[0]
        corners = torch.tensor([[0, 0], [side, 0], [0, side], [side, side]]) - torch.tensor([left, top])
        moved = [boxes + corner.repeat(2) for boxes, corner in zip(boxes_xyxy, corners, strict=True)]
        cut, kept = keep_visible(torch.cat(moved) * (side / seen), side)
        return recolour(square.round().to(torch.uint8), self.strength, generator), cut, kept


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


def recolour(square: Tensor, strength: float, generator: torch.Generator | None = None) -> Tensor:
    """Change brightness, contrast, saturation and hue; each is a product with a matrix, and so are all of them.

    Args:
        square: uint8, shape (3, S, S), RGB.
        strength: How far at most; 1 is the usual.
        generator: Draws how far; torch's own if not given.

    Returns:
        uint8, shape (3, S, S).
    """
    draws = torch.empty(4).uniform_(-1, 1, generator=generator) * strength
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


def generator_of(seed: int, epoch: int, index: int) -> torch.Generator:
    """Draws for one photo in one epoch of a trial: nothing else decides what becomes of it, and nobody else draws."""
    return torch.Generator().manual_seed(((seed * 100_003 + epoch) * 1_000_003 + index) % SEEDS)
