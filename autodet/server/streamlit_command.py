"""Launch of the app's server: listening address and accepted host names.

A browser tricked by DNS rebinding sends the attacker's host name; Streamlit refuses WebSocket connections whose
``Host`` is not in ``server.allowedHosts``. Both options are passed on the command line instead of
``.streamlit/config.toml``, because Streamlit Community Cloud reads that file and chooses its own address and name.
"""

import ipaddress
import os
import socket
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autodet.errors import SettingsError
from autodet.settings import Settings, is_loopback

APP = Path(__file__).parents[2] / "app.py"
SECRETS = Path(".streamlit/secrets.toml")
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
OUTSIDE = ("192.0.2.1", 9)  # reserved by RFC 5737; a UDP connect only selects a route and sends nothing


def streamlit_command(settings: Settings, *, port: int | None = None, browser: bool = True) -> list[str]:
    """Return the command line of the server.

    Args:
        settings: Listening address, and additional host names to accept.
        port: TCP port; Streamlit's own choice (8501, or ``STREAMLIT_SERVER_PORT``) if not given.
        browser: Whether to open a browser.
    """
    options = {"server.address": settings.address, "server.showEmailPrompt": "false"}
    if _is_every_address(settings.address):  # else Streamlit asks an internet server for this machine's address
        options["browser.serverAddress"] = _names_of_this_machine()[-1]
    if port is not None:
        options["server.port"] = str(port)
    if not browser:
        options["server.headless"] = "true"
    flags = [f"--{name}={value}" for name, value in options.items()]
    flags += [f"--server.allowedHosts={host}" for host in allowed_hosts(settings)]
    return [sys.executable, "-m", "streamlit", "run", str(APP), *flags]


def allowed_hosts(settings: Settings) -> list[str]:
    """Return the host names and addresses, without ports, by which browsers may reach the app."""
    hosts = [*LOOPBACK_HOSTS, *settings.hosts]
    if not is_loopback(settings.address):
        hosts += _names_of_this_machine() if _is_every_address(settings.address) else [settings.address]
    return list(dict.fromkeys(hosts))


def environment_with_secrets(environ: Mapping[str, str], secrets: Path = SECRETS) -> dict[str, str]:
    """Return the environment plus the root entries of ``secrets.toml`` whose names begin with ``AUTODET_``.

    Streamlit reads that file only when it starts, too late for the options on its command line.
    """
    known = {name: str(value) for name, value in _entries(secrets).items() if name.startswith("AUTODET_")}
    return {**environ, **known}


def has_sign_in(settings: Settings, secrets: Path = SECRETS) -> bool:
    """Return whether visitors of the app need a password or a sign-in."""
    return bool(settings.password or settings.editors or settings.viewers or "auth" in _entries(secrets))


def _entries(secrets: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(secrets.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # missing, or invalid, which Streamlit reports


def start_app(settings: Settings, *, port: int | None = None, browser: bool = True) -> None:
    """Replace this process with the server.

    Raises:
        SettingsError: The port is in use, or the address does not belong to this machine.
    """
    if port is not None:
        bound_socket(settings.address, port).close()
    command = streamlit_command(settings, port=port, browser=browser)
    os.environ["FORWARDED_ALLOW_IPS"] = ",".join(settings.trusted_proxies)  # else uvicorn believes every local process
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def bound_socket(address: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address.

    Raises:
        SettingsError: The port is in use, or the address does not belong to this machine.
    """
    family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # else a restart has to wait for a minute
    try:
        bound.bind((address, port))
    except OSError as error:
        bound.close()
        reason = (error.strerror or "it cannot be used").lower()
        raise SettingsError(
            f"The app cannot listen on port {port} of {address}: {reason}. Give another port with --port, or see "
            "whether the app runs already."
        ) from error
    return bound


def _is_every_address(address: str) -> bool:
    return address != "localhost" and ipaddress.ip_address(address).is_unspecified


def _names_of_this_machine() -> list[str]:
    """Return the machine's name, with and without domain, and its outgoing IP address."""
    names = [socket.gethostname(), socket.getfqdn()]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(OUTSIDE)
            names.append(way.getsockname()[0])
        except OSError:
            pass  # no network
    return names
