"""Load on the server by visitors who click through the pages, and by open tabs.

    python -m benchmarks.public_load browse HOME [--visitors 30] [--seconds 180] [--photo FILE]
    python -m benchmarks.public_load tabs HOME [--seconds 30]

A visitor is a client of Streamlit's protocol: it opens a session, goes to a random page every few seconds, fetches the
pictures that the page names, follows the refreshes that the page asks for, and, with ``--photo``, predicts on Predict.
``--cloud PYTHON`` serves ``cloud/app.py`` with that interpreter. ``--search`` runs a search on the first data set at
the same time. The times of a visitor include the work of this process, which shares the cores.
"""

import argparse
import asyncio
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).parents[1]
PAGES = ("", "datasets", "search", "results", "evaluate", "compare", "predict", "models", "settings")
PAUSE_SECONDS = 5.0  # mean time that a visitor looks at a page
PATIENCE_SECONDS = 120.0
MEDIA = re.compile(rb"/media/[0-9a-f]+\.\w+")
FLAGS = ("--server.headless=true", "--server.address=127.0.0.1")
UNIT = os.sysconf("SC_CLK_TCK")


class Visitor:
    """One browser tab.

    Attributes:
        times: Seconds of each page, by its name.
        refreshes: Number of reruns that pages have asked for.
        errors: Pages that showed an error.
    """

    def __init__(self, url: str, photo: bytes) -> None:
        self._url, self._photo, self._number = url, photo, count()
        self.times: list[tuple[str, float]] = []
        self.refreshes, self.predictions, self.errors = 0, 0, list[str]()
        self._hashes: dict[str, str] = {}
        self._known: set[str] = set()  # hashes of cached messages
        self._fetched: set[bytes] = set()
        self._refreshers: dict[str, asyncio.Task[None]] = {}
        self._page, self._uploader, self._files = "", "", asyncio.Queue[Any]()
        self._finished = asyncio.Event()

    async def open(self) -> None:
        """Fetch the document, connect, and run Home."""
        self._http = requests.Session()
        for path in ("", "/_stcore/health"):
            await asyncio.to_thread(self._http.get, self._url + path, headers={"Accept": "text/html"}, timeout=60)
        cookies = "; ".join(f"{name}={value}" for name, value in self._http.cookies.items())
        self._xsrf = self._http.cookies["_streamlit_xsrf"].strip('"')
        self._socket: ClientConnection = await connect(
            self._url.replace("http", "ws") + "/_stcore/stream",
            subprotocols=["streamlit", self._xsrf],  # type: ignore[list-item]
            additional_headers={"Cookie": cookies},
            max_size=None,
            open_timeout=PATIENCE_SECONDS,
        )
        self._listener = asyncio.create_task(self._listen())
        await self.go("")

    async def go(self, page: str) -> None:
        """Open a page, and record the time until it is drawn and its pictures are there."""
        for task in self._refreshers.values():
            task.cancel()
        self._refreshers.clear()
        self._page, self._uploader, self._media = page, "", set[bytes]()
        began = time.perf_counter()
        await self._run(page)
        await asyncio.gather(*(self._fetch(path) for path in self._media - self._fetched))
        self.times.append((page or "home", time.perf_counter() - began))

    async def predict(self) -> None:
        """Upload the photo on the open page, and wait for its boxes."""
        if not self._uploader:
            return
        name = f"photo {next(self._number)}.jpg"
        asked = BackMsg()
        asked.file_urls_request.request_id, asked.file_urls_request.file_names[:] = name, [name]
        await self._socket.send(asked.SerializeToString())
        urls = await asyncio.wait_for(self._files.get(), PATIENCE_SECONDS)
        content = self._photo + os.urandom(8)  # after the end of the image: a new photo for the server
        began = time.perf_counter()
        await asyncio.to_thread(
            self._http.put,
            self._url + "/" + urls.upload_url.lstrip("/"),
            files={"file": (name, content)},
            headers={"X-Xsrftoken": self._xsrf},
            timeout=PATIENCE_SECONDS,
        )
        message = self._message(self._page)
        state = message.rerun_script.widget_states.widgets.add(id=self._uploader)
        file = state.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(content), file_id=urls.file_id
        )
        file.file_urls.CopyFrom(urls)
        await self._send_and_wait(message)
        self.times.append(("prediction", time.perf_counter() - began))
        self.predictions += 1

    async def leave(self) -> None:
        """Close the tab."""
        for task in [*self._refreshers.values(), self._listener]:
            task.cancel()
        await self._socket.close()

    def _message(self, page: str, fragment: str = "") -> BackMsg:
        message = BackMsg()
        rerun = message.rerun_script
        rerun.page_script_hash, rerun.cached_message_hashes[:] = self._hashes.get(page, ""), list(self._known)
        rerun.context_info.url, rerun.context_info.color_scheme = f"{self._url}/{page}", "light"
        if fragment:
            rerun.fragment_id, rerun.is_auto_rerun = fragment, True
        return message

    async def _run(self, page: str) -> None:
        await self._send_and_wait(self._message(page))

    async def _send_and_wait(self, message: BackMsg) -> None:
        self._finished.clear()
        await self._socket.send(message.SerializeToString())
        await asyncio.wait_for(self._finished.wait(), PATIENCE_SECONDS)

    async def _fetch(self, path: bytes) -> None:
        self._fetched.add(path)
        answer = await asyncio.to_thread(self._http.get, self._url + path.decode(), timeout=PATIENCE_SECONDS)
        if not answer.ok:
            self.errors.append(f"{path.decode()}: {answer.status_code}")

    async def _refresh(self, page: str, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            self.refreshes += 1
            await self._socket.send(self._message(page, fragment).SerializeToString())

    async def _listen(self) -> None:
        async for received in self._socket:
            message = ForwardMsg.FromString(received if isinstance(received, bytes) else received.encode())
            if message.metadata.cacheable and message.hash:
                self._known.add(message.hash)
            kind = message.WhichOneof("type")
            if kind == "navigation":
                self._hashes |= {page.url_pathname: page.page_script_hash for page in message.navigation.app_pages}
                self._hashes[""] = next(
                    page.page_script_hash for page in message.navigation.app_pages if page.is_default
                )
            elif kind == "auto_rerun":
                fragment = message.auto_rerun.fragment_id
                if old := self._refreshers.get(fragment):
                    old.cancel()
                self._refreshers[fragment] = asyncio.create_task(
                    self._refresh(self._page, fragment, message.auto_rerun.interval)
                )
            elif kind == "file_urls_response":
                self._files.put_nowait(message.file_urls_response.file_urls[0])
            elif kind == "delta":
                self._note(message, received)
            elif kind == "script_finished" and message.script_finished in (
                ForwardMsg.FINISHED_SUCCESSFULLY,
                ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
            ):
                self._finished.set()

    def _note(self, message: ForwardMsg, received: Any) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        self._media.update(MEDIA.findall(received))
        if kind == "file_uploader" and not self._uploader:
            self._uploader = element.file_uploader.id
        if kind == "exception" or (kind == "alert" and element.alert.format == element.alert.ERROR):
            self.errors.append(f"{self._page}: {element.alert.body or element.exception.message}")


@contextmanager
def served(home: Path, python: str, script: str) -> Iterator[tuple[str, int]]:
    """Serve the app; yield its address and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [python, "-m", "streamlit", "run", script, f"--server.port={port}", *FLAGS],
        cwd=ROOT,
        env=os.environ | {"AUTODET_HOME": str(home.resolve())},
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while process.poll() is None:
            with suppress(requests.RequestException):
                if requests.get(f"{url}/_stcore/health", timeout=5).ok:
                    break
            time.sleep(0.1)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


@contextmanager
def searching(home: Path, wanted: bool) -> Iterator[None]:
    """Run a search on the first data set of a workspace."""
    if not wanted:
        yield
        return
    environment = os.environ | {"AUTODET_HOME": str(home.resolve())}
    command, dataset = [sys.executable, "-m", "autodet"], min(path.name for path in (home / "datasets").iterdir())
    started = [*command, "search", dataset, "--trials", "20", "--epochs", "50", "--name", "under load", "--detach"]
    subprocess.run(started, env=environment, check=True, capture_output=True)
    time.sleep(40)  # until it trains
    try:
        yield
    finally:
        subprocess.run([*command, "stop", "under load"], env=environment, check=False, capture_output=True)
        time.sleep(10)
        subprocess.run([*command, "delete", "under load"], env=environment, check=False)


async def browse(url: str, pid: int, arguments: argparse.Namespace) -> None:
    """Let visitors click through the pages, and print times, CPU and memory."""
    photo = arguments.photo.read_bytes() if arguments.photo else b""
    visitors = [Visitor(url, photo) for _ in range(arguments.visitors)]
    chance, memory = random.Random(0), list[tuple[float, float]]()
    began, cpu = time.perf_counter(), cpu_seconds(pid)

    async def visit(visitor: Visitor, wait: float) -> None:
        await asyncio.sleep(wait)
        await visitor.open()
        while time.perf_counter() - began < arguments.seconds:
            await asyncio.sleep(chance.expovariate(1 / PAUSE_SECONDS))
            await visitor.go(chance.choice(PAGES))
            if photo and visitor._page == "predict":
                await visitor.predict()
        await visitor.leave()

    async def watch() -> None:
        while True:
            memory.append((resident_mb([pid]), resident_mb(family(pid))))
            await asyncio.sleep(2)

    watcher = asyncio.create_task(watch())
    results = await asyncio.gather(*(visit(one, chance.uniform(0, 10)) for one in visitors), return_exceptions=True)
    watcher.cancel()
    used = cpu_seconds(pid) - cpu
    for failure in [one for one in results if one]:
        print("failed:", repr(failure))
    by_page: dict[str, list[float]] = {}
    for page, seconds in (time_ for one in visitors for time_ in one.times):
        by_page.setdefault(page, []).append(seconds)
    pages, refreshes = sum(map(len, by_page.values())), sum(one.refreshes for one in visitors)
    print(f"{pages} pages and predictions, {refreshes} refreshes, {sum(len(one.errors) for one in visitors)} errors")
    print(sorted({error for one in visitors for error in one.errors})[:10])
    everything = [seconds for times in by_page.values() for seconds in times]
    print("| page | number | median | 95 % | longest |\n|---|---|---|---|---|")
    for page, times in [*sorted(by_page.items()), ("all", everything)]:
        ordered = sorted(times)
        tail = ordered[int(0.95 * (len(ordered) - 1))]
        print(f"| {page} | {len(times)} | {statistics.median(times):.2f} s | {tail:.2f} s | {ordered[-1]:.2f} s |")
    print(f"CPU of the server: {used:.1f} s, {used / pages:.3f} s a page with the refreshes")
    thirds = [memory[int(share * (len(memory) - 1))] for share in (0, 1 / 3, 2 / 3, 1)]
    print(
        "memory of the server (with its processes), MB:", ", ".join(f"{own:.0f} ({all_:.0f})" for own, all_ in thirds)
    )
    print(f"at most {max(own for own, _ in memory):.0f} ({max(all_ for _, all_ in memory):.0f}) MB")


async def watch_tabs(url: str, pid: int, arguments: argparse.Namespace) -> None:
    """Print the share of a core that one open tab takes on each page."""
    print(
        "| page | share of a core | refreshes a minute | CPU to open it | seconds to open it |\n|---|---|---|---|---|"
    )
    for page in PAGES:
        visitor = Visitor(url, b"")
        await visitor.open()
        await visitor.go(page)  # fills the caches
        await asyncio.sleep(3)
        cpu = cpu_seconds(pid)
        for _ in range(arguments.times):
            await visitor.go(page)
        opened = (cpu_seconds(pid) - cpu) / arguments.times
        seconds = statistics.median(seconds for _, seconds in visitor.times[2:])
        await asyncio.sleep(3)
        began, cpu, refreshes = time.perf_counter(), cpu_seconds(pid), visitor.refreshes
        await asyncio.sleep(arguments.seconds)
        lasted = time.perf_counter() - began
        share, minute = (cpu_seconds(pid) - cpu) / lasted, (visitor.refreshes - refreshes) * 60 / lasted
        print(f"| {page or 'home'} | {share:.1%} | {minute:.0f} | {opened:.3f} s | {seconds:.2f} s |", flush=True)
        for error in visitor.errors[:3]:
            print(error)
        await visitor.leave()


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / UNIT


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    own: list[int] = []
    for listed in children:
        with suppress(OSError):
            own += map(int, listed.read_text().split())
    return [pid, *(one for child in own for one in family(child))]


def resident_mb(pids: list[int]) -> float:
    """Return the resident memory of processes in MB."""
    pages = 0
    for pid in pids:
        with suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Serve the app, and load it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("browse", "tabs"))
    parser.add_argument("home", type=Path)
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--times", type=int, default=10, help="how often a tab opens each page")
    parser.add_argument("--cloud", help="interpreter of an environment for cloud/app.py")
    parser.add_argument("--photo", type=Path)
    parser.add_argument("--search", action="store_true")
    arguments = parser.parse_args()
    script = "cloud/app.py" if arguments.cloud else "app.py"
    with (
        searching(arguments.home, arguments.search),
        served(arguments.home, arguments.cloud or sys.executable, script) as (url, pid),
    ):
        asyncio.run((browse if arguments.what == "browse" else watch_tabs)(url, pid, arguments))


if __name__ == "__main__":
    main()
