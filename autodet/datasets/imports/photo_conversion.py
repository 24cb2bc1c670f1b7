"""Conversion of photos in formats that browsers do not show, or that are slow to read in training."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from autodet.datasets.photo_formats import FORMAT_ENDINGS
from autodet.datasets.photos import open_photo, read_photo

JPEG_QUALITY = 95
MAX_JPEG_SIDE = 65_500  # pixels; JPEG allows no more
PNG_LEVEL = 3  # of compression: twice as fast as the default of 6, and 3 % larger


def convert_photos(moves: Sequence[tuple[str, str]], root: Path, images: Path) -> Iterator[str]:
    """Write photos in the format that their new names have; leave the originals as they are.

    The new photo is upright, in RGB or grey of 8 bits per channel, as ``open_photo`` shows it. PNG keeps each pixel.

    Args:
        moves: Pairs of a photo's path below ``root`` and its new name below ``images``.
        root: Source folder.
        images: Target folder.

    Yields:
        The SHA-256 of each new file in hexadecimal, in order.
    """
    for folder in {Path(name).parent for _, name in moves}:
        (images / folder).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from pool.map(partial(_convert, root, images), moves)


def _convert(root: Path, images: Path, move: tuple[str, str]) -> str:
    path, name = move
    photo = open_photo(read_photo(f"{root}/{path}", path), path)
    content = _encoded(photo, jpeg=name.lower().endswith(FORMAT_ENDINGS["JPEG"]))
    (images / name).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _encoded(photo: Image.Image, *, jpeg: bool) -> bytes:
    content = BytesIO()
    if jpeg:
        photo.save(content, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4")
    else:
        _grey_if_possible(photo).save(content, "PNG", compress_level=PNG_LEVEL)
    return content.getvalue()


def _grey_if_possible(photo: Image.Image) -> Image.Image:
    """Return a photo without colours as grey, which is a third as large."""
    pixels = np.asarray(photo)
    is_grey = (pixels[..., :1] == pixels).all()
    return photo.getchannel(0) if is_grey else photo
