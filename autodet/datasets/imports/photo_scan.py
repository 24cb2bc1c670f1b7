"""Looking at every photo of a source once: what it is, how it looks, what its bytes hash to.

    python -m autodet.datasets.imports.photo_scan FOLDER COPIES MAX_PIXELS NAMES

Python's threads share one core for much of this work, so many photos are looked at by processes of this module. They
share two files: NAMES, a descriptor, holds JSON lists of names, and standard input holds where each list begins and
how long it is. Whoever is free reads the next place, and writes what ``look_at`` says of those photos to a file of its
own. So nobody waits for anybody: the process that has started them can read labels meanwhile.
"""

import hashlib
import json
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

from autodet.datasets.photos import PhotoFacts, check_photo, read_photo
from autodet.errors import AutodetError, PhotoError
from autodet.processes import module_environment
from autodet.settings import load_settings

CHUNK = 32  # photos that are looked at in one go
MANY = 1000  # photos from which on processes are worth their start
PLACE = struct.Struct("<QQQ")  # of a list of names: its number, where it begins, and how many bytes it has
POLL_SECONDS = 0.02

Looks = list[Any]  # of one photo: what ``seen`` reads
Seen = tuple[PhotoFacts, str] | str


@contextmanager
def looking_at(names: Sequence[str], root: Path, copies: Path | None) -> Iterator[Iterator[Seen]]:
    """Read every photo to its end, on all cores, while the caller does something else.

    Args:
        names: The photos, below ``root``.
        root: Their folder.
        copies: Where to copy them to, under the same names, as they are read; None for nowhere.

    Yields:
        What is seen: for each photo in order its facts and the SHA-256 of its bytes, in hexadecimal; a sentence if it
        cannot be read.
    """
    if copies:
        for folder in {os.path.dirname(name) for name in names}:  # noqa: PTH120
            (copies / folder).mkdir(parents=True, exist_ok=True)
    chunks = [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
    workers = min(os.cpu_count() or 1, len(chunks)) or 1
    arguments = (str(root), str(copies or ""), load_settings().max_photo_pixels)
    with ExitStack() as stack:
        if len(names) >= MANY:
            answers = stack.enter_context(_processes(workers, chunks, arguments))
        else:
            pool = ThreadPoolExecutor(workers)
            stack.callback(pool.shutdown, cancel_futures=True)
            answers = pool.map(partial(look_at, *arguments), chunks)
        yield (_seen(one) for looks in answers for one in looks)


def look_at(root: str, copies: str, max_pixels: int, names: Sequence[str]) -> list[Looks]:
    """Look at some photos: for each the values of its facts and its hash, or a list of one sentence."""
    return [_look_at_one(root, copies, max_pixels, name) for name in names]


def _look_at_one(root: str, copies: str, max_pixels: int, name: str) -> Looks:
    try:
        content = read_photo(os.path.join(root, name), name)  # noqa: PTH118 - a third of the time that pathlib takes
        facts = check_photo(content, name, max_pixels)
    except PhotoError as error:
        return [str(error)]
    if copies:
        _write_new(f"{copies}/{name}", content)
    return [facts.format, facts.stored_wh, facts.orientation, facts.look, hashlib.sha256(content).hexdigest()]


def _write_new(path: str, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _seen(looks: Looks) -> Seen:
    if len(looks) == 1:
        return str(looks[0])
    format_, stored_wh, orientation, look, sha256 = looks
    return PhotoFacts(format_, tuple(stored_wh), orientation, look), sha256


@contextmanager
def _processes(
    count: int, chunks: Sequence[Sequence[str]], arguments: Sequence[str | int]
) -> Iterator[Iterator[list[Looks]]]:
    """Processes that look at photos, and what they say of each chunk, in order."""
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
    """What processes say of each chunk, by the chunks' places, as soon as it is known."""
    there: dict[int, list[Looks]] = {}
    readers = [_lines(said) for _, said in at_work]
    given = 0
    while given < count:
        ended = [process.poll() for process, _ in at_work]  # before what they have said is read
        for reader in readers:
            for line in next(reader):
                number, looks = json.loads(line)
                if isinstance(looks, dict):  # what the operating system refused, such as room on a disk
                    raise OSError(*looks["refused"])
                there[number] = looks
        while given in there:
            yield there.pop(given)
            given += 1
        if given < count and any(code is not None and code != 0 for code in ended):
            raise AutodetError(
                "A process that read photos has died, perhaps because memory or disk ran out; make room, and import "
                "again."
            )
        time.sleep(POLL_SECONDS if given < count else 0)


def _lines(said: BinaryIO) -> Iterator[list[bytes]]:
    """The whole lines that have been added to a file since last time, for ever."""
    at, rest = 0, b""
    while True:
        added = os.pread(said.fileno(), os.fstat(said.fileno()).st_size - at, at)
        at += len(added)
        *lines, rest = (rest + added).split(b"\n")
        yield lines


def main(arguments: Sequence[str]) -> None:
    """Look at photos until there are no more."""
    root, copies, max_pixels, names = arguments
    while place := os.read(sys.stdin.fileno(), PLACE.size):
        number, offset, size = PLACE.unpack(place)
        try:
            answer: Any = look_at(root, copies, int(max_pixels), json.loads(os.pread(int(names), size, offset)))
        except OSError as error:
            answer = {"refused": [error.errno, error.strerror]}
        sys.stdout.write(json.dumps([number, answer]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
