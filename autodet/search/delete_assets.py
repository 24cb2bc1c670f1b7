"""Deletion of models and data sets: checks for active searches, and the effects of a deletion.

The pages, Python programs and the command line all delete through this module, so that they share its checks.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from autodet.access.change import change
from autodet.datasets.manifest import (
    Dataset,
    DatasetSummary,
    list_datasets,
    only_dataset_id,
    read_dataset,
)
from autodet.datasets.versions.derive import ancestors
from autodet.errors import BusyError, DatasetError, ModelError, NotFoundError
from autodet.lock import hold_folder
from autodet.models.store import BUNDLE, StoredModel, erase_model, only_model_id
from autodet.names import naming
from autodet.search.api import is_in_the_making, list_searches
from autodet.search.delete import size_of
from autodet.text_format import listed
from autodet.trash import move_to_trash
from autodet.workspace import Workspace, open_workspace


@dataclass(frozen=True)
class Deletion:
    """A deletion, planned or done.

    Attributes:
        kind: ``model`` or ``dataset``.
        id: The id of the model or data set.
        freed_bytes: Disk space freed in bytes, without photos shared with other versions, which stay.
        unfinished: Ids of the unfinished searches that cannot be resumed without the data set.
        versions: Ids of the versions derived from the data set, which stay intact.
    """

    kind: Literal["model", "dataset"]
    id: str
    freed_bytes: int
    unfinished: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()


def plan_model_deletion(model: StoredModel | str, workspace: Workspace | None = None) -> Deletion:
    """Check and describe a ``delete_model`` call without deleting anything; it raises the same errors."""
    workspace = workspace or open_workspace()
    if isinstance(model, StoredModel) and model.path != workspace.models / model.id / BUNDLE:
        raise NotFoundError(f"{model.path} is not a model of the workspace; delete the file.")
    id = only_model_id(model.id if isinstance(model, StoredModel) else model, workspace)
    if is_in_the_making(id, workspace):
        raise ModelError(f"The search that makes the model {id} is still running; stop the search first.")
    return Deletion("model", id, size_of(workspace.models / id))


def delete_model(model: StoredModel | str, workspace: Workspace | None = None) -> Deletion:
    """Delete a model of the workspace and its evaluations; its search and copies elsewhere stay.

    Args:
        model: The model, its id, or a unique name.
        workspace: Workspace of the model; the settings' workspace by default.

    Raises:
        ModelError: An active search may still replace the model.
        NotFoundError: The model does not exist.
        AmbiguousNameError: Several models have that name.
    """
    workspace = workspace or open_workspace()
    planned = plan_model_deletion(model, workspace)
    erase_model(planned.id, workspace)
    return planned


def plan_dataset_deletion(dataset: Dataset | DatasetSummary | str, workspace: Workspace | None = None) -> Deletion:
    """Check and describe a ``delete_dataset`` call without deleting anything; it raises the same errors."""
    workspace = workspace or _home_of(dataset)
    id = only_dataset_id(dataset.id if isinstance(dataset, Dataset | DatasetSummary) else dataset, workspace)
    searches = [status for status in list_searches(workspace) if status.dataset == id]
    if active := [status.search for status in searches if status.active]:
        raise DatasetError(
            f"The data set {id} is still in use by the search {listed(active)}; stop that before you delete it."
            if len(active) == 1
            else f"The data set {id} is still in use by the searches {listed(active)}; stop them before you delete it."
        )
    return Deletion(
        "dataset",
        id,
        size_of(workspace.datasets / id),
        tuple(status.search for status in searches if status.unfinished),
        tuple(_versions(id, workspace)),
    )


def delete_dataset(dataset: Dataset | DatasetSummary | str, workspace: Workspace | None = None) -> Deletion:
    """Delete a data set; versions derived from it and models trained on it stay intact.

    Args:
        dataset: The data set, its id, or a unique name.
        workspace: Workspace of the data set; by default that of a ``Dataset``, else the settings' workspace.

    Raises:
        DatasetError: An active search uses the data set, or a version or export of it is in progress.
        NotFoundError: The data set does not exist.
        AmbiguousNameError: Several data sets have that name.
    """
    workspace = workspace or _home_of(dataset)
    with naming(workspace.searches):  # no search may start on it between check and deletion
        planned = plan_dataset_deletion(dataset, workspace)
        _erase_dataset(planned.id, workspace)
    return planned


def _erase_dataset(id: str, workspace: Workspace) -> None:
    """Move the folder of a data set to the trash; versions have hard links to its photos, or copies, of their own."""
    folder = workspace.datasets / id
    try:
        with change("delete data set", id, workspace), hold_folder(folder, alone=True, patience_seconds=0):
            move_to_trash("dataset", folder)
    except BusyError as error:
        raise DatasetError(
            f"A version or an export of the data set {id!r} is being made; delete it when that is done."
        ) from error


def _home_of(dataset: Dataset | DatasetSummary | str) -> Workspace:
    return Workspace(dataset.folder.parent.parent) if isinstance(dataset, Dataset) else open_workspace()


def _versions(id: str, workspace: Workspace) -> Iterator[str]:
    """Yield the ids of all data sets derived from one, directly or indirectly."""
    for summary in list_datasets(workspace):
        with suppress(DatasetError):  # a damaged version raises its error when opened
            chain = ancestors(read_dataset(workspace.datasets / summary.id), workspace) if summary.parent else ()
            if any(found and found.id == id for _, found in chain):
                yield summary.id
