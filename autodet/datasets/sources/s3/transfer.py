"""Objects of a bucket onto this disk: in parallel, in parts, checked, and no byte twice.

boto3's own transfer manager begins an interrupted object anew, cannot ask a whole object for the version that was
listed, and writes whatever comes; so the requests are made here, by one client in many threads.
"""

import hashlib
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from autodet.datasets.sources.s3.access import is_zip
from autodet.datasets.sources.s3.inventory import Inventory, S3Object
from autodet.datasets.sources.s3.partial import PART_BYTES, PartialFile, is_md5
from autodet.datasets.sources.s3.sentences import status_of
from autodet.errors import DatasetError, DownloadInterruptedError
from autodet.text_format import duration, size_text
from autodet.workspace import safe_join

WORKERS = 10
CHUNK_BYTES = 1 << 18
FAILURES = 5  # in a row, without a byte between them, before a download is interrupted
FAREWELL_SECONDS = 3.0
TICK_SECONDS = 0.1

Job = Callable[[], None]
Report = Callable[[float, str], None]


class Transfer:
    """The download of an inventory."""

    def __init__(self, client: Any, bucket: str, inventory: Inventory, files: Path, parts: Path) -> None:
        """Prepare it.

        Args:
            client: Boto3's, which all threads share.
            bucket: Where from.
            inventory: What to fetch.
            files: Where to; what is there already stays.
            parts: Where objects are kept that are not complete.
        """
        self._client, self._bucket, self._inventory = client, bucket, inventory
        self._files, self._parts = files, parts
        self._stop = Event()
        self._lock = Lock()
        self._there = self._received = 0
        self._folders: set[Path] = set()
        self._encrypted: set[str] = set()  # keys at work whose ETag is no MD5, whatever it looks like
        self._jobs = self._list_jobs()

    def run(self, report: Report) -> None:
        """Fetch everything that is not there.

        Args:
            report: Told the share that is done, 0 to 1, and how many bytes that are; may raise to end it.

        Raises:
            DownloadInterruptedError: The connection broke and stayed broken, or something came damaged.
            DatasetError: The server sends more than it listed.
            ClientError: The server refuses an object.
        """
        began = time.monotonic()
        run_together([self._work] * WORKERS, lambda: report(*self._progress(time.monotonic() - began)), self._stop)
        report(*self._progress(time.monotonic() - began))

    def _progress(self, seconds: float) -> tuple[float, str]:
        total = self._inventory.size
        done = self._there + self._received
        share = min(done / (total or 1), 1.0)
        text = f"Downloading: {size_text(done)} of {size_text(total)} ({share:.0%})"
        if self._received and seconds > 1:
            text += f", about {duration((total - done) / self._received * seconds)} left"
        return share, text

    def _work(self) -> None:
        while not self._stop.is_set() and (job := self._next_job()):
            job()

    def _next_job(self) -> Job | None:
        with self._lock:
            return next(self._jobs, None)

    def _count(self, size: int) -> None:
        with self._lock:
            self._received += size

    def _list_jobs(self) -> Iterator[Job]:
        """What there is to do, found out while it is being done."""
        for item in self._inventory.objects():
            target = safe_join(self._files, *item.path.parts)
            if target.parent not in self._folders:
                target.parent.mkdir(parents=True, exist_ok=True)
                self._folders.add(target.parent)
            if target.exists() and target.stat().st_size == item.size:
                self._there += item.size
            elif item.size <= PART_BYTES:
                yield partial(self._fetch_whole, item, target)
            else:
                yield from self._list_parts(item, target)

    def _list_parts(self, item: S3Object, target: Path) -> Iterator[Job]:
        version = hashlib.sha256(f"{item.key}\n{item.etag}\n{item.size}".encode()).hexdigest()
        large = PartialFile(self._parts / version[:32], item.size, digested=_is_compared(item))
        self._there += large.come
        for part in range(large.parts):
            yield partial(self._fetch_part, item, target, large, part)

    def _fetch_whole(self, item: S3Object, target: Path) -> None:
        content = bytearray()
        for chunk in self._receive(item, 0, item.size):
            content += chunk
        if self._stop.is_set():
            return
        if content and self._is_md5(item) and hashlib.md5(content, usedforsecurity=False).hexdigest() != item.etag:
            raise _damaged(item)
        target.write_bytes(content)  # a part of it would have another size, and be fetched again

    def _fetch_part(self, item: S3Object, target: Path, large: PartialFile, part: int) -> None:
        for chunk in self._receive(item, *large.missing(part)):
            large.write(part, chunk)
        if not large.settle():
            return
        if self._is_md5(item) and large.digest != item.etag:
            large.discard()
            raise _damaged(item)
        large.publish(target)

    def _is_md5(self, item: S3Object) -> bool:
        """Whether a received object is to be compared with its ETag, as that is the MD5 of its content."""
        encrypted = item.key in self._encrypted
        self._encrypted.discard(item.key)
        return _is_compared(item) and not encrypted

    def _receive(self, item: S3Object, start: int, end: int) -> Iterator[bytes]:
        """The bytes of an object from ``start`` to before ``end``; a connection that breaks goes on where it broke."""
        at, failures = start, 0
        while at < end and not self._stop.is_set():
            try:
                for chunk in self._ask(item, at, end):
                    at, failures = at + len(chunk), 0
                    if at > end:
                        raise DatasetError(
                            f"The server sends more of {item.key[:100]!r} than it listed; import it again."
                        )
                    self._count(len(chunk))
                    yield chunk
                    if self._stop.is_set():
                        return
            except _LostError:
                failures += 1
                if failures == FAILURES:
                    raise DownloadInterruptedError(
                        f"The connection broke while {item.key[:100]!r} was downloaded; try again when the network is "
                        "better."
                    ) from None
                self._stop.wait(0.25 * 2**failures)

    def _ask(self, item: S3Object, start: int, end: int) -> Iterator[bytes]:
        """What one request gives."""
        wanted = {"Bucket": self._bucket, "Key": item.key}
        if item.etag:
            wanted["IfMatch"] = f'"{item.etag}"'
        whole = (start, end) == (0, item.size)
        if not whole:
            wanted["Range"] = f"bytes={start}-{end - 1}"
        try:
            answer = self._client.get_object(**wanted)
            if not whole and answer.get("ContentRange") != f"bytes {start}-{end - 1}/{item.size}":
                raise DatasetError(
                    f"The server does not give {item.key[:100]!r} in parts; download it and import the zip."
                )
            if answer.get("ServerSideEncryption", "AES256") != "AES256" or "SSECustomerAlgorithm" in answer:
                self._encrypted.add(item.key)
            with closing(answer["Body"]) as body:
                yield from body.iter_chunks(CHUNK_BYTES)
        except ClientError as error:
            if status_of(error) < 500 and status_of(error) != 429:
                raise
            raise _LostError from None
        except (BotoCoreError, HTTPError, ssl.SSLError, ConnectionError, TimeoutError):
            raise _LostError from None


class _LostError(Exception):
    """A request that may succeed if it is made again."""


def _is_compared(item: S3Object) -> bool:
    """Whether what comes is compared with an MD5; a zip's files are when it is unpacked, with sums of their own."""
    return is_md5(item.etag) and not is_zip(item.key)


def _damaged(item: S3Object) -> DownloadInterruptedError:
    return DownloadInterruptedError(
        f"The object {item.key[:100]!r} came damaged: it is not what its server says it is; try again."
    )


def run_together(works: Sequence[Job], tick: Job, stop: Event) -> None:
    """Run functions in threads of their own, and another one here, several times a second, while they run.

    The first error, or one of ``tick``'s, sets ``stop`` and is raised. Threads that wait for a server may then outlive
    this call for a while; they write nothing any more.
    """
    errors: list[Exception] = []

    def guarded(work: Job) -> None:
        try:
            work()
        except Exception as error:  # the edge of a thread: raised again below
            errors.append(error)
            stop.set()

    threads = [Thread(target=guarded, args=(work,), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive() and not stop.is_set():
                tick()
                thread.join(TICK_SECONDS)
    finally:
        stop.set()
        deadline = time.monotonic() + FAREWELL_SECONDS
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
    if errors:
        raise errors[0]
