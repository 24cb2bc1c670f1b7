"""S3 for tests: a bucket in the memory of moto's server, and a proxy in front of it that does what networks do."""

import http.client
import threading
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

import pytest
from moto.s3.models import get_canned_acl, s3_backends
from moto.s3.responses import S3Response

ACCOUNT = "123456789012"
CHUNK = 1 << 16


@dataclass
class Faults:
    """What to do to requests for objects, by key; and what came of them.

    Attributes:
        refuse: HTTP statuses to answer instead, for the next requests of a key.
        cut: After how many bytes of the body to hang up, for the next requests of a key.
        lose: How many answers to writes of a key to lose: the server writes, and hangs up.
        before: Called with the key before an object is given.
        chunk_seconds: How long to wait before every 64 KB of a body.
        given: Bytes of bodies that were sent, by key.
        asked: The keys of objects that were asked for, in their order.
    """

    refuse: dict[str, list[int]] = field(default_factory=dict)
    cut: dict[str, list[int]] = field(default_factory=dict)
    lose: dict[str, int] = field(default_factory=dict)
    before: Callable[[str], None] = lambda key: None
    chunk_seconds: float = 0.0
    given: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)


class Proxy:
    """Forwards every request to a server, under faults that can be changed at any time."""

    def __init__(self, server: str) -> None:
        self.faults = Faults()
        self._patience = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(urlsplit(server).netloc))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._patience.set()
        self._http.shutdown()
        self._http.server_close()

    def _handler(self, server: str) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                key = unquote(urlsplit(self.path).path).partition("/")[2].partition("/")[2]
                faults = proxy.faults
                sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                faults.headers.append(str(self.headers))
                if key:
                    faults.asked.append(key)
                    faults.before(key)
                for name in (key, "*"):
                    if faults.refuse.get(name):
                        return self._refuse(faults.refuse[name].pop(0))
                upstream = http.client.HTTPConnection(server)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
                upstream.request(self.command, self.path, sent or None, headers)
                answer = upstream.getresponse()
                body = answer.read()
                if self.command == "PUT" and faults.lose.get(key):
                    faults.lose[key] -= 1
                    self.close_connection = True
                    return None
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                        self.send_header(name, value)
                if "content-length" not in {name.lower() for name, _ in answer.getheaders()}:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                cut = faults.cut[key].pop(0) if faults.cut.get(key) and self.command == "GET" else None
                with suppress(ConnectionError):  # whoever asked has gone
                    self._give(key, body if cut is None else body[:cut])
                if cut is not None:
                    self.close_connection = True
                return None

            do_HEAD = do_PUT = do_GET

            def _give(self, key, body):
                for start in range(0, len(body), CHUNK):
                    if proxy.faults.chunk_seconds:
                        proxy._patience.wait(proxy.faults.chunk_seconds)
                    self.wfile.write(body[start : start + CHUNK])
                    if key:
                        proxy.faults.given[key] = proxy.faults.given.get(key, 0) + len(body[start : start + CHUNK])

            def _refuse(self, status):
                code = "SlowDown" if status == 503 else "Refused"
                body = f"<Error><Code>{code}</Code><Message>click http://evil.example</Message></Error>".encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        return Handler


@contextmanager
def atomic_conditions():
    """Conditional writes as S3 has them: moto compares ``If-None-Match`` with the objects, but another thread may write
    between the comparison and the write."""
    put, lock = S3Response.put_object, threading.Lock()

    def put_alone(response):
        with lock:
            return put(response)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3Response, "put_object", put_alone)
        yield


@contextmanager
def ignored_conditions():
    """Writes as servers have them that do not know ``If-None-Match``."""
    put = S3Response.put_object

    def put_always(response):
        response.headers = {name: value for name, value in response.headers.items() if name != "If-None-Match"}
        return put(response)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3Response, "put_object", put_always)
        yield


class Bucket:
    """A bucket, filled in the server's memory rather than over HTTP, for that takes long for many objects."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._backend = s3_backends[ACCOUNT]["aws"]
        self._backend.create_bucket(name, "us-east-1")

    def put(self, key, content=b"", *, public=False, **options):
        put = self._backend.put_object(self.name, key, content, **options)
        if public:
            put.set_acl(get_canned_acl("public-read"))

    def put_folder(self, folder, prefix):
        for path in folder.rglob("*.*"):
            self.put(f"{prefix}{path.relative_to(folder).as_posix()}", path.read_bytes())

    def list(self):
        return sorted(self._backend.buckets[self.name].keys)

    def content(self, key):
        return self._backend.get_object(self.name, key).value

    def delete(self, key):
        self._backend.delete_object(self.name, key)

    def delete_all(self):
        self._backend.buckets.pop(self.name, None)
        s3_backends.bucket_accounts.pop(self.name, None)
