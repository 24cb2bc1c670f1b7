"""A large object on its way: its bytes where they belong, and beside them how many of each part have come.

Both are files, so a killed process loses nothing that it had received.
"""

import hashlib
import os
import re
from mmap import ACCESS_READ, mmap
from pathlib import Path
from threading import Lock

PART_BYTES = 8 << 20


class PartialFile:
    """An object that comes in parts; safe to use from many threads, one for each part.

    Attributes:
        size: The object's, in bytes.
        parts: How many it has.
    """

    def __init__(self, path: Path, size: int, *, digested: bool) -> None:
        """Begin it, or find it as it was left.

        Args:
            path: Where to keep it meanwhile; another object, or another version of it, has another path.
            size: The object's size in bytes.
            digested: Whether its MD5 is wanted.
        """
        self.size, self.parts = size, -(-size // PART_BYTES)
        self._path, self._counts = path, path.with_suffix(".counts")
        self._digest = hashlib.md5(usedforsecurity=False) if digested else None
        self._settled = 0  # so many parts, from the first on, are there and have been looked at
        self._lock = Lock()
        self._data = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        with self._counts.open("a+b") as counts:
            counts.truncate(4 * self.parts)
            self._come = memoryview(mmap(counts.fileno(), 4 * self.parts)).cast("I")

    @property
    def come(self) -> int:
        """How many bytes are there."""
        return sum(self._come)

    def missing(self, part: int) -> tuple[int, int]:
        """The bytes of a part that have not come: the first, and the one after the last."""
        start = part * PART_BYTES
        return start + self._come[part], min(start + PART_BYTES, self.size)

    def write(self, part: int, chunk: bytes) -> None:
        """Add to a part what follows on what is there."""
        os.pwrite(self._data, chunk, self.missing(part)[0])
        self._come[part] += len(chunk)

    def settle(self) -> bool:
        """Look at the parts that are there, in their order; whether that was the last of them.

        Where another thread is at it, that one goes on with the part that the caller has completed.
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
        """Put the whole object where it belongs."""
        os.close(self._data)
        self._counts.unlink()  # first: counts without bytes would be believed
        self._path.replace(target)

    def discard(self) -> None:
        """Delete what has come."""
        os.close(self._data)
        self._counts.unlink()
        self._path.unlink()

    @property
    def digest(self) -> str:
        """MD5 of the parts that are settled, in hexadecimal; empty where it is not wanted."""
        return self._digest.hexdigest() if self._digest else ""

    def _has_next(self) -> bool:
        """Whether the next part to look at is there as a whole."""
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
    """Whether an ETag can be the MD5 of the content: that of an object uploaded in parts has a dash."""
    return re.fullmatch(r"[0-9a-f]{32}", etag) is not None
