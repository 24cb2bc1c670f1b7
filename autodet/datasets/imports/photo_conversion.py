"""Conversion of photos in formats that browsers do not show, or that are slow to read in training."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from autodet.datasets.photo_files import encode_photo
from autodet.datasets.photo_formats import FORMAT_ENDINGS
from autodet.datasets.photos import open_photo, read_photo


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
    content = encode_photo(photo, jpeg=name.lower().endswith(FORMAT_ENDINGS["JPEG"]))
    (images / name).write_bytes(content)
    return hashlib.sha256(content).hexdigest()
