"""Files of photos that browsers and other programs show: upright, in JPEG, PNG, WEBP or BMP."""

from io import BytesIO

import numpy as np
from PIL import Image

from autodet.datasets.photo_formats import FORMAT_ENDINGS, stored_format
from autodet.datasets.photos import PhotoFacts, open_photo, photo_header

JPEG_QUALITY = 95
MAX_JPEG_SIDE = 65_500  # pixels; JPEG allows no more
PNG_LEVEL = 3  # of compression: twice as fast as the default of 6, and 3 % larger
_LOSSY = ("JPEG", "MPO", "WEBP")


def encode_photo(photo: Image.Image, *, jpeg: bool) -> bytes:
    """Encode an RGB photo as a JPEG of high quality, or as a PNG, which keeps each pixel."""
    content = BytesIO()
    if jpeg:
        photo.save(content, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4")
    else:
        _grey_if_possible(photo).save(content, "PNG", compress_level=PNG_LEVEL)
    return content.getvalue()


def upright_ending(content: bytes, name: str) -> str:
    """Return the file extension for ``upright_file``.

    Raises:
        PhotoError: The photo cannot be read.
    """
    return FORMAT_ENDINGS[_upright_format(photo_header(content, name))][0]


def upright_file(content: bytes, name: str) -> bytes:
    """Return a photo's file so that programs that ignore EXIF orientation and know few formats show it right.

    Args:
        content: The bytes of the file. They are returned as they are if the photo is upright and in a usual format.
        name: The user's name of the photo, for error messages.

    Raises:
        PhotoError: The photo cannot be read.
    """
    header = photo_header(content, name)
    if _is_usual(header):
        return content
    return encode_photo(open_photo(content, name), jpeg=_upright_format(header) == "JPEG")


def _upright_format(header: PhotoFacts) -> str:
    if _is_usual(header):
        return header.format
    return "JPEG" if stored_format(header.format) in _LOSSY and max(header.stored_wh) <= MAX_JPEG_SIDE else "PNG"


def _is_usual(header: PhotoFacts) -> bool:
    """Return whether a photo is upright and in a usual format."""
    return header.orientation == 1 and stored_format(header.format) == header.format


def _grey_if_possible(photo: Image.Image) -> Image.Image:
    """Return a photo without colours as grey, which is a third as large."""
    pixels = np.asarray(photo)
    is_grey = (pixels[..., :1] == pixels).all()
    return photo.getchannel(0) if is_grey else photo
