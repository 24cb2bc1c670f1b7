"""Clients of the server that are no browser: HTTP and WebSockets, with the cookies that they choose."""

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

ROOT = Path(__file__).parents[2]
HTML = {"Accept": "text/html"}
BOUNDARY = "end-of-part"
PART = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n\r\n'.encode()


class Server:
    """The app on the loopback address, served by ``streamlit run app.py`` or by its own command.

    Args:
        home: Folder of the workspace.
        *options: Further arguments of Streamlit.
        own_command: Whether to run ``python -m autodet app``, which takes no such arguments.
        **settings: Environment variables.
    """

    def __init__(self, home: Path, *options: str, own_command: bool = False, **settings: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        command = ["streamlit", "run", "app.py", f"--server.port={self.port}", "--server.headless=true", *options]
        if own_command:
            command = ["autodet", "app", "--no-browser", "--port", str(self.port)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command, *([] if own_command else ["--server.address=127.0.0.1"])],
            cwd=ROOT,
            env=os.environ | {"AUTODET_HOME": str(home)} | settings,
            stdout=subprocess.DEVNULL,
        )
        for _ in range(600):
            with suppress(requests.RequestException):
                if requests.get(f"{self.url}/_stcore/health", timeout=5).text == "ok":
                    return
            time.sleep(0.1)
        raise AssertionError("the app did not start")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


class Client:
    """A visitor's browser, or what claims to be one: cookies, and one connected session."""

    def __init__(self, server: Server, cookies: dict[str, str] | None = None, **headers: str) -> None:
        self.server, self.cookies, self.session = server, dict(cookies or {}), ""
        self._headers, self._elements = headers, list[Element]()

    def open(self) -> "Client":
        """Fetch the document, and what gives Streamlit's own cookie, as a browser does."""
        with requests.Session() as http:
            http.get(self.server.url, headers=HTML, timeout=30)
            http.get(f"{self.server.url}/_stcore/health", timeout=30)
            self.cookies = dict(http.cookies)
        return self

    def connect(self, resumed: str = "") -> "Client":
        """Begin a session, or ask for that of the given id; run its page to the end."""
        self._socket = connect(
            f"ws://127.0.0.1:{self.server.port}/_stcore/stream",
            subprotocols=["streamlit", self.xsrf or "none", *([resumed] if resumed else [])],
            additional_headers={"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
            | self._headers,
            max_size=None,
            legacy=True,
        )
        message = BackMsg()
        message.rerun_script.query_string = ""
        self._run(message)
        return self

    def _run(self, message: BackMsg) -> None:
        """Run the page to its end, and note its elements."""
        self._socket.send(message.SerializeToString())
        while True:
            received = ForwardMsg.FromString(self._socket.recv(timeout=60))
            kind = received.WhichOneof("type")
            if kind == "new_session":
                self.session = received.new_session.initialize.session_id
            if kind == "delta":
                self._elements.append(received.delta.new_element)
            if kind == "script_finished":
                return

    def guess(self, password: str) -> None:
        """Type a password on the page that asks for it, and press Enter."""
        (field,) = [one.text_input for one in self._elements if one.WhichOneof("type") == "text_input"]
        (enter,) = [one.button for one in self._elements if one.WhichOneof("type") == "button"]
        message = BackMsg()
        message.rerun_script.widget_states.widgets.add(id=field.id, string_value=password)
        message.rerun_script.widget_states.widgets.add(id=enter.id, trigger_value=True)
        self._run(message)

    def leave(self) -> None:
        """Close the tab."""
        self._socket.close()

    @property
    def xsrf(self) -> str:
        return self.cookies.get("_streamlit_xsrf", "").strip('"')

    @property
    def browser(self) -> str:
        """The digest by which the server knows this browser."""
        cookie = self.cookies[f"autodet-browser-{self.server.port}"]
        return hashlib.sha256(cookie.encode()).hexdigest()

    def upload(self, size: int, session: str = "", name: str = "file") -> requests.Response:
        """Send a file to a session, this client's own if none is given."""
        return self._put(PART + b"\0" * size + f"\r\n--{BOUNDARY}--\r\n".encode(), session, name)

    def upload_in_chunks(self, chunks: int, size: int) -> requests.Response:
        """Send a file without its size."""

        def parts() -> Iterator[bytes]:
            yield PART
            for _ in range(chunks):
                yield b"\0" * size
            yield f"\r\n--{BOUNDARY}--\r\n".encode()

        return self._put(parts(), "", "chunks")

    def _put(self, body: bytes | Iterator[bytes], session: str, name: str) -> requests.Response:
        return requests.put(
            f"{self.server.url}/_stcore/upload_file/{session or self.session}/{name}",
            data=body,
            headers={"X-Xsrftoken": self.xsrf, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
            cookies=self.cookies,
            timeout=60,
        )

    def begin_upload(self, length: int) -> socket.socket:
        """Announce a file, send its beginning and fall silent."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        head = (
            f"PUT /_stcore/upload_file/{self.session}/half HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\n"
            f"X-Xsrftoken: {self.xsrf}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
            f"Content-Length: {length}\r\n\r\n"
        )
        connection = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
        connection.sendall(head.encode() + PART)
        return connection
