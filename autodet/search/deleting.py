"""Deleting a search, and what that frees: its trials keep their bundles and checkpoints for as long as it is there."""

from contextlib import suppress
from pathlib import Path

from autodet.errors import BusyError, SearchError
from autodet.lock import hold_lock
from autodet.search.snapshot import read_status
from autodet.workspace import Workspace, delete_folder


def size_of(folder: Path) -> int:
    """How many bytes a search takes on the disk; models that lists show are not counted."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # trials replace files while they run
            size += path.stat().st_size if path.is_file() else 0
    return size


def delete_search(folder: Path, workspace: Workspace) -> None:
    """Delete a search with the models of its trials; those of the workspace stay.

    Raises:
        SearchError: It is at work.
    """
    try:
        if read_status(folder).active:
            raise BusyError(folder.name)
        with hold_lock(folder, 0):  # so that nobody resumes it meanwhile
            delete_folder(folder)
    except BusyError as error:
        raise SearchError(f"The search {folder.name} is at work; stop it before you delete it.") from error
    with suppress(OSError):
        (workspace.models / folder.name).rmdir()  # a place was held for its model, and none came
