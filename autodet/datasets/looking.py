"""Looking at every photo of a source once: what it is, how it looks, what its bytes hash to.

    python -m autodet.datasets.looking FOLDER COPIES MAX_PIXELS

Python's threads share one core for much of this work, so many photos are looked at by processes of this module: each
reads lines from standard input, a JSON list of names each, and answers each with what ``look_at`` says of them.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from autodet.datasets.photos import PhotoFacts, check_photo, read_photo
from autodet.errors import AutodetError, PhotoError
from autodet.settings import load_settings
from autodet.workspace import module_environment

CHUNK = 32  # photos that are looked at in one go
MANY = 1000  # photos from which on processes are worth their start

Looks = list[Any]  # of one photo: what ``seen`` reads
Looker = Callable[[Sequence[str]], list[Looks]]


def look_at_photos(names: Sequence[str], root: Path, copies: Path | None) -> Iterator[tuple[PhotoFacts, str] | str]:
    """Read every photo to its end, on all cores.

    Args:
        names: The photos, below ``root``.
        root: Their folder.
        copies: Where to copy them to, under the same names, as they are read; None for nowhere.

    Yields:
        For each photo in order its facts and the SHA-256 of its bytes, in hexadecimal; a sentence if it cannot be read.
    """
    if copies:
        for folder in {os.path.dirname(name) for name in names}:  # noqa: PTH120
            (copies / folder).mkdir(parents=True, exist_ok=True)
    chunks = [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
    workers = min(os.cpu_count() or 1, len(chunks)) or 1
    with ExitStack() as stack:
        look: Looker = partial(look_at, str(root), str(copies or ""), load_settings().max_photo_pixels)
        if len(names) >= MANY:
            look = stack.enter_context(_processes(workers, root, copies))
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        for looks in pool.map(look, chunks):
            yield from map(_seen, looks)


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
        with open(os.path.join(copies, name), "xb") as file:  # noqa: PTH118, PTH123
            file.write(content)
    return [facts.format, facts.stored_wh, facts.orientation, facts.look, hashlib.sha256(content).hexdigest()]


def _seen(looks: Looks) -> tuple[PhotoFacts, str] | str:
    if len(looks) == 1:
        return str(looks[0])
    format_, stored_wh, orientation, look, sha256 = looks
    return PhotoFacts(format_, tuple(stored_wh), orientation, look), sha256


@contextmanager
def _processes(count: int, root: Path, copies: Path | None) -> Iterator[Looker]:
    """Processes that look at photos; whoever calls what this yields is served by the next one that is free."""
    free: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
    environment = module_environment()
    arguments = [str(root), str(copies or ""), str(load_settings().max_photo_pixels)]
    command = [sys.executable, "-m", "autodet.datasets.looking", *arguments]
    with ExitStack() as stack:
        for _ in range(count):
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
            stack.callback(_end, process)
            free.put(process)
        yield partial(_ask_next, free)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    with suppress(BrokenPipeError), process:
        pass


def _ask_next(free: "SimpleQueue[subprocess.Popen[bytes]]", names: Sequence[str]) -> list[Looks]:
    process = free.get()
    try:
        process.stdin.write(json.dumps(names).encode() + b"\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        answer = process.stdout.readline()  # type: ignore[union-attr]
    except BrokenPipeError:
        answer = b""
    finally:
        free.put(process)
    if not answer.endswith(b"\n"):
        raise AutodetError(
            "A process that read photos has died, perhaps because memory or disk ran out; make room, and import again."
        )
    looks = json.loads(answer)
    if isinstance(looks, dict):  # what the operating system refused, such as room on a disk
        raise OSError(*looks["refused"])
    return list(looks)


def main(arguments: Sequence[str]) -> None:
    """Answer until nobody asks any more."""
    root, copies, max_pixels = arguments
    for line in sys.stdin.buffer:
        try:
            answer: Any = look_at(root, copies, int(max_pixels), json.loads(line))
        except OSError as error:
            answer = {"refused": [error.errno, error.strerror]}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
