"""Files that are somebody else's: which of a folder's count, what they may be called, and how they are opened."""

import errno
import os
import stat
import unicodedata
from io import BufferedReader, FileIO
from pathlib import Path

from autodet.errors import DatasetError
from autodet.settings import Settings

MAX_NAME_LENGTH = 250  # bytes; file systems allow 255, and a name may get a number and another ending
CLUTTER = {"__MACOSX", "Thumbs.db", "desktop.ini", "Icon\r"}
GIT_POINTER = "is a pointer of Git LFS in place of the file; run 'git lfs pull', or download the file itself"
_NOT_IN_NAMES = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of characters, line and paragraph ends


def find_files(root: Path, limit: int, max_depth: int = Settings.max_depth) -> list[str]:
    """The files in a folder and below it, as paths below it with forward slashes.

    Clutter is passed over, and so is what is no file: pipes, devices, and links to folders. A link to a file counts if
    the file itself lies below ``root`` too.

    Raises:
        DatasetError: There are more files than ``limit``, or they lie deeper than ``max_depth``; a name is not text;
            a folder cannot be read; a link leads out of ``root``.
    """
    files: list[str] = []
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
            _refuse_name(entry.name)
            path = folder + entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{path}/")
            elif _leads_to_file(root, path) if entry.is_symlink() else entry.is_file():
                files.append(path)
        if len(files) > limit:
            raise DatasetError(
                f"{root.name!r} holds more than {limit} files; choose the folder of one data set, or raise "
                "AUTODET_MAX_ARCHIVE_FILES."
            )
    return files


def is_clutter(name: str) -> bool:
    """Whether a file or folder of that name is never data: hidden, or left behind by macOS or Windows."""
    return name.startswith(".") or name in CLUTTER


def is_file_name(name: str) -> bool:
    """Whether a file may be called so: text on one line, without what could command a terminal, and not too long."""
    if (
        name not in CLUTTER
        and not name.isprintable()
        and any(unicodedata.category(letter) in _NOT_IN_NAMES for letter in name)
    ):
        return False
    return 0 < len(name.encode()) <= MAX_NAME_LENGTH


def is_git_pointer(content: bytes) -> bool:
    """Whether a file is what Git keeps in place of a large one, and leaves there if Git LFS is not installed."""
    return content.startswith(b"version https://git-lfs")


def open_regular(path: Path | str) -> BufferedReader:
    """Open a file for reading; never waits, as opening a pipe would, and never opens a device.

    Raises:
        OSError: It cannot be opened, or is something else than a file.
    """
    return BufferedReader(FileIO(path, opener=_open_regular))


def read_regular(path: Path | str, most: int) -> bytes:
    """A file's content.

    Raises:
        DatasetError: It has more than ``most`` bytes.
        OSError: As ``open_regular``.
    """
    descriptor = _open_regular(str(path), os.O_RDONLY | os.O_CLOEXEC)  # file objects take longer
    try:
        size = os.fstat(descriptor).st_size
        if size > most:
            raise DatasetError(f"The file is larger than {most / 1e6:.0f} MB.")
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


def _refuse_name(name: str) -> None:
    if not is_file_name(name):  # bytes that are no text, from another computer's disk; or made to harm
        raise DatasetError(f"The file name {ascii(name)[:100]} is not valid text; rename the file.")


def _leads_to_file(root: Path, path: str) -> bool:
    if not Path(os.path.realpath(root / path)).is_relative_to(os.path.realpath(root)):
        raise DatasetError(f"{path!r} is a link that leads out of {root.name!r}; put what it leads to in its place.")
    return (root / path).is_file()


def _open_regular(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "a pipe, device or folder is not a file", str(path))
