"""Cache of a trial's squares, so that each photo is decoded once: first in memory, then on disk.

The disk cache is an unnamed file with a fixed place for each square; the file disappears with the last process that
has it open, however that process ends. It is accessed by system calls rather than mapped into memory, because with a
mapping a full disk would raise a fatal signal. Processes forked from the creator of the cache share the file and, in
shared memory, the checksum of each complete square. A square that is half-written or corrupted is therefore never
served.
"""

import mmap
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

import numpy as np
import torch
from torch import Tensor

MEMORY_BYTES = 2_000_000_000
LEFT_FREE_BYTES = 5_000_000_000  # on disk: checkpoints and models need room too
MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")
_MOUNTS = Path("/proc/self/mountinfo")


class SquareCache:
    """Squares by file name: the first ones in memory, the next ones on disk, the rest not cached.

    Args:
        files: The photos of a trial, most frequently used first; duplicates count once.
        side: Side of the squares in pixels.
        folder: Folder of the disk cache; None for memory only.
        memory_bytes: Maximum memory to use.
    """

    def __init__(
        self, files: Iterable[str], side: int, folder: Path | None = None, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._places = {file: place for place, file in enumerate(dict.fromkeys(files))}
        self._in_memory = min(len(self._places), memory_bytes // (3 * side * side))
        self._memory: dict[int, Tensor] = {}
        left = len(self._places) - self._in_memory
        self._disk = DiskSquares(folder, left, side) if folder and left else None

    def is_for_memory(self, file: str) -> bool:
        """Return whether a photo's square belongs to the memory cache."""
        return self._places[file] < self._in_memory

    def get(self, file: str) -> Tensor | None:
        """Return a photo's square, uint8 (3, S, S); None if it is not cached."""
        place = self._places[file]
        if place < self._in_memory:
            return self._memory.get(place)
        return self._disk.get(place - self._in_memory) if self._disk else None

    def put(self, file: str, square: Tensor) -> None:
        """Cache a photo's square, uint8 (3, S, S), if there is room for it."""
        place = self._places[file]
        if place < self._in_memory:
            self._memory[place] = square
        elif self._disk:
            self._disk.put(place - self._in_memory, square)


class DiskSquares:
    """Squares by number in an unnamed file, shared with processes forked from this one.

    The cache uses at most half of the free disk space and leaves at least ``LEFT_FREE_BYTES``; the latter is checked
    before each square, because other trials fill the disk too. If a write fails nevertheless (a quota, a broken disk),
    the file is truncated, and photos are decoded again: the checkpoint needs the space more.

    Args:
        folder: Folder of the file. Nothing is cached if it is in memory (tmpfs) or not writable.
        count: Number of squares.
        side: Side of the squares in pixels.
    """

    def __init__(self, folder: Path, count: int, side: int) -> None:
        self._shape = (side, side, 3)
        self._bytes = 3 * side * side
        self._count = min(count, room_for(folder) // self._bytes)
        try:
            self._file = tempfile.TemporaryFile(buffering=0, dir=folder) if self._count else None  # noqa: SIM115
        except OSError:
            self._file = None
        # Shared with forked processes: a checksum per square, 0 if absent; then a flag that no more fit.
        self._sums = memoryview(mmap.mmap(-1, 4 * (self._count + 1))).cast("I")

    def get(self, number: int) -> Tensor | None:
        """Return a square, uint8 (3, S, S); None if it is missing or incomplete."""
        if self._file is None or number >= self._count or not self._sums[number]:
            return None
        try:
            content = bytearray(os.pread(self._file.fileno(), self._bytes, number * self._bytes))
        except OSError:
            return None
        if len(content) < self._bytes or crc32(content) != self._sums[number]:
            return None
        return torch.from_numpy(np.frombuffer(content, np.uint8).reshape(self._shape)).permute(2, 0, 1)

    def put(self, number: int, square: Tensor) -> None:
        """Cache a square, uint8 (3, S, S), as long as the disk has room."""
        if self._file is None or number >= self._count or self._sums[self._count]:
            return
        content = square.permute(1, 2, 0).numpy().tobytes()
        try:
            if _free_bytes(self._file.fileno()) < LEFT_FREE_BYTES + self._bytes:
                self._sums[self._count] = 1
            elif os.pwrite(self._file.fileno(), content, number * self._bytes) == self._bytes:
                self._sums[number] = crc32(content)
            else:
                self._give_up()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        self._sums[self._count] = 1
        if self._file:
            os.ftruncate(self._file.fileno(), 0)


def room_for(folder: Path) -> int:
    """Return the bytes available for squares: at most half of the free space, minus a reserve; 0 on tmpfs."""
    try:
        free = 0 if _lies_in_memory(folder) else _free_bytes(folder)
    except OSError:
        return 0
    return max(0, min(free // 2, free - LEFT_FREE_BYTES))


def _free_bytes(place: Path | int) -> int:
    facts = os.statvfs(place)
    return facts.f_bavail * facts.f_frsize


def _lies_in_memory(folder: Path) -> bool:
    """Return whether the folder is on an in-memory file system; False if mounts are unknown, as outside Linux."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    mounts = [line.split() for line in _MOUNTS.read_text().splitlines()] if _MOUNTS.exists() else []
    return any(mount[2] == number and mount[mount.index("-") + 1] in MEMORY_FILE_SYSTEMS for mount in mounts)
