"""Storage of studies: SQLite in the workspace, or a team's PostgreSQL named in the settings.

A search keeps the storage that it started with. In a database shared by workspaces, a study is named
``WORKSPACE/SEARCH``. Driver messages are never passed on, because parsing a malformed address may expose parts of its
password anywhere.
"""

import re
import secrets
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from autodet.errors import SettingsError, StorageBusyError, StorageError
from autodet.search.order.spec import Place
from autodet.settings import load_settings
from autodet.workspace import Workspace, slug, write_atomically

if TYPE_CHECKING:
    from optuna.storages import RDBStorage
    from sqlalchemy import URL


DRIVER = "postgresql+psycopg"
CONNECT_SECONDS = 5
SILENCE_MILLISECONDS = 20_000  # how long sent data may stay unacknowledged
BUSY_SECONDS = 2.0  # how long one attempt waits for a write of another process
PATIENCE_SECONDS, PAUSE_SECONDS = 900.0, 1.0
TABLES_LOCK = 0x6175746F646574  # arbitrary advisory lock key: "autodet" in ASCII
WORKSPACE_ID = "workspace.id"
EXAMPLE = "postgresql://USER:PASSWORD@SERVER/DATABASE"
REFUSALS = {  # by SQLSTATE (PostgreSQL manual, appendix A), or by text: a refused connection has no SQLSTATE
    "28P01": "it refuses the password",
    "password authentication failed": "it refuses the password",
    "28000": "it refuses the user",
    "3D000": "the server has no database of this name",
    '" does not exist': "the server has no database, or no user, of this name",
    "42501": "the user may not make or change tables in it",
}

Result = TypeVar("Result")


def storage_of_new_studies() -> Place:
    """Return where new searches keep their studies."""
    return "server" if load_settings().storage_url else "workspace"


def check_storage(place: Place) -> None:
    """Check that studies can be stored there, before a search relies on it.

    Raises:
        SettingsError: The address is invalid or missing.
        StorageError: The server cannot be used.
    """
    if place == "workspace":
        return
    from sqlalchemy import create_engine

    with storage_errors():
        create_engine(_server_url(), **_engine_options("server")).connect().close()


def open_database(workspace: Workspace, place: Place) -> "RDBStorage":
    """Open the database of studies; create its tables if they do not exist.

    Raises:
        SettingsError: The address is invalid or missing.
        StorageError: The database cannot be used now.
    """
    from optuna.storages import RDBStorage
    from sqlalchemy import create_engine, text

    options = _engine_options(place)
    with storage_errors(), _version_errors():
        if place == "workspace":
            return RDBStorage(workspace.optuna_url, engine_kwargs=options)
        url = _server_url()
        with create_engine(url, **options).begin() as connection:
            # Two workspaces that open an empty database at the same time must not both create the tables.
            connection.execute(text(f"SELECT pg_advisory_xact_lock({TABLES_LOCK})"))
            return RDBStorage(url.render_as_string(hide_password=False), engine_kwargs=options)


def study_name(workspace: Workspace, search: str, place: Place) -> str:
    """Return the name of a search's study."""
    return search if place == "workspace" else f"{_workspace_id(workspace)}/{search}"


def storage_label() -> str:
    """Return a short description of the server without secrets, shown on the settings page."""
    url = _server_url()
    host = (url.host or "this machine").rpartition("@")[2]  # the part after an unescaped "@" in the password
    return f"{host}{f':{url.port}' if url.port else ''}, database {url.database}"


@contextmanager
def storage_errors() -> Iterator[None]:
    """Convert database exceptions to messages without secrets.

    Raises:
        StorageError: The database cannot be used now.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        raise _translated(error) from None
    except ImportError:
        raise StorageError(
            "AUTODET_STORAGE_URL names a PostgreSQL whose driver is not installed; "
            "'pip install -r requirements-postgresql.txt' installs it."
        ) from None


@contextmanager
def _version_errors() -> Iterator[None]:
    from optuna.exceptions import OptunaError

    try:
        yield
    except RuntimeError as error:  # Optuna raises a bare RuntimeError for tables of another version
        if isinstance(error, OptunaError):
            raise
        raise StorageError(
            "The database of searches was made by another version of Optuna; install that version, or bring an older "
            "database up to this one with 'optuna storage upgrade'."
        ) from None


def retry_while_busy(
    act: Callable[[], Result], say: Callable[[StorageBusyError], None], pause: Callable[[float], bool]
) -> Result:
    """Run a database operation; retry it while the database is busy.

    Args:
        act: The operation; every retry repeats all of it.
        say: Called with the error before each wait.
        pause: Waits this many seconds before the next try, and returns whether to retry.

    Raises:
        StorageBusyError: The database was busy for 15 minutes, or until ``pause`` returned False.
        StorageError: The database cannot be used.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act()
        except StorageBusyError as error:
            if time.monotonic() > deadline:
                raise
            say(error)
            if not pause(PAUSE_SECONDS):
                raise


def _translated(error: Exception) -> StorageError:
    """Translate a database error to a message of our own."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import InterfaceError, OperationalError

    wrapper = error.__cause__ if isinstance(error, StorageInternalError) else error  # Optuna wraps SQLAlchemy's error,
    original = getattr(wrapper, "orig", None) or error  # which wraps the driver's
    text = f"{getattr(original, 'sqlstate', None)} {original}"
    for mark, words in REFUSALS.items():
        if mark in text:
            return StorageError(f"The database of searches cannot be used: {words}.")
    if isinstance(original, sqlite3.Error):
        if "locked" in text:
            return StorageBusyError("The database of searches is locked: another program uses optuna.db.")
        return StorageError(f"The database of searches, optuna.db, cannot be used: {original}.")
    if isinstance(wrapper, (OperationalError, InterfaceError)):
        return StorageBusyError("The database of searches is restarting, or does not answer.")
    return StorageError(f"The database of searches cannot be used ({type(original).__name__}).")


def _server_url() -> "URL":
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    text = load_settings().storage_url
    if not text:
        raise SettingsError(f"This search's study is in a PostgreSQL; set AUTODET_STORAGE_URL to it, as {EXAMPLE}.")
    wrong = f"AUTODET_STORAGE_URL is not the address of a PostgreSQL database; give it as {EXAMPLE}."
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingsError(wrong) from None
    if not re.fullmatch(r"postgres(ql(\+\w+)?)?", url.drivername) or not url.database:
        raise SettingsError(wrong)
    return url if "+" in url.drivername else url.set(drivername=DRIVER)


def _engine_options(place: Place) -> dict[str, Any]:
    if place == "workspace":
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    arguments: dict[str, Any] = {}
    if _server_url().drivername == DRIVER:
        arguments = {
            "connect_timeout": CONNECT_SECONDS,
            "tcp_user_timeout": SILENCE_MILLISECONDS,
            "application_name": "autodet",
        }
    return {"pool_pre_ping": True, "connect_args": arguments, "hide_parameters": True}


def _workspace_id(workspace: Workspace) -> str:
    """Return the id that separates this workspace's studies from others; created once, and kept if the folder moves."""
    path = workspace.home / WORKSPACE_ID
    if not path.exists():
        write_atomically(path, f"{slug(socket.gethostname())}-{secrets.token_hex(4)}".encode())
    return path.read_text(encoding="utf-8").strip()
