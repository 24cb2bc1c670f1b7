"""Augmentation: each epoch shows the network another version of every photo."""

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from autodet.models.letterbox import PAD_GREY

MINIMUM_VISIBLE = 0.25  # a box of which less is left in the square is no longer marked
MINIMUM_SIDE = 3.0


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
        jitter = v2.ColorJitter(0.3 * strength, 0.3 * strength, 0.4 * strength, 0.02 * strength)
        self.colour = v2.RandomApply([jitter], p=0.8)

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
        whole = moved.as_subclass(Tensor)
        cut = whole.clamp(0, self.side)
        sides = cut[:, 2:] - cut[:, :2]
        visible = sides.prod(1) / (whole[:, 2:] - whole[:, :2]).prod(1).clamp(min=1e-6)
        kept = (visible >= MINIMUM_VISIBLE) & (sides >= MINIMUM_SIDE).all(1)
        return self.colour(image).as_subclass(Tensor), cut[kept], kept


def seed_transforms(seed: int, epoch: int) -> None:
    """Make an epoch's randomness depend on nothing but the trial's seed and the epoch's number."""
    torch.manual_seed(seed * 100_003 + epoch)
