"""Deleting a search, and what that frees: its trials keep their bundles and checkpoints for as long as it is there."""

from contextlib import suppress
from pathlib import Path
from stat import S_ISREG

from autodet.errors import AutodetError, BusyError, SearchError
from autodet.lock import hold_lock
from autodet.search.order.spec import SearchSpec
from autodet.search.run.refit import model_ids
from autodet.search.status.status_file import read_status
from autodet.workspace import Workspace, delete_folder


def size_of(folder: Path) -> int:
    """How many bytes a folder takes on the disk; a file that is a hard link to another folder's does not count."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # trials replace files while they run
            stat = path.stat()
            size += stat.st_size if S_ISREG(stat.st_mode) and stat.st_nlink == 1 else 0
    return size


def delete_search(folder: Path, workspace: Workspace) -> None:
    """Delete a search with the models of its trials and its study; the models of the workspace stay.

    Where the database that has the study cannot be used now, the study stays behind. That does no harm: nothing refers
    to it, and a later search of the same name begins with one of its own.

    Raises:
        SearchError: It is at work.
    """
    try:
        if read_status(folder).active:
            raise BusyError(folder.name)
        with hold_lock(folder, 0):  # so that nobody resumes it meanwhile
            spec = _spec(folder)
            delete_folder(folder)
    except BusyError as error:
        raise SearchError(f"The search {folder.name} is at work; stop it before you delete it.") from error
    if spec:
        _delete_study(folder.name, spec, workspace)
    for model in model_ids(folder.name):
        with suppress(OSError):
            (workspace.models / model).rmdir()  # a place was held for it, and none came


def _spec(folder: Path) -> SearchSpec | None:
    try:
        return SearchSpec.read(folder)
    except AutodetError:
        return None  # damaged, so nobody knows where its study is


def _delete_study(search: str, spec: SearchSpec, workspace: Workspace) -> None:
    from autodet.search.study.study import forget_study  # pages that delete nothing need no Optuna

    with suppress(AutodetError, OSError):
        forget_study(workspace, search, spec)
