"""Where studies are kept: in the workspace's own SQLite, or in the PostgreSQL that the settings name for a team.

A search stays where it began. In a database that workspaces share, a study is called ``WORKSPACE/SEARCH``. Nothing
that a driver says is passed on: an address that is misread may carry parts of its password anywhere.
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
SILENCE_MILLISECONDS = 20_000  # how long a server may leave a packet unanswered
BUSY_SECONDS = 2.0  # how long one attempt waits for another process's write
PATIENCE_SECONDS, PAUSE_SECONDS = 900.0, 1.0
TABLES_LOCK = 0x6175746F646574  # any number that nobody else uses; this one spells autodet
WORKSPACE_ID = "workspace.id"
EXAMPLE = "postgresql://USER:PASSWORD@SERVER/DATABASE"
REFUSALS = {  # by SQLSTATE (PostgreSQL's manual, appendix A), or by words: a refused connection has no state
    "28P01": "it refuses the password",
    "password authentication failed": "it refuses the password",
    "28000": "it refuses the user",
    "3D000": "the server has no database of this name",
    '" does not exist': "the server has no database, or no user, of this name",
    "42501": "the user may not make or change tables in it",
}

Result = TypeVar("Result")


def place_of_new_studies() -> Place:
    """Where a search that starts now keeps its study."""
    return "server" if load_settings().storage_url else "workspace"


def check_storage(place: Place) -> None:
    """See whether studies can be kept there, before a search relies on it.

    Raises:
        SettingsError: The address makes no sense, or is missing.
        StorageError: The server cannot be used.
    """
    if place == "workspace":
        return
    from sqlalchemy import create_engine

    with storage_errors():
        create_engine(_server_url(), **_engine_options("server")).connect().close()


def open_database(workspace: Workspace, place: Place) -> "RDBStorage":
    """The database of studies, its tables made if they are not there.

    Raises:
        SettingsError: The address makes no sense, or is missing.
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
            # Two workspaces that come to an empty database together must not both make the tables.
            connection.execute(text(f"SELECT pg_advisory_xact_lock({TABLES_LOCK})"))
            return RDBStorage(url.render_as_string(hide_password=False), engine_kwargs=options)


def study_name(workspace: Workspace, search: str, place: Place) -> str:
    """What a search's study is called."""
    return search if place == "workspace" else f"{_workspace_id(workspace)}/{search}"


def storage_label() -> str:
    """The server in a few words without secrets, for the page of settings."""
    url = _server_url()
    host = (url.host or "this machine").rpartition("@")[2]  # behind an "@" of a password that was not escaped
    return f"{host}{f':{url.port}' if url.port else ''}, database {url.database}"


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn whatever a database raises into a sentence without secrets.

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
    except RuntimeError as error:  # all that Optuna raises where the tables are another version's
        if isinstance(error, OptunaError):
            raise
        raise StorageError(
            "The database of searches was made by another version of Optuna; install that version, or bring an older "
            "database up to this one with 'optuna storage upgrade'."
        ) from None


def patiently(act: Callable[[], Result], say: Callable[[str], None], pause: Callable[[float], bool]) -> Result:
    """Do something with the database, again and again while it is busy.

    Args:
        act: What to do; all of it is done again.
        say: Told a sentence before each time of waiting.
        pause: Passes so many seconds until the next try, and says whether there should be one.

    Raises:
        StorageBusyError: It was busy for a quarter of an hour, or until nobody wanted to wait any longer.
        StorageError: It cannot be used.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act()
        except StorageBusyError as error:
            if time.monotonic() > deadline:
                raise
            say(f"{error} It is tried again until it can be used; trials go on meanwhile.")
            if not pause(PAUSE_SECONDS):
                raise


def _translated(error: Exception) -> StorageError:
    """What a database's error means, in words that are ours."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import InterfaceError, OperationalError

    wrapper = error.__cause__ if isinstance(error, StorageInternalError) else error  # Optuna wraps SQLAlchemy's,
    original = getattr(wrapper, "orig", None) or error  # and that the driver's
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
    """What tells this workspace's studies from others': made once, and moved along with the folder."""
    path = workspace.home / WORKSPACE_ID
    if not path.exists():
        write_atomically(path, f"{slug(socket.gethostname())}-{secrets.token_hex(4)}".encode())
    return path.read_text(encoding="utf-8").strip()
