"""Letterboxing of photos of any shape into the square that a network takes, and the mapping of boxes back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autodet.records import FloatArray, IntArray, Prediction

PAD_GREY = 114  # near the mean of natural photos, so that padding stands out as little as possible


@dataclass(frozen=True)
class Letterbox:
    """Position of one photo in its square: scaled by one factor in both directions, centred, with grey padding.

    Attributes:
        scale: Pixels of the square per pixel of the photo.
        left: Grey columns left of the photo, in pixels of the square.
        top: Grey rows above the photo, in pixels of the square.
        width: Width of the photo in pixels.
        height: Height of the photo in pixels.
        side: Side of the square in pixels.
    """

    scale: float
    left: int
    top: int
    width: int
    height: int
    side: int

    @classmethod
    def fit(cls, width: int, height: int, side: int) -> "Letterbox":
        """Return the letterbox of a ``width`` x ``height`` photo in a square of ``side``."""
        scale = side / max(width, height)
        inner_width, inner_height = _scaled(width, scale), _scaled(height, scale)
        return cls(scale, (side - inner_width) // 2, (side - inner_height) // 2, width, height, side)

    def draw(self, photo: Image.Image) -> NDArray[np.uint8]:
        """Draw the photo into its square, uint8, shape (side, side, 3), RGB."""
        inner_wh = _scaled(self.width, self.scale), _scaled(self.height, self.scale)
        # Reducing by an integer factor first keeps a 3000-pixel photo cheap and free of aliasing.
        inner = photo.resize(inner_wh, Image.Resampling.BILINEAR, reducing_gap=2.0)
        square = Image.new("RGB", (self.side, self.side), (PAD_GREY,) * 3)
        square.paste(inner, (self.left, self.top))
        return np.asarray(square)

    def to_square(self, boxes_xyxy: FloatArray) -> FloatArray:
        """Convert boxes of the photo, shape (N, 4), to boxes of the square."""
        boxes: FloatArray = (boxes_xyxy * self.scale + self._offset).astype(np.float32)
        return boxes

    def to_photo(self, boxes_xyxy: FloatArray) -> FloatArray:
        """Convert boxes of the square, shape (N, 4), to boxes of the photo, clipped to it."""
        boxes = (boxes_xyxy - self._offset) / self.scale
        limits = np.array([self.width, self.height, self.width, self.height], np.float32)
        clipped: FloatArray = np.clip(boxes, 0, limits).astype(np.float32)
        return clipped

    def prediction(self, boxes_xyxy: FloatArray, class_ids: IntArray, scores: FloatArray, limit: int) -> Prediction:
        """Convert the detections of the square to those of the photo; boxes outside the photo are left out.

        Args:
            boxes_xyxy: Boxes in pixels of the square, shape (N, 4).
            class_ids: Class ids, shape (N,).
            scores: Scores, shape (N,).
            limit: Maximum number of objects that the network detects per photo.
        """
        boxes = self.to_photo(boxes_xyxy)
        visible = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        facts = {"size_wh": (self.width, self.height), "truncated": len(scores) >= limit}
        return Prediction.of(boxes[visible], class_ids[visible], scores[visible], **facts)

    @property
    def _offset(self) -> FloatArray:
        return np.array([self.left, self.top, self.left, self.top], np.float32)


def _scaled(pixels: int, scale: float) -> int:
    return max(1, round(pixels * scale))
