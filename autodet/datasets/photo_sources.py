"""Accepted forms of a photo: a path, the bytes of a file, an open file, a Pillow image or an array."""

import os
import re
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autodet.errors import PhotoError

MAX_PHOTO_BYTES = 200_000_000
MAX_SHOWN = 200  # characters of a name in an error, because a string may be the content of a whole file
FORMS = "a path, the bytes of a file, an open file, a Pillow image, or an RGB array of shape (H, W, 3) and type uint8"
_ADDRESS = re.compile(r"(?i)[a-z][a-z0-9+.-]*://|data:")


class BinaryFile(Protocol):
    """Any object that reads bytes: an open file, a ``BytesIO``, an upload of Streamlit, Flask or Django."""

    def read(self, size: int, /) -> bytes:
        """Read at most ``size`` bytes; return no bytes at the end."""


Photo = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes] | BinaryFile | Image.Image | NDArray[np.uint8]
)


def name_of(photo: object, otherwise: str) -> str:
    """Return a photo's name for error messages: its file name if it has one, else ``otherwise``."""
    if isinstance(photo, str | os.PathLike):
        name: object = os.fsdecode(photo)
    elif hasattr(photo, "filename"):
        name = photo.filename  # Pillow images, and uploads in Flask, whose "name" is the form field's name
    else:
        name = getattr(photo, "name", "")
    return name[:MAX_SHOWN] if name and isinstance(name, str) else otherwise


def file_or_bytes(photo: object, name: str) -> Path | bytes:
    """Return the path of a photo, or its bytes; an open file is read and stays open.

    An open file is read from its start if it is seekable, else from its current position.

    Args:
        photo: A path, bytes or an open binary file.
        name: The user's name of the photo, for error messages.

    Raises:
        PhotoError: The argument has another type, is a folder or an address, or exceeds the maximum photo size.
    """
    if isinstance(photo, str | os.PathLike):
        return _path(os.fsdecode(photo), name)
    if isinstance(photo, bytes | bytearray | memoryview):
        return bytes(photo)
    if callable(getattr(photo, "read", None)):
        return _content(photo, name)
    if isinstance(photo, list | tuple | set | dict):
        kind = type(photo).__name__
        raise PhotoError(f"{name!r} is a {kind}, not a photo; give its photos one by one, or a list to predict_many.")
    raise PhotoError(f"{name!r} is of type {type(photo).__name__}, not a photo; give {FORMS}.")


def array_photo(array: NDArray[Any], name: str) -> Image.Image:
    """Convert an RGB array of shape (H, W, 3) and type uint8 to an image.

    Raises:
        PhotoError: The array has another shape or type, or no pixels.
    """
    if not array.size:
        raise PhotoError(f"{name!r} is an array without pixels, of shape {array.shape}; give {FORMS}.")
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
        raise PhotoError(
            f"{name!r} is an array of shape {array.shape} and type {array.dtype}; give RGB of shape (H, W, 3) and type "
            "uint8, 0 to 255."
        )
    return Image.fromarray(array)


def _path(text: str, name: str) -> Path:
    if _ADDRESS.match(text):
        raise PhotoError(f"{name!r} is an address, not a file; download the photo and give its path or its bytes.")
    if "\0" in text:
        raise PhotoError(f"The photo {name!r} is not there; give a path, or the bytes of a file as bytes.")
    if not text:
        raise PhotoError("An empty text is no path of a photo; give a path, or the bytes of a file as bytes.")
    if os.path.isdir(text):  # noqa: PTH112 - pathlib's raises where the name is too long
        raise PhotoError(f"{name!r} is a folder, not a photo; give the paths of its photos to predict_many.")
    return Path(text)


def _content(file: Any, name: str) -> bytes:
    pieces: list[bytes] = []
    left = MAX_PHOTO_BYTES + 1
    try:
        if getattr(file, "seekable", lambda: hasattr(file, "seek"))():
            file.seek(0)
        while left > 0 and (piece := file.read(left)):
            pieces.append(memoryview(piece).tobytes())
            left -= len(piece)
    except (OSError, ValueError) as error:  # ValueError: the file is closed
        raise PhotoError(f"The file of {name!r} cannot be read ({error}); open it again.") from error
    except TypeError as error:
        raise PhotoError(
            f"Reading {name!r} gives no bytes; open its file in binary mode, or give the bytes."
        ) from error
    if left <= 0:
        raise PhotoError(f"The photo {name!r} is larger than {MAX_PHOTO_BYTES // 1_000_000} MB; make it smaller.")
    return b"".join(pieces)
