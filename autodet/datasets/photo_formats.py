"""Photo formats: extensions, signatures, and the formats that an import stores."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhotoFormat:
    """One format of photos.

    Attributes:
        endings: File extensions, lowercase; the first is the usual one.
        stored_as: The format that an import converts such photos to; empty if they are stored as they are.
        title: Name for users.
    """

    endings: tuple[str, ...]
    stored_as: str = ""
    title: str = ""


_JPEG = (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".pjpeg", ".pjp")

# By Pillow's name. Browsers do not show TIFF and HEIC, and GIF and AVIF are slow to read in training. Lossless formats
# become PNG; formats that are lossy already become JPEG of high quality, which is a quarter as large as PNG.
PHOTO_FORMATS: Mapping[str, PhotoFormat] = {
    "JPEG": PhotoFormat(_JPEG),
    "MPO": PhotoFormat((*_JPEG, ".mpo")),  # a JPEG followed by a preview, written by phones
    "PNG": PhotoFormat((".png", ".apng")),
    "WEBP": PhotoFormat((".webp",)),
    "BMP": PhotoFormat((".bmp", ".dib")),
    "TIFF": PhotoFormat((".tif", ".tiff"), "PNG", "TIFF"),
    "GIF": PhotoFormat((".gif",), "PNG", "GIF"),
    "AVIF": PhotoFormat((".avif", ".avifs"), "JPEG", "AVIF"),
    "HEIF": PhotoFormat((".heic", ".heif", ".hif"), "JPEG", "HEIC"),
}
FORMAT_ENDINGS = {name: format.endings for name, format in PHOTO_FORMATS.items()}
PHOTO_ENDINGS = tuple(dict.fromkeys(ending for endings in FORMAT_ENDINGS.values() for ending in endings))
VIDEO_ENDINGS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".wmv", ".flv", ".mpg", ".mpeg", ".mts", ".3gp")
OTHER_PHOTO_ENDINGS = (
    *(".svg", ".psd", ".pdf", ".eps", ".ico", ".jxl", ".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".tga", ".exr"),
    *(".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".dcm", ".hdr", ".xcf"),
)  # formats that cannot be read

SIGNATURE_BYTES = 64  # of a file's start that ``format_of_content`` needs
_AVIF_BRANDS = {b"avif", b"avis"}
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # sizes of the header that follows a BMP's first 14 bytes
_STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # with offsets of 64 bits
    b"MM\0+": "TIFF",
}

# No extension, a number as extension, or the end of a web address behind the extension: ``photo.jpg?size=large``.
_UNSURE = re.compile(r"(?i)(?:^|/)[^./]+$|\.\d+$|\.(?:jpe?g|png|webp|gif|bmp|tiff?|avif|hei[cf])(?:[?!:&%]|[-_]large$)")


def format_of_content(start: bytes) -> str | None:
    """Return the format of a photo from the first ``SIGNATURE_BYTES`` bytes of its file; None if it is no photo."""
    for signature, format in _STARTS.items():
        if start.startswith(signature):
            return format
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start[:2] == b"BM" and int.from_bytes(start[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if start[4:8] == b"ftyp":
        box = start[: int.from_bytes(start[:4], "big")]
        brands = {box[8:12], *(box[at : at + 4] for at in range(16, len(box), 4))}
        return "AVIF" if brands & _AVIF_BRANDS else "HEIF" if brands & _HEIF_BRANDS else None
    return None


def is_unsure(path: str) -> bool:
    """Return whether a file's name leaves open whether it is a photo, so that its content decides."""
    return _UNSURE.search(path) is not None


def stored_format(format: str) -> str:
    """Return the format in which an import stores photos of a format."""
    return PHOTO_FORMATS[format].stored_as or format
