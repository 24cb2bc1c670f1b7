"""The API on a real socket: many clients, rude ones, a killed process, signals."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import requests

from autodet.access.tokens import create_token
from autodet.workspace import Workspace
from tests.server.api.conftest import FRUIT, PREDICT, ROOT, free_port, serving

pytestmark = pytest.mark.process
CLIENTS, ROUNDS = 60, 2


def head(length: int | str, *more: str, method: str = "POST", path: str = PREDICT) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: image/webp", f"Content-Length: {length}"]
    return "\r\n".join([*lines, *more, "", ""]).encode()


def answers(connection: socket.socket, number: int = 1) -> list[tuple[int, dict]]:
    """The statuses and documents that come back on a connection."""
    found = []
    with connection.makefile("rb") as file:
        for _ in range(number):
            status = int(file.readline().split()[1])
            headers = iter(lambda: file.readline().strip().lower(), b"")
            length = next(int(line.split(b":")[1]) for line in list(headers) if line.startswith(b"content-length"))
            found.append((status, json.loads(file.read(length))))
    return found


def test_many_clients_at_once_are_all_answered(server, photo):
    expected = server.predict(photo).json()["detections"]
    assert expected

    def send(_):
        return [server.predict(photo) for _ in range(ROUNDS)]

    with ThreadPoolExecutor(CLIENTS) as pool:
        received = [answer for several in pool.map(send, range(CLIENTS)) for answer in several]
    assert {answer.status_code for answer in received} == {200}
    assert all(answer.json()["detections"] == expected for answer in received)


def test_a_killed_prediction_process_loses_no_request(server, photo):
    expected = server.predict(photo).json()["detections"]
    with ThreadPoolExecutor(16) as pool:
        sent = [pool.submit(server.predict, photo) for _ in range(48)]
        sent[0].result()
        os.kill(server.prediction_pid, signal.SIGKILL)
        received = [one.result() for one in sent]
    assert {answer.status_code for answer in received} == {200}
    assert all(answer.json()["detections"] == expected for answer in received)


def test_clients_that_leave_take_nothing_along(server, photo):
    for _ in range(20):
        with server.connection() as connection:
            connection.sendall(head(len(photo)) + photo)
        with server.connection() as connection:
            connection.sendall(head(len(photo)) + photo[:100])
    assert server.predict(photo).status_code == 200


def test_senders_that_stop_in_the_middle_leave_room_for_others(server, photo):
    stalled = [server.connection() for _ in range(100)]
    try:
        for connection in stalled:
            connection.sendall(head(200_000) + photo[:1000])
        assert server.predict(photo).status_code == 200
    finally:
        for connection in stalled:
            connection.close()


def test_requests_in_one_packet_are_answered_in_order(server, photo):
    models = head(0, method="GET", path="/api/models")
    with server.connection() as connection:
        connection.sendall(head(len(photo)) + photo + models + head(len(photo)) + photo)
        (first, second, third) = answers(connection, 3)
    assert [first[0], second[0], third[0]] == [200, 200, 200]
    assert first[1]["detections"] == third[1]["detections"]
    assert second[1][0]["model"] == FRUIT


@pytest.mark.parametrize(
    "request_",
    [
        head("many"),
        head(-1),
        head(5, "Transfer-Encoding: gzip"),
        head(3, "Content-Length: 4"),
        head(0, *(f"X-{number}: {'x' * 20}" for number in range(10_000))),
        b"POST " + PREDICT.encode() + b" HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"nonsense\r\n\r\n",
        head(1).replace(b"Host: localhost\r\n", b""),
        b"POST http://evil.example" + PREDICT.encode() + b" HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    ],
    ids=["length", "negative", "encoding", "two lengths", "10,000 headers", "chunk", "nonsense", "no host", "proxy"],
)
def test_requests_against_the_rules_are_refused(server, request_):
    with server.connection() as connection:
        connection.sendall(request_)
        assert re.match(rb"HTTP/1.1 4\d\d ", connection.recv(100))
    assert requests.get(f"{server.url}/api/health", timeout=60).status_code == 200


def test_more_bytes_than_announced_are_another_request(server, photo):
    with server.connection() as connection:
        connection.sendall(head(len(photo)) + photo + b"surplus\r\n\r\n")
        assert answers(connection)[0][0] == 200


def test_what_is_too_large_is_refused_while_it_is_sent(server):
    def endless():
        with suppress(GeneratorExit):
            for _ in range(900):
                yield b"\0" * 100_000

    for body in (endless(), b"\0" * 60_000_000):
        answer = requests.post(server.url + PREDICT, body, headers={"Content-Type": "image/jpeg"}, timeout=120)
        assert (answer.status_code, "50 MB" in answer.json()["error"]) == (413, True)


def test_answers_have_the_headers_of_pages_and_no_cookie(server):
    for path in ("/", "/api", "/api/"):
        assert f"{server.url}/api/models/MODEL/predict" in requests.get(server.url + path, timeout=60).text
    for path in ("/api/models", "/api/docs", "/"):
        answer = requests.get(server.url + path, headers={"Accept": "text/html"}, timeout=60)
        assert answer.status_code == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert requests.get(server.url, timeout=60).url.endswith("/api/docs")


def test_a_termination_waits_for_requests_under_way(tmp_path, photo):
    with serving(tmp_path / "home") as server, ThreadPoolExecutor(8) as pool:
        server.predict(photo)
        with server.connection() as connection:
            connection.sendall(head(len(photo), "Expect: 100-continue"))
            assert connection.recv(100).startswith(b"HTTP/1.1 100")  # the request is under way
            sent = [pool.submit(server.predict, photo) for _ in range(8)]
            while not any(one.done() for one in sent):
                time.sleep(0.01)
            server.process.send_signal(signal.SIGTERM)
            connection.sendall(photo)
            assert answers(connection)[0][0] == 200
        received = [one.result() for one in sent if not one.exception()]  # others came after the end
        assert received
        assert {answer.status_code for answer in received} == {200}
        assert server.process.wait(60) == -signal.SIGTERM


def test_control_c_ends_it_without_a_traceback(tmp_path, photo):
    with serving(tmp_path / "home") as server:
        server.predict(photo)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == 130
        assert server.process.stderr.read().strip() == "Interrupted."


def test_where_a_password_is_set_tokens_of_the_workspace_count(tmp_path, photo):
    with serving(tmp_path / "home", AUTODET_PASSWORD="open sesame") as server:
        assert server.predict(photo).status_code == 401
        _, token = create_token("camera", workspace=Workspace(tmp_path / "home"))
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "image/webp"}
        assert requests.post(server.url + PREDICT, photo, headers=headers, timeout=60).status_code == 200


def test_it_warns_where_others_can_reach_it_and_not_where_a_token_is_needed(tmp_path):
    with serving(tmp_path / "home", "--address", "0.0.0.0") as server:
        assert "AUTODET_PASSWORD" in server.said[0]
    with serving(tmp_path / "home", "--address", "0.0.0.0", "--require-token") as server:
        assert len(server.said) == 1
        assert requests.get(f"{server.url}/api/models", timeout=60).status_code == 401


ABSENT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent())
"""


def test_it_needs_neither_torch_nor_streamlit(tmp_path, photo):
    names = ("torch", "torchvision", "optuna", "pycocotools", "onnx", "sqlalchemy", "streamlit")
    (tmp_path / "sitecustomize.py").write_text(ABSENT.replace("{names}", repr(names)))
    with serving(tmp_path / "home", PYTHONPATH=str(tmp_path)) as server:
        assert server.predict(photo).json()["detections"]


def run(home, *words):
    command = [sys.executable, "-m", "autodet", "serve", *words]
    environment = os.environ | {"AUTODET_HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_what_cannot_be_served_is_a_sentence(tmp_path, server):
    bundle = server.home / "models" / FRUIT / "model.autodet"
    taken = run(tmp_path, str(bundle), "--port", str(server.port))
    assert (taken.returncode, len(taken.stderr.splitlines())) == (2, 1)
    assert f"cannot listen on port {server.port}" in taken.stderr
    elsewhere = run(tmp_path, str(bundle), "--port", str(free_port()), "--address", "192.0.2.1")
    assert (elsewhere.returncode, len(elsewhere.stderr.splitlines())) == (2, 1)
    for words in (["none"], ["fruit", "--address", "here"], [str(ROOT / "README.md")]):
        failed = run(tmp_path, *words)
        assert (failed.returncode, len(failed.stderr.splitlines())) == (2, 1)
        assert "Traceback" not in failed.stderr
