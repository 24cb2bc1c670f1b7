"""Photos scaled to fit on a page."""

from io import BytesIO
from pathlib import Path

import streamlit as st
from PIL import Image

from autodet.datasets.photos import open_photo

THUMBNAIL_PIXELS = 480  # longer side
MAX_HEIGHT = 620  # pixels, so that a large photo fits on most screens
MAX_SCALE = 2  # maximum enlargement of small photos


@st.cache_data(max_entries=64, show_spinner=False)
def small_photo(identity: str, longest_side: int, _source: Path | bytes, _name: str) -> tuple[Image.Image, float]:
    """Return a downscaled photo and the scale factor for its boxes; results are cached.

    Args:
        identity: Unique identifier of the photo, such as a checksum; the cache key together with ``longest_side``.
        longest_side: Maximum length of a side, in pixels.
        _source: The photo's file, or its content.
        _name: Display name of the photo for error messages.

    Raises:
        PhotoError: The photo cannot be read.
    """
    del identity  # only the cache key
    return shrink_photo(_source, longest_side, _name)


def shrink_photo(source: Path | bytes, longest_side: int, name: str) -> tuple[Image.Image, float]:
    """Return a downscaled photo and the scale factor for its boxes.

    Raises:
        PhotoError: The photo cannot be read.
    """
    photo = open_photo(source, name)
    width = photo.width
    photo.thumbnail((longest_side, longest_side))
    return photo, photo.width / width


def framed(picture: Image.Image, colour: str) -> Image.Image:
    """Centre a picture on a 4:3 canvas, so that thumbnails in a row have the same height."""
    height = max(picture.height, round(picture.width * 3 / 4))
    frame = Image.new("RGB", (max(picture.width, round(height * 4 / 3)), height), colour)
    frame.paste(picture, ((frame.width - picture.width) // 2, (height - picture.height) // 2))
    return frame


def frame_colour() -> str:
    """Return the colour of frames in the visitor's theme."""
    theme = st.context.theme.type or "light"
    return st.get_option(f"theme.{theme}.secondaryBackgroundColor") or "#808080"


def fitting_width(width: int, height: int, most_high: int = MAX_HEIGHT) -> int:
    """Return the display width of a photo, limited by ``most_high`` and by ``MAX_SCALE``.

    ``st.image`` shrinks the photo further to the width of the page, unless it also shows a caption.
    """
    return max(1, round(width * min(MAX_SCALE, most_high / height)))


def as_jpeg(picture: Image.Image) -> bytes:
    """Encode a picture as JPEG."""
    content = BytesIO()
    picture.save(content, "JPEG", quality=85)
    return content.getvalue()
