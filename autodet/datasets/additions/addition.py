"""Addition of photos to a data set: an import and a merge in one step, as a new version that keeps the drafts.

source -> imported into a hidden workspace -> merged with the data set -> version -> drafts taken over
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

from autodet.access.change import change
from autodet.datasets.drafts.journal import add_draft_class, carry_drafts, read_drafts
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.staging import shown_name
from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset, list_datasets, read_dataset
from autodet.datasets.sources.s3.access import S3Credentials
from autodet.datasets.versions.class_table import Names
from autodet.datasets.versions.merge import Merge, MergeSettings, plan_merge, store_merge
from autodet.text_format import spelling_key
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
    """Import photos into a new version of a data set, which takes its drafts over; the data set stays unchanged.

    Classes join those of the data set from which they differ only in case or spaces. Any other class needs consent
    (``{"class_partial": "keep"}``), because no photo of the data set has labels of it. Photos without any labels go to
    ``train`` and wait to be labelled; see ``autodet.datasets.versions.waiting_photos``.

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
        merge = plan_addition(target, new, shown_name(source), classes=classes, decisions=decisions)
        if planned:
            planned(merge)
        dataset = store_addition(merge, name, workspace)
        made.thing = dataset.id
        return dataset


def plan_addition(
    target: Dataset,
    new: Dataset,
    name: str,
    *,
    classes: Names | None = None,
    decisions: Mapping[str, str] | None = None,
) -> Merge:
    """Plan a version of a data set that has the photos of a new one too.

    Args:
        target: The data set.
        new: The imported photos.
        name: Name of their source.
        classes: New names for classes of the source; None leaves a class out.
        decisions: Actions for the findings of a merge.

    Raises:
        DatasetError: A class name or a decision is invalid.
    """
    images = new.images if new.boxes else tuple(replace(record, split="train") for record in new.images)
    if not target.boxes and not new.boxes:  # versions of their labels have splits of their own
        decisions = {"photo_leak": "keep", **(decisions or {})}
    new = replace(new, name=_told_apart(name, target), images=images)
    return plan_merge([target, new], MergeSettings([{}, classes or {}], decisions=decisions or {}, adds=True))


def store_addition(merge: Merge, name: str | None, workspace: Workspace) -> Dataset:
    """Store a planned addition, and take over the drafts of the data set and the classes to label with.

    Raises:
        DatasetError: The merge needs a decision, changes nothing, or cannot be stored.
    """
    target, new = merge.parents
    return store_merge(merge, name, workspace, partial(carry_drafts, target, classes=read_drafts(new).classes))


def grown_version(dataset: Dataset) -> DatasetSummary | None:
    """Return the newest version to which photos were added, with the drafts until then; None if there is none."""
    for summary in list_datasets(dataset.workspace):
        if summary.parent == dataset.id:
            parent = read_dataset(dataset.workspace.datasets / summary.id).parent
            if parent and any(change.kind == "added" for change in parent.changes):
                return summary
    return None


def join_classes(dataset: Dataset, names: Collection[str]) -> dict[str, str]:
    """Add classes to label with, apart from other spellings of those that a data set has; return its name of each."""
    spelled = {spelling_key(name): name for name in read_drafts(dataset).classes}
    for name in names:
        if spelling_key(name) not in spelled:
            spelled[spelling_key(name)] = add_draft_class(dataset, name)
    return {name: spelled[spelling_key(name)] for name in names}


def _told_apart(name: str, target: Dataset) -> str:
    return f"{name} (new)" if name in (target.name, target.id) else name
