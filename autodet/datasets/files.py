"""Files that are somebody else's: what they may be called, and opened only if they are files."""

import errno
import os
import stat
import unicodedata
from io import BufferedReader, FileIO
from pathlib import Path

LONGEST_NAME = 250  # bytes; file systems allow 255, and a name may get a number and another ending
_NOT_IN_NAMES = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of characters, line and paragraph ends


def is_file_name(name: str) -> bool:
    """Whether a file may be called so: text on one line, without what could command a terminal, and not too long."""
    if not name.isprintable() and any(unicodedata.category(letter) in _NOT_IN_NAMES for letter in name):
        return False
    return 0 < len(name.encode()) <= LONGEST_NAME


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading; never waits, as opening a pipe would, and never opens a device.

    Raises:
        OSError: It cannot be opened, or is something else than a file.
    """
    return BufferedReader(FileIO(path, opener=_open_regular))


def _open_regular(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "a pipe, device or folder is not a file", str(path))
