"""Parallel download of a bucket's objects in parts, verified, without fetching any byte twice.

boto3's own transfer manager restarts an interrupted object, cannot request a whole object in its listed version, and
does not check the received data, so this module makes the requests, with one client in many threads.
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
from autodet.records import ImportStep
from autodet.workspace import safe_join

WORKERS = 10
CHUNK_BYTES = 1 << 18
FAILURES = 5  # consecutive failures without data, before a download is interrupted
FAREWELL_SECONDS = 3.0
TICK_SECONDS = 0.1

Job = Callable[[], None]
Report = Callable[[float, ImportStep], None]


class Transfer:
    """The download of an inventory."""

    def __init__(self, client: Any, bucket: str, inventory: Inventory, files: Path, parts: Path) -> None:
        """Prepare the download.

        Args:
            client: The boto3 client, shared by all threads.
            bucket: The source bucket.
            inventory: The objects to fetch.
            files: The target folder; complete files in it are kept.
            parts: The folder of incomplete objects.
        """
        self._client, self._bucket, self._inventory = client, bucket, inventory
        self._files, self._parts = files, parts
        self._stop = Event()
        self._lock = Lock()
        self._there = self._received = 0
        self._folders: set[Path] = set()
        self._encrypted: set[str] = set()  # keys in progress whose ETag is not an MD5, even if it looks like one
        self._jobs = self._list_jobs()

    def run(self, report: Report) -> None:
        """Fetch all missing objects.

        Args:
            report: Receives the completed fraction, 0 to 1, and the step with the byte count; may raise to cancel.

        Raises:
            DownloadInterruptedError: The connection failed repeatedly, or an object was damaged.
            DatasetError: The server sends more than it listed, or does not serve parts of an object.
            ClientError: The server refuses an object.
        """
        began = time.monotonic()
        run_together([self._work] * WORKERS, lambda: report(*self._progress(time.monotonic() - began)), self._stop)
        report(*self._progress(time.monotonic() - began))

    def _progress(self, seconds: float) -> tuple[float, ImportStep]:
        total = self._inventory.size
        done = self._there + self._received
        share = min(done / (total or 1), 1.0)
        known = self._received and seconds > 1
        left = (total - done) / self._received * seconds if known else None
        return share, ImportStep("download", done, total, left)

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
        """Yield the download jobs, determined lazily as the download proceeds."""
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
        target.write_bytes(content)  # a partial write has another size, and is fetched again

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
        """Return whether to compare a received object with its ETag, which then is the MD5 of its content."""
        encrypted = item.key in self._encrypted
        self._encrypted.discard(item.key)
        return _is_compared(item) and not encrypted

    def _receive(self, item: S3Object, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of an object from ``start`` to before ``end``; resume after a lost connection."""
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
        """Yield the bytes of one request."""
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
    """A failed request that may succeed on retry."""


def _is_compared(item: S3Object) -> bool:
    """Return whether an object has an MD5 to compare; unpacking verifies the checksums in a zip instead."""
    return is_md5(item.etag) and not is_zip(item.key)


def _damaged(item: S3Object) -> DownloadInterruptedError:
    return DownloadInterruptedError(
        f"The object {item.key[:100]!r} came damaged: it is not what its server says it is; try again."
    )


def run_together(works: Sequence[Job], tick: Job, stop: Event) -> None:
    """Run functions in one thread each, and call ``tick`` here several times a second until they end.

    The first error, or one of ``tick``, sets ``stop`` and is raised. Threads that wait for a server may outlive this
    call for a while, but write nothing more.
    """
    errors: list[Exception] = []

    def guarded(work: Job) -> None:
        try:
            work()
        except Exception as error:  # thread boundary: raised again below
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
