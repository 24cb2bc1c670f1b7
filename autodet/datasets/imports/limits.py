"""Limits of imports: the pixels of one import and the disk space of all data sets."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autodet.errors import DatasetError
from autodet.settings import load_settings
from autodet.text_format import size_text
from autodet.workspace import Workspace


@dataclass
class PixelBudget:
    """The pixels that the photos of an import may have. Thread-safe.

    Attributes:
        per_photo: Maximum for one photo.
        total: Maximum for all photos together.
        spent: Pixels so far.
    """

    per_photo: int
    total: int
    spent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def spend(self, pixels: int) -> None:
        """Count the pixels of a photo.

        Raises:
            DatasetError: The photos exceed a limit.
        """
        with self._lock:
            self.spent += pixels
        if self.spent > self.total:
            raise DatasetError(
                f"The photos have more than {self.total / 1e6:,.0f} megapixels together; import fewer or smaller ones, "
                "or raise AUTODET_MAX_IMPORT_MEGAPIXELS."
            )


def pixel_budget() -> PixelBudget:
    """Return the budget of a new import according to the settings."""
    settings = load_settings()
    return PixelBudget(settings.max_photo_pixels, settings.max_import_pixels)


def check_quota(workspace: Workspace, more_bytes: int = 0) -> None:
    """Check that the quota for data sets allows more disk space.

    Args:
        workspace: Their workspace.
        more_bytes: Size of the files to add.

    Raises:
        DatasetError: They would exceed the limit of the settings.
    """
    quota = load_settings().max_datasets_bytes
    if quota is None:
        return
    used = _disk_bytes(workspace.datasets)
    if used >= quota or used + more_bytes > quota:
        more = f", and this import adds {size_text(more_bytes)}" if more_bytes else ""
        raise DatasetError(
            f"The data sets take {size_text(used)} of {size_text(quota)} that this installation allows{more}; delete "
            "data sets that are no longer needed, or raise AUTODET_MAX_DATASETS_MB."
        )


def _disk_bytes(folder: Path) -> int:
    """Return the size of all published files below a folder; versions share photos, which count once."""
    found: dict[int, int] = {}
    for inode, size in _files(str(folder)):
        found[inode] = size
    return sum(found.values())


def _files(folder: str) -> Iterator[tuple[int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):  # incomplete or being deleted
                    yield from _files(entry.path)
            else:
                state = entry.stat(follow_symlinks=False)
                yield state.st_ino, state.st_size
