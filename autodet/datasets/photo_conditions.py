"""Light and sharpness of photos."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from autodet.datasets.photos import open_photo
from autodet.records import FloatArray

SIDE = 512  # longer side of the copy on which both are measured


class Conditions(NamedTuple):
    """How a photo was taken.

    Attributes:
        brightness: Mean brightness, 0 to 1.
        sharpness: Standard deviation of the Laplacian of the brightness, from 0; blurred photos have little of it
            (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000).
    """

    brightness: float
    sharpness: float


def measure_conditions(photo: Path, name: str = "") -> Conditions:
    """Measure a photo.

    Raises:
        PhotoError: The photo cannot be read.
    """
    grey = open_photo(photo, name).convert("L")
    grey.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(grey, np.float32) / np.float32(255)
    return Conditions(float(pixels.mean()), _sharpness(pixels))


def _sharpness(pixels: FloatArray) -> float:
    if min(pixels.shape) < 3:
        return 0.0
    neighbours = pixels[:-2, 1:-1] + pixels[2:, 1:-1] + pixels[1:-1, :-2] + pixels[1:-1, 2:]
    return float((neighbours - 4 * pixels[1:-1, 1:-1]).std())
