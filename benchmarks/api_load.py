"""Load on the HTTP API: many clients that send photos without a pause.

    python -m benchmarks.api_load MODEL PHOTOS [--clients 200] [--seconds 60] [--address http://127.0.0.1:8600]

``MODEL`` is the id of a model, ``PHOTOS`` a folder of photos. Without an address, the benchmark starts
``python -m autodet serve MODEL`` in the workspace of ``AUTODET_HOME``. Every answer is compared with the first one for
the same photo. Prints the statuses, the throughput, the latency, and the memory of the server with its prediction
process, every five seconds.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

PORT = 8600
INTERVAL_SECONDS = 5.0


@dataclass
class Load:
    """Observations of the clients."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    answers: dict[int, list[object]] = field(default_factory=dict)  # by photo
    different: int = 0


def main() -> None:
    """Run the clients, and print their observations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("photos", type=Path)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--address", default="")
    parser.add_argument("--pid", type=int, help="process id of the server, for its memory, with --address")
    arguments = parser.parse_args()
    photos = [path.read_bytes() for path in sorted(arguments.photos.glob("*.jpg"))]
    print(f"{len(photos)} photos, {np.mean([len(photo) for photo in photos]) / 1e6:.2f} MB in the mean")
    command = [sys.executable, "-m", "autodet", "serve", arguments.model, "--port", str(PORT)]
    server = None if arguments.address else subprocess.Popen(command)
    address = arguments.address or f"http://127.0.0.1:{PORT}"
    try:
        asyncio.run(_measure(address, arguments, photos, server.pid if server else arguments.pid))
    finally:
        if server:
            server.terminate()
            server.wait()


async def _measure(address: str, arguments: argparse.Namespace, photos: list[bytes], pid: int | None) -> None:
    place = urlsplit(address)
    host, port = str(place.hostname), place.port or 80
    while not await _is_there(host, port):
        await asyncio.sleep(0.2)
    load = Load()
    path = f"/api/models/{arguments.model}/predict"
    await _client(0, host, port, path, photos[:1], load, time.monotonic())  # loads the model
    load, begun = Load(), time.monotonic()
    watch = asyncio.create_task(_watch(pid, begun, load))
    until = begun + arguments.seconds
    clients = (_client(number, host, port, path, photos, load, until) for number in range(arguments.clients))
    await asyncio.gather(*clients)
    seconds = time.monotonic() - begun
    watch.cancel()
    print(f"statuses {dict(load.statuses)}, answers that differ {load.different}")
    spread = np.percentile(load.seconds, (50, 99, 100))
    print(f"{len(load.seconds) / seconds:.1f} photos a second")
    print(f"latency p50 {spread[0]:.2f} s, p99 {spread[1]:.2f} s, longest {spread[2]:.2f} s")


async def _is_there(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def _client(number: int, host: str, port: int, path: str, photos: list[bytes], load: Load, until: float) -> None:
    """Send photos on one connection, one after another, until the time is over; each is answered."""
    reader = writer = None
    first = True
    while first or time.monotonic() < until:
        index = (number if first else index + 1) % len(photos)  # noqa: F821 - set by the first round
        first = False
        try:
            if writer is None or writer.is_closing():
                reader, writer = await asyncio.open_connection(host, port)
            begun = time.monotonic()
            head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/jpeg\r\n"
            writer.write(f"{head}Content-Length: {len(photos[index])}\r\n\r\n".encode())
            writer.write(photos[index])
            await writer.drain()
            assert reader
            status, body = await _answer(reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            load.statuses[type(error).__name__] += 1
            writer = None
            continue
        load.statuses[status] += 1
        load.seconds.append(time.monotonic() - begun)
        if status == "200":
            detections = json.loads(body)["detections"]
            load.different += load.answers.setdefault(index, detections) != detections


async def _answer(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    return head.split(" ", 2)[1], await reader.readexactly(length)


async def _watch(pid: int | None, begun: float, load: Load) -> None:
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        sizes = [_resident_mb(one) for one in _family(pid)] if pid else []
        print(
            f"{time.monotonic() - begun:5.0f} s  {len(load.seconds):6d} answers  "
            f"memory {' + '.join(f'{size:.0f}' for size in sizes)} MB",
            flush=True,
        )


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(child) for path in (threads if children.exists() else ()) for child in path.read_text().split()]
    return [pid, *found]


def _resident_mb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


if __name__ == "__main__":
    main()
