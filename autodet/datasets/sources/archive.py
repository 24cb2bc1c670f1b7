"""Safe extraction of untrusted zip archives: entry by entry, under limits, and never outside the folder."""

import errno
import os
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from autodet.datasets.sources.files import is_clutter, is_file_name, open_regular
from autodet.errors import ArchiveError
from autodet.settings import Settings
from autodet.workspace import safe_join

SMALL_BYTES = 100_000_000  # up to here, a high compression ratio is harmless
CHUNK_BYTES = 1 << 20
PACKED_ENDINGS = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")

_END, _END_BYTES = b"PK\5\6", 22
_LONGEST_COMMENT = 1 << 16
_ENTRY_BYTES = 46  # of an entry in the central directory, without name and extra fields
_HEADER_BYTES = 30  # of a local file header, without name and extra fields
_USUAL_BYTES = 1024  # more than the directory needs for an entry, even with a long name
_UTF8 = 0x800
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError),
    *(LookupError, OverflowError, OSError),
)


def unpack_archive(
    archive: Path, folder: Path, settings: Settings, progress: Callable[[float], None], shown: str | None = None
) -> None:
    """Unpack a zip into an empty folder.

    Args:
        archive: The zip.
        folder: The target folder; it exists and is empty.
        settings: The limits on bytes, entries, ratio and depth.
        progress: Receives the completed fraction, 0 to 1.
        shown: The name in error messages; the file's name if not given.

    Raises:
        ArchiveError: The file is not a zip, or is broken, empty, encrypted, above the limits, or reaches outside
            ``folder``.
        OSError: The archive cannot be opened, or ``folder`` cannot be written to.
    """
    name = shown or archive.name
    with open_regular(archive) as file:
        try:
            _refuse_long_directory(file, name, settings)
            with zipfile.ZipFile(file) as opened:
                entries = _safe_entries(opened, name, os.fstat(file.fileno()).st_size, settings)
                _refuse_nothing(entries, name)
                _unpack_entries(opened, entries, folder, progress)
        except _BROKEN as error:
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            if not zipfile.is_zipfile(file) and not _begins_like_zip(file):
                raise ArchiveError(f"{name!r} is not a zip archive; zip the folder of photos and labels.") from error
            raise ArchiveError(
                f"The zip {name!r} is broken and cannot be unpacked; make or download it again."
            ) from error


def safe_path(name: str, max_depth: int = Settings.max_depth) -> PurePosixPath:
    """Convert an untrusted name to a path that stays below the folder it is joined to.

    Raises:
        ArchiveError: The name is absolute, contains ``..``, is too deep, or is not a valid file name.
    """
    return PurePosixPath(_safe_name(name, max_depth))


def _refuse_long_directory(file: BinaryIO, name: str, settings: Settings) -> None:
    """Check the number of entries before ``zipfile`` loads all of them into memory."""
    size = file.seek(0, os.SEEK_END)
    end, length = _find_directory(file, size)
    if length > end:
        raise zipfile.BadZipFile
    most = settings.max_archive_entries
    if length > most * _ENTRY_BYTES:
        file.seek(end - length)
        _refuse_many(_count_entries(file, most + 1), name, most)
    if length > most * _USUAL_BYTES:
        raise ArchiveError(f"The zip {name!r} has {length / 1e6:.0f} MB of file names and notes; zip it again.")
    file.seek(0)


def _begins_like_zip(file: BinaryIO) -> bool:
    """Return whether the file begins with a zip entry, as a truncated zip does."""
    file.seek(0)
    begin = file.read(_HEADER_BYTES)
    return begin.startswith(b"PK\3\4") and len(begin) == _HEADER_BYTES


def _find_directory(file: BinaryIO, size: int) -> tuple[int, int]:
    """Return the end and length in bytes of a zip's central directory, located as ``zipfile`` does."""
    before = max(0, size - _LONGEST_COMMENT - _END_BYTES - 76)
    file.seek(before)
    tail = file.read()
    at = len(tail) - _END_BYTES
    if at < 0 or tail[at : at + 4] != _END or tail[-2:] != b"\0\0":
        at = tail.rfind(_END, max(0, at - _LONGEST_COMMENT))
    if at < 0 or at + _END_BYTES > len(tail):
        raise zipfile.BadZipFile
    if at >= 76 and tail[at - 20 : at - 16] == b"PK\6\7" and tail[at - 76 : at - 72] == b"PK\6\6":  # zip64
        return before + at - 76, struct.unpack_from("<Q", tail, at - 36)[0]
    return before + at, struct.unpack_from("<L", tail, at + 12)[0]


def _count_entries(file: BinaryIO, most: int) -> int:
    """Count the entries of the directory at the current position, up to ``most``."""
    count = 0
    while count < most:
        entry = file.read(_ENTRY_BYTES)
        if len(entry) < _ENTRY_BYTES or entry[:4] != b"PK\1\2":
            break
        file.seek(sum(struct.unpack_from("<HHH", entry, 28)), os.SEEK_CUR)
        count += 1
    return count


def _safe_entries(opened: zipfile.ZipFile, name: str, packed: int, settings: Settings) -> dict[str, zipfile.ZipInfo]:
    """Return the entries that are data, by target path."""
    infos = opened.infolist()
    _refuse_many(len(infos), name, settings.max_archive_entries)
    _refuse_overlaps(infos, opened.start_dir, name)
    size = sum(info.file_size for info in infos)
    if size > settings.max_archive_bytes:
        raise ArchiveError(
            f"The zip {name!r} unpacks to {size / 1e6:.0f} MB, "
            f"more than {settings.max_archive_bytes / 1e6:.0f} MB; split it, or raise AUTODET_MAX_ARCHIVE_MB."
        )
    if size > max(SMALL_BYTES, settings.max_archive_ratio * packed):
        raise ArchiveError(
            f"The zip {name!r} unpacks to more than {settings.max_archive_ratio} times its size; zip it again, or "
            "raise AUTODET_MAX_ARCHIVE_RATIO."
        )
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        written = _written_name(info)
        if info.is_dir() and not written.strip("./\\"):
            continue
        path = _safe_name(written, settings.max_depth)
        if info.is_dir() or any(map(is_clutter, path.split("/"))):
            continue
        _refuse_special(info, name)
        if path in entries:
            raise ArchiveError(f"The zip {name!r} holds {path!r} twice; leave one out.")
        entries[path] = info
    _refuse_collisions(entries, name)
    return entries


def _safe_name(name: str, max_depth: int) -> str:
    """Implement ``safe_path`` on text, because building hundreds of thousands of paths is slow."""
    plain = name.replace("\\", "/")
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    unsafe = plain.startswith("/") or plain[1:2] == ":" or ".." in parts or not parts
    if unsafe:
        raise ArchiveError(f"The name {name[:100]!r} reaches outside its folder; rename it.")
    if not all(map(is_file_name, parts)):
        raise ArchiveError(f"The name {name[:100]!r} is too long for a file, or not plain text; rename it.")
    if len(parts) > max_depth:
        raise ArchiveError(
            f"The file {name[:100]!r} lies more than {max_depth} folders deep; move it up, or raise AUTODET_MAX_DEPTH."
        )
    return "/".join(parts)


def _written_name(info: zipfile.ZipInfo) -> str:
    """Return an entry's name; macOS writes UTF-8 without setting the flag."""
    if info.flag_bits & _UTF8 or info.filename.isascii():
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except ValueError:
        return info.filename


def _refuse_many(count: int, name: str, most: int) -> None:
    if count > most:
        raise ArchiveError(
            f"The zip {name!r} holds more than {most} files; split it, or raise AUTODET_MAX_ARCHIVE_FILES."
        )


def _refuse_overlaps(infos: Sequence[zipfile.ZipInfo], directory_at: int, name: str) -> None:
    """Reject entries that share bytes: David Fifield's zip bomb turns few bytes into many this way."""
    free = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < free:
            break
        free = info.header_offset + _HEADER_BYTES + len(info.filename) + info.compress_size
    else:
        if free <= directory_at:
            return
    raise ArchiveError(f"The zip {name!r} holds files that overlap each other, as no program packs them; zip it again.")


def _refuse_special(info: zipfile.ZipInfo, archive_name: str) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ArchiveError(
            f"The zip {archive_name!r} holds {info.filename!r}, which is a link or device and not a file; leave it out."
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # other methods decompress without bounds
        raise ArchiveError(f"The zip {archive_name!r} is packed in an unusual way; make it with 'deflate'.")
    if info.flag_bits & 0x1:
        raise ArchiveError(f"The zip {archive_name!r} is protected by a password; zip it without one.")


def _refuse_collisions(paths: Collection[str], name: str) -> None:
    """Reject names that collide where case or the Unicode form of accents is ignored, or as file and folder."""
    seen: dict[str, str] = {}
    for path in paths:
        first = seen.setdefault(_folded(path), path)
        if first != path:
            raise ArchiveError(
                f"The zip {name!r} holds both {first!r} and {path!r}, which are one file on many computers; rename one."
            )
    for folder in {path.rpartition("/")[0] for path in paths}:
        for parent in accumulate(folder.split("/"), "{}/{}".format):
            if other := seen.get(_folded(parent)):
                raise ArchiveError(f"In the zip {name!r}, {other!r} is both a file and a folder; rename one.")


def _folded(path: str) -> str:
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _refuse_nothing(paths: Collection[str], name: str) -> None:
    if not paths:
        raise ArchiveError(f"The zip {name!r} is empty; zip the folder of photos and labels.")
    if all(path.lower().endswith(PACKED_ENDINGS) for path in paths):
        inner = next(iter(paths))
        raise ArchiveError(f"The zip {name!r} holds only another archive, {inner!r}; unpack it, and import that one.")


def _unpack_entries(
    opened: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], folder: Path, progress: Callable[[float], None]
) -> None:
    """Write each entry, with no more bytes than its header announces, which were checked against the limits."""
    total = sum(entry.file_size for entry in entries.values()) or 1
    made: dict[str, Path] = {}
    done = 0
    for path, entry in entries.items():
        below, _, name = path.rpartition("/")
        if below not in made:
            made[below] = safe_join(folder, below)
            made[below].mkdir(parents=True, exist_ok=True)
        with opened.open(entry) as packed, open(f"{made[below]}/{name}", "xb") as file:  # noqa: PTH123 - twice as fast
            shutil.copyfileobj(packed, file, CHUNK_BYTES)
            if file.tell() != entry.file_size:
                raise zipfile.BadZipFile
        done += entry.file_size
        progress(min(done / total, 1.0))
