"""Photos: opening from any source, validation, and conversion to upright RGB.

The content of a file determines its format, not its name. Photos above the size limit of the settings are not decoded.
"""

import logging
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BufferedReader, BytesIO, RawIOBase
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar, cast

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from autodet.datasets.jpeg_end import is_zero_filled, with_end
from autodet.datasets.perceptual_hash import look_of
from autodet.datasets.photo_formats import PHOTO_FORMATS, SIGNATURE_BYTES, format_of_content
from autodet.datasets.photo_sources import MAX_PHOTO_BYTES, Photo, array_photo, file_or_bytes, name_of
from autodet.datasets.pixel_depth import LOW_BYTES, eight_bits, has_idle_bits, joined_bytes
from autodet.datasets.sources.files import CausedError, FileError, is_git_pointer, open_regular, read_regular
from autodet.datasets.tiff_layout import is_misread, is_negative
from autodet.errors import PhotoError
from autodet.settings import load_settings

# File content except pixels: EXIF, colour profiles, previews; for WEBP, AVIF and HEIC, the whole file.
MAX_METADATA_BYTES = 32_000_000
BYTES_PER_PIXEL = 8  # upper bound for uncompressed pixels: four channels of 16 bits
CONVERTED = {name for name, format in PHOTO_FORMATS.items() if format.stored_as}
MAX_READS = 500_000  # maximum number of reads that return fewer than 64 bytes
SMALL_BYTES = 1_000_000  # file size up to which reads need no metering
MAX_SCANS = 200  # scans of a progressive JPEG; cameras and programs write about ten
LARGE_PIXELS = 25_000_000  # a process checks photos of at least this many pixels one at a time
MIN_SIDE = 36  # minimum side in pixels of the reduced JPEG for the perceptual hash
_READABLE = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")  # by Pillow itself
_BROKEN = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, MemoryError, AttributeError),
    *(ArithmeticError, AssertionError, RuntimeError, struct.error, zlib.error),
)
_LARGE = Lock()
_TOO_LARGE = (Image.DecompressionBombWarning, Image.DecompressionBombError)
_TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

warnings.filterwarnings("ignore", module=r"PIL\.")  # problems with a photo are raised as PhotoError or ignored
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
logging.getLogger("PIL").setLevel(logging.CRITICAL)


Value = TypeVar("Value")


class PhotoFileError(CausedError, PhotoError):
    """The file of a photo cannot be read."""


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """Metadata of a photo, read from its file.

    Attributes:
        format: A key of ``photo_formats.PHOTO_FORMATS``, detected from the content.
        stored_wh: Width and height in pixels as stored, before EXIF orientation.
        orientation: EXIF orientation, 1 (upright) to 8.
        look: 128-bit perceptual hash; see ``autodet.datasets.perceptual_hash``.
        several: Whether a photo that an import converts holds more images, such as pages; only the first counts.
    """

    format: str
    stored_wh: tuple[int, int]
    orientation: int
    look: int = 0
    several: bool = False

    @property
    def upright_wh(self) -> tuple[int, int]:
        """Width and height in pixels of the upright photo."""
        width, height = self.stored_wh
        return (height, width) if self.orientation >= 5 else (width, height)


def open_photo(source: Photo, name: str = "") -> Image.Image:
    """Open a photo as upright RGB with 8 bits per channel; transparent areas become white.

    In a photo with 16 bits per channel, black is 0 and white is the largest value of 8, 10, 12, 14 or 16 bits: the
    smallest depth that holds its brightest pixel; ``pixel_depth.shades`` tells about other values. Pillow reduces
    16-bit colours to 8 bits when it decodes them, so pass such a photo before that, or its file. A file with several
    images, such as a TIFF with pages, is opened at its first.

    Args:
        source: A path, the bytes of a file, an open binary file, a Pillow image, or an RGB array of shape (H, W, 3) and
            type uint8. An open file is read from its start if it is seekable, and stays open. A Pillow image is turned
            upright according to its EXIF orientation.
        name: The user's name of the photo, for error messages; defaults to its file name.

    Raises:
        PhotoError: The photo has none of the formats of ``photo_formats``, is truncated, or exceeds the limits of the
            settings; or the source has none of these forms.
    """
    name = name or name_of(source, "photo")
    if isinstance(source, np.ndarray):
        return array_photo(source, name)
    if isinstance(source, Image.Image):
        return _pillow_photo(source, name)
    return _read_with_end(file_or_bytes(source, name), name, lambda file: _open(file, name))


def photo_header(content: bytes, name: str) -> PhotoFacts:
    """Return format, stored size and orientation of a photo, without decoding its pixels.

    Raises:
        PhotoError: The photo cannot be read.
    """
    with _opened(content, name) as image:
        return PhotoFacts(image.format or "", image.size, _orientation(image))


def read_photo(path: str, name: str) -> bytes:
    """Read the bytes of a photo.

    Raises:
        PhotoFileError: The file does not exist, is not readable, or exceeds the maximum photo size.
    """
    try:
        return read_regular(path, MAX_PHOTO_BYTES)
    except OSError as error:
        raise PhotoFileError("photo_unopened", name=name, reason=str(error.strerror)) from error
    except FileError as error:
        raise PhotoFileError("photo_large", name=name, bytes=MAX_PHOTO_BYTES) from error


def check_photo(source: bytes, name: str, max_pixels: int | None = None) -> PhotoFacts:
    """Read a photo completely and return its metadata.

    Args:
        source: The photo's bytes.
        name: The user's name of the photo, for error messages.
        max_pixels: Maximum number of pixels; defaults to the limit of the settings.

    Raises:
        PhotoFileError: See ``open_photo``.
    """
    return _read_with_end(source, name, lambda file: _check(file, name, max_pixels))


def is_photo(source: Path | str | bytes) -> bool:
    """Return whether a file, given by its path or content, is a photo by its content; False if it cannot be read."""
    if isinstance(source, bytes):
        return format_of_content(source[:SIGNATURE_BYTES]) is not None
    try:
        with open_regular(source) as file:
            return format_of_content(file.read(SIGNATURE_BYTES)) is not None
    except OSError:
        return False


def _open(source: Path | bytes, name: str) -> Image.Image:
    with _opened(source, name) as image:
        lower = _low_bytes(image)
        image.load()
        if lower is None or not has_idle_bits(image):
            return _upright_rgb(image)
        with _opened(source, name) as again:
            again.tile = [tile._replace(args=lower) for tile in again.tile]
            return _upright_rgb(joined_bytes(image, again))


def _check(source: Path | bytes, name: str, max_pixels: int | None) -> PhotoFacts:
    with _opened(source, name, max_pixels) as image:
        format_, size_wh, orientation = image.format or "", image.size, _orientation(image)
        # For JPEG, Pillow reads all bytes but decodes at a reduced size.
        image.draft("L", (max(image.width // 8, MIN_SIDE), max(image.height // 8, MIN_SIDE)))
        with _LARGE if image.width * image.height > LARGE_PIXELS else nullcontext():
            image.load()
            turn = _TO_UPRIGHT.get(orientation)
            if format_ in CONVERTED:
                size_wh = image.size  # a HEIC may state another size than it has
            if format_ == "TIFF":  # Pillow turns it upright
                turn = None
                size_wh = size_wh if orientation < 5 else (size_wh[1], size_wh[0])
            facts = PhotoFacts(format_, size_wh, orientation, look_of(eight_bits(image), turn), _has_several(image))
            image.im = None  # type: ignore[assignment]  # frees the pixels before the next large photo
        return facts


def _read_with_end(source: Path | bytes, name: str, read: Callable[[Path | bytes], Value]) -> Value:
    """Read a photo; read a JPEG that lacks nothing but its end as if it had one."""
    try:
        if isinstance(source, bytes) and is_zero_filled(source):
            raise PhotoFileError("photo_damaged", name=name)  # unless all pixels precede the zeros
        return read(source)
    except PhotoFileError as error:
        if error.cause.key != "photo_damaged":
            raise
        content = source if isinstance(source, bytes) else read_photo(str(source), name)
        if (ended := with_end(content, _pixels)) is None:
            raise
    return read(ended)


def _pixels(content: bytes) -> bytes | None:
    try:
        with _opened(content, "") as image:
            return image.tobytes()
    except PhotoFileError:
        return None


def _low_bytes(image: ImageFile) -> Any:
    """Return the arguments with which Pillow decodes the low bytes of 16-bit colours; None for other photos."""
    if image.format not in ("PNG", "TIFF") or not image.tile:
        return None
    args = image.tile[0].args
    mode, *rest = args if isinstance(args, tuple) else (args,)
    lower = LOW_BYTES.get(str(mode))
    return lower if lower is None or not isinstance(args, tuple) else (lower, *rest)


def _has_several(image: ImageFile) -> bool:
    if image.format not in CONVERTED:
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except _BROKEN:  # whatever follows the first image does not invalidate it
        return False


class _OverfullError(OSError):
    """A photo's file would take excessive memory or time to read."""


class _Metered(BufferedReader):
    """A file reader that stops on files crafted to exhaust memory or time.

    Pillow keeps all metadata in memory and parses it piece by piece, and its JPEG decoder processes all pixels in every
    scan; neither is bounded.
    """

    bytes_left = MAX_METADATA_BYTES
    getvalue: Callable[[], bytes]  # set for bytes in memory, which Pillow hands to libtiff as they are
    reads_left = MAX_READS
    scans_left: int | None = None  # None while reading the header, and for other formats than JPEG

    def allow(self, image: Image.Image) -> None:
        """Raise the limits so that the pixels can be read."""
        self.bytes_left += BYTES_PER_PIXEL * image.width * image.height
        self.scans_left = MAX_SCANS if image.format in ("JPEG", "MPO") else None

    def read(self, size: int | None = -1, /) -> bytes:
        """Read from the file.

        Raises:
            _OverfullError: A limit is exceeded.
        """
        whole = size is None or size < 0 or size > self.bytes_left
        content = super().read(self.bytes_left + 1 if whole else size)
        self.bytes_left -= len(content)
        self.reads_left -= len(content) < 64
        if self.scans_left is not None:
            self.scans_left -= content.count(b"\xff\xda")
        if min(self.bytes_left, self.reads_left, self.scans_left or 0) < 0:
            raise _OverfullError
        return content


@contextmanager
def _opened(source: Path | bytes, name: str, max_pixels: int | None = None) -> Iterator[ImageFile]:
    limit = max_pixels or load_settings().max_photo_pixels
    Image.MAX_IMAGE_PIXELS = limit
    try:
        with _metered(source) as file, _identified(file, name) as image:
            if image.width * image.height > limit:
                raise Image.DecompressionBombError
            if isinstance(file, _Metered):
                file.allow(image)
            yield image
    except _TOO_LARGE as error:
        raise PhotoFileError("photo_pixels", name=name, pixels=limit) from error
    except _OverfullError as error:
        raise PhotoFileError("photo_overfull", name=name) from error
    except FileNotFoundError as error:
        raise PhotoFileError("photo_absent", name=name) from error
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno:
            raise PhotoFileError("photo_forbidden", name=name, reason=str(error.strerror)) from error
        raise PhotoFileError("photo_damaged", name=name) from error


def _identified(file: _Metered | BytesIO, name: str) -> ImageFile:
    start = file.read(SIGNATURE_BYTES)
    format_ = format_of_content(start)
    file.seek(0)
    try:
        image = _open_heif(file) if format_ == "HEIF" else Image.open(file, formats=_READABLE)
        if is_misread(image):
            raise UnidentifiedImageError
        return image
    except UnidentifiedImageError as error:
        if is_git_pointer(start):
            raise PhotoFileError("photo_git_pointer", name=name) from error
        if format_ == "TIFF":
            raise PhotoFileError("tiff_layout", name=name) from error
        raise PhotoFileError("photo_damaged" if format_ else "photo_foreign", name=name) from error


def _open_heif(file: _Metered | BytesIO) -> ImageFile:
    """Open a HEIC photo; Pillow reads them with a plugin, which is imported for the first one."""
    from pi_heif import register_heif_opener

    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    return Image.open(file, formats=("HEIF",))


@contextmanager
def _metered(source: Path | bytes) -> Iterator[_Metered | BytesIO]:
    """Open a photo's file; skip the metering of small harmless content, because metering takes time."""
    if isinstance(source, bytes) and len(source) <= SMALL_BYTES and _has_few_scans(source):
        yield BytesIO(source)
        return
    with BytesIO(source) if isinstance(source, bytes) else open_regular(source) as file:
        metered = _Metered(cast(RawIOBase, file))
        if isinstance(file, BytesIO):
            metered.getvalue = file.getvalue
        try:
            yield metered
        finally:
            metered.detach()


def _has_few_scans(content: bytes) -> bool:
    """Return whether a JPEG of these bytes has few enough scans; counting one byte first is more than twice as fast."""
    return content.count(b"\xda") <= MAX_SCANS or content.count(b"\xff\xda") <= MAX_SCANS


def _orientation(image: Image.Image) -> int:
    if image.format == "JPEG" and image.info.keys().isdisjoint(("exif", "xmp")):
        return 1  # fast path; other formats may store EXIF after the pixels
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _BROKEN:  # a damaged EXIF block does not invalidate the photo
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _pillow_photo(image: Image.Image, name: str) -> Image.Image:
    """Convert a Pillow image, decoded or not, as ``open_photo`` does."""
    if not image.width or not image.height:
        raise PhotoError(f"{name!r} is an image without pixels; give one that has some.")
    try:
        content = _undecoded_file(image)
        return _upright_rgb(image) if content is None else _open(content, name)
    except (*_BROKEN, *_TOO_LARGE) as error:
        raise PhotoError(
            f"The image {name!r} cannot be read: it is closed, cut short or damaged; open it again, or give its file."
        ) from error


def _undecoded_file(image: Image.Image) -> bytes | None:
    """Return the file of an image with 16-bit colours that Pillow has not decoded yet; None for other images."""
    if not isinstance(image, ImageFile) or _low_bytes(image) is None or image.tell() or image.fp is None:
        return None
    place = image.fp.tell()
    image.fp.seek(0)
    content = image.fp.read()
    image.fp.seek(place)
    return content


def _upright_rgb(image: Image.Image) -> Image.Image:
    negative = is_negative(image)
    image.load()  # TIFF is upright then
    turn = _TO_UPRIGHT.get(_orientation(image))
    upright = _as_rgb(image.transpose(turn) if turn is not None else image)
    return ImageOps.invert(upright) if negative else upright


def _as_rgb(image: Image.Image) -> Image.Image:
    image = eight_bits(image)
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), colours).convert("RGB")
    return image.convert("RGB")
