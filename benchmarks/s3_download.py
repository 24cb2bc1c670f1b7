"""Download speed from S3, compared with boto3's own transfer manager, from one server on loopback.

    python -m benchmarks.s3_download [--moto] [--times 5] [--zip-mb 300] [--photos 2000] [--photo-kb 50]

The server runs in its own process. Both clients take turns and write to the same disk. Prints rows for
docs/experiments/s3-download.md.
"""

import argparse
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from autodet.datasets.sources.s3.access import S3Credentials, connect
from autodet.datasets.sources.s3.source import download_from_s3
from autodet.settings import Settings, load_settings
from benchmarks.plain_s3 import serve

KEYS = S3Credentials("an-access-key-id", "a-secret-key", region="us-east-1")
BUCKET, PHOTOS, IN_PARTS, IN_ONE = "bench", "photos", "parts.zip", "one.zip"


def main() -> None:
    """Start the server, fill it, time both clients in turn, print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moto", action="store_true", help="let moto be the server")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--zip-mb", type=int, default=300)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--photo-kb", type=int, default=50)
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    objects = dict.fromkeys((IN_PARTS, IN_ONE), arguments.zip_mb * 1_000_000)
    objects |= {f"{PHOTOS}/{number:05}.jpg": arguments.photo_kb * 1000 for number in range(arguments.photos)}
    server = context.Process(
        target=_serve_moto if arguments.moto else serve, args=(theirs, objects, IN_PARTS), daemon=True
    )
    server.start()
    os.environ["AUTODET_S3_ENDPOINT"] = ours.recv()
    settings = load_settings()
    megabytes = arguments.photos * arguments.photo_kb / 1000
    for key, how in ((IN_PARTS, "uploaded in parts"), (IN_ONE, "uploaded in one piece")):
        _compare(f"a zip of {arguments.zip_mb} MB, {how}", key, arguments.zip_mb, arguments.times, settings)
    _compare(f"{arguments.photos} photos of {arguments.photo_kb} KB", PHOTOS, megabytes, arguments.times, settings)
    server.terminate()


def _serve_moto(pipe: Connection, objects: dict[str, int], in_parts: str) -> None:
    """Serve the same objects with moto, which the tests use and which is slower than either client."""
    import logging

    from moto.s3.models import s3_backends
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    backend = s3_backends["123456789012"]["aws"]
    backend.create_bucket(BUCKET, "us-east-1")
    for key, size in objects.items():
        backend.put_object(BUCKET, key, os.urandom(size), etag=f"{0:032x}-38" if key == in_parts else None)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    pipe.send("http://{}:{}".format(*server.get_host_and_port()))
    pipe.recv()


def _compare(what: str, key: str, megabytes: float, times: int, settings: Settings) -> None:
    seconds: dict[Callable[[str, Path, Settings], None], list[float]] = {_bare: [], _autodet: []}
    for _ in range(times):
        for download, taken in seconds.items():
            folder = Path(tempfile.mkdtemp())
            began = time.perf_counter()
            download(key, folder, settings)
            taken.append(time.perf_counter() - began)
            shutil.rmtree(folder)
    bare, autodet = (megabytes / statistics.median(taken) for taken in seconds.values())
    print(f"| S3, {what} | {autodet:.0f} MB/s, boto3's transfer manager {bare:.0f} MB/s: {autodet / bare:.2f} of it |")


def _autodet(key: str, folder: Path, settings: Settings) -> None:
    download_from_s3(f"s3://{BUCKET}/{key}", folder / "ours", settings, KEYS, lambda _share, _doing: None)


def _bare(key: str, folder: Path, settings: Settings) -> None:
    """Download as in typical boto3 code: one manager with its defaults, all keys submitted at once."""
    from boto3.s3.transfer import TransferConfig, create_transfer_manager

    client: Any = connect(KEYS, settings, connections=10)
    keys = [key]
    if key == PHOTOS:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{PHOTOS}/")
        keys = [item["Key"] for page in pages for item in page["Contents"]]
    (folder / PHOTOS).mkdir()
    with create_transfer_manager(client, TransferConfig()) as manager:
        for future in [manager.download(BUCKET, key, str(folder / key)) for key in keys]:
            future.result()


if __name__ == "__main__":
    main()
