"""Scan of all photos of a source: validation, metadata, perceptual hash and SHA-256.

    python -m autodet.datasets.imports.photo_scan FOLDER COPIES MAX_PIXELS MAX_TOTAL NAMES

Python threads share one core for much of this work, so large sources are scanned by worker processes that run this
module. The workers share two files: NAMES, a file descriptor, holds JSON lists of names, and standard input holds the
offset and the length of each list. An idle worker reads the next entry and writes the results of ``look_at`` to its own
file. No process waits for another, so the parent process can read labels at the same time.
"""

import fcntl
import hashlib
import json
import math
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from autodet.datasets.imports.limits import PixelBudget, pixel_budget
from autodet.datasets.photos import PhotoFacts, PhotoFileError, check_photo, read_photo
from autodet.datasets.sources.files import open_regular
from autodet.errors import AutodetError, DatasetError
from autodet.processes import module_environment
from autodet.records import Cause

CHUNK = 32  # photos per unit of work
MANY = 1000  # minimum number of photos for worker processes
PLACE = struct.Struct("<QQQ")  # of a list of names: number, offset and length in bytes
POLL_SECONDS = 0.02
MIN_CLONE_BYTES = 64_000  # of a photo, from which on sharing its blocks is cheaper than writing
MIN_CLONE_AGE = 2.0  # seconds since the last change of a file, above the resolution of its times
FICLONE = 0x40049409  # Linux: share the blocks of another file, as Btrfs and XFS can; a change to one copies them

Looks = list[Any]  # result for one photo; parsed by ``_seen``
FileState = tuple[int, ...]
Seen = tuple[PhotoFacts, str] | Cause


@contextmanager
def looking_at(names: Sequence[str], root: Path, copies: Path | None) -> Iterator[Iterator[Seen]]:
    """Read every photo completely, on all cores, while the caller does other work.

    Args:
        names: The photos, relative to ``root``.
        root: Their folder.
        copies: Folder to copy the photos to while reading, under the same names; None for no copies.

    Yields:
        An iterator over the results in order: per photo its metadata and the SHA-256 of its bytes in hexadecimal, or
        why it cannot be read.

    Raises:
        DatasetError: The photos have too many pixels together; several processes detect it with a short delay.
    """
    if copies:
        for folder in {os.path.dirname(name) for name in names}:  # noqa: PTH120
            (copies / folder).mkdir(parents=True, exist_ok=True)
    chunks = [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
    workers = min(os.cpu_count() or 1, len(chunks)) or 1
    budget = pixel_budget()
    folders = (str(root), str(copies or ""))
    with ExitStack() as stack:
        if len(names) >= MANY:
            answers = stack.enter_context(_processes(workers, chunks, (*folders, budget.per_photo, budget.total)))
        else:
            pool = ThreadPoolExecutor(workers)
            stack.callback(pool.shutdown, cancel_futures=True)
            answers = pool.map(partial(look_at, *folders, budget), chunks)
        yield (_seen(look) for looks in answers for look in looks)


def look_at(root: str, copies: str, budget: PixelBudget, names: Sequence[str]) -> list[Looks]:
    """Scan some photos; return per photo its metadata values and hash, or the key and the values of a cause."""
    return [_look_at_one(root, copies, budget, name) for name in names]


def _look_at_one(root: str, copies: str, budget: PixelBudget, name: str) -> Looks:
    try:
        path = os.path.join(root, name)  # noqa: PTH118 - a third of the time that pathlib takes
        before = _state_of(path) if copies else None
        content = read_photo(path, name)
        facts = check_photo(content, name, budget.per_photo)
    except PhotoFileError as error:
        return list(error.cause)
    budget.spend(math.prod(facts.stored_wh))
    if copies:
        _write_new(f"{copies}/{name}", content, path, before)
    seen = [facts.format, facts.stored_wh, facts.orientation, facts.look, facts.several]
    return [*seen, hashlib.sha256(content).hexdigest()]


def _state_of(file: str | int) -> FileState | None:
    """Return what differs after each change of a file, given by path or descriptor; None if there is no file."""
    try:
        found = os.stat(file)  # noqa: PTH116
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _write_new(path: str, content: bytes, source: str, before: FileState | None) -> None:
    """Write a new file; share the blocks of a large source that has not changed since before it was read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        if len(content) >= MIN_CLONE_BYTES and before:
            if _clone(descriptor, source, before):
                return
            os.ftruncate(descriptor, 0)
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _clone(descriptor: int, source: str, before: FileState) -> bool:
    """Make an empty file share the blocks of a source; return False if it cannot, or if the source has changed."""
    if time.time() - before[-1] / 1e9 < MIN_CLONE_AGE:
        return False
    try:
        with open_regular(source) as file:
            fcntl.ioctl(descriptor, FICLONE, file.fileno())
            return _state_of(file.fileno()) == before
    except OSError:  # the file system cannot, or the files are in two
        return False


def _seen(looks: Looks) -> Seen:
    if len(looks) == len(Cause._fields):
        return Cause(*looks)
    format_, stored_wh, *more, sha256 = looks
    return PhotoFacts(format_, tuple(stored_wh), *more), sha256


@contextmanager
def _processes(
    count: int, chunks: Sequence[Sequence[str]], arguments: Sequence[str | int]
) -> Iterator[Iterator[list[Looks]]]:
    """Run worker processes that scan photos; yield an iterator over the results of each chunk, in order."""
    with ExitStack() as stack:
        names, places = stack.enter_context(TemporaryFile()), stack.enter_context(TemporaryFile())
        for number, chunk in enumerate(chunks):
            line = json.dumps(chunk).encode()
            places.write(PLACE.pack(number, names.tell(), len(line)))
            names.write(line)
        names.flush()
        places.seek(0)
        command = [
            sys.executable,
            "-m",
            "autodet.datasets.imports.photo_scan",
            *map(str, arguments),
            str(names.fileno()),
        ]
        at_work: list[tuple[subprocess.Popen[bytes], BinaryIO]] = []
        for _ in range(count):
            said = stack.enter_context(TemporaryFile())
            process = subprocess.Popen(
                command, stdin=places, stdout=said, env=module_environment(), pass_fds=(names.fileno(),)
            )
            stack.callback(_end, process)
            at_work.append((process, said))
        yield _in_order(at_work, len(chunks))


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    with suppress(ProcessLookupError):
        process.wait()


def _in_order(at_work: Sequence[tuple["subprocess.Popen[bytes]", BinaryIO]], count: int) -> Iterator[list[Looks]]:
    """Yield the results of each chunk in order, as soon as they are available."""
    there: dict[int, list[Looks]] = {}
    readers = [_lines(said) for _, said in at_work]
    given = 0
    while given < count:
        ended = [process.poll() for process, _ in at_work]  # poll first, so that the output of ended ones is complete
        for reader in readers:
            for line in next(reader):
                number, looks = json.loads(line)
                if isinstance(looks, dict):  # too many pixels, or an error such as a full disk
                    raise DatasetError(looks["excess"]) if "excess" in looks else OSError(*looks["refused"])
                there[number] = looks
        while given in there:
            yield there.pop(given)
            given += 1
        if given < count and any(code is not None and code != 0 for code in ended):
            raise AutodetError(
                "A process that read photos ended early, perhaps because memory or disk space ran out; free some, and "
                "import again."
            )
        time.sleep(POLL_SECONDS if given < count else 0)


def _lines(said: BinaryIO) -> Iterator[list[bytes]]:
    """Yield, indefinitely, the complete lines appended to a file since the last call."""
    at, rest = 0, b""
    while True:
        added = os.pread(said.fileno(), os.fstat(said.fileno()).st_size - at, at)
        at += len(added)
        *lines, rest = (rest + added).split(b"\n")
        yield lines


def main(arguments: Sequence[str]) -> None:
    """Scan photos until no list is left."""
    root, copies, max_pixels, max_total, names = arguments
    budget = PixelBudget(int(max_pixels), int(max_total))
    while place := os.read(sys.stdin.fileno(), PLACE.size):
        number, offset, size = PLACE.unpack(place)
        try:
            answer: Any = look_at(root, copies, budget, json.loads(os.pread(int(names), size, offset)))
        except OSError as error:
            answer = {"refused": [error.errno, error.strerror]}
        except DatasetError as error:
            answer = {"excess": str(error)}
        sys.stdout.write(json.dumps([number, answer]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
