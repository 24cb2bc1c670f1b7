"""Background imports: each runs in its own process, so that it survives the page that started it.

``import_state`` lists the files and the states of an import.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Literal

from autodet.access.change import Action, Change, change, may_change
from autodet.access.visitor import current_visitor
from autodet.datasets.checks.kinds import decide
from autodet.datasets.imports.import_state import (
    ASKING,
    CANCEL,
    DRAFT,
    FETCHED,
    LOG,
    REQUEST,
    STATUS,
    UPLOAD,
    UPLOADED_FOLDER,
    ImportRequest,
    ImportStatus,
    current_status,
    read_document,
    read_request,
    read_status,
    write_request,
    write_status,
)
from autodet.datasets.imports.limits import check_quota
from autodet.datasets.imports.places import check_waiting
from autodet.datasets.imports.review import Review, review
from autodet.datasets.imports.staged_json import read_staged
from autodet.datasets.sources.s3.access import OWN, SCHEME, S3Credentials, choose_endpoint, parse_address
from autodet.datasets.sources.upload import UploadedFile, write_upload
from autodet.errors import AutodetError, BusyError, DatasetError, NotFoundError
from autodet.lock import hold_lock
from autodet.processes import NO_SECRETS, OWN_S3_KEYS, start_process
from autodet.settings import load_settings
from autodet.trash import make_room
from autodet.workspace import (
    Workspace,
    delete_folder,
    hidden_folder,
    open_workspace,
    publish_folder,
    safe_join,
    write_json,
)

FORGET_SECONDS = 24 * 3600.0
COPY_BYTES = 1 << 20


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
        return current_status(self._folder)

    def draft(self) -> dict[str, str]:
        """Return the user's decisions so far, which are not applied yet."""
        draft = self._folder / DRAFT
        return {str(kind): str(action) for kind, action in read_document(draft).items()} if draft.exists() else {}

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


def import_asks(workspace: Workspace | None = None) -> bool:
    """Return whether an import waits for a person's decision."""
    for job in list_imports(workspace):
        with suppress(DatasetError):  # damaged
            if job.status().state in ASKING:
                return True
    return False


def find_import(id: str, workspace: Workspace | None = None) -> Import:
    """Return the import with the given id.

    Raises:
        NotFoundError: No such import exists.
    """
    folder = safe_join((workspace or open_workspace()).imports, id)
    if not (folder / STATUS).exists():
        raise NotFoundError(f"There is no import called {id!r}; it was finished or discarded.")
    return Import(folder)


def _asked(folder: Path) -> float:
    """Return the time of an import's last request in seconds since 1970; 0 if it was just discarded."""
    try:
        return (folder / REQUEST).stat().st_mtime
    except OSError:
        return 0.0


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
    write_request(folder, request)
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
