"""Deletion and disk usage of a search; its trials' bundles and checkpoints live as long as the search."""

from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from autodet.access.change import change
from autodet.errors import AutodetError, BusyError, SearchError
from autodet.lock import hold_lock
from autodet.search.order.spec import SearchSpec
from autodet.search.run.best_model import model_ids
from autodet.search.status.status_file import read_status
from autodet.trash import KEPT_SECONDS, TITLES, Kind, Trashed, erase_trash, move_to_trash, restore_from_trash
from autodet.workspace import Workspace, open_workspace


def size_of(folder: Path) -> int:
    """Return the size of a folder in bytes; files with more than one hard link do not count."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # trials replace files while they run
            stat = path.stat()
            size += stat.st_size if S_ISREG(stat.st_mode) and stat.st_nlink == 1 else 0
    return size


def delete_search(folder: Path, workspace: Workspace) -> None:
    """Move a search with its trials' models to the trash; the workspace's models stay.

    Raises:
        SearchError: The search is active.
    """
    try:
        if read_status(folder).active:
            raise BusyError(folder.name)
        with hold_lock(folder, 0):  # prevents a concurrent resume
            move_to_trash("search", folder)
    except BusyError as error:
        raise SearchError(f"The search {folder.name} is still running; stop it before you delete it.") from error
    for model in model_ids(folder.name):
        with suppress(OSError):
            (workspace.models / model).rmdir()  # an empty placeholder: no model was published


def restore(kind: Kind, id: str, workspace: Workspace | None = None) -> None:
    """Restore a data set, search or model deleted within the last day.

    Args:
        kind: ``dataset``, ``search`` or ``model``.
        id: Its id.
        workspace: Its workspace; the settings' workspace by default.

    Raises:
        NotFoundError: The trash holds no such item.
        AutodetError: A newer item has the id.
        AccessError: The visitor may not change anything.
    """
    workspace = workspace or open_workspace()
    with change("restore", f"{TITLES[kind]} {id}", workspace):
        restore_from_trash(kind, id, workspace)
        for model in model_ids(id)[:1] if kind == "search" else ():
            (workspace.models / model).mkdir(exist_ok=True)  # reserves the id again


def empty_trash(workspace: Workspace, kept_seconds: float = KEPT_SECONDS) -> None:
    """Erase items deleted more than a day ago, and the studies of searches.

    If a study's database is unavailable, the study stays behind. This is harmless: nothing refers to it, and a later
    search of the same name creates its own study.

    Args:
        workspace: The workspace.
        kept_seconds: Age up to which items are kept; 0 empties the trash.
    """

    def forget(trashed: Trashed) -> None:
        if trashed.kind == "search" and (spec := _spec(trashed.folder)):
            _delete_study(trashed.id, spec, workspace)

    erase_trash(workspace, kept_seconds, forget)


def _spec(folder: Path) -> SearchSpec | None:
    try:
        return SearchSpec.read(folder)
    except AutodetError:
        return None  # damaged: the location of its study is unknown


def _delete_study(search: str, spec: SearchSpec, workspace: Workspace) -> None:
    from autodet.search.study.study import forget_study  # lazy import: pages that delete nothing need no Optuna

    with suppress(AutodetError, OSError):
        forget_study(workspace, search, spec)
