"""Augmentation: each epoch trains on a different version of every photo."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional

from autodet.models.letterbox import PAD_GREY

MINIMUM_VISIBLE = 0.25  # drop a box if less than this share of its area is inside the square
MINIMUM_SIDE = 3.0  # pixels; drop smaller boxes
FLIPPED, COLOURED, MOSAICS = 0.5, 0.8, 0.5  # probabilities per square
DEGREES, SHIFT = 5.0, 0.15  # maximum rotation, and maximum translation as a share of the side
SHRINK, GROW = -0.4, 0.5  # range of the relative change in size
SEEDS = 2**63  # exclusive upper bound of seeds
MOSAIC_ZOOM = 0.8  # maximum extra side of the mosaic crop, as a share of the side
BRIGHTNESS, CONTRAST, SATURATION, HUE = 0.3, 0.3, 0.4, 0.02  # maximum deviation from 1; for hue from 0, in turns
LUMA = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601


class TrainingTransform:
    """Flips, rotates, moves, zooms and recolours a square together with its boxes.

    Args:
        side: Side of the square in pixels.
        strength: Strength of the augmentation: above 0 and up to 2; 1 is the default.
    """

    def __init__(self, side: int, strength: float = 1.0) -> None:
        self.side, self.strength = side, strength

    def __call__(
        self, square: Tensor, boxes_xyxy: Tensor, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Transform one square.

        Args:
            square: The square, uint8, shape (3, S, S).
            boxes_xyxy: Boxes in pixels of the square, float32, shape (N, 4).
            generator: The random generator; torch's global one if not given.

        Returns:
            The new square, the boxes kept, shape (M, 4), and the mask of kept boxes, bool, shape (N,).
        """
        # No clamping before keep_visible, which must distinguish clipped boxes from small ones.
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
        # Shift grey to 0, the value blended in at edges: torchvision's own fill leaves dark lines there.
        moved = functional.affine_image(square.float() - PAD_GREY, **affine, interpolation=InterpolationMode.BILINEAR)
        image = (moved + PAD_GREY).round_().to(torch.uint8)
        cut, kept = keep_visible(functional.affine(boxes, **affine).as_subclass(Tensor), self.side)
        return recolour(image, self.strength, generator) if coloured < COLOURED else image, cut, kept

    def mosaic(
        self, squares: Sequence[Tensor], boxes_xyxy: Sequence[Tensor], generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return a crop of a two-by-two mosaic of squares, rescaled and recoloured.

        Objects appear smaller and in a new context, which helps most with few photos (Bochkovskiy et al., arXiv
        2004.10934).

        Args:
            squares: Four squares, uint8, shape (3, S, S).
            boxes_xyxy: Boxes of each, in pixels of its square, float32, shape (N, 4).
            generator: The random generator; torch's global one if not given.

        Returns:
            The same as ``__call__``; the mask covers the boxes of all four squares, concatenated in order.
        """
        side = self.side
        zoom = 1 + float(torch.rand((), generator=generator)) * min(1.0, MOSAIC_ZOOM * self.strength)
        crop_side = int(side * zoom)
        left, top = torch.randint(2 * side - crop_side + 1, (2,), generator=generator).tolist()
        whole = torch.cat([torch.cat(list(squares[row : row + 2]), dim=2) for row in (0, 2)], dim=1)
        part = whole[None, :, top : top + crop_side, left : left + crop_side].float()
        square = nn.functional.interpolate(part, size=(side, side), mode="bilinear", antialias=True)[0]
        corners = torch.tensor([[0, 0], [side, 0], [0, side], [side, side]]) - torch.tensor([left, top])
        moved = [boxes + corner.repeat(2) for boxes, corner in zip(boxes_xyxy, corners, strict=True)]
        cut, kept = keep_visible(torch.cat(moved) * (side / crop_side), side)
        return recolour(square.round().to(torch.uint8), self.strength, generator), cut, kept


def keep_visible(boxes_xyxy: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Clip boxes to the square, and drop those too small or with too little of their area visible.

    Args:
        boxes_xyxy: Boxes in pixels of the square, possibly partly outside, shape (N, 4).
        side: Side of the square in pixels.

    Returns:
        The clipped boxes kept, shape (M, 4), and the mask of kept boxes, bool, shape (N,).
    """
    cut = boxes_xyxy.clamp(0, side)
    sides = cut[:, 2:] - cut[:, :2]
    visible = sides.prod(1) / (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(1).clamp(min=1e-6)
    kept = (visible >= MINIMUM_VISIBLE) & (sides >= MINIMUM_SIDE).all(1)
    return cut[kept], kept


def recolour(square: Tensor, strength: float, generator: torch.Generator | None = None) -> Tensor:
    """Change brightness, contrast, saturation and hue; all four are combined into one affine map of the colours.

    Args:
        square: The square, uint8, shape (3, S, S), RGB.
        strength: Scale of the maximum change; 1 is the default.
        generator: The random generator; torch's global one if not given.

    Returns:
        The new square, uint8, shape (3, S, S).
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
    """Return the rotation of RGB around the grey axis by an angle in radians (Rodrigues' formula); shape (3, 3)."""
    cosine, third = math.cos(angle), 1 / 3
    turned = math.sin(angle) * math.sqrt(third) * torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    return cosine * torch.eye(3) + (1 - cosine) * torch.full((3, 3), third) + turned


def generator_of(seed: int, epoch: int, index: int) -> torch.Generator:
    """Return the generator for one photo in one epoch of a trial, independent of all other random draws."""
    return torch.Generator().manual_seed(((seed * 100_003 + epoch) * 1_000_003 + index) % SEEDS)
