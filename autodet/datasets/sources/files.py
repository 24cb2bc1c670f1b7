"""Untrusted files: listing, name checks and safe opening."""

import errno
import os
import stat
import unicodedata
from functools import partial
from io import BufferedReader, FileIO
from pathlib import Path
from typing import Any

from autodet.errors import AutodetError, DatasetError
from autodet.messages.findings import cause_clause
from autodet.records import Cause, Finding
from autodet.settings import Settings

MAX_NAME_LENGTH = 250  # bytes; file systems allow 255, and a name may get a number and another extension
CLUTTER = {"__MACOSX", "Thumbs.db", "desktop.ini", "Icon\r"}
PHOTO_ENDINGS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif"),
)
LABEL_ENDINGS = (
    *(".txt", ".xml", ".json", ".jsonl", ".csv", ".tsv", ".yaml", ".yml", ".names", ".data", ".pbtxt", ".labels"),
)
NEVER_DATA = (
    *(".mp4", ".avi", ".mov", ".mkv", ".webm", ".wmv", ".m4v", ".mpg", ".mpeg", ".mp3", ".wav"),
    *(".pt", ".pth", ".onnx", ".h5", ".ckpt", ".tflite", ".weights", ".safetensors", ".pb", ".exe", ".dll", ".so"),
)
_DOCUMENTS = ("readme", "license", "licence", "changelog", "requirements", "notice", "authors", "contributing")
_NOT_IN_NAMES = {"Cc", "Cs", "Zl", "Zp"}  # control characters, surrogates, line and paragraph separators


class CausedError(AutodetError):
    """An error that is worded from a cause.

    Attributes:
        cause: What is wrong.
    """

    def __init__(self, key: str, **values: Any) -> None:
        """Word a cause; ``key`` and ``values`` are those of ``Cause``."""
        self.cause = Cause(key, values)
        super().__init__(f"{cause_clause(self.cause)}.")

    def __reduce__(self) -> tuple[Any, ...]:
        """Restore the error from its cause, for processes that send it to another."""
        return partial(type(self), self.cause.key, **self.cause.values), ()


class FileError(CausedError, DatasetError):
    """A file or a part of it cannot be used."""


def find_files(
    root: Path, limit: int, max_depth: int = Settings.max_depth, found: list[Finding] | None = None
) -> list[str]:
    """List the files in a folder recursively, as relative paths with forward slashes.

    Skip clutter, pipes, devices and links to folders. Include a link to a file if its target lies below ``root`` too.

    Args:
        root: The folder.
        limit: Maximum number of files.
        max_depth: Maximum depth of folders.
        found: Receives findings about files that are skipped.

    Raises:
        DatasetError: There are more than ``limit`` files, or files deeper than ``max_depth``; the name of a folder,
            photo or label file is not text; a folder cannot be read; a photo or label file is a link that leads
            outside ``root``.
    """
    files: list[str] = []
    found = [] if found is None else found
    folders = [""]
    while folders:
        folder = folders.pop()
        if folder.count("/") >= max_depth:
            raise DatasetError(
                f"{root.name!r} holds files more than {max_depth} folders deep; choose the folder of one data set, or "
                "raise AUTODET_MAX_DEPTH."
            )
        for entry in _entries(root, folder):
            if is_clutter(entry.name):
                continue
            if not is_file_name(entry.name):
                _refuse_name(entry)
                found.append(skipped(ascii(folder + entry.name)[1:-1], "name_undecodable"))
                continue
            path = folder + entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{path}/")
            elif _leads_to_file(root, path, found) if entry.is_symlink() else entry.is_file():
                files.append(path)
        if len(files) > limit:
            raise DatasetError(
                f"{root.name!r} holds more than {limit} files; choose the folder of one data set, or raise "
                "AUTODET_MAX_ARCHIVE_FILES."
            )
    return files


def is_clutter(name: str) -> bool:
    """Return whether a file or folder of that name is never data: hidden, or left behind by macOS or Windows."""
    return name.startswith(".") or name in CLUTTER


def is_data(path: str) -> bool:
    """Return whether a file may be a photo or its labels, by its name."""
    name = path.rpartition("/")[2].lower()
    return name.endswith((*PHOTO_ENDINGS, *LABEL_ENDINGS)) and name.partition(".")[0] not in _DOCUMENTS


def skipped(path: str, cause: str, **values: object) -> Finding:
    """Report a file that was skipped."""
    return Finding("file_skipped", path[:300], "drop", values, cause)


def is_file_name(name: str) -> bool:
    """Return whether a file name is safe: text on one line, without terminal control characters, and not too long."""
    if (
        name not in CLUTTER
        and not name.isprintable()
        and any(unicodedata.category(letter) in _NOT_IN_NAMES for letter in name)
    ):
        return False
    return 0 < len(name.encode()) <= MAX_NAME_LENGTH


def cleared_name(name: str) -> str:
    """Replace control characters, and other letters that no file name should have, by underscores."""
    if name in CLUTTER or name.isprintable():
        return name
    return "".join("_" if unicodedata.category(letter) in _NOT_IN_NAMES else letter for letter in name)


def is_git_pointer(content: bytes) -> bool:
    """Return whether the content is a Git LFS pointer, which Git leaves in place of a large file without Git LFS."""
    return content.startswith(b"version https://git-lfs")


def open_regular(path: Path | str) -> BufferedReader:
    """Open a regular file for reading; never block on a pipe, and reject devices.

    Raises:
        OSError: The file cannot be opened, or is not a regular file.
    """
    return BufferedReader(FileIO(path, opener=_open_regular))


def read_regular(path: Path | str, most: int) -> bytes:
    """Return a file's content.

    Raises:
        FileError: The file has more than ``most`` bytes.
        OSError: As ``open_regular``.
    """
    descriptor = _open_regular(str(path), os.O_RDONLY | os.O_CLOEXEC)  # faster than a file object
    try:
        size = os.fstat(descriptor).st_size
        if size > most:
            raise FileError("file_large", bytes=most)
        content = os.read(descriptor, size)
        while len(content) < size and (more := os.read(descriptor, size - len(content))):
            content += more
        return content
    finally:
        os.close(descriptor)


def _entries(root: Path, folder: str) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(root / folder) as entries:
            return list(entries)
    except OSError as error:
        raise DatasetError(
            f"The folder {folder or root.name!r} cannot be read ({error.strerror}); allow it to be read."
        ) from error


def _refuse_name(entry: "os.DirEntry[str]") -> None:
    """Refuse a photo, label file or folder with undecodable bytes from another system's disk, or a malicious name."""
    if is_data(entry.name) or entry.is_dir(follow_symlinks=False):
        raise DatasetError(f"The file name {ascii(entry.name)[:100]} is not valid text; rename the file.")


def _leads_to_file(root: Path, path: str, found: list[Finding]) -> bool:
    if Path(os.path.realpath(root / path)).is_relative_to(os.path.realpath(root)):
        return (root / path).is_file()
    if is_data(path):
        raise DatasetError(f"{path!r} is a link that leads out of {root.name!r}; replace the link by its target.")
    found.append(skipped(path, "link_outside"))
    return False


def _open_regular(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "a pipe, device or folder is not a file", str(path))
