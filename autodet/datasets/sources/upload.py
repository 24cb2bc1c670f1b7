"""Storage of an uploaded folder: untrusted paths, checked and written below a folder of ours."""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple

from autodet.datasets.sources.archive import safe_path
from autodet.datasets.sources.files import is_clutter
from autodet.errors import DatasetError
from autodet.settings import Settings
from autodet.workspace import safe_join

COPY_BYTES = 1 << 20


class UploadedFile(NamedTuple):
    """One file of an uploaded folder.

    Attributes:
        path: Its path, as the browser sends it: below the chosen folder, whose name comes first.
        file: Its content.
    """

    path: str
    file: BinaryIO


def write_upload(files: Iterable[UploadedFile], folder: Path, settings: Settings) -> None:
    """Write the files of an uploaded folder below another folder; skip hidden files and clutter.

    Args:
        files: The uploaded files; their paths are checked.
        folder: The target folder; it is created.
        settings: The limits on bytes, files and depth.

    Raises:
        DatasetError: A path leads out of the folder, occurs twice, or has no folder; there are no files, or more than
            the limits allow.
        OSError: ``folder`` cannot be written to.
    """
    kept = _checked(files, settings)
    for path, file in kept.items():
        target = safe_join(folder, str(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as copy:
            shutil.copyfileobj(file, copy, COPY_BYTES)


def _checked(files: Iterable[UploadedFile], settings: Settings) -> Mapping[PurePosixPath, BinaryIO]:
    """Return the files that are data, by path."""
    kept: dict[PurePosixPath, BinaryIO] = {}
    size = 0
    for path, file in _data(files, settings):
        if path in kept:
            raise DatasetError(f"The upload holds {str(path)!r} twice; remove all files, and choose the folder once.")
        kept[path] = file
        size += _size(file)
        _refuse_excess(len(kept), size, settings)
    if not kept:
        raise DatasetError("The folder holds no files, or only hidden ones; choose the folder of photos and labels.")
    if below_file := next((path for path in kept if not kept.keys().isdisjoint(path.parents)), None):
        raise DatasetError(f"In the upload, a folder of {str(below_file)!r} is a file too; rename one.")
    return kept


def _data(files: Iterable[UploadedFile], settings: Settings) -> Iterator[tuple[PurePosixPath, BinaryIO]]:
    for name, file in files:
        path = safe_path(name, settings.max_depth)
        if len(path.parts) == 1:
            raise DatasetError(
                f"The browser sent {name[:100]!r} without its folders, which say what belongs together; choose the "
                "folder with the button, or import it as a zip."
            )
        if not any(map(is_clutter, path.parts)):
            yield path, file


def _size(file: BinaryIO) -> int:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


def _refuse_excess(files: int, size: int, settings: Settings) -> None:
    if files > settings.max_archive_entries:
        raise DatasetError(
            f"The folder holds more than {settings.max_archive_entries} files; choose the folder of one data set, or "
            "raise AUTODET_MAX_ARCHIVE_FILES."
        )
    if size > settings.max_archive_bytes:
        raise DatasetError(
            f"The folder holds more than {settings.max_archive_bytes / 1e6:.0f} MB; split it, or raise "
            "AUTODET_MAX_ARCHIVE_MB."
        )
