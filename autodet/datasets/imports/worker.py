"""The process that runs an import.

    python -m autodet.datasets.imports.worker FOLDER stage|store

Decisions and credentials, keys included, arrive on standard input.
"""

import json
import logging
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from autodet.access.change import change
from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.checks.kinds import decide
from autodet.datasets.imports.import_dataset import ORDER, collector_paused, failures_named, store, stored_for
from autodet.datasets.imports.import_state import (
    CANCEL,
    DRAFT,
    FETCHED,
    UPLOAD,
    UPLOADED_FOLDER,
    ImportRequest,
    ImportStatus,
    read_request,
    write_status,
)
from autodet.datasets.imports.places import hold_place
from autodet.datasets.imports.review import Review, review
from autodet.datasets.imports.staged_json import STAGED, read_staged, write_staged
from autodet.datasets.imports.staging import PHOTOS, fetch, shown_name, stage
from autodet.datasets.sources.s3.access import SCHEME, S3Credentials
from autodet.errors import (
    AmbiguousFormatError,
    AutodetError,
    DatasetError,
    DownloadInterruptedError,
    LargeDownloadError,
)
from autodet.messages.findings import problem_sentence
from autodet.records import ImportStep
from autodet.workspace import Workspace, delete_folder, read_json, write_json

SAY_SECONDS = 0.2

log = logging.getLogger("autodet.import")


class CancelledError(AutodetError):
    """The user cancelled the import."""


class Reporter:
    """Writes the progress of an import at a limited rate, and checks for cancellation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._began = self._said = time.monotonic()

    def __call__(self, share: float, step: ImportStep) -> None:
        """Report progress.

        Raises:
            CancelledError: The user cancelled the import.
        """
        now = time.monotonic()
        if now - self._said < SAY_SECONDS:
            return
        self._said = now
        if (self._folder / CANCEL).exists():
            raise CancelledError
        write_status(self._folder, ImportStatus("working", min(share, 1.0), step, now - self._began))


def store_reviewed(folder: Path, found: Review, report: Reporter) -> ImportStatus:
    """Store the review of the import in a folder as a data set."""
    order = secrets.token_hex(16)
    (folder / ORDER).write_text(order, encoding="utf-8")
    request, workspace = read_request(folder), Workspace(folder.parent.parent)
    with acting_as(Visitor(request.owner, "editor")), change("create data set", request.name, workspace) as made:
        dataset = store(found, request.name, workspace, report, order)
        made.thing = dataset.id
    return ImportStatus("finished", 1.0, ImportStep("end"), dataset=dataset.id)


Finish = Callable[[Path, Review, Reporter], ImportStatus]


def main(arguments: list[str], finish: Finish = store_reviewed) -> int:
    """Run one step of an import.

    Args:
        arguments: Folder of the import, and the step.
        finish: Stores the result.

    Returns:
        Exit code 1 if it failed, else 0.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    folder, step = Path(arguments[0]), arguments[1]
    orders = json.load(sys.stdin)
    try:
        status = _stored_before(folder)
        if status is None:
            with hold_place(folder, partial(Reporter(folder), 0.0, ImportStep("wait"))):
                stored = step == "store"
                status = (
                    _store(folder, orders["decisions"], finish)
                    if stored
                    else _stage(folder, orders["credentials"], finish)
                )
    except CancelledError:
        delete_folder(folder)
        return 0
    except AmbiguousFormatError as error:
        status = ImportStatus("choosing", asked={"photos": dict(error.photos)})
    except LargeDownloadError as error:
        status = ImportStatus("confirming", asked={"files": error.files, "bytes": error.bytes})
    except DownloadInterruptedError as error:
        status = ImportStatus("interrupted", error=str(error))
    except AutodetError as error:
        status = ImportStatus("failed", error=str(error))
    except Exception:
        log.exception("The import failed.")
        status = ImportStatus("failed", error="The import failed unexpectedly; its log has the details. Try again.")
    if (folder / CANCEL).exists() and status.state != "finished":  # cancelled after the last report
        delete_folder(folder)
        return 0
    if status.state in ("failed", "finished"):
        _clear(folder)
    write_status(folder, status)
    return int(status.state == "failed")


@collector_paused()
def _stage(folder: Path, credentials: Mapping[str, Any] | None, finish: Finish) -> ImportStatus:
    request = read_request(folder)
    shown = shown_name(request.source) if request.source.startswith(SCHEME) else request.name
    report = Reporter(folder)
    with failures_named(shown):
        root, ours = _fetch_once(folder, request, shown, credentials, report)
        copies = None if ours else folder / PHOTOS
        shutil.rmtree(folder / PHOTOS, ignore_errors=True)  # left by an interrupted attempt
        staged = stage(root, copies=copies, shown=shown, format=request.format, report=report)
        found = review(staged, seed=request.seed)
        if found.asks:  # the user decides
            write_staged(folder, staged)
            return ImportStatus("reviewing")
        return _finish(folder, found, report, finish)


def _finish(folder: Path, found: Review, report: Reporter, finish: Finish) -> ImportStatus:
    (folder / FETCHED).unlink()  # files are moved from here on, so a restart must fetch them again
    return finish(folder, found, report)


def _fetch_once(
    folder: Path, request: ImportRequest, shown: str, credentials: Mapping[str, Any] | None, report: Reporter
) -> tuple[Path, bool]:
    """Fetch the source unless already fetched; resume an interrupted download."""
    if (folder / FETCHED).exists():
        root, ours = read_json(folder / FETCHED)
        return Path(root), bool(ours)
    shutil.rmtree(folder / "files", ignore_errors=True)
    asking = S3Credentials(**credentials) if credentials else request.credentials
    uploads = (path for path in (folder / UPLOAD, folder / UPLOADED_FOLDER) if path.exists())
    source = str(next(uploads, request.source))
    root, ours = fetch(source, folder, request.seed, asking, report, large=request.large, shown=shown)
    write_json(folder / FETCHED, [str(root), ours])
    return root, ours


@collector_paused()
def _store(folder: Path, decisions: Mapping[str, str], finish: Finish) -> ImportStatus:
    found = review(read_staged(folder), decide(decisions), read_request(folder).seed)
    for refusal in found.refusals:
        raise DatasetError(problem_sentence(refusal, "page"))
    with failures_named(found.staged.shown):
        return _finish(folder, found, Reporter(folder), finish)


def _stored_before(folder: Path) -> ImportStatus | None:
    """Return the final status if an earlier process stored the data set but died before reporting it."""
    if not (folder / ORDER).exists():
        return None
    dataset = stored_for((folder / ORDER).read_text(encoding="utf-8"), Workspace(folder.parent.parent))
    return ImportStatus("finished", 1.0, ImportStep("end"), dataset=dataset) if dataset else None


def _clear(folder: Path) -> None:
    """Delete the fetched files; keep the status, the request and the log."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix == ".zip" or path.name in (STAGED, FETCHED, DRAFT):
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
