"""Untrusted zips: their entries under limits, before anything is unpacked."""

import os
import posixpath
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import BinaryIO, TypeVar

from autodet.datasets.sources.entry_names import decode_names, entry_name, unicode_path
from autodet.datasets.sources.files import LABEL_ENDINGS, NEVER_DATA, is_clutter, is_data, skipped
from autodet.errors import ArchiveError
from autodet.records import Finding
from autodet.settings import Settings

Item = TypeVar("Item")

SMALL_BYTES = 100_000_000  # up to here, a high compression ratio is harmless
MAX_LINK_BYTES = 4096
MAX_MENTION_BYTES, MAX_MENTIONS = 2_000_000, 40  # of label files that are read for the names of photos

_END, _END_BYTES = b"PK\5\6", 22
_LONGEST_COMMENT = 1 << 16
_ENTRY_BYTES = 46  # of an entry in the central directory, without name and extra fields
_HEADER_BYTES = 30  # of a local file header, without name and extra fields
_USUAL_BYTES = 1024  # more than the directory needs for an entry, even with a long name
_UTF8 = 0x800


def refuse_long_directory(file: BinaryIO, name: str, settings: Settings) -> None:
    """Check the number of entries before ``zipfile`` loads all of them into memory."""
    size = file.seek(0, os.SEEK_END)
    end, length = _find_directory(file, size)
    if length > end:
        raise zipfile.BadZipFile
    most = settings.max_archive_entries
    if length > most * _ENTRY_BYTES:
        file.seek(end - length)
        refuse_many(_count_entries(file, most + 1), name, most)
    if length > most * _USUAL_BYTES:
        raise ArchiveError(f"The zip {name!r} has {length / 1e6:.0f} MB of file names and notes; zip it again.")
    file.seek(0)


def begins_like_zip(file: BinaryIO) -> bool:
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


def zip_entries(
    opened: zipfile.ZipFile, name: str, settings: Settings, found: list[Finding]
) -> dict[str, zipfile.ZipInfo]:
    """Return the entries that may be data, by target path; add findings about others to ``found``.

    Raises:
        ArchiveError: A name is unsafe, or an entry that may be data cannot be used.
    """
    infos = opened.infolist()
    refuse_many(len(infos), name, settings.max_archive_entries)
    _refuse_overlaps(infos, opened.start_dir, name)
    entries: list[tuple[str, zipfile.ZipInfo]] = []
    links: list[tuple[str, zipfile.ZipInfo]] = []
    for info, written in zip(infos, _written_names(opened, infos), strict=True):
        if info.is_dir() and not written.strip("./\\"):
            continue
        path = entry_name(written, settings.max_depth)
        if info.is_dir() or any(map(is_clutter, path.split("/"))) or path.lower().endswith(NEVER_DATA):
            continue
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind == stat.S_IFLNK:
            links.append((path, info))
        elif _is_usable(info, path, kind, name, found):
            entries.append((path, info))
    settled = settle([(path, (info.CRC, info.file_size), info) for path, info in entries], name, found)
    for path, info in links:
        with opened.open(info) as file:
            target = file.read(MAX_LINK_BYTES).decode("utf-8", "replace")
        report_link(path, target, settled, name, found)
    return settled


def settle(entries: Sequence[tuple[str, object, Item]], name: str, found: list[Finding]) -> dict[str, Item]:
    """Return one entry for each path.

    Args:
        entries: Paths, fingerprints of the contents, and the entries.
        name: The archive's name in error messages.
        found: Receives findings about skipped entries.

    Raises:
        ArchiveError: Entries that may be data contradict each other.
    """
    chosen: dict[str, tuple[object, Item]] = {}
    for path, content, entry in entries:
        if path in chosen and chosen[path][0] != content and is_data(path):
            raise ArchiveError(f"The archive {name!r} holds {path!r} twice, with different contents; leave one out.")
        chosen[path] = content, entry
    for folder in {path.rpartition("/")[0] for path in chosen}:
        for parent in accumulate(folder.split("/"), "{}/{}".format):
            if parent in chosen:
                if is_data(parent):
                    raise ArchiveError(f"In the archive {name!r}, {parent!r} is both a file and a folder; rename one.")
                del chosen[parent]
                found.append(skipped(parent, "entry_is_folder"))
    return {path: entry for path, (_, entry) in chosen.items()}


def report_link(path: str, target: str, files: Iterable[str], name: str, found: list[Finding]) -> None:
    """Report a link, which is never followed, unless it leads to something in the archive.

    Raises:
        ArchiveError: The link stands for labels that are not in the archive: without them, photos would seem to have
            no objects.
    """
    meant = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    if not target.startswith("/") and any(one == meant or one.startswith(f"{meant}/") for one in files):
        return
    if path.lower().endswith(LABEL_ENDINGS) and is_data(path):
        raise ArchiveError(
            f"The archive {name!r} holds {path!r}, which is a link or device and not a file; pack the file itself."
        )
    found.append(skipped(path, "link_skipped", target=target[:200]))


def _is_usable(info: zipfile.ZipInfo, path: str, kind: int, archive_name: str, found: list[Finding]) -> bool:
    """Return whether an entry can be unpacked; report or refuse it if not."""
    if kind not in (0, stat.S_IFREG):
        report_link(path, "/", {}, archive_name, found)
        return False
    if info.flag_bits & 0x1:
        if is_data(path) or not path.partition(".")[2]:
            raise ArchiveError(f"The zip {archive_name!r} is protected by a password; zip it without one.")
        found.append(skipped(path, "entry_protected"))
        return False
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # other methods decompress without bounds
        if is_data(path):
            raise ArchiveError(f"The zip {archive_name!r} is packed in an unusual way; make it with 'deflate'.")
        found.append(skipped(path, "entry_unusual"))
        return False
    return True


def _written_names(opened: zipfile.ZipFile, infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    """Return the names of the entries; many programs write those that are not ASCII in the encoding of the system."""
    raw = {
        number: info.filename.encode("cp437")
        for number, info in enumerate(infos)
        if not info.flag_bits & _UTF8 and not info.filename.isascii()
    }
    names = [info.filename for info in infos]
    stated = {number: unicode_path(infos[number].extra, name) for number, name in raw.items()}
    unknown = [number for number in raw if not stated[number]]
    if unknown:
        decoded = decode_names([raw[number] for number in unknown], list(_mentions(opened, infos)))
        stated |= dict(zip(unknown, decoded, strict=True))
    for number, name in stated.items():
        names[number] = name or names[number]
    return names


def _mentions(opened: zipfile.ZipFile, infos: Sequence[zipfile.ZipInfo]) -> Iterator[str]:
    """Yield label files in UTF-8, which name photos."""
    fitting = [info for info in infos if info.filename.lower().endswith(LABEL_ENDINGS)]
    for info in sorted(fitting, key=lambda info: -info.file_size)[:MAX_MENTIONS]:
        usable = not info.flag_bits & 0x1 and info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
        if usable and info.file_size <= MAX_MENTION_BYTES:
            try:
                with opened.open(info) as file:
                    yield file.read(MAX_MENTION_BYTES).decode()
            except (UnicodeDecodeError, zipfile.BadZipFile, zlib.error, EOFError):
                continue


def refuse_many(count: int, name: str, most: int) -> None:
    """Refuse an archive with more than ``most`` entries.

    Raises:
        ArchiveError: There are more.
    """
    if count > most:
        raise ArchiveError(
            f"The archive {name!r} holds more than {most} files; split it, or raise AUTODET_MAX_ARCHIVE_FILES."
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
