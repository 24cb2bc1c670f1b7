"""Transfer of data sets to other machines: pieces of a tar stream, unpacked once per machine."""

import os
import tarfile
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO, RawIOBase
from pathlib import Path

from autodet.lock import hold_lock
from autodet.workspace import hidden_folder

PIECE_BYTES = 64_000_000
UNPACK_SECONDS = 3600.0  # how long a trial waits while another unpacks the same data set


def cache_folder() -> Path:
    """Return the folder in which this machine keeps transferred files (``AUTODET_RAY_CACHE``)."""
    return Path(os.environ.get("AUTODET_RAY_CACHE") or Path.home() / ".cache" / "autodet")


def packed(folder: Path, piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """Pack a folder as a tar stream, in pieces of at least ``piece_bytes`` bytes except the last."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w|") as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, arcname=str(path.relative_to(folder)), recursive=False)
            if buffer.tell() >= piece_bytes:
                yield buffer.getvalue()
                buffer.seek(0)
                buffer.truncate()
    yield buffer.getvalue()


def unpacked(fingerprint: str, pieces: Callable[[], Iterable[bytes]], cache: Path) -> Path:
    """Return a data set's folder on this machine; if it is missing, one process fetches it while others wait.

    Args:
        fingerprint: Fingerprint of the data set, used as cache key.
        pieces: Fetches the data set in the format of ``packed``.
        cache: The cache folder.
    """
    folder = cache / "datasets" / fingerprint
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not folder.exists():
        with hold_lock(folder.parent, UNPACK_SECONDS):
            if not folder.exists():
                _unpack(pieces(), folder)
    return folder


def _unpack(pieces: Iterable[bytes], folder: Path) -> None:
    with hidden_folder(folder.parent) as hidden:
        with tarfile.open(fileobj=_Stream(pieces), mode="r|") as tar:
            tar.extractall(hidden, filter="data")
        hidden.rename(folder)


class _Stream(RawIOBase):
    """Pieces of a stream as one readable file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces, self._piece = iter(pieces), b""

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes; empty at the end."""
        if not self._piece:
            self._piece = next(self._pieces, b"")
        taken, self._piece = self._piece[:size], self._piece[size:]
        return taken
