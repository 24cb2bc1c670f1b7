"""Safe extraction of untrusted archives: entry by entry, under limits, and never outside the folder."""

import errno
import filecmp
import hashlib
import lzma
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from autodet.datasets.sources.entry_names import decode_names, entry_name, safe_path, write_skipped
from autodet.datasets.sources.files import (
    LABEL_ENDINGS,
    NEVER_DATA,
    PHOTO_ENDINGS,
    find_files,
    is_clutter,
    is_data,
    is_git_pointer,
    open_regular,
    skipped,
)
from autodet.datasets.sources.tar_archive import (
    BrokenTarError,
    Stream,
    TarEntry,
    is_tar,
    read_content,
    tar_entries,
    unpacked_stream,
)
from autodet.datasets.sources.zip_archive import (
    MAX_MENTION_BYTES,
    MAX_MENTIONS,
    SMALL_BYTES,
    begins_like_zip,
    refuse_long_directory,
    refuse_many,
    report_link,
    settle,
    zip_entries,
)
from autodet.errors import ArchiveError
from autodet.messages.finding_phrases import GIT_POINTER
from autodet.records import Finding
from autodet.settings import Settings
from autodet.text_format import size_text
from autodet.workspace import safe_join

__all__ = ["PACKED_ENDINGS", "is_packed", "safe_path", "unpack_archive"]

CHUNK_BYTES = 1 << 20
PACKED_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
UNREAD_ENDINGS = (".7z", ".rar")
MAX_NESTED = 3  # archives in archives
_PARTS, _INNER = ".parts", ".inner"  # names in archives never begin with a dot
_UNREAD = {b"7z\xbc\xaf'\x1c": "7z", b"Rar!\x1a\x07": "RAR"}
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError),
    *(LookupError, OverflowError, OSError, BrokenTarError, lzma.LZMAError),
)


@dataclass
class _Budget:
    """The bytes and entries that an archive and those in it may still unpack to.

    Attributes:
        name: The outer archive's name in error messages.
        packed: Its size in bytes.
        settings: The limits on bytes, entries and ratio.
        free: Free bytes of the disk when unpacking begins.
        size: Bytes unpacked so far.
        entries: Entries so far.
    """

    name: str
    packed: int
    settings: Settings
    free: int
    size: int = 0
    entries: int = 0

    def take(self, size: int, entries: int = 0) -> None:
        """Count bytes and entries.

        Raises:
            ArchiveError: That is more than the limits allow.
        """
        self.size += size
        self.entries += entries
        refuse_many(self.entries, self.name, self.settings.max_archive_entries)
        if self.size > self.settings.max_archive_bytes:
            raise ArchiveError(
                f"The archive {self.name!r} unpacks to {self.size / 1e6:.0f} MB, more than "
                f"{self.settings.max_archive_bytes / 1e6:.0f} MB; split it, or raise AUTODET_MAX_ARCHIVE_MB."
            )
        if self.size > max(SMALL_BYTES, self.settings.max_archive_ratio * self.packed):
            raise ArchiveError(
                f"The archive {self.name!r} unpacks to more than {self.settings.max_archive_ratio} times its size; "
                "pack it again, or raise AUTODET_MAX_ARCHIVE_RATIO."
            )
        if self.size > self.free:
            raise ArchiveError(
                f"The archive {self.name!r} unpacks to {size_text(self.size)}, but the disk of the workspace has only "
                f"{size_text(self.free)} left; free some space."
            )


@dataclass
class _Counted:
    """A stream whose bytes count."""

    stream: Stream
    budget: _Budget

    def read(self, size: int, /) -> bytes:
        content = self.stream.read(size)
        self.budget.take(len(content))
        return content


def is_packed(name: str) -> bool:
    """Return whether a file is named like an archive that can be read."""
    return name.lower().endswith(PACKED_ENDINGS)


def unpack_archive(
    archive: Path, folder: Path, settings: Settings, progress: Callable[[float], None], shown: str | None = None
) -> None:
    """Unpack a zip or tar, and the archives in it, into an empty folder.

    An archive in an archive becomes a folder of its name without extension. ``entry_names.read_skipped`` returns what
    was skipped.

    Args:
        archive: The archive; its content decides what it is.
        folder: The target folder; it exists and is empty.
        settings: The limits on bytes, entries, ratio and depth, for all archives together.
        progress: Receives the completed fraction, 0 to 1.
        shown: The name in error messages; the file's name if not given.

    Raises:
        ArchiveError: The file is no archive, or is broken, empty, encrypted, above the limits, or reaches outside
            ``folder``.
        OSError: The archive cannot be opened, or ``folder`` cannot be written to.
    """
    name = shown or archive.name
    found: list[Finding] = []
    budget = _Budget(name, archive.stat().st_size, settings, shutil.disk_usage(folder).free)
    _unpack_one(archive, folder, name, budget, found, progress)
    _unpack_inner(folder, name, budget, found)
    if not any(path.is_file() for path in folder.rglob("*")):
        raise ArchiveError(f"The archive {name!r} is empty; pack the folder of photos and labels.")
    write_skipped(folder, found)


def unpack_folder(source: Path, folder: Path, settings: Settings) -> bool:
    """Copy a folder, with its archives unpacked, if its photos or its labels are in archives only.

    Args:
        source: The folder, which stays as it is.
        folder: The target folder; it exists and is empty.
        settings: The limits on bytes, entries, ratio and depth.

    Returns:
        Whether to read ``folder`` instead of ``source``.

    Raises:
        DatasetError: As ``find_files``; ``ArchiveError`` as in ``unpack_archive``.
    """
    found: list[Finding] = []
    files = find_files(source, settings.max_archive_entries, settings.max_depth, found)
    photos = any(path.lower().endswith(PHOTO_ENDINGS) for path in files)
    labels = any(path.lower().endswith(LABEL_ENDINGS) and is_data(path) for path in files)
    if (photos and labels) or not any(map(is_packed, files)):
        return False
    size = sum((source / path).stat().st_size for path in files)
    budget = _Budget(source.name, size, settings, shutil.disk_usage(folder).free)
    for path in files:
        place = safe_join(folder, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        with open_regular(source / path) as file, place.open("xb") as copy:
            shutil.copyfileobj(file, copy, CHUNK_BYTES)
            budget.take(copy.tell(), 1)
    _unpack_inner(folder, source.name, budget, found)
    write_skipped(folder, found)
    return True


def _unpack_one(
    archive: Path, folder: Path, name: str, budget: _Budget, found: list[Finding], progress: Callable[[float], None]
) -> None:
    with open_regular(archive) as file:
        begin = file.read(6)
        file.seek(0)
        if begin in _UNREAD:
            raise ArchiveError(
                f"{name!r} is a {_UNREAD[begin]} archive, which is not read; unpack it, and zip the folder."
            )
        packed_tar = not begin.startswith(b"PK") and is_tar(file)
        try:
            if packed_tar:
                _unpack_tar(file, folder, name, budget, found, progress)
            else:
                _unpack_zip(file, folder, name, budget, found, progress)
        except _BROKEN as error:
            if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
                raise
            file.seek(0)
            if is_git_pointer(file.read(100)):
                raise ArchiveError(f"{name!r} {GIT_POINTER}.") from error
            if not packed_tar and not zipfile.is_zipfile(file) and not begins_like_zip(file):
                raise ArchiveError(
                    f"{name!r} is not a zip or tar archive; zip the folder of photos and labels."
                ) from error
            raise ArchiveError(
                f"The archive {name!r} is broken and cannot be unpacked; make or download it again."
            ) from error


def _unpack_zip(
    file: BinaryIO, folder: Path, name: str, budget: _Budget, found: list[Finding], progress: Callable[[float], None]
) -> None:
    refuse_long_directory(file, name, budget.settings)
    with zipfile.ZipFile(file) as opened:
        entries = zip_entries(opened, name, budget.settings, found)
        budget.take(sum(info.file_size for info in entries.values()), len(entries))
        _unpack_entries(opened, entries, folder, progress)


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


def _unpack_tar(
    file: BinaryIO, folder: Path, name: str, budget: _Budget, found: list[Finding], progress: Callable[[float], None]
) -> None:
    """Unpack a tar under numbers, because the encoding of its names is known only at its end; then name the files."""
    parts = folder / _PARTS
    parts.mkdir()
    stream = _Counted(unpacked_stream(file), budget)
    written: list[tuple[TarEntry, str]] = []
    for entry in tar_entries(stream):
        budget.take(0, 1)
        written.append((entry, _write_part(stream, entry, parts / str(len(written)))))
        progress(min(file.tell() / budget.packed, 1.0))
    files: list[tuple[str, object, Path]] = []
    links: list[tuple[str, TarEntry]] = []
    for number, (path, entry) in enumerate(_named(written, parts, budget.settings)):
        if path and entry.kind == "file":
            files.append((path, written[number][1], parts / str(number)))
        elif path:
            links.append((path, entry))
    settled = settle(files, name, found)
    for path, entry in links:
        target = entry.link if entry.kind == "link" else "/"
        if target not in settled:  # a hard link names a path from the root
            report_link(path, target, settled, name, found)
    for path, part in settled.items():
        place = safe_join(folder, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        part.rename(place)
    shutil.rmtree(parts)


def _write_part(stream: Stream, entry: TarEntry, part: Path) -> str:
    """Write the content of a file; return its SHA-256."""
    digest = hashlib.sha256()
    chunks = read_content(stream, entry.size)
    if entry.kind != "file" or (entry.text or "").lower().endswith(NEVER_DATA):
        for _ in chunks:
            pass
        return ""
    with part.open("xb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()


def _named(written: list[tuple[TarEntry, str]], parts: Path, settings: Settings) -> Iterator[tuple[str, TarEntry]]:
    """Yield the entries with their paths; the path of an entry that is no data is empty."""
    raw = [entry.name for entry, _ in written if entry.text is None]
    mentions: list[str] = [] if all(map(bytes.isascii, raw)) else list(_mentions(written, parts))
    decoded = iter(decode_names(raw, mentions))
    for entry, _ in written:
        name = next(decoded) if entry.text is None else entry.text
        if not name.strip("./\\"):
            yield "", entry
            continue
        path = entry_name(name, settings.max_depth)
        unwanted = entry.kind == "folder" or any(map(is_clutter, path.split("/"))) or path.lower().endswith(NEVER_DATA)
        yield "" if unwanted else path, entry


def _mentions(written: list[tuple[TarEntry, str]], parts: Path) -> Iterator[str]:
    """Yield label files, which name photos."""
    labels = [
        parts / str(number)
        for number, (entry, digest) in enumerate(written)
        if digest
        and entry.size <= MAX_MENTION_BYTES
        and entry.name.lower().endswith(tuple(map(str.encode, LABEL_ENDINGS)))
    ]
    for path in labels[:MAX_MENTIONS]:
        try:
            yield path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def _unpack_inner(folder: Path, name: str, budget: _Budget, found: list[Finding], depth: int = 1) -> None:
    """Unpack the archives in a folder."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        below = path.relative_to(folder).as_posix()
        if path.name.lower().endswith(UNREAD_ENDINGS) or (is_packed(path.name) and depth > MAX_NESTED):
            found.append(skipped(below, "archive_unread"))
            path.unlink()
        elif is_packed(path.name):
            inner = path.with_name(_INNER)
            inner.mkdir()
            _unpack_one(path, inner, f"{name}/{below}", budget, found, lambda _share: None)
            path.unlink()
            _unpack_inner(inner, f"{name}/{below}", budget, found, depth + 1)
            _merge(inner, path.parent, _stem(path.name))


def _stem(name: str) -> str:
    ending = max((ending for ending in PACKED_ENDINGS if name.lower().endswith(ending)), key=len)
    return name[: -len(ending)] or name


def _merge(inner: Path, folder: Path, stem: str) -> None:
    """Move unpacked files into the folder that is called like their archive; unpacked copies count once."""
    files = [path for path in inner.rglob("*") if path.is_file()]
    if all(_is_copy(path, folder / path.relative_to(inner)) for path in files):  # already unpacked beside the archive
        shutil.rmtree(inner)
        return
    below = list(inner.iterdir())
    single = below[0] if len(below) == 1 and below[0].name.lower() == stem.lower() else None
    source, target = single or inner, folder / (single.name if single else stem)
    if not source.is_dir():
        source.rename(target if not target.exists() else _free(target))
    elif not target.exists():
        source.rename(target)
    elif target.is_dir() and not any(_differ(path, target / path.relative_to(source)) for path in source.rglob("*")):
        for path in [path for path in source.rglob("*") if path.is_file()]:
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
    else:
        source.rename(_free(target))
    if inner.exists():
        shutil.rmtree(inner)


def _is_copy(path: Path, other: Path) -> bool:
    return other.is_file() and filecmp.cmp(path, other, shallow=False)


def _differ(path: Path, other: Path) -> bool:
    if not other.exists():
        return False
    if path.is_dir() or other.is_dir():
        return path.is_dir() != other.is_dir()
    return not filecmp.cmp(path, other, shallow=False)


def _free(path: Path) -> Path:
    """Return a path that does not exist yet, with a number."""
    return next(one for number in range(2, 1 << 30) if not (one := path.with_name(f"{path.name}_{number}")).exists())
