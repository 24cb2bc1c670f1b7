"""Light and sharpness of photos, measured once for each photo of a data set and stored beside its manifest."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from autodet.access.change import may_change
from autodet.datasets.manifest import Dataset
from autodet.datasets.photos import open_photo
from autodet.errors import AutodetError
from autodet.records import FloatArray, ImageRecord
from autodet.workspace import read_json, write_json

SIDE = 512  # longer side of the copy on which both are measured
CONDITIONS = "conditions.json"  # in the data set's folder: both figures by file
DECIMALS = 6


class Conditions(NamedTuple):
    """How a photo was taken.

    Attributes:
        brightness: Mean brightness, 0 to 1.
        sharpness: Standard deviation of the Laplacian of the brightness, from 0; blurred photos have little of it
            (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000).
    """

    brightness: float
    sharpness: float


def kept_conditions(dataset: Dataset, records: Sequence[ImageRecord]) -> list[Conditions] | None:
    """Return the stored conditions of photos; None unless all were measured."""
    kept = _kept(dataset)
    return [kept[record.file] for record in records] if all(record.file in kept for record in records) else None


def measure_photos(
    dataset: Dataset, records: Sequence[ImageRecord], progress: Callable[[int, int], None] | None = None
) -> list[Conditions]:
    """Measure the photos of a data set that are not measured yet, and store the result unless the visitor is a viewer.

    Args:
        dataset: The data set.
        records: Photos of it.
        progress: Callback that receives the number of photos done and the total.

    Returns:
        The conditions of each photo, in the same order.

    Raises:
        PhotoError: A photo cannot be read.
    """
    kept = _kept(dataset)
    missing = [record for record in records if record.file not in kept]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            measured = pool.map(lambda record: measure_conditions(dataset.photo(record), record.file), missing)
            for done, (record, conditions) in enumerate(zip(missing, measured, strict=True), start=1):
                kept[record.file] = conditions
                if progress:
                    progress(done, len(missing))
        finally:
            pool.shutdown(cancel_futures=True)
    if missing and may_change():
        with suppress(OSError):  # they are measured again where nothing can be written
            write_json(dataset.folder / CONDITIONS, kept)
    return [kept[record.file] for record in records]


def measure_conditions(photo: Path, name: str = "") -> Conditions:
    """Measure a photo.

    Raises:
        PhotoError: The photo cannot be read.
    """
    grey = open_photo(photo, name).convert("L")
    grey.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(grey, np.float32) / np.float32(255)
    return Conditions(round(float(pixels.mean()), DECIMALS), round(_sharpness(pixels), DECIMALS))


def _kept(dataset: Dataset) -> dict[str, Conditions]:
    try:
        document = read_json(dataset.folder / CONDITIONS)
        return {str(file): Conditions(*map(float, values)) for file, values in document.items()}
    except (AutodetError, OSError, AttributeError, TypeError, ValueError):  # none yet, or damaged
        return {}


def _sharpness(pixels: FloatArray) -> float:
    if min(pixels.shape) < 3:
        return 0.0
    neighbours = pixels[:-2, 1:-1] + pixels[2:, 1:-1] + pixels[1:-1, :-2] + pixels[1:-1, 2:]
    return float((neighbours - 4 * pixels[1:-1, 1:-1]).std())
