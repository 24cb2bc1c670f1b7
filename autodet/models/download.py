"""Download of weights: a file is verified before it appears, and downloaded once for concurrent requests."""

import hashlib
import http.client
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from autodet.lock import try_lock, unlock

ATTEMPTS = 2
STALL_SECONDS = 30.0  # timeout without a byte received
CHUNK_BYTES = 1 << 18
WAIT_SECONDS = 0.2


class TransferError(Exception):
    """A failed download; the text is the reason, as part of a sentence.

    Attributes:
        final: Whether a retry is pointless.
    """

    def __init__(self, reason: str, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


def fetch(url: str, path: Path, digits: str, most_bytes: int, pulse: Callable[[], None] = lambda: None) -> None:
    """Download a file atomically, with one retry.

    Concurrent downloads of the same file, in other processes too, wait for the first.

    Args:
        url: Source address.
        path: Target file; an existing file is replaced.
        digits: First digits of the file's SHA-256.
        most_bytes: Maximum size; a larger file is rejected.
        pulse: Called after every chunk, and while waiting.

    Raises:
        TransferError: The server does not deliver the file.
        OSError: The file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while (descriptor := try_lock(path.with_name(f".{path.name}.lock"))) is None:
        pulse()
        time.sleep(WAIT_SECONDS)
    try:
        if not (path.is_file() and sha256_of(path).startswith(digits)):  # else another process has fetched it
            _fetch_patiently(url, path, digits, most_bytes, pulse)
    finally:
        unlock(descriptor)


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch_patiently(url: str, path: Path, digits: str, most_bytes: int, pulse: Callable[[], None]) -> None:
    part = path.with_name(f".{path.name}.part")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _receive(url, part, digits, most_bytes, pulse)
            part.replace(path)
            return
        except TransferError as error:
            _say(f"Downloading {url}, attempt {attempt} of {ATTEMPTS}: {error}")
            if error.final or attempt == ATTEMPTS:
                raise
        finally:
            part.unlink(missing_ok=True)


def _receive(url: str, part: Path, digits: str, most_bytes: int, pulse: Callable[[], None]) -> None:
    with _open(url) as answer, part.open("wb") as file:
        announced = int(answer.headers.get("Content-Length") or 0)
        digest, received, tenths = hashlib.sha256(), 0, 0
        while piece := _read(answer):
            file.write(piece)
            digest.update(piece)
            received += len(piece)
            if received > most_bytes:
                raise TransferError("the server sends more than the file has", final=True)
            if announced and received * 10 // announced > tenths:
                tenths = received * 10 // announced
                _say(f"Downloading {url}: {received / 1e6:.0f} of {announced / 1e6:.0f} MB")
            pulse()
    if received < announced:
        raise TransferError("the connection was cut")
    if not digest.hexdigest().startswith(digits):
        raise TransferError("the server's file is not the published one: its SHA-256 differs")


def _open(url: str) -> http.client.HTTPResponse:
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(url, timeout=STALL_SECONDS)  # noqa: S310
        return answer
    except urllib.error.HTTPError as error:
        raise TransferError(f"the server answers {error.code}", final=error.code < 500) from error
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        raise TransferError(_stalled() if isinstance(cause, TimeoutError) else "it cannot be reached") from error


def _read(answer: http.client.HTTPResponse) -> bytes:
    """Return the next bytes to arrive, without waiting for a full chunk."""
    try:
        return answer.read1(CHUNK_BYTES)
    except TimeoutError as error:
        raise TransferError(_stalled()) from error
    except (OSError, http.client.HTTPException) as error:
        raise TransferError("the connection was cut") from error


def _say(progress: str) -> None:
    """Print progress to stderr: the terminal, or a search's log."""
    print(progress, file=sys.stderr, flush=True)


def _stalled() -> str:
    return f"the server has sent nothing for {STALL_SECONDS:g} seconds"
