"""Conversion of photos with more than 8 bits per channel to 8 bits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DEPTHS = (8, 10, 12, 14, 16)  # bit depths that cameras use within 16-bit channels
# Pillow's raw modes for the high and the low bytes of 16-bit colours
LOW_BYTES = {
    "RGB;16B": "RGB;16L",
    "RGB;16L": "RGB;16B",
    "RGB;16N": "RGB;16B",
    "RGBX;16B": "RGBX;16L",
    "RGBX;16L": "RGBX;16B",
    "RGBX;16N": "RGBX;16B",
    "RGBA;16B": "RGBA;16L",
    "RGBA;16L": "RGBA;16B",
    "RGBA;16N": "RGBA;16B",
}


def eight_bits(image: Image.Image) -> Image.Image:
    """Convert a grey image of 16 or 32 bits to 8 bits, because Pillow would clip it; return other images unchanged."""
    if not image.mode.startswith(("I", "F")):
        return image
    return Image.fromarray(shades(np.asarray(image)))


def shades(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert values to 8 bits.

    White is the largest value of 8, 10, 12, 14 or 16 bits: the smallest depth that holds all values. In fractions from
    0 to 1, white is 1. Negative values, and those beyond 16 bits, are scaled from the darkest to the brightest one.

    Args:
        values: Integers or fractions of any shape; values that are not finite are black.
    """
    if values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, _least(values))
    least, most = values.min(), values.max()
    if least < 0 or most > 65535:
        span = float(most) - float(least)
        return ((values.astype(float) - float(least)) * (255 / span if span else 0)).round().astype(np.uint8)
    if values.dtype.kind == "f" and most <= 1:
        return (values * 255).round().astype(np.uint8)
    largest = next(2**bits - 1 for bits in DEPTHS if int(most) < 2**bits)
    table: NDArray[np.uint8] = (np.arange(largest + 1) * 255 // largest).astype(np.uint8)
    return table[values.astype(np.uint16)]


def has_idle_bits(upper: Image.Image) -> bool:
    """Return whether a 16-bit colour photo, given its high bytes, needs 14 bits or fewer."""
    return int(np.asarray(upper)[..., :3].max()) < 2**14 >> 8


def joined_bytes(upper: Image.Image, lower: Image.Image) -> Image.Image:
    """Convert a 16-bit colour photo, given its high and low bytes, to 8 bits; all colours share one bit depth."""
    values = np.asarray(upper).astype(np.uint16) * np.uint16(256) + np.asarray(lower)
    colours, alpha = shades(values[..., :3]), values[..., 3:] if upper.mode == "RGBA" else np.zeros(0)
    joined = Image.fromarray(np.concatenate([colours, shades(alpha)], axis=2) if alpha.size else colours)
    joined.info = upper.info  # keeps the EXIF orientation
    return joined


def _least(values: NDArray[Any]) -> float:
    """Return the smallest finite value; 0 if there is none."""
    finite = values[np.isfinite(values)]
    return float(finite.min()) if finite.size else 0.0
