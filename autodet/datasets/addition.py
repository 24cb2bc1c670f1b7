"""Addition of photos to a data set: an import and a merge in one step, as a new version."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

from autodet.access.change import change
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.staging import shown_name
from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.datasets.sources.s3.access import S3Credentials
from autodet.datasets.versions.class_table import Names
from autodet.datasets.versions.merge import Merge, MergeSettings, plan_merge, store_merge
from autodet.workspace import Workspace, hidden_folder, open_workspace


class ImportOptions(TypedDict, total=False):
    """Options that an addition passes to ``import_dataset``."""

    format: str
    seed: int
    progress: Callable[[float, str], None] | None
    credentials: S3Credentials | None


def add_photos(
    dataset: Dataset | DatasetSummary | str,
    source: str | Path,
    name: str | None = None,
    *,
    classes: Names | None = None,
    decisions: Mapping[str, str] | None = None,
    workspace: Workspace | None = None,
    planned: Callable[[Merge], None] | None = None,
    **options: Unpack[ImportOptions],
) -> Dataset:
    """Import labelled photos into a new version of a data set; the data set itself stays unchanged.

    Classes join those of the data set from which they differ only in case or spaces. Any other class needs consent
    (``{"class_partial": "keep"}``), because no photo of the data set has labels of it.

    Args:
        dataset: A data set, its id or its name.
        source: Any source of ``import_dataset``.
        name: Name of the version; defaults to the data set's name with the next free number.
        classes: New names for classes of the source; None leaves a class out.
        decisions: Actions for kinds of findings, of the import and of the merge.
        workspace: Target workspace; defaults to the workspace of the settings.
        planned: Callback that receives the planned merge before it is stored.
        options: Options of ``import_dataset``; the seed is that of the split of the new photos.

    Raises:
        NotFoundError: No such data set exists.
        DatasetError: The import failed or needs a decision; nothing was stored.
    """
    workspace = workspace or open_workspace()
    target = as_dataset(dataset, workspace)
    with change("create data set", target.id, workspace) as made, hidden_folder(workspace.datasets) as scratch:
        new = import_dataset(source, decisions=decisions, workspace=Workspace(scratch), **options)
        new = replace(new, name=_told_apart(shown_name(source), target))
        settings = MergeSettings([{}, classes or {}], decisions=decisions or {}, adds=True)
        merge = plan_merge([target, new], settings)
        if planned:
            planned(merge)
        dataset = store_merge(merge, name, workspace)
        made.thing = dataset.id
        return dataset


def _told_apart(name: str, target: Dataset) -> str:
    return f"{name} (new)" if name in (target.name, target.id) else name
