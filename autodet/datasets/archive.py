"""Zip archives from anybody: unpacked entry by entry, under caps, and never outside the folder."""

import errno
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from autodet.datasets.listing import is_clutter
from autodet.errors import ArchiveError
from autodet.settings import Settings
from autodet.workspace import safe_join

SMALL_BYTES = 100_000_000  # up to here a high ratio is no danger
MAX_RATIO = 200
MAX_DEPTH = 32
CHUNK_BYTES = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


def unpack_archive(archive: Path, folder: Path, settings: Settings, progress: Callable[[float], None]) -> None:
    """Unpack a zip into an empty folder.

    Args:
        archive: The zip.
        folder: Where to; it exists and is empty.
        settings: The caps on bytes and entries.
        progress: Told the share that is done, 0 to 1.

    Raises:
        ArchiveError: It is no zip, broken, empty, protected, larger than the caps, or reaches outside ``folder``.
    """
    name = archive.name
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = _safe_entries(opened, archive, settings)
            total = sum(entry.file_size for entry in entries.values()) or 1
            done = 0
            for path, entry in entries.items():
                done += _unpack_entry(opened, entry, safe_join(folder, *path.parts))
                progress(min(done / total, 1.0))
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        if not zipfile.is_zipfile(archive):
            raise ArchiveError(f"{name!r} is not a zip archive; zip the folder of photos and labels.") from error
        raise ArchiveError(f"The zip {name!r} is broken and cannot be unpacked; make or download it again.") from error
    if not entries:
        raise ArchiveError(f"The zip {name!r} is empty; zip the folder of photos and labels.")


def safe_path(name: str) -> PurePosixPath:
    """A name from outside as a path that stays below wherever it is joined to.

    Raises:
        ArchiveError: It is absolute, goes up, is too deep, or holds what no file name can.
    """
    plain = name.replace("\\", "/")
    path = PurePosixPath(plain)
    unsafe = plain.startswith("/") or plain[1:2] == ":" or "\0" in plain or ".." in path.parts
    if unsafe or not path.parts or len(path.parts) > MAX_DEPTH or any(len(p.encode()) > 250 for p in path.parts):
        raise ArchiveError(f"The name {name[:100]!r} reaches outside its folder or is not a file name; rename it.")
    return path


def _safe_entries(opened: zipfile.ZipFile, archive: Path, settings: Settings) -> dict[PurePosixPath, zipfile.ZipInfo]:
    infos = opened.infolist()
    if len(infos) > settings.max_archive_entries:
        raise ArchiveError(
            f"The zip {archive.name!r} holds {len(infos)} files, more than {settings.max_archive_entries}; "
            "split it, or raise AUTODET_MAX_ARCHIVE_FILES."
        )
    size = sum(info.file_size for info in infos)
    if size > settings.max_archive_bytes:
        raise ArchiveError(
            f"The zip {archive.name!r} unpacks to {size / 1e6:.0f} MB, "
            f"more than {settings.max_archive_bytes / 1e6:.0f} MB; split it, or raise AUTODET_MAX_ARCHIVE_MB."
        )
    if size > max(SMALL_BYTES, MAX_RATIO * archive.stat().st_size):
        raise ArchiveError(f"The zip {archive.name!r} unpacks to more than {MAX_RATIO} times its size; zip it again.")
    entries: dict[PurePosixPath, zipfile.ZipInfo] = {}
    seen: dict[str, str] = {}
    for info in infos:
        if info.is_dir():
            continue
        path = safe_path(info.filename)
        if any(is_clutter(part) for part in path.parts):
            continue
        _refuse_special(info, archive.name)
        if other := seen.get(str(path).casefold()):
            raise ArchiveError(
                f"The zip {archive.name!r} holds both {other!r} and {str(path)!r}, which are one file on many "
                "computers; rename one."
            )
        seen[str(path).casefold()] = str(path)
        entries[path] = info
    return entries


def _refuse_special(info: zipfile.ZipInfo, archive_name: str) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ArchiveError(
            f"The zip {archive_name!r} holds {info.filename!r}, which is a link or device and not a file; leave it out."
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without bounds
        raise ArchiveError(f"The zip {archive_name!r} is packed in an unusual way; make it with 'deflate'.")
    if info.flag_bits & 0x1:
        raise ArchiveError(f"The zip {archive_name!r} is protected by a password; zip it without one.")


def _unpack_entry(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> int:
    """Write one entry; no more bytes than its header announced, which the caps were checked against."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(entry) as packed, target.open("xb") as file:
        shutil.copyfileobj(packed, file, CHUNK_BYTES)
    return entry.file_size
