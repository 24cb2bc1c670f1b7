"""Import of a zip, a folder, an S3 bucket or the sample into the workspace; a failed import leaves nothing behind.

source -> staged (see ``staging``) -> reviewed under decisions (see ``review``) -> photos and manifest
"""

import gc
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import numpy as np

from autodet.access.change import change
from autodet.access.visitor import current_visitor
from autodet.datasets.checks.kinds import decide
from autodet.datasets.checks.photo_checks import CheckedPhoto
from autodet.datasets.formats.source_files import photo_stem
from autodet.datasets.imports.limits import check_quota
from autodet.datasets.imports.photo_conversion import convert_photos
from autodet.datasets.imports.review import Review, review
from autodet.datasets.imports.staging import PHOTOS, Progress, fetch, no_progress, shown_name, stage
from autodet.datasets.manifest import IMAGES, Dataset, fingerprint_of, publish_dataset
from autodet.datasets.photo_files import MAX_JPEG_SIDE
from autodet.datasets.photo_formats import FORMAT_ENDINGS, PHOTO_FORMATS, stored_format
from autodet.datasets.record_columns import DECIMALS, split_annotations
from autodet.datasets.sources.archive import PACKED_ENDINGS
from autodet.datasets.sources.s3.access import S3Credentials
from autodet.datasets.splits import free_name
from autodet.errors import DatasetError, disk_full_sentence
from autodet.messages.findings import problem_sentence
from autodet.messages.imports import step_text
from autodet.records import SPLITS, Annotations, Finding, ImageRecord, ImportStep, Mark, Split
from autodet.trash import make_room
from autodet.workspace import Workspace, hidden_folder, open_workspace

ORDER = "order"  # file in a data set that identifies its import


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause Python's garbage collector, which would repeatedly scan the million objects that an import creates.

    Use it as a decorator, so that a function's objects are freed before garbage collection resumes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@collector_paused()
def import_dataset(
    source: str | Path,
    name: str | None = None,
    *,
    format: str = "auto",
    seed: int = 0,
    decisions: Mapping[str, str] | None = None,
    workspace: Workspace | None = None,
    progress: Callable[[float, str], None] | None = None,
    credentials: S3Credentials | None = None,
) -> Dataset:
    """Import labelled photos; the data set appears only when it is complete.

    Args:
        source: A zip file, a folder, ``s3://bucket/prefix``, ``s3://bucket/key.zip``, ``sample`` (drawn locally), or
            ``motorbikes`` (AutoGluon's data set, from a public bucket).
        name: Name of the data set; defaults to the source's name. A number is appended if it is the id of another
            dataset.
        format: ``auto`` or a name of ``autodet.datasets.formats.format_detection``.
        seed: Seed of the split if the source defines none, and of the drawn sample.
        decisions: Actions for kinds of findings, such as ``{"box_outside": "drop"}``; see
            ``autodet.datasets.checks.kinds``. ``{"large_loss": "keep"}`` imports the remaining data regardless of the
            loss, ``{"large_download": "keep"}`` allows downloads of gigabytes.
        workspace: Target workspace; defaults to the workspace of the settings.
        progress: Callback that receives the completed fraction, 0 to 1, and a description of the current work.
        credentials: For S3 only; defaults to the machine's own (environment, profile, role).

    Raises:
        DatasetError: The import failed, and nothing was stored. ``ArchiveError`` if the zip itself is invalid.
    """
    workspace = workspace or open_workspace()
    decided, report = decide(decisions), _in_words(progress)
    check_quota(workspace)
    make_room(workspace)
    shown, name = shown_name(source), (name or "").strip() or name_of(source)
    with change("create data set", name, workspace) as made, failures_named(shown):
        with hidden_folder(workspace.datasets) as scratch:
            root, ours = fetch(source, scratch, seed, credentials, report, large=decided["large_download"] == "keep")
            copies = None if ours else scratch / PHOTOS
            reviewed = review(stage(root, copies=copies, shown=shown, format=format, report=report), decided, seed)
            for refusal in reviewed.refusals:
                raise DatasetError(problem_sentence(refusal))
            dataset = store(reviewed, name, workspace, report)
        made.thing = dataset.id
        return dataset


@collector_paused()
def check_source(
    source: str | Path,
    *,
    format: str = "auto",
    seed: int = 0,
    decisions: Mapping[str, str] | None = None,
    workspace: Workspace | None = None,
    progress: Callable[[float, str], None] | None = None,
    credentials: S3Credentials | None = None,
) -> Review:
    """Return the review of an import without storing anything.

    Args:
        source: See ``import_dataset``, as for all arguments.
        format: The format of the labels.
        seed: Seed of the split.
        decisions: Actions for kinds of findings.
        workspace: Workspace whose disk holds an archive or download while it is checked.
        progress: Callback that receives the completed fraction and a description.
        credentials: For S3 only.

    Raises:
        DatasetError: The source cannot be read at all.
    """
    decided, report = decide(decisions), _in_words(progress)
    shown = shown_name(source)
    with failures_named(shown), hidden_folder((workspace or open_workspace()).datasets) as scratch:
        root, _ = fetch(source, scratch, seed, credentials, report, large=decided["large_download"] == "keep")
        return review(stage(root, copies=None, shown=shown, format=format, report=report), decided, seed)


def _in_words(progress: Callable[[float, str], None] | None) -> Progress:
    return (lambda share, step: progress(share, step_text(step))) if progress else no_progress


def store(found: Review, name: str, workspace: Workspace, report: Progress = no_progress, order: str = "") -> Dataset:
    """Create a data set from a review; it appears only when it is complete.

    Args:
        found: The review to store; its photos are moved.
        name: Name of the data set; a number is appended if it is the id of another dataset.
        workspace: Target workspace.
        report: Callback that receives the completed fraction, 0 to 1, and the current step.
        order: Key by which ``stored_for`` finds the data set later.

    Raises:
        DatasetError: The data sets would take more disk space than the settings allow.
    """
    root = found.staged.root
    check_quota(workspace, sum((root / photo.source.photo).stat().st_size for photo in found.photos))
    with hidden_folder(workspace.datasets) as folder:
        dataset = _fill(folder, found, name, report)
        if order:
            (folder / ORDER).write_text(order, encoding="utf-8")
        return publish_dataset(dataset, workspace)


def stored_for(order: str, workspace: Workspace) -> str | None:
    """Return the id of the data set that was stored for an order; None if there is none yet."""
    orders = (path for path in workspace.datasets.glob(f"*/{ORDER}") if path.read_text(encoding="utf-8") == order)
    return next((path.parent.name for path in orders if not path.parent.name.startswith(".")), None)


@contextmanager
def failures_named(shown: str) -> Iterator[None]:
    """Convert operating system errors into a message about the source."""
    try:
        yield
    except OSError as error:
        if full := disk_full_sentence(error):
            raise DatasetError(f"{shown!r} could not be imported. {full}") from error
        raise DatasetError(
            f"{shown!r} could not be imported: {error.strerror or 'a file could not be read or written'}; check "
            "that the files may be read, and the workspace written."
        ) from error


def name_of(source: str | Path) -> str:
    """Return the default name of a data set, derived from its source."""
    path = PurePosixPath(str(source).rstrip("/"))
    ending = next((ending for ending in PACKED_ENDINGS if path.name.lower().endswith(ending)), "")
    return path.name[: len(path.name) - len(ending)] or path.name or "data set"


def _fill(folder: Path, found: Review, name: str, report: Progress) -> Dataset:
    """Move the photos into the data set's folder, convert those of some formats, and describe the dataset."""
    classes = tuple(sorted(frozenset[str]().union(*(photo.classes for photo in found.photos))))
    names = _storage_names(found.photos, found.splits)
    order = sorted(range(len(names)), key=lambda index: (SPLITS.index(found.splits[index]), names[index]))
    marked = annotations_of([found.photos[index].marks for index in order], classes)
    stored = _store_photos(found, names, order, folder / IMAGES, report)
    records = []
    for index, annotations in zip(order, marked, strict=True):
        photo, sha256 = found.photos[index], found.hashes[index]
        width, height = photo.facts.upright_wh
        facts = (names[index], width, height, found.splits[index], annotations, stored.get(index, sha256))
        before = (str(photo.source.photo), photo.facts.look, sha256 if index in stored else "")
        records.append(ImageRecord(*facts, *before))
    return Dataset(
        folder=folder,
        id=folder.name,
        name=name,
        format=found.staged.detection.format,
        classes=classes,
        images=tuple(records),
        findings=_with_stored_photos(found, names),
        created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        fingerprint=fingerprint_of(classes, records),
        splits_from=found.splits_from,
        owner=current_visitor().name,
    )


def _store_photos(
    found: Review, names: Sequence[str], order: Sequence[int], images: Path, report: Progress
) -> dict[int, str]:
    """Store all photos under their new names; return the SHA-256 of each new file of a converted photo."""

    def count(number: int) -> None:
        report(0.9 + 0.1 * number / len(names), ImportStep("store", number, len(names)))

    root = found.staged.root
    moves = {index: (str(found.photos[index].source.photo), names[index]) for index in order}
    converted = [index for index in order if PHOTO_FORMATS[found.photos[index].facts.format].stored_as]
    hashes: dict[int, str] = {}
    for sha256 in convert_photos([moves.pop(index) for index in converted], root, images):
        hashes[converted[len(hashes)]] = sha256
        count(len(hashes))
    for number in _move(moves.values(), root, images):
        count(len(hashes) + number)
    return hashes


def _move(moves: Iterable[tuple[str, str]], root: Path, images: Path) -> Iterator[int]:
    """Move photos to their new names; move a whole folder at once where the result is the same.

    Args:
        moves: Pairs of a photo's path below ``root`` and its name below ``images``.
        root: Source folder.
        images: Target folder.

    Yields:
        The number of photos moved so far.
    """
    folders: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for path, name in moves:
        folders.setdefault((path.rpartition("/")[0], name.rpartition("/")[0]), []).append((path, name))
    done = 0
    for (folder, split), moved in folders.items():
        target = images / split
        if not target.exists() and _is_whole(root / folder, moved) and folder:
            target.parent.mkdir(parents=True, exist_ok=True)
            (root / folder).rename(target)
            done += len(moved)
            yield done
            continue
        target.mkdir(parents=True, exist_ok=True)
        for path, name in moved:
            os.rename(f"{root}/{path}", f"{images}/{name}")  # noqa: PTH104 - half the time that pathlib takes
            done += 1
            yield done


def _is_whole(folder: Path, moved: Sequence[tuple[str, str]]) -> bool:
    """Return whether a folder contains only the given photos, and each of them keeps its name."""
    same = all(path.rpartition("/")[2] == name.rpartition("/")[2] for path, name in moved)
    return same and len(os.listdir(folder)) == len(moved)  # noqa: PTH208


def annotations_of(photos: Sequence[Sequence[Mark]], classes: Sequence[str]) -> Iterator[Annotations]:
    """Yield the annotations of each photo as arrays, with coordinates rounded as in the manifest."""
    class_ids = {name: number for number, name in enumerate(classes)}
    marks = [mark for photo in photos for mark in photo]
    together = Annotations.of(
        np.array([mark.box_xyxy for mark in marks], float).round(DECIMALS),
        [class_ids[mark.name] for mark in marks],
        [mark.difficult for mark in marks],
        [mark.truncated for mark in marks],
    )
    return split_annotations(together, map(len, photos))


def _with_stored_photos(found: Review, names: Sequence[str]) -> tuple[Finding, ...]:
    """Return the findings, with their photos under the names that the data set uses."""
    stored = {str(photo.source.photo): name for photo, name in zip(found.photos, names, strict=True)}
    return tuple(
        replace(finding, photos=tuple(stored[photo] for photo in finding.photos if photo in stored))
        for finding in found.findings
    )


def _storage_names(photos: Sequence[CheckedPhoto], splits: Sequence[Split]) -> list[str]:
    """Return ``<split>/<name>`` with the extension of the stored format, numbered where names in a split collide."""
    taken: dict[str, int] = {}
    names = []
    for photo, split in zip(photos, splits, strict=True):
        path = photo.source.photo
        format_ = stored_format(photo.facts.format)
        if format_ != photo.facts.format and max(photo.facts.stored_wh) > MAX_JPEG_SIDE:
            format_ = "PNG"
        endings = FORMAT_ENDINGS[format_]
        ending = path.suffix if path.suffix.lower() in endings else endings[0]
        names.append(free_name(split, photo_stem(path.name), ending, taken))
    return names
