"""The API without a server, and with one of its own."""

import os
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from autodet.inference import detector
from autodet.models.store import BUNDLE, StoredModel, read_model
from autodet.server.api.application import make_api
from autodet.server.api.callers import Callers
from autodet.server.api.offered_models import WORKSPACE_MODELS
from tests.tiers import PROCESS, implies

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "cloud" / "demo"
FRUIT = "fruit-on-a-table"
PREDICT = f"/api/models/{FRUIT}/predict"


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A photo of the demo, on which its model finds fruit."""
    return min((DEMO / "datasets").glob("*/images/test/*")).read_bytes()


@pytest.fixture
def fruit(workspace) -> StoredModel:
    """The model of the demo, in the workspace."""
    copy_fruit(workspace.home)
    return read_model(FRUIT, workspace)


def copy_fruit(home: Path) -> None:
    (home / "models" / FRUIT).mkdir(parents=True)
    shutil.copy(DEMO / "models" / FRUIT / BUNDLE, home / "models" / FRUIT / BUNDLE)


@pytest.fixture
def connect(fruit, monkeypatch):
    """Return clients of the API, which predicts without a process of its own."""
    monkeypatch.setattr(detector, "load_detector_apart", detector.load_detector)
    clients = []

    def connect(hosts=(), guesses=None, *, token=False) -> TestClient:
        api = make_api(WORKSPACE_MODELS, Callers(lambda: hosts, lambda: token, guesses))
        client = TestClient(Starlette(routes=[Mount("/api", api)]), "http://localhost", raise_server_exceptions=False)
        clients.append(client)
        return client.__enter__()

    yield connect
    for client in clients:
        client.__exit__()


@pytest.fixture
def client(connect) -> TestClient:
    """A client of an open API."""
    return connect()


class Server:
    """``python -m autodet serve``, in a workspace with the model of the demo."""

    def __init__(self, home: Path, *options: str, **settings: str) -> None:
        self.home, self.port = home, free_port()
        if not (home / "models").exists():
            copy_fruit(home)
        command = [sys.executable, "-m", "autodet", "serve", FRUIT, "--port", str(self.port), *options]
        self.process = subprocess.Popen(
            command, env=os.environ | {"AUTODET_HOME": str(home)} | settings, stderr=subprocess.PIPE, text=True
        )
        self.said = [self.process.stderr.readline()]
        while self.said[-1] and "Serving" not in self.said[-1]:
            self.said.append(self.process.stderr.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def predict(self, photo: bytes, **options: str) -> requests.Response:
        return requests.post(
            self.url + PREDICT, photo, params=options, headers={"Content-Type": "image/webp"}, timeout=120
        )

    def connection(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=120)

    @property
    def prediction_pid(self) -> int | None:
        """The process that predicts; None before the first prediction."""
        for path in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            for child in path.read_text().split():
                with suppress(OSError):
                    if b"prediction_worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                        return int(child)
        return None

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serving(home: Path, *options: str, **settings: str):
    server = Server(home, *options, **settings)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
@implies(PROCESS)
def server(tmp_path_factory):
    """An open server, for tests that leave nothing in it."""
    with serving(tmp_path_factory.mktemp("served") / "home") as running:
        yield running
