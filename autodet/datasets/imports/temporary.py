"""Labelled photos that are only evaluated: read as an import reads them, into a folder that is deleted afterwards."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from autodet.datasets.checks.kinds import KINDS, by_kind, decide
from autodet.datasets.imports.import_dataset import failures_named, store
from autodet.datasets.imports.review import Review, review
from autodet.datasets.imports.staging import PHOTOS, Progress, fetch, no_progress, shown_name, stage
from autodet.datasets.manifest import IMAGES, Dataset, list_datasets
from autodet.datasets.sources.archive import PACKED_ENDINGS
from autodet.errors import DatasetError, NameWarning, warn
from autodet.messages.audience import Audience
from autodet.messages.finding_kinds import KIND_TEXTS
from autodet.messages.findings import assumption_text, problem_sentence
from autodet.records import ImageRecord, Split
from autodet.workspace import Workspace, hidden_folder, safe_join

# Kinds of findings about splits and about training, which say nothing about an evaluation on all photos.
TRAINING_KINDS = (
    "class_missing",
    "class_rare",
    "class_untaught",
    "no_validation",
    "photo_alike",
    "split_twice",
    "split_unmarked",
    "splits_disagree",
    "train_unnamed",
)
OWN_SPLITS = ("folders", "labels")  # origins of splits that the source defines


def path_of_photos(given: str | Path, workspace: Workspace | None = None) -> Path | None:
    """Return the archive or folder that an argument names; None if it names a data set.

    A ``NameWarning`` says so if a text could mean both: ids and names of data sets take precedence.
    """
    if isinstance(given, Path):
        return given
    path = Path(given)
    is_path = path.exists() or len(path.parts) > 1 or given.lower().endswith(PACKED_ENDINGS)
    if not any(given in (summary.id, summary.name) for summary in list_datasets(workspace)):
        return path if is_path else None
    if path.exists():
        warn(f"The data set {given!r} is used, not the files there; write './{given}' to use these.", NameWarning)
    return None


def assumptions(dataset: Dataset, audience: Audience = "terminal") -> list[str]:
    """Return a sentence for each kind of finding about which an import would ask, with the assumption."""
    return [
        assumption_text(KIND_TEXTS[kind].title, findings, audience)
        for kind, findings in by_kind(dataset.findings).items()
        if KINDS[kind].asks
    ]


@contextmanager
def temporary_dataset(
    source: Path, workspace: Workspace, decisions: Mapping[str, str] | None = None, report: Progress = no_progress
) -> Iterator[Dataset]:
    """Read labelled photos as a data set that exists until the end of the block.

    Args:
        source: An archive or a folder; it stays as it is.
        workspace: Workspace whose disk holds the copies.
        decisions: Actions for kinds of findings; see ``import_dataset``.
        report: Callback that receives the completed fraction, 0 to 1, and the current step.

    Raises:
        DatasetError: The photos cannot be used as they are.
    """
    with hidden_folder(workspace.dropped) as folder:
        yield read_temporary(source, folder, decisions=decisions, report=report)


def read_temporary(
    source: Path,
    folder: Path,
    name: str = "",
    *,
    format: str = "auto",
    decisions: Mapping[str, str] | None = None,
    audience: Audience = "terminal",
    report: Progress = no_progress,
) -> Dataset:
    """Read labelled photos into a folder of ``Workspace.dropped``.

    The photos keep their paths in the source as names. Unless the source defines several splits, all are in ``test``.
    ``TRAINING_KINDS`` are no findings here.

    Args:
        source: An archive or a folder.
        folder: Folder of ours, for copies of the photos.
        name: Name of the source in messages; defaults to its file name.
        format: ``auto`` or a name of ``autodet.datasets.formats.format_detection``.
        decisions: Actions for kinds of findings; see ``import_dataset``.
        audience: Reader of the error messages.
        report: Callback that receives the completed fraction, 0 to 1, and the current step.

    Raises:
        DatasetError: There are no labelled photos, they cannot be read, or a finding needs a decision.
    """
    shown = name or shown_name(source)
    decided = decide({"splits_disagree": "keep"} | dict(decisions or {}))
    with failures_named(shown):
        root, ours = fetch(source, folder, 0, None, report, shown=shown)
        copies = None if ours else folder / PHOTOS
        reviewed = review(stage(root, copies=copies, shown=shown, format=format, report=report), decided)
        for refusal in reviewed.refusals:
            raise DatasetError(problem_sentence(refusal, audience))
        return _with_own_names(store(_without_drawn_splits(reviewed), shown, Workspace(folder), report))


def _without_drawn_splits(found: Review) -> Review:
    findings = tuple(finding for finding in found.findings if finding.kind not in TRAINING_KINDS)
    if found.splits_from in OWN_SPLITS and len(set(found.splits)) > 1:
        return replace(found, findings=findings)
    splits: list[Split] = ["test"] * len(found.photos)
    return replace(found, findings=findings, splits=tuple(splits), splits_from="")


def _with_own_names(dataset: Dataset) -> Dataset:
    """Give the photos the paths that they have in the source."""
    images = dataset.folder / IMAGES
    stored = images.rename(dataset.folder / "stored")
    moved: dict[str, ImageRecord] = {}
    for record in dataset.images:
        target = safe_join(images, record.origin)
        target.parent.mkdir(parents=True, exist_ok=True)
        (stored / record.file).rename(target)
        moved[record.file] = replace(record, file=record.origin)
    findings = tuple(
        replace(finding, photos=tuple(moved[photo].file for photo in finding.photos if photo in moved))
        for finding in dataset.findings
    )
    return replace(dataset, images=tuple(moved.values()), findings=findings, temporary=True)
