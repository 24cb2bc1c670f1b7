"""Photos and labels from an S3 bucket, or anything that speaks its language.

Keys come from the machine (environment, profile, role) or are passed in; they go nowhere else. Where to is the
installation's choice (``AUTODET_S3_ENDPOINT``), never a user's, because a foreign server would be sent the key's id.
Errors are fixed sentences: what a server answers is shown to nobody.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from autodet.datasets.archive import safe_path
from autodet.datasets.files import is_clutter
from autodet.errors import ArchiveError, DatasetError
from autodet.settings import Settings
from autodet.workspace import safe_join

ENDPOINT = "AUTODET_S3_ENDPOINT"


@dataclass(frozen=True)
class S3Credentials:
    """Keys for one import; never written anywhere, never shown."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str | None = None


@dataclass(frozen=True)
class S3Object:
    """One object below a prefix: its key and its size in bytes."""

    key: str
    size: int


def download_from_s3(
    url: str,
    folder: Path,
    settings: Settings,
    credentials: S3Credentials | None,
    progress: Callable[[float], None],
) -> Path:
    """Download one zip, or everything below a prefix.

    Args:
        url: ``s3://bucket/key.zip`` or ``s3://bucket/prefix``.
        folder: Where to; made here.
        settings: The caps on bytes and files.
        credentials: Keys, or None for the machine's own.
        progress: Told the share that is done, 0 to 1.

    Returns:
        The zip's file, or ``folder`` filled with the objects below the prefix.

    Raises:
        DatasetError: The address, the keys, the network or what lies there will not do.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not bucket:
        raise DatasetError(f"{url!r} names no bucket; write s3://bucket/folder or s3://bucket/file.zip.")
    folder.mkdir(parents=True)
    try:
        client = _connect(credentials)
        if key.lower().endswith(".zip"):
            size = int(client.head_object(Bucket=bucket, Key=key)["ContentLength"])
            objects = [S3Object(key, size)]
            _refuse_too_much(objects, url, settings)
            return _download(client, bucket, objects, PurePosixPath(key).parent, folder, progress)[0]
        objects = list(_list_objects(client, bucket, key.rstrip("/"), url, settings))
        if not objects:
            raise DatasetError(f"There is nothing below {url!r}; check the bucket and the folder's name.")
        _refuse_too_much(objects, url, settings)
        _download(client, bucket, objects, PurePosixPath(key.rstrip("/")), folder, progress)
        return folder
    except ClientError as error:
        raise DatasetError(_refusal(url, error)) from None
    except BotoCoreError as error:
        raise DatasetError(_failure(url, error)) from None


def _connect(credentials: S3Credentials | None) -> Any:
    import boto3
    from botocore.config import Config

    endpoint = os.environ.get(ENDPOINT) or None
    config = Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 3, "mode": "standard"})
    keys = {}
    if credentials:
        keys = {
            "aws_access_key_id": credentials.access_key_id,
            "aws_secret_access_key": credentials.secret_access_key,
            "aws_session_token": credentials.session_token,
            "region_name": credentials.region,
        }
    try:
        return boto3.session.Session(**keys).client("s3", endpoint_url=endpoint, config=config)
    except ValueError as error:
        raise DatasetError(f"{ENDPOINT} is not an address; set it to https://host, or remove it.") from error


def _list_objects(client: Any, bucket: str, prefix: str, url: str, settings: Settings) -> Iterator[S3Object]:
    """The objects below a prefix taken as a folder, page by page; never more than the cap lets through."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/" if prefix else "")
    count = 0
    for page in pages:
        for item in page.get("Contents", []):
            if item["Key"].endswith("/") or any(is_clutter(part) for part in _safe_key(item["Key"]).parts):
                continue
            count += 1
            if count > settings.max_archive_entries:
                raise DatasetError(
                    f"{url!r} holds more than {settings.max_archive_entries} files; choose the folder of one data set, "
                    "or raise AUTODET_MAX_ARCHIVE_FILES."
                )
            yield S3Object(item["Key"], int(item["Size"]))


def _refuse_too_much(objects: list[S3Object], url: str, settings: Settings) -> None:
    size = sum(item.size for item in objects)
    if size > settings.max_archive_bytes:
        raise DatasetError(
            f"{url!r} holds {size / 1e6:.0f} MB, more than {settings.max_archive_bytes / 1e6:.0f} MB; choose a smaller "
            "folder, or raise AUTODET_MAX_ARCHIVE_MB."
        )


def _download(
    client: Any,
    bucket: str,
    objects: list[S3Object],
    base: PurePosixPath,
    folder: Path,
    progress: Callable[[float], None],
) -> list[Path]:
    """Fetch objects to where their keys put them below ``base``; no object may be larger than it was listed."""
    total = sum(item.size for item in objects) or 1
    done = 0
    files = []
    for item in objects:
        path = _safe_key(item.key)
        target = safe_join(folder, *(path.relative_to(base) if base.parts else path).parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            left = item.size
            for chunk in client.get_object(Bucket=bucket, Key=item.key)["Body"].iter_chunks(1 << 20):
                left -= len(chunk)
                if left < 0:
                    raise DatasetError(f"The object {item.key!r} grew while it was downloaded; import it again.")
                file.write(chunk)
                done += len(chunk)
                progress(min(done / total, 1.0))
        files.append(target)
    return files


def _safe_key(key: str) -> PurePosixPath:
    try:
        return safe_path(key)
    except ArchiveError as error:
        raise DatasetError(f"The bucket holds the key {key[:100]!r}, which is not a file name; rename it.") from error


def _refusal(url: str, error: Any) -> str:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if status == 404:
        return f"There is nothing at {url!r}; check the bucket and the name, capital letters included."
    if status in (400, 401, 403):
        return f"The server does not let these keys read {url!r}; check the keys and the bucket's permissions."
    return f"The server refused to give {url!r}; try again later, or download it and import the zip."


def _failure(url: str, error: Exception) -> str:
    from botocore.exceptions import (
        ConnectionError,
        CredentialRetrievalError,
        NoCredentialsError,
        ParamValidationError,
        PartialCredentialsError,
    )

    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError):
        return f"There are no keys to read {url!r} with; give an access key, or set AWS_ACCESS_KEY_ID on the machine."
    if isinstance(error, ParamValidationError):
        return f"{url!r} is not the address of a bucket; write s3://bucket/folder or s3://bucket/file.zip."
    if isinstance(error, ConnectionError):
        return f"The server of {url!r} cannot be reached; check the network, or {ENDPOINT}."
    return f"{url!r} could not be downloaded; try again, or download it by hand and import the zip."
