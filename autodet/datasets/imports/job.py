"""Imports in the background: a process of their own, so that progress survives the page that asked for it.

    workspace/imports/<id>/
      request.json    what was asked for; never a key
      status.json     what the import is doing; written by its process alone once that has begun
      upload.zip      what was uploaded, or files/ and s3/: what was fetched
      staged.json     what was read, while a person decides
      draft.json      what they have chosen so far
      cancel          touched by whoever wants it to end
      lock            held for as long as a process is at work on it

           ┌────────────────────────────┐
    working ──> confirming > working    │
       │  ├───> choosing ──> working    ├──> finished   (the data set is there)
       │  └───> reviewing ─> working ───┘
       └──────────────────────────────────> failed      (nothing is left but the sentence)

A process that was killed, or a download that broke off, leaves ``interrupted``, and one that died of an error of its
own ``crashed``: what had been fetched is kept, and starting again goes on from there. ``confirming`` is the question
whether a large download is wanted.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from autodet.datasets.checks.kinds import decide
from autodet.datasets.imports.review import Review, review
from autodet.datasets.imports.staged_json import read_staged
from autodet.datasets.sources.s3.access import OWN, SCHEME, S3Credentials, choose_endpoint, parse_address
from autodet.errors import AutodetError, BusyError, DatasetError, NotFoundError
from autodet.lock import hold_lock, is_locked
from autodet.processes import start_process
from autodet.records import known_entries
from autodet.settings import load_settings
from autodet.workspace import (
    Workspace,
    delete_folder,
    hidden_folder,
    open_workspace,
    publish_folder,
    read_json,
    safe_join,
    write_json,
)

ImportState = Literal["working", "confirming", "choosing", "reviewing", "finished", "failed", "interrupted", "crashed"]
REQUEST, STATUS, CANCEL, UPLOAD, LOG = "request.json", "status.json", "cancel", "upload.zip", "import.log"
DRAFT = "draft.json"
FETCHED = "fetched.json"
FORGET_SECONDS = 24 * 3600.0
COPY_BYTES = 1 << 20
MAX_ERROR_LENGTH = 200  # letters of an error that a sentence repeats


@dataclass(frozen=True)
class ImportRequest:
    """What an import was asked for.

    Attributes:
        source: A path, an ``s3://`` address, or ``sample``; empty for an upload, which lies beside the request.
        name: What the data set is to be called.
        format: ``auto`` or a name of ``autodet.datasets.formats.detection``.
        seed: Seed of the split where the source has none, and of the drawn sample.
        created: When it was asked for, ISO 8601 with time zone.
        credentials: For S3: who asks, and which server; without keys.
        large: Whether somebody has agreed to a large download.
    """

    source: str
    name: str
    format: str = "auto"
    seed: int = 0
    created: str = ""
    credentials: S3Credentials | None = None
    large: bool = False


@dataclass(frozen=True)
class ImportStatus:
    """What an import is doing.

    Attributes:
        state: Where it is; see the module's picture.
        share: The share of the work that is done, 0 to 1.
        doing: What is being done.
        seconds: How long the present work has taken so far.
        formats: What to choose from while ``choosing``.
        dataset: The data set's id once ``finished``.
        error: A sentence once ``failed``, ``interrupted`` or ``crashed``, or the question while ``choosing`` or
            ``confirming``.
    """

    state: ImportState
    share: float = 0.0
    doing: str = "Starting"
    seconds: float = 0.0
    formats: tuple[str, ...] = ()
    dataset: str = ""
    error: str = ""

    @property
    def seconds_left(self) -> float | None:
        """How long the present work will still take, if it goes on as it did; None while that is unknown."""
        if self.doing.startswith("Downloading"):  # which says so itself: the rest is another kind of work
            return None
        return self.seconds * (1 / self.share - 1) if self.share > 0.02 and self.seconds > 1 else None


class Import:
    """An import in the workspace.

    Attributes:
        id: Its folder's name.
    """

    def __init__(self, folder: Path) -> None:
        self.id = folder.name
        self._folder = folder

    def request(self) -> ImportRequest:
        """What it was asked for."""
        return read_request(self._folder)

    def status(self) -> ImportStatus:
        """What it is doing now."""
        written = read_status(self._folder)
        if written.state == "working" and not is_locked(self._folder):
            again = read_status(self._folder)  # its process may have ended, properly, between the two looks
            return _ended_early(self._folder, again) if again.state == "working" else again
        return written

    def draft(self) -> dict[str, str]:
        """The decisions that somebody has chosen so far, without going on with them."""
        draft = self._folder / DRAFT
        return {str(kind): str(action) for kind, action in _read(draft).items()} if draft.exists() else {}

    def keep_draft(self, decisions: Mapping[str, str]) -> None:
        """Write down what somebody has chosen so far, for when they come back."""
        write_json(self._folder / DRAFT, dict(decisions))

    @property
    def lacks_keys(self) -> bool:
        """Whether going on takes keys that somebody typed, which were written nowhere."""
        asked = self.request().credentials
        return asked is not None and asked.lacks_keys and not (self._folder / FETCHED).exists()

    def review(self, decisions: Mapping[str, str] | None = None) -> Review:
        """What would be imported under some decisions.

        Raises:
            DatasetError: Nothing would be left, or a decision makes no sense.
        """
        return review(read_staged(self._folder), decide(decisions), self.request().seed)

    def proceed(
        self,
        decisions: Mapping[str, str] | None = None,
        *,
        format: str | None = None,
        credentials: S3Credentials | None = None,
        large: bool = False,
    ) -> None:
        """Go on: with a format after ``choosing``, with decisions after ``reviewing``, or once more after a death.

        Args:
            decisions: What to do about kinds of problems.
            format: A name of ``autodet.datasets.formats.detection``.
            credentials: Keys, if it lacks them.
            large: Agrees to a large download, after ``confirming``.

        Raises:
            BusyError: It is at work already.
            DatasetError: It lacks keys, a decision makes no sense, or it has gone on meanwhile.
        """
        if self.lacks_keys and (credentials is None or credentials.lacks_keys):
            raise DatasetError("The keys were written nowhere; give the access key's id and its secret again.")
        request = self.request()
        request = replace(request, format=format or request.format, large=large or request.large)
        if credentials:
            request = replace(request, credentials=credentials.without_keys())
        decide(decisions)
        with hold_lock(self._folder, patience_seconds=1.0) as lock:
            self._refuse_if_over(storing=decisions is not None)
            (self._folder / CANCEL).unlink(missing_ok=True)
            _write_order(self._folder, request)
            _launch(self._folder, lock, "stage" if decisions is None else "store", decisions or {}, credentials)

    def discard(self) -> None:
        """End it and forget it; what was fetched is deleted, by its own process if that is at work."""
        with suppress(FileNotFoundError):  # somebody else has discarded it
            (self._folder / CANCEL).touch()
            try:
                with hold_lock(self._folder, patience_seconds=0.0 if self._is_working() else 5.0):
                    delete_folder(self._folder)
            except BusyError:
                return  # its process notices

    def _is_working(self) -> bool:
        try:
            return self.status().state == "working"
        except DatasetError:
            return False

    def _refuse_if_over(self, *, storing: bool) -> None:
        """Make sure that nobody goes on from what an old page shows; to be called while the lock is held."""
        state = read_status(self._folder).state
        if state in ("finished", "failed") or (storing and state != "reviewing"):
            raise DatasetError(f"The import {self.id!r} has gone on meanwhile; reload the page to see where it is.")


def start_import(
    source: str | BinaryIO,
    name: str,
    *,
    format: str = "auto",
    seed: int = 0,
    workspace: Workspace | None = None,
    credentials: S3Credentials | None = None,
) -> Import:
    """Begin an import in a process of its own; returns at once, an upload's copying apart.

    Args:
        source: What ``import_dataset`` takes, or an uploaded zip.
        name: What to call the data set.
        format: ``auto`` or a name of ``autodet.datasets.formats.detection``.
        seed: Seed of the split where the source has none, and of the drawn sample.
        workspace: Where to; the settings' workspace if not given.
        credentials: For S3 only; handed to the process through a pipe, and written nowhere.

    Raises:
        AutodetError: There is no room for the upload, or the address is none.
    """
    if isinstance(source, str) and source.startswith(SCHEME):
        parse_address(source)
        choose_endpoint(credentials or OWN, load_settings())
    workspace = workspace or open_workspace()
    _forget_finished(workspace)
    text = source if isinstance(source, str) else ""
    created = datetime.now(UTC).isoformat(timespec="milliseconds")
    request = ImportRequest(text, name, format, seed, created, credentials.without_keys() if credentials else None)
    with hidden_folder(workspace.imports) as hidden, hold_lock(hidden) as lock:
        if not isinstance(source, str):
            _keep_upload(source, hidden / UPLOAD)
        _write_order(hidden, request)
        folder = publish_folder(hidden, workspace.imports, name)
        _launch(folder, lock, "stage", {}, credentials)
    return Import(folder)


def _forget_finished(workspace: Workspace) -> None:
    """Delete what is left of imports that ended well, and whose visitor has not come back to see it."""
    for one in list_imports(workspace):
        with suppress(AutodetError, OSError):
            if one.status().state == "finished" and time.time() - _asked(workspace.imports / one.id) > FORGET_SECONDS:
                one.discard()


def list_imports(workspace: Workspace | None = None) -> list[Import]:
    """Every import that is not forgotten, the newest first."""
    workspace = workspace or open_workspace()
    folders = [path for path in workspace.imports.iterdir() if not path.name.startswith(".")]
    return [Import(path) for path in sorted(folders, key=_asked, reverse=True) if (path / STATUS).exists()]


def find_import(id: str, workspace: Workspace | None = None) -> Import:
    """An import by its id.

    Raises:
        NotFoundError: There is none.
    """
    folder = safe_join((workspace or open_workspace()).imports, id)
    if not (folder / STATUS).exists():
        raise NotFoundError(f"There is no import called {id!r}; it was finished or discarded.")
    return Import(folder)


def read_request(folder: Path) -> ImportRequest:
    """What the import in a folder was asked for."""
    document = _read(folder / REQUEST)
    asked = document.get("credentials")
    credentials = S3Credentials(**known_entries(S3Credentials, asked)) if asked else None
    return ImportRequest(**known_entries(ImportRequest, document) | {"credentials": credentials})


def read_status(folder: Path) -> ImportStatus:
    """What the import in a folder last said."""
    document = _read(folder / STATUS)
    return ImportStatus(**known_entries(ImportStatus, document) | {"formats": tuple(document["formats"])})


def write_status(folder: Path, status: ImportStatus) -> None:
    """Say what an import is doing."""
    write_json(folder / STATUS, asdict(status))


def _ended_early(folder: Path, status: ImportStatus) -> ImportStatus:
    """The status of an import whose process is gone: it crashed if its log ends with an error, else it was killed."""
    try:
        lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    if not any(line.startswith("Traceback") for line in lines):
        return replace(status, state="interrupted")
    reason = f"Its process ended with an error, {lines[-1][:MAX_ERROR_LENGTH]!r}; all of it is in {folder / LOG}."
    return replace(status, state="crashed", error=reason)


def _asked(folder: Path) -> float:
    """When an import was last asked for something, in seconds since 1970; 0 if it has just been discarded."""
    try:
        return (folder / REQUEST).stat().st_mtime
    except OSError:
        return 0.0


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = read_json(path)
    except (AutodetError, OSError) as error:
        raise DatasetError(f"The import {path.parent.name!r} is damaged; discard it and import again.") from error
    return document


def _keep_upload(upload: BinaryIO, path: Path) -> None:
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(upload, file, COPY_BYTES)
    except OSError as error:
        raise AutodetError(
            f"The upload could not be kept ({error.strerror}); make room on the server's disk, or import from S3."
        ) from error


def _write_order(folder: Path, request: ImportRequest) -> None:
    write_json(folder / REQUEST, asdict(request))
    write_status(folder, ImportStatus("working"))


def _launch(
    folder: Path,
    lock: int,
    step: Literal["stage", "store"],
    decisions: Mapping[str, str],
    credentials: S3Credentials | None,
) -> None:
    """Start the import's process; it inherits the lock, so that there is no moment without one."""
    with (folder / LOG).open("wb") as log:  # of this process alone, so that it tells how that one ended
        process = start_process(
            [sys.executable, "-m", "autodet.datasets.imports.worker", str(folder), step],
            log,
            folder.parent.parent,
            stdin=subprocess.PIPE,
            pass_fds=[lock],
        )
    orders = {"decisions": dict(decisions), "credentials": asdict(credentials) if credentials else None}
    with process.stdin as pipe:  # type: ignore[union-attr]
        pipe.write(json.dumps(orders).encode())
