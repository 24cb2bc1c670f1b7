"""How the app is served: by its own command, to a real socket."""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from autodet.errors import SettingsError
from autodet.server.streamlit_command import allowed_hosts, environment_with_secrets, streamlit_command
from autodet.settings import is_loopback, load_settings

HANDSHAKE = (
    "GET /_stcore/stream HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Protocol: streamlit\r\n\r\n"
)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def other_address() -> str | None:
    """An address of this machine beside the loopback one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way, suppress(OSError):
        way.connect(("192.0.2.1", 9))
        return way.getsockname()[0]
    return None


def is_served(address: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((address, port), timeout=5):
        return True
    return False


def handshake(port: int, host: str) -> int:
    """The status with which a WebSocket connection under a host name is answered."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(HANDSHAKE.format(host=host).encode())
        return int(connection.recv(100).split()[1])


@pytest.fixture
def serve(tmp_path):
    """Start ``python -m autodet app`` with settings; gives the port once it is listening."""
    processes = []

    def serve(**settings: str) -> int:
        port = free_port()
        environment = os.environ | {"AUTODET_HOME": str(tmp_path / "home")} | settings
        command = [sys.executable, "-m", "autodet", "app", "--no-browser", "--port", str(port)]
        processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
        for _ in range(600):
            if is_served("127.0.0.1", port):
                return port
            time.sleep(0.1)
        raise AssertionError("the app did not start")

    yield serve
    for process in processes:
        process.terminate()
        process.wait()


def test_the_app_listens_to_this_machine_alone_and_refuses_rebound_names(serve):
    port = serve(AUTODET_HOSTS="photos.example.org,*.lab.example.org")
    other = other_address()
    assert other is None or other.startswith("127.") or not is_served(other, port)
    for host in ("localhost", "127.0.0.1", "[::1]", "photos.example.org", "a.lab.example.org"):
        assert handshake(port, host) == handshake(port, f"{host}:{port}") == 101, host
    for host in ("evil.example", f"evil.example:{port}", "lab.example.org.evil.example", "192.0.2.7"):
        assert handshake(port, host) == 403, host


def test_the_app_listens_elsewhere_only_if_it_is_told_to(serve):
    other = other_address()
    if other is None:  # no network; what is asked of Streamlit is tested below
        other = "127.0.0.1"
    port = serve(AUTODET_ADDRESS="0.0.0.0")
    assert is_served(other, port)
    assert handshake(port, f"{other}:{port}") == 101
    assert handshake(port, "evil.example") == 403


def test_a_port_that_is_taken_is_a_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "autodet", "app", "--no-browser", "--port", str(port)]
        ended = subprocess.run(
            command, check=False, env=os.environ | {"AUTODET_HOME": str(tmp_path)}, capture_output=True, text=True
        )
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"The app cannot listen on port {port} of 127.0.0.1: address already in use.")
    assert len(ended.stderr.splitlines()) == 1


def test_the_options_follow_the_settings():
    command = streamlit_command(load_settings({"AUTODET_ADDRESS": "192.0.2.4"}), port=8600, browser=False)
    assert {"--server.address=192.0.2.4", "--server.port=8600", "--server.headless=true"} <= set(command)
    assert "--server.allowedHosts=192.0.2.4" in command
    assert not any("headless" in option for option in streamlit_command(load_settings({})))
    everywhere = allowed_hosts(load_settings({"AUTODET_ADDRESS": "0.0.0.0"}))
    assert socket.gethostname() in everywhere
    assert "0.0.0.0" not in everywhere
    open_to_all = streamlit_command(load_settings({"AUTODET_ADDRESS": "0.0.0.0"}))
    assert any(option.startswith("--browser.serverAddress=") for option in open_to_all)  # or the internet is asked
    assert allowed_hosts(load_settings({})) == ["localhost", "127.0.0.1", "::1"]


@pytest.mark.parametrize(
    ("address", "alone"),
    [("127.0.0.1", True), ("127.3.2.1", True), ("::1", True), ("localhost", True), (None, False), ("0.0.0.0", False)],
)
def test_loopback_addresses_are_known(address, alone):
    assert is_loopback(address) is alone


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AUTODET_ADDRESS", "everywhere"),
        ("AUTODET_ADDRESS", "127.0.0.1:8501"),
        ("AUTODET_HOSTS", "https://photos.example.org"),
        ("AUTODET_HOSTS", "photos.example.org:443"),
        ("AUTODET_HOSTS", "a b"),
    ],
)
def test_what_is_no_address_or_name_is_a_sentence(variable, value):
    with pytest.raises(SettingsError, match=variable):
        load_settings({variable: value})


def test_secrets_count_like_the_environment(tmp_path):
    secrets = tmp_path / "secrets.toml"
    secrets.write_text('AUTODET_ADDRESS = "0.0.0.0"\nOTHER = "x"\n[section]\nAUTODET_HOSTS = "no"\n')
    known = environment_with_secrets({"AUTODET_HOSTS": "a.example"}, secrets)
    assert known == {"AUTODET_HOSTS": "a.example", "AUTODET_ADDRESS": "0.0.0.0"}
    secrets.write_text("not toml")
    assert environment_with_secrets({}, secrets) == environment_with_secrets({}, tmp_path / "none") == {}
