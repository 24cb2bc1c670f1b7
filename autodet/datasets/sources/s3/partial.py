"""Partial download of a large object: its bytes at their final offsets, and the bytes received per part.

Both are files, so a killed process loses nothing that it received.
"""

import hashlib
import os
import re
from mmap import ACCESS_READ, mmap
from pathlib import Path
from threading import Lock

PART_BYTES = 8 << 20


class PartialFile:
    """An object downloaded in parts; thread-safe with one thread per part.

    Attributes:
        size: The object's size in bytes.
        parts: The number of parts.
    """

    def __init__(self, path: Path, size: int, *, digested: bool) -> None:
        """Create the files, or resume from existing ones.

        Args:
            path: The file of the partial data; every object, and every version of it, has its own path.
            size: The object's size in bytes.
            digested: Whether to compute the MD5.
        """
        self.size, self.parts = size, -(-size // PART_BYTES)
        self._path, self._counts = path, path.with_suffix(".counts")
        self._digest = hashlib.md5(usedforsecurity=False) if digested else None
        self._settled = 0  # number of leading parts that are complete and processed
        self._lock = Lock()
        self._data = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        with self._counts.open("a+b") as counts:
            counts.truncate(4 * self.parts)
            self._come = memoryview(mmap(counts.fileno(), 4 * self.parts)).cast("I")

    @property
    def come(self) -> int:
        """The number of bytes received."""
        return sum(self._come)

    def missing(self, part: int) -> tuple[int, int]:
        """Return the missing byte range of a part: the first byte, and the one after the last."""
        start = part * PART_BYTES
        return start + self._come[part], min(start + PART_BYTES, self.size)

    def write(self, part: int, chunk: bytes) -> None:
        """Append a chunk to the received bytes of a part."""
        os.pwrite(self._data, chunk, self.missing(part)[0])
        self._come[part] += len(chunk)

    def settle(self) -> bool:
        """Process complete parts in order; return whether the last of them was processed.

        If another thread is already processing parts, it also processes the one that the caller completed.
        """
        while self._has_next() and self._lock.acquire(blocking=False):
            try:
                while self._has_next():
                    self._read(self._settled)
                    self._settled += 1
                    if self._settled == self.parts:
                        return True
            finally:
                self._lock.release()
        return False

    def publish(self, target: Path) -> None:
        """Move the complete object to its target."""
        os.close(self._data)
        self._counts.unlink()  # first, because counts without data would be trusted
        self._path.replace(target)

    def discard(self) -> None:
        """Delete the received data."""
        os.close(self._data)
        self._counts.unlink()
        self._path.unlink()

    @property
    def digest(self) -> str:
        """MD5 of the settled parts, in hexadecimal; empty if not requested."""
        return self._digest.hexdigest() if self._digest else ""

    def _has_next(self) -> bool:
        """Return whether the next part to process is complete."""
        if self._settled == self.parts:
            return False
        start, end = self.missing(self._settled)
        return start == end

    def _read(self, part: int) -> None:
        if self._digest is None:
            return
        start, end = part * PART_BYTES, self.missing(part)[1]
        with mmap(self._data, end - start, offset=start, access=ACCESS_READ) as content:
            self._digest.update(content)


def is_md5(etag: str) -> bool:
    """Return whether an ETag can be the MD5 of the content; that of an object uploaded in parts has a dash."""
    return re.fullmatch(r"[0-9a-f]{32}", etag) is not None
