"""Photos that Pillow cannot write: TIFFs of any layout, and HEIC.

``heic/`` has three files of the drawing of ``drawn``, encoded with libheif: upright, turned by the container's ``irot``
(with an EXIF orientation that says the same, as phones write it), and followed by a second image.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

HEIC = Path(__file__).parent / "heic"


def drawn() -> Image.Image:
    """A red and a blue rectangle on grey, 96 x 64 pixels."""
    image = Image.new("RGB", (96, 64), (128, 128, 128))
    pen = ImageDraw.Draw(image)
    pen.rectangle((8, 8, 39, 31), fill=(220, 40, 40))
    pen.rectangle((60, 40, 87, 55), fill=(40, 40, 220))
    return image


def tiff_of(pixels: np.ndarray, photometric: int = 1, order: str = "<", tags=(), deflate=False) -> bytes:
    """A TIFF of one strip.

    Args:
        pixels: (H, W) or (H, W, bands); the type gives the bits and the kind of numbers.
        photometric: 0 if white is zero, 1 if black is, 2 for RGB.
        order: ``<`` or ``>``, as in ``struct``.
        tags: More tags: number, type (3 or 4) and values.
        deflate: Whether to compress the pixels.
    """
    height, width, bands = (*pixels.shape, 1)[:3]
    content = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    content = zlib.compress(content) if deflate else content
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    entries = {256: (4, [width]), 257: (4, [height]), 258: (3, [8 * pixels.dtype.itemsize] * bands)}
    entries |= {259: (3, [8 if deflate else 1]), 262: (3, [photometric]), 273: (4, [0]), 277: (3, [bands])}
    entries |= {278: (4, [height]), 279: (4, [len(content)]), 339: (3, [kind] * bands)}
    entries |= {number: (kind, values) for number, kind, values in tags}
    return tiff_with(entries, content, order)


def tiff_with(entries: dict[int, tuple[int, list[int]]], content: bytes, order: str = "<", following: int = 0) -> bytes:
    """A TIFF with these tags, type (3 or 4) and values for each number; 273 is set to the place of the content."""
    at = 8 + 2 + 12 * len(entries) + 4
    packed = {
        number: struct.pack(f"{order}{len(values)}{'HI'[kind - 3]}", *values)
        for number, (kind, values) in entries.items()
    }
    start = at + sum(len(values) for values in packed.values() if len(values) > 4)
    packed[273] = struct.pack(f"{order}I", start)
    directory, beyond = struct.pack(f"{order}H", len(entries)), b""
    for number, (kind, values) in sorted(entries.items()):
        value = packed[number].ljust(4, b"\0")
        if len(value) > 4:
            value, beyond = struct.pack(f"{order}I", at + len(beyond)), beyond + value
        directory += struct.pack(f"{order}HHI", number, kind, len(values)) + value
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(f"{order}I", 8) + directory + struct.pack(f"{order}I", following) + beyond + content
