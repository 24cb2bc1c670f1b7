"""Reading of untrusted tar archives, packed or not, as a stream."""

import bz2
import gzip
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

BLOCK = 512
CHUNK_BYTES = 1 << 20
MAX_HEADER_BYTES = 1 << 20  # of a long name or of extended headers
MAX_XZ_BYTES = 300_000_000  # of memory
_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"


class BrokenTarError(Exception):
    """The tar cannot be read."""


class Stream(Protocol):
    """The source of a tar's bytes."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; none at the end."""


@dataclass(frozen=True, slots=True)
class TarEntry:
    """One entry.

    Attributes:
        name: The name.
        text: The name as text, if the archive says its encoding.
        kind: ``file``, ``folder``, ``link``, or ``special`` for devices, pipes and sparse files.
        size: Size of the content in bytes.
        link: The target of a link.
    """

    name: bytes
    text: str | None
    kind: str
    size: int
    link: str


class XzFile:
    """An .xz file that is unpacked with bounded memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._unpacker = lzma.LZMADecompressor(memlimit=MAX_XZ_BYTES)

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; none at the end."""
        while not self._unpacker.eof:
            given = self._file.read(CHUNK_BYTES) if self._unpacker.needs_input else b""
            found = self._unpacker.decompress(given, size)
            if found or (self._unpacker.needs_input and not given):
                return found
        return b""


def unpacked_stream(file: BinaryIO) -> Stream:
    """Return the content of a file that may be compressed by gzip, bzip2 or xz."""
    begin = file.read(6)
    file.seek(0)
    if begin.startswith(_GZIP):
        return gzip.GzipFile(fileobj=file)
    if begin.startswith(_BZIP2):
        return bz2.BZ2File(file)
    return XzFile(file) if begin == _XZ else file


def is_tar(file: BinaryIO) -> bool:
    """Return whether a file is a tar, compressed or not; leave it at its beginning."""
    try:
        header = read_exactly(unpacked_stream(file), BLOCK)
        return len(header) == BLOCK and _checksum_fits(header)
    except (OSError, EOFError, lzma.LZMAError, ValueError):
        return False
    finally:
        file.seek(0)


def tar_entries(stream: Stream) -> Iterator[TarEntry]:
    """Yield the entries; the caller reads the content of each, and its padding, with ``read_content``.

    Raises:
        BrokenTarError: The tar is damaged, or has headers that no program writes.
    """
    said: dict[str, bytes] = {}
    while header := read_exactly(stream, BLOCK):
        if not any(header):
            return
        if len(header) < BLOCK or not _checksum_fits(header):
            raise BrokenTarError
        kind, size = header[156:157], _number(header[124:136])
        if kind in (b"L", b"K", b"x", b"g", b"X"):
            if size > MAX_HEADER_BYTES:
                raise BrokenTarError
            content = b"".join(read_content(stream, size))
            if kind in (b"x", b"X"):
                said |= _pax_fields(content)
            elif kind != b"g":
                said["GNU.name" if kind == b"L" else "GNU.link"] = content.rstrip(b"\0")
            continue
        yield _entry(header, kind, size, said)
        said = {}


def read_content(stream: Stream, size: int) -> Iterator[bytes]:
    """Yield the content of an entry in chunks, and pass its padding.

    Raises:
        BrokenTarError: The tar ends before.
    """
    left = size
    while left:
        chunk = stream.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise BrokenTarError
        left -= len(chunk)
        yield chunk
    read_exactly(stream, -size % BLOCK)


def read_exactly(stream: Stream, size: int) -> bytes:
    """Return ``size`` bytes, or fewer at the end."""
    content = b""
    while len(content) < size and (more := stream.read(size - len(content))):
        content += more
    return content


def _entry(header: bytes, kind: bytes, size: int, said: dict[str, bytes]) -> TarEntry:
    name = _text(header[:100])
    if header[257:262] == b"ustar" and header[257:265] != b"ustar  \0" and (prefix := _text(header[345:500])):
        name = prefix + b"/" + name
    name = said.get("GNU.name", name)
    text = said["path"].decode("utf-8", "replace") if "path" in said else None
    if "size" in said:
        if not said["size"].isdigit() or len(said["size"]) > 15:
            raise BrokenTarError
        size = int(said["size"])
    link = said.get("linkpath", said.get("GNU.link", _text(header[157:257])))
    sparse = kind == b"S" or any(key.startswith("GNU.sparse") for key in said)
    kinds = {b"0": "file", b"\0": "file", b"7": "file", b"5": "folder", b"1": "link", b"2": "link"}
    called = "special" if sparse else kinds.get(kind, "special")
    if called == "file" and (name.endswith(b"/") or (text or "").endswith("/")):
        called = "folder"
    if called in ("link", "folder") or kind in (b"3", b"4", b"6"):
        size = 0
    return TarEntry(name, text, called, size, link.decode("utf-8", "replace"))


def _pax_fields(content: bytes) -> dict[str, bytes]:
    """Parse lines such as ``25 path=photos/a.jpg``, each with its own length."""
    fields: dict[str, bytes] = {}
    while content:
        length, space, _ = content.partition(b" ")
        if not space or not length.isdigit() or len(length) > 7 or not len(length) + 1 < int(length) <= len(content):
            raise BrokenTarError
        key, _, value = content[len(length) + 1 : int(length)].rstrip(b"\n").partition(b"=")
        fields[key.decode("utf-8", "replace")] = value
        content = content[int(length) :]
    return fields


def _number(field: bytes) -> int:
    if field[0] == 0x80:
        value = int.from_bytes(field[1:], "big")
    else:
        digits = field.strip(b" \0")
        if digits.strip(b"01234567"):
            raise BrokenTarError
        value = int(digits or b"0", 8)
    if value >= 1 << 50:
        raise BrokenTarError
    return value


def _checksum_fits(header: bytes) -> bool:
    try:
        stated = int(header[148:156].strip(b" \0") or b"-1", 8)
    except ValueError:
        return False
    return stated == sum(header[:148]) + sum(header[156:]) + 8 * 0x20


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]
