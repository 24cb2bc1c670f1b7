"""Where a trial's squares are kept, so that each photo is decoded once: some in memory, the next on the disk.

A square lies at a place of its own in a file without a name, which is gone with the last process that has it open,
however that ends. It is written and read by system calls, not mapped into memory, where a full disk would be a signal
that kills. Processes forked from the one that made the cache share the file and, in memory that they share too, the
checksum of each square that is whole; so none that is half written, or that a disk has lost, is ever served.
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
LEFT_FREE_BYTES = 5_000_000_000  # of the disk: checkpoints and models need room too
MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")
_MOUNTS = Path("/proc/self/mountinfo")


class SquareCache:
    """Squares by their photos' names: the first ones in memory, those after them on the disk, the rest nowhere.

    Args:
        files: The photos of a trial, those that are wanted most often first; one that comes again counts once.
        side: Side of the squares in pixels.
        folder: Where on the disk; None for memory alone.
        memory_bytes: How much memory may be used.
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
        """Whether a photo's square is kept in memory, once it is there."""
        return self._places[file] < self._in_memory

    def get(self, file: str) -> Tensor | None:
        """A photo's square, uint8 (3, S, S); None if it is not there."""
        place = self._places[file]
        if place < self._in_memory:
            return self._memory.get(place)
        return self._disk.get(place - self._in_memory) if self._disk else None

    def put(self, file: str, square: Tensor) -> None:
        """Keep a photo's square, uint8 (3, S, S), if there is room for it."""
        place = self._places[file]
        if place < self._in_memory:
            self._memory[place] = square
        elif self._disk:
            self._disk.put(place - self._in_memory, square)


class DiskSquares:
    """Squares by number in a file that has no name, for this process and those forked from it.

    At most half of what was free on the disk is used, and never so much that less than ``LEFT_FREE_BYTES`` are left,
    which is looked at before each square, as other trials fill the disk too. If writing fails nevertheless (a quota,
    a broken disk), the file is emptied, and photos are decoded again: a checkpoint needs the room more.

    Args:
        folder: Where the file is made. Nothing is kept where it lies in memory itself (tmpfs), or cannot be written.
        count: How many squares there are.
        side: Their side in pixels.
    """

    def __init__(self, folder: Path, count: int, side: int) -> None:
        self._shape = (side, side, 3)
        self._bytes = 3 * side * side
        self._count = min(count, room_for(folder) // self._bytes)
        try:
            self._file = tempfile.TemporaryFile(buffering=0, dir=folder) if self._count else None  # noqa: SIM115
        except OSError:
            self._file = None
        # Shared by forked processes: the checksum of each square, 0 where none is; behind them, whether no more fit.
        self._sums = memoryview(mmap.mmap(-1, 4 * (self._count + 1))).cast("I")

    def get(self, number: int) -> Tensor | None:
        """A square, uint8 (3, S, S); None if it is not there, or not whole."""
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
        """Keep a square, uint8 (3, S, S), as long as the disk has room."""
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
    """Bytes of squares that may be kept in a folder: at most half of what is free, and some is left; 0 in memory."""
    try:
        free = 0 if _lies_in_memory(folder) else _free_bytes(folder)
    except OSError:
        return 0
    return max(0, min(free // 2, free - LEFT_FREE_BYTES))


def _free_bytes(place: Path | int) -> int:
    facts = os.statvfs(place)
    return facts.f_bavail * facts.f_frsize


def _lies_in_memory(folder: Path) -> bool:
    """Whether files there take memory; where no mounts are told, as outside Linux, none do."""
    device = folder.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    mounts = [line.split() for line in _MOUNTS.read_text().splitlines()] if _MOUNTS.exists() else []
    return any(mount[2] == number and mount[mount.index("-") + 1] in MEMORY_FILE_SYSTEMS for mount in mounts)
