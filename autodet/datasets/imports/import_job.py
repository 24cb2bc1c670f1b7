"""Background imports: each runs in its own process, so that it survives the page that started it.

    workspace/imports/<id>/
      request.json    the request, without keys
      status.json     the status; after the start only the import's process writes it
      upload.zip      the uploaded archive; or upload/: the uploaded folder; or files/ and s3/: the fetched files
      staged.json     the staged source, while the user decides
      draft.json      the user's decisions so far
      cancel          touched to cancel the import
      lock            held while a process works on the import

           ┌────────────────────────────┐
    working ──> confirming > working    │
       │  ├───> choosing ──> working    ├──> finished   (the data set is stored)
       │  └───> reviewing ─> working ───┘
       └──────────────────────────────────> failed      (only the error message is left)

A killed process or an interrupted download leaves the state ``interrupted``, a process that died of an error
``crashed``: fetched files are kept, and a restart resumes from there. ``confirming`` asks for consent to a large
download.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from autodet.access.change import Action, Change, change, may_change
from autodet.access.visitor import current_visitor
from autodet.datasets.checks.kinds import decide
from autodet.datasets.imports.limits import check_quota
from autodet.datasets.imports.places import check_waiting
from autodet.datasets.imports.review import Review, review
from autodet.datasets.imports.staged_json import read_staged
from autodet.datasets.sources.s3.access import OWN, SCHEME, S3Credentials, choose_endpoint, parse_address
from autodet.datasets.sources.upload import UploadedFile, write_upload
from autodet.errors import AutodetError, BusyError, DatasetError, NotFoundError
from autodet.lock import hold_lock, is_locked
from autodet.processes import NO_SECRETS, OWN_S3_KEYS, start_process
from autodet.records import ImportStep, known_entries
from autodet.settings import load_settings
from autodet.trash import make_room
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
UPLOADED_FOLDER = "upload"
DRAFT = "draft.json"
FETCHED = "fetched.json"
FORGET_SECONDS = 24 * 3600.0
COPY_BYTES = 1 << 20
MAX_ERROR_LENGTH = 200  # characters of an error quoted in a message


@dataclass(frozen=True)
class ImportRequest:
    """The parameters of an import.

    Attributes:
        source: A path, an ``s3://`` address, or ``sample``; empty for an upload, which is stored beside the request.
        name: Name of the dataset.
        format: ``auto`` or a name of ``autodet.datasets.formats.format_detection``.
        seed: Seed of the split if the source defines none, and of the drawn sample.
        created: Time of the request, ISO 8601 with time zone.
        credentials: For S3: the account and the server, without keys.
        large: Whether the user agreed to a large download.
        owner: Who asked for it; empty if unknown.
        into: Id of the data set to which the photos are added; empty for a data set of their own.
    """

    source: str
    name: str
    format: str = "auto"
    seed: int = 0
    created: str = ""
    credentials: S3Credentials | None = None
    large: bool = False
    owner: str = ""
    into: str = ""


@dataclass(frozen=True)
class ImportStatus:
    """The status of an import.

    Attributes:
        state: Current state; see the diagram in the module docstring.
        share: Completed fraction of the work, 0 to 1.
        step: Current work.
        seconds: Time spent on the current work so far.
        asked: Values of the question: while ``choosing``, ``photos``, the number of labelled photos by format; while
            ``confirming``, ``files`` and ``bytes``.
        dataset: The data set's id once ``finished``.
        error: The error message once ``failed``, ``interrupted`` or ``crashed``; once ``finished``, why the photos are
            a data set of their own and no addition.
    """

    state: ImportState
    share: float = 0.0
    step: ImportStep = field(default_factory=lambda: ImportStep("start"))
    seconds: float = 0.0
    asked: Mapping[str, Any] = field(default_factory=dict)
    dataset: str = ""
    error: str = ""

    @property
    def seconds_left(self) -> float | None:
        """Estimated remaining time of the current work, by linear extrapolation; None while unknown."""
        if self.step.kind == "download":  # the step states the time left, and later work has another pace
            return None
        return self.seconds * (1 / self.share - 1) if self.share > 0.02 and self.seconds > 1 else None


class Import:
    """An import in the workspace.

    Attributes:
        id: The name of its folder.
    """

    def __init__(self, folder: Path) -> None:
        self.id = folder.name
        self._folder = folder

    def request(self) -> ImportRequest:
        """Return the parameters of the import."""
        return read_request(self._folder)

    def status(self) -> ImportStatus:
        """Return the current status."""
        written = read_status(self._folder)
        if written.state == "working" and not is_locked(self._folder):
            again = read_status(self._folder)  # its process may have ended normally between the two checks
            return _ended_early(self._folder, again) if again.state == "working" else again
        return written

    def draft(self) -> dict[str, str]:
        """Return the user's decisions so far, which are not applied yet."""
        draft = self._folder / DRAFT
        return {str(kind): str(action) for kind, action in _read(draft).items()} if draft.exists() else {}

    def keep_draft(self, decisions: Mapping[str, str]) -> None:
        """Save the user's decisions so far, so that a later visit can restore them; a viewer's are not saved."""
        if may_change():
            write_json(self._folder / DRAFT, dict(decisions))

    @property
    def lacks_keys(self) -> bool:
        """Whether continuing needs keys that the user typed in, because keys are never stored."""
        asked = self.request().credentials
        return asked is not None and asked.lacks_keys and not (self._folder / FETCHED).exists()

    def review(self, decisions: Mapping[str, str] | None = None) -> Review:
        """Review the import under the given decisions.

        Raises:
            DatasetError: No photos would be left, or a decision is invalid.
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
        """Continue: with a format after ``choosing``, with decisions after ``reviewing``, or after an interruption.

        Args:
            decisions: Actions for kinds of findings.
            format: A name of ``autodet.datasets.formats.format_detection``.
            credentials: Keys, if the import lacks them.
            large: Consent to a large download, after ``confirming``.

        Raises:
            BusyError: The import is already running.
            DatasetError: Keys are missing, a decision is invalid, or the import's state has changed in the meantime.
        """
        if self.lacks_keys and (credentials is None or credentials.lacks_keys):
            raise DatasetError("S3 keys are never stored; enter the access key id and the secret access key again.")
        request = self.request()
        request = replace(request, format=format or request.format, large=large or request.large)
        if credentials:
            request = replace(request, credentials=credentials.without_keys())
        decide(decisions)
        with self._change("continue import"), hold_lock(self._folder, patience_seconds=1.0) as lock:
            self._refuse_if_over(storing=decisions is not None)
            (self._folder / CANCEL).unlink(missing_ok=True)
            _write_order(self._folder, request)
            _launch(self._folder, lock, "stage" if decisions is None else "store", decisions or {}, credentials)

    def discard(self) -> None:
        """Cancel and delete the import with its fetched files; a running import deletes itself."""
        with self._change("discard import"), suppress(FileNotFoundError):  # already discarded by another process
            (self._folder / CANCEL).touch()
            try:
                with hold_lock(self._folder, patience_seconds=0.0 if self._is_working() else 5.0):
                    delete_folder(self._folder)
            except BusyError:
                return  # its process sees the cancel file

    def _change(self, action: Action) -> AbstractContextManager[Change]:
        return change(action, self.id, Workspace(self._folder.parent.parent))

    def _is_working(self) -> bool:
        try:
            return self.status().state == "working"
        except DatasetError:
            return False

    def _refuse_if_over(self, *, storing: bool) -> None:
        """Raise an error if the import is past the state that an outdated page shows; the caller must hold the lock."""
        state = read_status(self._folder).state
        if state in ("finished", "failed") or (storing and state != "reviewing"):
            raise DatasetError(f"The import {self.id!r} has changed in another tab; reload the page to see its state.")


def start_import(
    source: str | BinaryIO | Sequence[UploadedFile],
    name: str,
    *,
    format: str = "auto",
    seed: int = 0,
    workspace: Workspace | None = None,
    credentials: S3Credentials | None = None,
    into: str = "",
) -> Import:
    """Start an import in its own process; return at once, after copying an upload.

    Args:
        source: A source of ``import_dataset``, an uploaded archive, or the files of an uploaded folder.
        name: Name of the dataset.
        format: ``auto`` or a name of ``autodet.datasets.formats.format_detection``.
        seed: Seed of the split if the source defines none, and of the drawn sample.
        workspace: Target workspace; defaults to the workspace of the settings.
        credentials: For S3 only; passed to the process through a pipe and never written to disk.
        into: Id of the data set to which the photos are added, as a new version; empty for a data set of their own.

    Raises:
        BusyError: Too many imports wait already.
        DatasetError: The data sets take all the disk space that the settings allow.
        AutodetError: The disk has no room for the upload, a file of it is refused, or the address is invalid.
    """
    if isinstance(source, str) and source.startswith(SCHEME):
        parse_address(source)
        choose_endpoint(credentials or OWN, load_settings())
    workspace = workspace or open_workspace()
    check_quota(workspace)
    check_waiting(workspace.imports)
    make_room(workspace)
    request = ImportRequest(
        source if isinstance(source, str) else "",
        name,
        format,
        seed,
        datetime.now(UTC).isoformat(timespec="milliseconds"),
        credentials.without_keys() if credentials else None,
        owner=current_visitor().name,
        into=into,
    )
    with change("import", name, workspace) as asked:
        _forget_finished(workspace)
        with hidden_folder(workspace.imports) as hidden, hold_lock(hidden) as lock:
            if not isinstance(source, str):
                _keep_upload(source, hidden)
            _write_order(hidden, request)
            folder = publish_folder(hidden, workspace.imports, name)
            asked.thing = folder.name
            _launch(folder, lock, "stage", {}, credentials)
    return Import(folder)


def _forget_finished(workspace: Workspace) -> None:
    """Delete finished imports that are still there ``FORGET_SECONDS`` after their last request."""
    for job in list_imports(workspace):
        with suppress(AutodetError, OSError):
            if job.status().state == "finished" and time.time() - _asked(workspace.imports / job.id) > FORGET_SECONDS:
                job.discard()


def list_imports(workspace: Workspace | None = None) -> list[Import]:
    """Return all existing imports, newest first."""
    workspace = workspace or open_workspace()
    folders = [path for path in workspace.imports.iterdir() if not path.name.startswith(".")]
    return [Import(path) for path in sorted(folders, key=_asked, reverse=True) if (path / STATUS).exists()]


def find_import(id: str, workspace: Workspace | None = None) -> Import:
    """Return the import with the given id.

    Raises:
        NotFoundError: No such import exists.
    """
    folder = safe_join((workspace or open_workspace()).imports, id)
    if not (folder / STATUS).exists():
        raise NotFoundError(f"There is no import called {id!r}; it was finished or discarded.")
    return Import(folder)


def read_request(folder: Path) -> ImportRequest:
    """Read the parameters of the import in a folder."""
    document = _read(folder / REQUEST)
    asked = document.get("credentials")
    credentials = S3Credentials(**known_entries(S3Credentials, asked)) if asked else None
    return ImportRequest(**known_entries(ImportRequest, document) | {"credentials": credentials})


def read_status(folder: Path) -> ImportStatus:
    """Read the last written status of the import in a folder."""
    document = _read(folder / STATUS)
    step = ImportStep(**known_entries(ImportStep, document["step"]))
    return ImportStatus(**known_entries(ImportStatus, document) | {"step": step})


def write_status(folder: Path, status: ImportStatus) -> None:
    """Write the status of an import."""
    write_json(folder / STATUS, asdict(status))


def _ended_early(folder: Path, status: ImportStatus) -> ImportStatus:
    """Return the status after the process is gone: ``crashed`` if its log has a traceback, else ``interrupted``."""
    try:
        lines = (folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    if not any(line.startswith("Traceback") for line in lines):
        return replace(status, state="interrupted")
    reason = f"Its process ended with an error, {lines[-1][:MAX_ERROR_LENGTH]!r}; the whole log is {folder / LOG}."
    return replace(status, state="crashed", error=reason)


def _asked(folder: Path) -> float:
    """Return the time of an import's last request in seconds since 1970; 0 if it was just discarded."""
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


def _keep_upload(upload: BinaryIO | Sequence[UploadedFile], folder: Path) -> None:
    try:
        if isinstance(upload, Sequence):
            write_upload(upload, folder / UPLOADED_FOLDER, load_settings())
            return
        with (folder / UPLOAD).open("wb") as file:
            shutil.copyfileobj(upload, file, COPY_BYTES)
    except OSError as error:
        raise AutodetError(
            f"The upload could not be kept ({error.strerror}); make room on the server's disk, or import from S3."
        ) from error


def _write_order(folder: Path, request: ImportRequest) -> None:
    write_json(folder / REQUEST, asdict(request))
    write_status(folder, ImportStatus("working"))


def _uses_own_keys(request: ImportRequest) -> bool:
    return request.source.startswith(SCHEME) and (request.credentials or OWN).identity in ("machine", "profile")


def _launch(
    folder: Path,
    lock: int,
    step: Literal["stage", "store"],
    decisions: Mapping[str, str],
    credentials: S3Credentials | None,
) -> None:
    """Start the import's process; it inherits the lock, so that the folder is never unlocked in between."""
    request = read_request(folder)
    worker = "autodet.datasets.additions.worker" if request.into else "autodet.datasets.imports.worker"
    with (folder / LOG).open("wb") as log:  # truncated, so that it shows only how this process ended
        process = start_process(
            [sys.executable, "-m", worker, str(folder), step],
            log,
            folder.parent.parent,
            stdin=subprocess.PIPE,
            pass_fds=[lock],
            secrets=OWN_S3_KEYS if _uses_own_keys(request) else NO_SECRETS,
        )
    orders = {"decisions": dict(decisions), "credentials": asdict(credentials) if credentials else None}
    with process.stdin as pipe:  # type: ignore[union-attr]
        pipe.write(json.dumps(orders).encode())
