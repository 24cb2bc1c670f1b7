"""A registry in a bucket: conditional writes (``If-None-Match: *``) create documents.

A server that ignores the condition would lose versions, so ``prepare`` refuses it.
"""

import base64
import hashlib
import io
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from autodet.datasets.sources.s3.access import OWN, connect, parse_address
from autodet.datasets.sources.s3.inventory import Inventory, S3Object
from autodet.datasets.sources.s3.sentences import CHANGED, FORBIDDEN, GONE, REDIRECTED, status_of, unsent_sentence
from autodet.datasets.sources.s3.transfer import WORKERS, Transfer
from autodet.errors import NotFoundError, RegistryError
from autodet.registry.store import ABOUT, MARKER, MAX_DOCUMENT_BYTES, MAX_KEYS, Report, too_many
from autodet.settings import Settings

EXISTS, AT_ONCE = 412, 409  # answers to a conditional write: the key exists; another write is under way
ATTEMPTS = 8
BUNDLE, PARTS, INVENTORY = "bundle", "parts", "inventory.db"


@dataclass(frozen=True)
class S3Store:
    """The registry below a prefix of a bucket, read and written with this machine's own keys.

    Attributes:
        address: ``s3://bucket/prefix``.
        settings: The server and the limits.
    """

    address: str
    settings: Settings

    @cached_property
    def _client(self) -> Any:
        return connect(OWN, self.settings, WORKERS)

    @cached_property
    def _place(self) -> tuple[str, str]:
        """The bucket, and the start of every key."""
        bucket, prefix = parse_address(self.address)
        return bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def prepare(self) -> None:
        """Write the marker of the registry, as ``Store.prepare``; a server that writes it twice keeps nothing apart."""
        if self._put_new(MARKER, ABOUT) and self._put_new(MARKER, ABOUT):
            raise RegistryError(
                f"The server of {self.address} ignores conditional writes (If-None-Match), so pushes at the same time "
                "would replace each other; use another server, or a folder as AUTODET_REGISTRY."
            )

    def list(self, prefix: str) -> dict[str, str]:
        """Return keys with their ETags, as ``Store.list``."""
        bucket, base = self._place
        found: dict[str, str] = {}
        with self._sentences():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=base + prefix)
            for item in (item for page in pages for item in page.get("Contents", [])):
                if len(found) == MAX_KEYS:
                    raise too_many(self.address)
                found[item["Key"].removeprefix(base)] = item.get("ETag", "")
        return found

    def read(self, key: str) -> bytes:
        """Return a document, as ``Store.read``."""
        with self._sentences(), closing(self._client.get_object(**self._object(key))["Body"]) as body:
            return bytes(body.read(MAX_DOCUMENT_BYTES))

    def create(self, key: str, content: bytes) -> bool:
        """Create a document, as ``Store.create``.

        The client repeats a request whose answer was lost, and then meets the object that the first one made; so an
        existing object with this content counts as created.
        """
        return self._put_new(key, content) or self.read(key) == content

    def _put_new(self, key: str, content: bytes) -> bool:
        """Write an object unless it exists; return whether this call wrote it."""
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        options = {"Body": content, "ContentType": "application/json", "ChecksumSHA256": digest}
        for attempt in range(1, ATTEMPTS + 1):
            with self._sentences():
                try:
                    self._client.put_object(**self._object(key), **options, IfNoneMatch="*")
                except ClientError as error:
                    if status_of(error) == EXISTS:
                        return False
                    if status_of(error) != AT_ONCE or attempt == ATTEMPTS:
                        raise
                else:
                    return True
            time.sleep(0.05 * 2**attempt)
        raise AssertionError  # unreachable: the last attempt returns or raises

    def has_file(self, key: str, size: int) -> bool:
        """Return whether an object has a size, as ``Store.has_file``."""
        with self._sentences():
            try:
                return int(self._client.head_object(**self._object(key))["ContentLength"]) == size
            except ClientError as error:
                if status_of(error) in GONE:
                    return False
                raise

    def put_file(self, key: str, file: Path, report: Report) -> None:
        """Store a file, as ``Store.put_file``: in one request, so that a killed process leaves no parts behind."""
        with file.open("rb") as opened:
            digest = base64.b64encode(hashlib.file_digest(opened, "sha256").digest()).decode()
        with self._sentences(), _ReportedFile(file, report) as body:
            self._client.put_object(**self._object(key), Body=body, ChecksumSHA256=digest)

    def fetch(self, key: str, size: int, folder: Path, report: Report) -> Path:
        """Download an object, as ``Store.fetch``."""
        (folder / PARTS).mkdir(exist_ok=True)
        with self._sentences(), closing(Inventory(folder / INVENTORY, self.address, self.settings)) as inventory:
            bucket, base = self._place
            answer = self._client.head_object(**self._object(key))
            if int(answer["ContentLength"]) != size:
                raise RegistryError(
                    f"The file {key} in {self.address} is damaged: its size is wrong; push the model again."
                )
            item = S3Object(base + key, PurePosixPath(BUNDLE), size, str(answer.get("ETag", "")).strip('"'))
            inventory.refresh([item], folder)
            transfer = Transfer(self._client, bucket, inventory, folder, folder / PARTS)
            transfer.run(lambda _share, step: report(step.done, step.total))
        return folder / BUNDLE

    def _object(self, key: str) -> dict[str, str]:
        bucket, base = self._place
        return {"Bucket": bucket, "Key": base + key}

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            raise _refusal(error, self.address) from None
        except BotoCoreError as error:
            sentence = unsent_sentence(error, self.address)
            raise RegistryError(
                sentence or f"The registry {self.address} could not be used; check the network, and try again."
            ) from None


def _refusal(error: ClientError, address: str) -> Exception:
    """Return the error for a server's answer, which is never shown."""
    status, code = status_of(error), error.response.get("Error", {}).get("Code")
    if code == "NoSuchBucket":
        return RegistryError(f"There is no bucket for the registry {address}; create it, or change AUTODET_REGISTRY.")
    if status in GONE:
        return NotFoundError(f"The registry {address} lacks a file that it names; push the model again.")
    if status in (*FORBIDDEN, *REDIRECTED):
        return RegistryError(
            f"The server does not let these keys use the registry {address}; check the keys, the region, and that they "
            "may list, read and write there."
        )
    if status in CHANGED:
        return RegistryError(f"Others write to the registry {address} at the same time; try again.")
    return RegistryError(f"The server of the registry {address} refuses the request; try again later.")


class _ReportedFile(io.FileIO):
    """A file that reports how far it has been read."""

    def __init__(self, path: Path, report: Report) -> None:
        super().__init__(path)
        self._report, self._size = report, path.stat().st_size

    def read(self, size: int | None = -1) -> bytes:
        content = super().read(-1 if size is None else size)
        self._report(self.tell(), self._size)
        return content or b""
