"""Deletion and disk usage of a search; its trials' bundles and checkpoints live as long as the search."""

from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from autodet.errors import AutodetError, BusyError, SearchError
from autodet.lock import hold_lock
from autodet.search.order.spec import SearchSpec
from autodet.search.run.best_model import model_ids
from autodet.search.status.status_file import read_status
from autodet.workspace import Workspace, delete_folder


def size_of(folder: Path) -> int:
    """Return the size of a folder in bytes; files with more than one hard link do not count."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # trials replace files while they run
            stat = path.stat()
            size += stat.st_size if S_ISREG(stat.st_mode) and stat.st_nlink == 1 else 0
    return size


def delete_search(folder: Path, workspace: Workspace) -> None:
    """Delete a search with its trials' models and its study; the workspace's models stay.

    If the study's database is unavailable, the study stays behind. This is harmless: nothing refers to it, and a later
    search of the same name creates its own study.

    Raises:
        SearchError: The search is active.
    """
    try:
        if read_status(folder).active:
            raise BusyError(folder.name)
        with hold_lock(folder, 0):  # prevents a concurrent resume
            spec = _spec(folder)
            delete_folder(folder)
    except BusyError as error:
        raise SearchError(f"The search {folder.name} is still running; stop it before you delete it.") from error
    if spec:
        _delete_study(folder.name, spec, workspace)
    for model in model_ids(folder.name):
        with suppress(OSError):
            (workspace.models / model).rmdir()  # an empty placeholder: no model was published


def _spec(folder: Path) -> SearchSpec | None:
    try:
        return SearchSpec.read(folder)
    except AutodetError:
        return None  # damaged: the location of its study is unknown


def _delete_study(search: str, spec: SearchSpec, workspace: Workspace) -> None:
    from autodet.search.study.study import forget_study  # lazy import: pages that delete nothing need no Optuna

    with suppress(AutodetError, OSError):
        forget_study(workspace, search, spec)
