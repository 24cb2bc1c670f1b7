"""The trash: deleted data sets, searches and models can be restored for a day.

    AUTODET_HOME/.trash/<kind>/<id>~<time of the deletion>/

Deleting and restoring are renames, so a crash leaves an item complete, either in its old place or in the trash.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autodet.errors import AutodetError, NotFoundError
from autodet.names import naming
from autodet.workspace import Workspace, delete_folder

Kind = Literal["dataset", "search", "model"]
FOLDERS: dict[Kind, str] = {"dataset": "datasets", "search": "searches", "model": "models"}
TITLES: dict[Kind, str] = {"dataset": "data set", "search": "search", "model": "model"}
KEPT_SECONDS = 24 * 3600.0
MIN_FREE_BYTES = 5_000_000_000  # on the disk: with less, imports empty the trash first


@dataclass(frozen=True)
class Trashed:
    """An item in the trash.

    Attributes:
        kind: Its kind.
        id: Its id before the deletion and after a restore.
        folder: Its folder in the trash.
        deleted: Time of the deletion in seconds since 1970.
    """

    kind: Kind
    id: str
    folder: Path
    deleted: float

    @property
    def seconds_left(self) -> float:
        """Time until it is erased, in seconds."""
        return max(0.0, self.deleted + KEPT_SECONDS - time.time())


def move_to_trash(kind: Kind, folder: Path) -> None:
    """Move the folder of an item to the trash, if it exists."""
    place = folder.parents[1] / ".trash" / FOLDERS[kind]
    place.mkdir(parents=True, exist_ok=True)
    try:
        folder.rename(place / f"{folder.name}~{time.time_ns()}")
    except FileNotFoundError:
        return  # another process was faster


def list_trash(workspace: Workspace) -> list[Trashed]:
    """Return the items in the trash, the most recently deleted first."""
    found = []
    for kind, name in FOLDERS.items():
        for folder in (workspace.home / ".trash" / name).glob("[!.]*~*"):
            id, _, moment = folder.name.rpartition("~")
            if moment.isdigit():
                found.append(Trashed(kind, id, folder, int(moment) / 1e9))
    return sorted(found, key=lambda trashed: trashed.deleted, reverse=True)


def restore_from_trash(kind: Kind, id: str, workspace: Workspace) -> Trashed:
    """Restore the most recently deleted item with an id.

    Raises:
        NotFoundError: The trash holds no such item.
        AutodetError: A newer item has the id.
    """
    trashed = next((one for one in list_trash(workspace) if (one.kind, one.id) == (kind, id)), None)
    if trashed is None:
        raise NotFoundError(f"The trash holds no {TITLES[kind]} {id!r}; items stay there for a day.")
    parent = workspace.home / FOLDERS[kind]
    with naming(workspace.datasets if kind == "dataset" else workspace.searches):
        if (parent / id).is_dir() and not any((parent / id).iterdir()):
            (parent / id).rmdir()  # a placeholder of the search that made the model
        if (parent / id).exists():
            raise AutodetError(f"A newer {TITLES[kind]} has the id {id!r}; delete it before you restore this one.")
        try:
            trashed.folder.rename(parent / id)
        except FileNotFoundError:
            raise NotFoundError(f"The {TITLES[kind]} {id!r} has just been restored or erased.") from None
    return trashed


def erase_trash(
    workspace: Workspace, kept_seconds: float = KEPT_SECONDS, before: Callable[[Trashed], None] | None = None
) -> None:
    """Erase old items in the trash.

    Args:
        workspace: The workspace.
        kept_seconds: Age up to which items are kept; 0 empties the trash.
        before: Called with each item before it is erased.
    """
    for trashed in list_trash(workspace):
        if time.time() - trashed.deleted >= kept_seconds:
            if before:
                before(trashed)
            delete_folder(trashed.folder)


def make_room(workspace: Workspace) -> None:
    """Erase items in the trash, the oldest first, until the disk has ``MIN_FREE_BYTES`` free."""
    for trashed in reversed(list_trash(workspace)):
        if shutil.disk_usage(workspace.home).free >= MIN_FREE_BYTES:
            return
        delete_folder(trashed.folder)
