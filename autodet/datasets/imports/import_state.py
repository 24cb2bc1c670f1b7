"""Request and status of a background import, as its folder stores them.

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

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from autodet.datasets.sources.s3.access import S3Credentials
from autodet.errors import AutodetError, DatasetError
from autodet.lock import is_locked
from autodet.records import ImportStep, known_entries
from autodet.workspace import read_json, write_json

ImportState = Literal["working", "confirming", "choosing", "reviewing", "finished", "failed", "interrupted", "crashed"]
ASKING: tuple[ImportState, ...] = ("confirming", "choosing", "reviewing")  # wait for a person's decision
REQUEST, STATUS, CANCEL, UPLOAD, LOG = "request.json", "status.json", "cancel", "upload.zip", "import.log"
UPLOADED_FOLDER = "upload"
DRAFT = "draft.json"
FETCHED = "fetched.json"
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


def read_request(folder: Path) -> ImportRequest:
    """Read the parameters of the import in a folder."""
    document = read_document(folder / REQUEST)
    asked = document.get("credentials")
    credentials = S3Credentials(**known_entries(S3Credentials, asked)) if asked else None
    return ImportRequest(**known_entries(ImportRequest, document) | {"credentials": credentials})


def write_request(folder: Path, request: ImportRequest) -> None:
    """Write the parameters of an import."""
    write_json(folder / REQUEST, asdict(request))


def read_status(folder: Path) -> ImportStatus:
    """Read the last written status of the import in a folder."""
    document = read_document(folder / STATUS)
    step = ImportStep(**known_entries(ImportStep, document["step"]))
    return ImportStatus(**known_entries(ImportStatus, document) | {"step": step})


def current_status(folder: Path) -> ImportStatus:
    """Return the status of an import, also if its process has ended without writing one."""
    written = read_status(folder)
    if written.state == "working" and not is_locked(folder):
        again = read_status(folder)  # its process may have ended normally between the two checks
        return _ended_early(folder, again) if again.state == "working" else again
    return written


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


def read_document(path: Path) -> dict[str, Any]:
    """Read a JSON file of an import.

    Raises:
        DatasetError: The file is missing or damaged.
    """
    try:
        document: dict[str, Any] = read_json(path)
    except (AutodetError, OSError) as error:
        raise DatasetError(f"The import {path.parent.name!r} is damaged; discard it and import again.") from error
    return document
