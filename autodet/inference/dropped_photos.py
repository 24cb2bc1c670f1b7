"""Labelled photos that visitors of a page drop to evaluate a model on them, without an import.

Each drop has a hidden folder of ``Workspace.dropped`` that this process holds until the drop is discarded, or until no
session has shown it for ``KEEP_SECONDS``. After a crash, the next drop or start of the app deletes the folder.
"""

import secrets
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from autodet.access.change import change
from autodet.datasets.imports.temporary import read_temporary
from autodet.datasets.manifest import Dataset
from autodet.datasets.sources.upload import UploadedFile, write_upload
from autodet.errors import AutodetError
from autodet.inference.background_jobs import Job, end_jobs, find_job, start_job
from autodet.inference.evaluation_jobs import start_evaluation
from autodet.inference.held_items import HeldItems
from autodet.models.matching_weights import match_classes
from autodet.models.store import StoredModel
from autodet.records import ImportStep
from autodet.settings import load_settings
from autodet.workspace import hidden_folder, open_workspace

KEEP_SECONDS = 600.0  # long enough for a reload, or for a phone that was put away
ARCHIVE, FOLDER = "upload.archive", "upload"
FLAT = "photos"  # folder of files that were chosen without their folder
COPY_BYTES = 1 << 20
UNEXPECTED = "These photos could not be read; the app's log has the details. Try again."


@dataclass(eq=False)
class DroppedPhotos:
    """Photos of one drop.

    Attributes:
        token: Identifier, which cannot be guessed.
        name: Name of the archive or folder.
        dataset: The photos once they are read.
    """

    token: str
    name: str
    dataset: Dataset | None = None
    _folder: ExitStack = field(default_factory=ExitStack)


def drop_photos(
    model: StoredModel, upload: BinaryIO | Sequence[UploadedFile], name: str, format: str = "auto"
) -> DroppedPhotos:
    """Copy an upload, then read its photos and evaluate a model on them in the background.

    Args:
        model: The model.
        upload: An archive, or files with their paths.
        name: Name of the archive or folder.
        format: ``auto`` or a name of ``autodet.datasets.formats.format_detection``.

    Raises:
        AccessError: The visitor may not change anything.
        AutodetError: A file is refused, or the disk has no room for them.
    """
    drop, workspace = DroppedPhotos(secrets.token_urlsafe(12), name), open_workspace()
    with change("drop photos", name, workspace):
        with ExitStack() as undo:
            folder = undo.enter_context(hidden_folder(workspace.dropped))
            source = _write(upload, folder)
            drop._folder = undo.pop_all()
        drops.add(drop, drop.token)

    def read(job: Job) -> None:
        def report(_share: float, step: ImportStep) -> None:
            job.report_step(step.kind, step.done, step.total)

        dataset = read_temporary(source, folder, name, format=format, audience="page", report=report)
        shutil.rmtree(folder / FOLDER, ignore_errors=True)
        job.report(job.done, job.total)  # a cancelled job ends here
        drop.dataset = dataset
        if match_classes(model.card.classes, dataset.classes).kept:
            start_evaluation(model, dataset, first_split(dataset))

    start_job(_key(drop), read, UNEXPECTED)
    return drop


def first_split(dataset: Dataset) -> str:
    """Return the split that is evaluated at first."""
    return next(split for split in ("test", "val", "train") if split in dataset.splits)


def find_reading(drop: DroppedPhotos) -> Job | None:
    """Return the waiting, running or failed job that reads the photos; None if it has succeeded or was cancelled."""
    return find_job(_key(drop))


def _discard(drop: DroppedPhotos) -> None:
    """Cancel the work on the photos of a drop, and delete them."""
    end_jobs(*_key(drop), *([str(drop.dataset.folder)] if drop.dataset else []))
    drop._folder.close()


drops = HeldItems(_discard, KEEP_SECONDS)


def _key(drop: DroppedPhotos) -> tuple[str]:
    return (f"drop {drop.token}",)


def _write(upload: BinaryIO | Sequence[UploadedFile], folder: Path) -> Path:
    """Write an upload below our folder, and return its place."""
    try:
        if isinstance(upload, Sequence):
            flat = all("/" not in file.path for file in upload)
            files = [file._replace(path=f"{FLAT}/{file.path}") for file in upload] if flat else upload
            write_upload(files, folder / FOLDER, load_settings())
            return folder / FOLDER / FLAT if flat else folder / FOLDER
        with (folder / ARCHIVE).open("wb") as file:
            shutil.copyfileobj(upload, file, COPY_BYTES)
    except OSError as error:
        raise AutodetError(
            f"The upload could not be kept ({error.strerror}); make room on the server's disk."
        ) from error
    return folder / ARCHIVE
