"""Files that somebody made to do harm, byte by byte: zips that lie, photos and labels that explode."""

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.helpers import draw_photo, voc_xml

LINK, PIPE, DEVICE = 0o120777 << 16, 0o010644 << 16, 0o020644 << 16
DEFLATED, BZIP2, LZMA, DEFLATE64 = 8, 12, 14, 9
IN_UTF8, ENCRYPTED, DESCRIBED_LATER = 0x800, 0x1, 0x8


@dataclass(frozen=True)
class Entry:
    """One entry of a zip, as its two headers tell of it; what is None is told truly.

    Attributes:
        name: The name.
        content: What is packed.
        method: 0, or how it is packed; what is no ``DEFLATED`` is not packed at all.
        attributes: The external attributes.
        flags: The general purpose flags.
        size: The size that the headers give.
        checksum: The CRC that the headers give.
        at: Where the directory says that the header is.
    """

    name: bytes
    content: bytes = b""
    method: int = 0
    attributes: int = 0
    flags: int = IN_UTF8
    size: int | None = None
    checksum: int | None = None
    at: int | None = None


def zip_of(entries: Iterable[Entry], comment: bytes = b"") -> bytes:
    """A zip, however wrong."""
    body, directory = BytesIO(), BytesIO()
    count = 0
    for entry in entries:
        count += 1
        packed = deflated(entry.content) if entry.method == DEFLATED else entry.content
        size = len(entry.content) if entry.size is None else entry.size
        checksum = zlib.crc32(entry.content) if entry.checksum is None else entry.checksum
        at = body.tell() if entry.at is None else entry.at
        facts = struct.pack("<HHHHLLL", entry.flags, entry.method, 0, 33, checksum, len(packed), size)
        told_later = entry.flags & DESCRIBED_LATER
        early = struct.pack("<HHHHLLL", entry.flags, entry.method, 0, 33, 0, 0, 0) if told_later else facts
        body.write(
            b"PK\3\4" + struct.pack("<H", 20) + early + struct.pack("<HH", len(entry.name), 0) + entry.name + packed
        )
        if told_later:
            body.write(b"PK\7\x08" + struct.pack("<LLL", checksum, len(packed), size))
        directory.write(b"PK\1\2" + struct.pack("<BBH", 20, 3, 20) + facts)
        directory.write(struct.pack("<HHHHHLL", len(entry.name), 0, 0, 0, 0, entry.attributes, at) + entry.name)
    return body.getvalue() + directory.getvalue() + end_of_zip(count, directory.tell(), body.tell(), comment)


def end_of_zip(count: int, length: int, at: int, comment: bytes = b"") -> bytes:
    """The record at a zip's end."""
    count = min(count, 0xFFFF)
    return b"PK\5\6" + struct.pack("<HHHHLLH", 0, 0, count, count, length, at, len(comment)) + comment


def zip64_of_many(count: int) -> bytes:
    """A zip64 whose directory lists the same empty file again and again."""
    header = b"PK\3\4" + struct.pack("<HHHHHLLLHH", 20, 0, 0, 0, 33, 0, 0, 0, 1, 0) + b"a"
    one = b"PK\1\2" + struct.pack("<BBHHHHHLLLHHHHHLL", 20, 3, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    length, at = len(one) * count, len(header)
    end = b"PK\6\6" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, count, count, length, at)
    locator = b"PK\6\7" + struct.pack("<LQL", 0, at + length, 1)
    return header + one * count + end + locator + end_of_zip(count, 0xFFFFFFFF, 0xFFFFFFFF)


def overlapping_fully(count: int, kernel: bytes) -> bytes:
    """David Fifield's first construction: many entries of the directory point at one file."""
    name = b"a.bmp"
    facts = struct.pack("<HHHHLLL", 0, DEFLATED, 0, 33, zlib.crc32(kernel), len(deflated(kernel)), len(kernel))
    body = b"PK\3\4" + struct.pack("<H", 20) + facts + struct.pack("<HH", len(name), 0) + name + deflated(kernel)
    one = b"PK\1\2" + struct.pack("<BBH", 20, 3, 20) + facts
    one += struct.pack("<HHHHHLL", len(name), 0, 0, 0, 0, 0, 0) + name
    return body + one * count + end_of_zip(count, len(one) * count, len(body))


def overlapping_quoted(count: int, kernel: bytes) -> bytes:
    """David Fifield's second construction: each file begins by quoting the headers of all that come after it."""
    body, files = b"", []
    packed, content = deflated(kernel), kernel
    for number in reversed(range(count)):
        name = b"%03d.bmp" % number
        facts = struct.pack("<HHHHLLL", 0, DEFLATED, 0, 33, zlib.crc32(content), len(packed), len(content))
        header = b"PK\3\4" + struct.pack("<H", 20) + facts + struct.pack("<HH", len(name), 0) + name
        files.append((name, facts, len(header)))
        body = (header + packed) if not body else header + body
        quote = header
        packed = b"\0" + struct.pack("<HH", len(quote), len(quote) ^ 0xFFFF) + body
        content = quote + content
        body = packed
    body = body[5:]  # nothing quotes the first header
    directory, at = b"", 0
    for name, facts, length in reversed(files):
        directory += b"PK\1\2" + struct.pack("<BBH", 20, 3, 20) + facts
        directory += struct.pack("<HHHHHLL", len(name), 0, 0, 0, 0, 0, at) + name
        at += length + 5
    return body + directory + end_of_zip(count, len(directory), len(body))


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def fine_files(photos: int = 24) -> dict[str, bytes]:
    """Labelled photos that nothing is wrong with."""
    files = {}
    for number in range(photos):
        name = f"fine_{number:02}"
        files[f"{name}.png"] = encoded(draw_photo(seed=number))
        files[f"{name}.xml"] = voc_xml(f"{name}.png").encode()
    return files


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


# Photos


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def png_with(*chunks: bytes) -> bytes:
    """A small PNG with more chunks behind its header."""
    whole = encoded(draw_photo())
    return whole[:33] + b"".join(chunks) + whole[33:]


def png_of_size(width: int, height: int, pixels: bytes = b"\0" * 1000) -> bytes:
    """A PNG that says how large it is, and has next to no pixels."""
    header = png_chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(pixels)) + png_chunk(b"IEND", b"")


def jpeg_with(*segments: bytes) -> bytes:
    """A small JPEG with more segments at its beginning."""
    whole = encoded(draw_photo(), "JPEG")
    return whole[:2] + b"".join(segments) + whole[2:]


def jpeg_segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


def jpeg_of_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again; a decoder goes over all pixels for each."""
    whole = encoded(Image.new("L", (side, side)), "JPEG", progressive=True)
    last = whole.rfind(b"\xff\xc4", 0, whole.rfind(b"\xff\xda"))
    return whole[:last] + whole[last:-2] * scans + whole[-2:]


def exif_of_many_tags(tags: int, bytes_each: int) -> bytes:
    """An EXIF block whose tags all point at the same bytes."""
    entries = b"".join(struct.pack("<HHLL", 1000 + tag, 7, bytes_each, 8) for tag in range(tags))
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", tags) + entries + b"\0\0\0\0"


def bmp_of_runs(width: int, height: int, runs: bytes) -> bytes:
    """A BMP in run-length encoding."""
    header = struct.pack("<LllHHLLllLL", 40, width, height, 1, 8, 1, len(runs), 0, 0, 256, 0) + bytes(1024)
    return struct.pack("<2sLHHL", b"BM", 14 + len(header) + len(runs), 0, 0, 14 + len(header)) + header + runs
