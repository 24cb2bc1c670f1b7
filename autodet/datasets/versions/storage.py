"""Storage of a version: photos shared with its parents, and a manifest; it appears only when it is complete."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from autodet.access.change import change
from autodet.access.visitor import current_visitor
from autodet.datasets.manifest import IMAGES, Dataset, publish_dataset, read_dataset
from autodet.errors import BusyError, DatasetError
from autodet.lock import hold_folder
from autodet.text_format import listed
from autodet.workspace import Workspace, hidden_folder


def publish_version(
    draft: Dataset,
    sources: Sequence[Path],
    parents: Sequence[Dataset],
    workspace: Workspace,
    fill: Callable[[Dataset], None] | None = None,
) -> Dataset:
    """Store a version under a new id; after a crash or an error nothing of it is visible.

    Args:
        draft: The version; its folder, id, time and owner are set here.
        sources: The file of each of its photos, in a folder of a parent.
        parents: The data sets that must not be deleted while this runs.
        workspace: Target workspace.
        fill: Writes more into its folder before it appears.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: A parent was deleted or has lost photos, or the disk is full.
    """
    with ExitStack() as opened:
        made = opened.enter_context(change("create data set", draft.name, workspace))
        opened.enter_context(_failures_named(parents))
        for parent in parents:
            opened.enter_context(hold_folder(parent.folder))
        folder = opened.enter_context(hidden_folder(workspace.datasets))
        for split in {record.split for record in draft.images}:
            (folder / IMAGES / split).mkdir(parents=True)
        for record, source in zip(draft.images, sources, strict=True):
            _share(source, folder / IMAGES / record.file)
        created = datetime.now(UTC).isoformat(timespec="milliseconds")
        own = replace(draft, folder=folder, id=folder.name, created=created, owner=current_visitor().name)
        if fill:
            fill(own)
        stored = publish_dataset(own, workspace)
        made.thing = stored.id
        return read_dataset(stored.folder)


def _share(source: Path, target: Path) -> None:
    """Hard-link a file, so that it outlives the original; copy it where the file system has no hard links."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def _failures_named(parents: Sequence[Dataset]) -> Iterator[None]:
    """Convert operating system errors into messages about the version."""
    try:
        yield
    except (FileNotFoundError, BusyError) as error:  # BusyError: a data set is being deleted
        lost = [parent for parent in parents if not parent.folder.is_dir()] or parents
        which = f"The data set {lost[0].name!r} has" if len(lost) == 1 else f"A data set ({_named(lost)}) has"
        raise DatasetError(f"{which} lost photos, or was deleted; import it again, then make the version.") from error
    except OSError as error:
        raise DatasetError(
            f"The version of {_named(parents)} could not be stored: {error.strerror or 'a file could not be written'}; "
            "check that the disk is not full."
        ) from error


def _named(datasets: Sequence[Dataset]) -> str:
    return listed(repr(dataset.name) for dataset in datasets)
