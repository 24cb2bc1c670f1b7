"""Download from an ``s3://`` address to this machine: list, confirm, fetch.

    <folder>/inventory.db   objects on the server, with ETags
    <folder>/parts/         incomplete large objects
    <folder>/files/         complete objects

The folder stays after an interruption: delete it to abandon the download, or call again to resume it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path, PurePosixPath
from threading import Event
from typing import Any

from autodet.datasets.sources.files import is_clutter
from autodet.datasets.sources.s3.access import OWN, S3Credentials, connect, is_zip, parse_address
from autodet.datasets.sources.s3.inventory import Inventory, S3Object, safe_key
from autodet.errors import DatasetError, DownloadInterruptedError, LargeDownloadError
from autodet.messages.imports import download_question
from autodet.records import ImportStep
from autodet.settings import Settings

Progress = Callable[[float, ImportStep], None]
INVENTORY, PARTS, FILES = "inventory.db", "parts", "files"


def download_from_s3(
    url: str,
    folder: Path,
    settings: Settings,
    credentials: S3Credentials | None,
    progress: Progress,
    *,
    large: bool = False,
) -> Path:
    """Download one zip, or everything below a prefix.

    Args:
        url: ``s3://bucket/key.zip`` or ``s3://bucket/prefix``.
        folder: The target folder; data from an earlier download of the same address is not fetched again.
        settings: The limits on bytes and files, and the size of a large download.
        credentials: Credentials and server; None for the machine's own, and the first server.
        progress: Receives the completed fraction, 0 to 1, and the current step; may raise to cancel the download.
        large: Whether the user agreed to a large download.

    Returns:
        The zip's file, or a folder with the objects below the prefix.

    Raises:
        LargeDownloadError: The download is large, and the user has not agreed to it.
        DownloadInterruptedError: The download broke off; another call resumes it.
        DatasetError: The address, keys, network or content are unusable.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from autodet.datasets.sources.s3.sentences import sentence_for
    from autodet.datasets.sources.s3.transfer import WORKERS, Transfer, run_together

    bucket, key = parse_address(url)
    asking = credentials or OWN
    files, parts = folder / FILES, folder / PARTS
    for made in (files, parts):
        made.mkdir(parents=True, exist_ok=True)
    begun = any(path.is_file() for path in (*files.rglob("*"), *parts.iterdir()))
    with closing(Inventory(folder / INVENTORY, url, settings)) as inventory:
        try:
            client = connect(asking, settings, WORKERS)
            objects = _one_object(client, bucket, key) if is_zip(key) else _objects_below(client, bucket, key)
            run_together(
                [lambda: inventory.refresh(objects, files)],
                lambda: progress(0.0, ImportStep("list", inventory.count, inventory.size)),
                Event(),
            )
            if not inventory.count:
                raise DatasetError(f"There is nothing below {url!r}; check the bucket and the folder's name.")
            if inventory.size > settings.large_download_bytes and not large:
                question = download_question(url, inventory.count, inventory.size)
                raise LargeDownloadError(question, inventory.count, inventory.size)
            begun = True
            Transfer(client, bucket, inventory, files, parts).run(progress)
        except (ClientError, BotoCoreError) as error:
            sentence = sentence_for(error, url, anonymous=asking.identity == "anonymous")
            raise (DownloadInterruptedError if begun else DatasetError)(sentence) from None
    return files / PurePosixPath(key).name if is_zip(key) else files


def _one_object(client: Any, bucket: str, key: str) -> Iterator[S3Object]:
    answer = client.head_object(Bucket=bucket, Key=key)
    name = PurePosixPath(safe_key(key).name)
    yield S3Object(key, name, int(answer["ContentLength"]), _comparable(answer))


def _objects_below(client: Any, bucket: str, key: str) -> Iterator[S3Object]:
    """Yield the objects below a prefix treated as a folder, page by page."""
    prefix = f"{key.rstrip('/')}/" if key.strip("/") else ""
    base = len(safe_key(prefix).parts) if prefix else 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            path = safe_key(item["Key"])
            if not item["Key"].endswith("/") and not any(is_clutter(part) for part in path.parts[base:]):
                yield S3Object(item["Key"], PurePosixPath(*path.parts[base:]), int(item["Size"]), _comparable(item))


def _comparable(answer: Mapping[str, Any]) -> str:
    return str(answer.get("ETag", "")).strip('"')
