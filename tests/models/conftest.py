"""One thread for the networks; a server of weights on this machine, with faults to order."""

import hashlib
import io
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from autodet.models import download
from autodet.models.weights import Weights


class WeightsServer:
    """Serves one file, and does to it what the next of ``faults`` says: a status, ``cut``, ``changed`` or ``stall``."""

    def __init__(self) -> None:
        buffer = io.BytesIO()
        torch.save({"layer.weight": torch.arange(6.0)}, buffer)
        self.content = buffer.getvalue()
        digits = hashlib.sha256(self.content).hexdigest()[:8]
        self.weights = Weights(f"tiny-{digits}.pth", 0.01, "COCO", "BSD-3-Clause")
        self.faults: list[int | str] = []
        self.asked: list[str] = []
        self.released = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self):
                self.send_response(200 if self.path == f"/models/{outer.weights.file}" else 404)
                self.end_headers()

            def do_GET(self):
                outer.asked.append(self.path)
                outer._answer(self, outer.faults.pop(0) if outer.faults else "none")

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/models"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _answer(self, handler: BaseHTTPRequestHandler, fault: int | str) -> None:
        if isinstance(fault, int):
            handler.send_error(fault)
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(self.content)))
        handler.end_headers()
        half = len(self.content) // 2
        handler.wfile.write(self.content[:half])
        handler.wfile.flush()
        if fault == "stall":
            self.released.wait(10)
        if fault == "slow":
            time.sleep(0.3)
        if fault in ("cut", "stall"):
            return
        rest = self.content[half:]
        handler.wfile.write(bytes(len(rest)) if fault == "changed" else rest)

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Small networks gain nothing from more threads, which would compete with the other workers of a whole run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """Torch's cache, empty, and nothing remembered of any server."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("AUTODET_WEIGHTS", raising=False)
    monkeypatch.setattr("autodet.models.url_probe._questions", {})
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def offline(cache, monkeypatch):
    """No server can be reached: the one that is named refuses."""
    monkeypatch.setenv("AUTODET_WEIGHTS_URL", "http://127.0.0.1:9/models")


@pytest.fixture
def weights_server(cache, monkeypatch):
    """A server that the settings name."""
    server = WeightsServer()
    monkeypatch.setenv("AUTODET_WEIGHTS_URL", server.url)
    monkeypatch.setattr(download, "STALL_SECONDS", 0.3)
    yield server
    server.close()
