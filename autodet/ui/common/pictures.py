"""Photos, small enough for a page."""

from io import BytesIO
from pathlib import Path

import streamlit as st
from PIL import Image

from autodet.datasets.photos import open_photo

THUMBNAIL_PIXELS = 480  # of the longer side
MAX_HEIGHT = 620  # pixels, so that a large photo fits on most screens
MAX_SCALE = 2  # times that a small photo is made larger


@st.cache_data(max_entries=64, show_spinner=False)
def small_photo(identity: str, longest_side: int, _source: Path | bytes, _name: str) -> tuple[Image.Image, float]:
    """A photo made small, and by what its boxes are to be multiplied; opened once for as long as it is looked at.

    Args:
        identity: What tells this photo from every other, a checksum for example.
        longest_side: The most pixels that a side may have.
        _source: The photo's file, or its content.
        _name: What the visitor calls it, for the error.

    Raises:
        PhotoError: The photo cannot be read.
    """
    del identity  # it is the key under which the result is remembered
    return shrink_photo(_source, longest_side, _name)


def shrink_photo(source: Path | bytes, longest_side: int, name: str) -> tuple[Image.Image, float]:
    """A photo made small, and by what its boxes are to be multiplied.

    Raises:
        PhotoError: The photo cannot be read.
    """
    photo = open_photo(source, name)
    width = photo.width
    photo.thumbnail((longest_side, longest_side))
    return photo, photo.width / width


def framed(picture: Image.Image, colour: str) -> Image.Image:
    """A picture in the middle of one of four by three, so that small ones beside each other are of one height."""
    height = max(picture.height, round(picture.width * 3 / 4))
    frame = Image.new("RGB", (max(picture.width, round(height * 4 / 3)), height), colour)
    frame.paste(picture, ((frame.width - picture.width) // 2, (height - picture.height) // 2))
    return frame


def fitting_width(width: int, height: int, most_high: int = MAX_HEIGHT) -> int:
    """How wide a photo of so many pixels is shown: not higher than a screen, and not much larger than it is.

    ``st.image`` makes it as narrow as the page is, unless it writes a caption too.
    """
    return max(1, round(width * min(MAX_SCALE, most_high / height)))


def as_jpeg(picture: Image.Image) -> bytes:
    """A picture as the bytes of a JPEG file."""
    content = BytesIO()
    picture.save(content, "JPEG", quality=85)
    return content.getvalue()
