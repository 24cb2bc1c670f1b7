"""From a zip, a folder, an S3 bucket or the sample to a data set in the workspace, or to an error and nothing.

source -> staged (see ``staging``) -> reviewed under decisions (see ``reviewing``) -> photos and manifest
"""

import gc
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import numpy as np

from autodet.datasets.checks.kinds import decide
from autodet.datasets.checks.photo_checks import CheckedPhoto
from autodet.datasets.imports.review import Review, review
from autodet.datasets.imports.staging import PHOTOS, Progress, fetch, no_progress, shown_name, stage
from autodet.datasets.manifest import DECIMALS, IMAGES, Dataset, cut, fingerprint_of, publish_dataset
from autodet.datasets.photos import FORMAT_ENDINGS
from autodet.datasets.sources.s3.access import S3Credentials
from autodet.datasets.splits import free_name
from autodet.errors import DatasetError, disk_full_sentence
from autodet.records import SPLITS, Annotations, ImageRecord, Mark, Problem, Split
from autodet.workspace import Workspace, hidden_folder, open_workspace

ORDER = "order"  # in a data set: for which import it was stored


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep Python from looking for cycles again and again among the million objects that an import makes.

    It decorates functions, so that what they made is gone before it is looked at.
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
    progress: Progress | None = None,
    credentials: S3Credentials | None = None,
) -> Dataset:
    """Import labelled photos; the data set appears when all of it is there.

    Args:
        source: A zip file, a folder, ``s3://bucket/prefix``, ``s3://bucket/key.zip``, or one of the words ``sample``
            (drawn here) and ``motorbikes`` (AutoGluon's, from a public bucket).
        name: What to call it; the source's name if not given. With a number if it is another data set's id.
        format: ``auto`` or a name of ``autodet.datasets.formats.detection``.
        seed: Seed of the split where the source has none, and of the drawn sample.
        decisions: What to do about kinds of problems, such as ``{"box_outside": "drop"}``; see
            ``autodet.datasets.checks.kinds``. ``{"large_loss": "keep"}`` imports what is left however much is lost,
            ``{"large_download": "keep"}`` fetches gigabytes.
        workspace: Where to; the settings' workspace if not given.
        progress: Told the share that is done, 0 to 1, and what is being done.
        credentials: For S3 only; the machine's own (environment, profile, role) if not given.

    Raises:
        DatasetError: It cannot be imported; nothing has been kept. ``ArchiveError`` where the zip itself is at fault.
    """
    workspace = workspace or open_workspace()
    report, decided = progress or no_progress, decide(decisions)
    shown = shown_name(source)
    with failures_named(shown), hidden_folder(workspace.datasets) as scratch:
        root, ours = fetch(source, scratch, seed, credentials, report, large=decided["large_download"] == "keep")
        copies = None if ours else scratch / PHOTOS
        found = review(stage(root, copies=copies, shown=shown, format=format, report=report), decided, seed)
        for refusal in found.refusals:
            raise DatasetError(refusal)
        return store(found, (name or "").strip() or name_of(source), workspace, report)


def store(found: Review, name: str, workspace: Workspace, report: Progress = no_progress, order: str = "") -> Dataset:
    """Make a data set of what was reviewed; it appears when all of it is there.

    Args:
        found: What to import; its photos are moved.
        name: What to call it; with a number if it is another data set's id.
        workspace: Where to.
        report: Told the share that is done, 0 to 1, and what is being done.
        order: What ``stored_for`` finds it by later.
    """
    with hidden_folder(workspace.datasets) as folder:
        dataset = _fill(folder, found, name, report)
        if order:
            (folder / ORDER).write_text(order, encoding="utf-8")
        return publish_dataset(dataset, workspace)


def stored_for(order: str, workspace: Workspace) -> str | None:
    """The id of the data set that was stored for an order, if it has come to that."""
    found = (path for path in workspace.datasets.glob(f"*/{ORDER}") if path.read_text(encoding="utf-8") == order)
    return next((path.parent.name for path in found if not path.parent.name.startswith(".")), None)


@contextmanager
def failures_named(shown: str) -> Iterator[None]:
    """Turn what the operating system refuses into a sentence about the source."""
    try:
        yield
    except OSError as error:
        if full := disk_full_sentence(error):
            raise DatasetError(f"{shown!r} could not be imported. {full}") from error
        raise DatasetError(
            f"{shown!r} could not be imported: {error.strerror or 'a file could not be read or written'}; check "
            "that the files may be read."
        ) from error


def name_of(source: str | Path) -> str:
    """What a data set is called if nobody says otherwise."""
    path = PurePosixPath(str(source).rstrip("/"))
    return (path.stem if path.suffix.lower() == ".zip" else path.name) or "data set"


def _fill(folder: Path, found: Review, name: str, report: Progress) -> Dataset:
    """Bring the photos into the data set's folder, byte for byte, and describe them."""
    classes = tuple(sorted(frozenset[str]().union(*(photo.classes for photo in found.photos))))
    names = _storage_names(found.photos, found.splits)
    order = sorted(range(len(names)), key=lambda index: (SPLITS.index(found.splits[index]), names[index]))
    marked = annotations_of([found.photos[index].marks for index in order], classes)
    records = []
    for index, annotations in zip(order, marked, strict=True):
        photo = found.photos[index]
        width, height = photo.facts.upright_wh
        facts = (names[index], width, height, found.splits[index], annotations, found.hashes[index])
        records.append(ImageRecord(*facts, origin=str(photo.source.photo), look=photo.facts.look))
    moves = [(str(found.photos[index].source.photo), names[index]) for index in order]
    for number in _move(moves, found.staged.root, folder / IMAGES):
        report(0.9 + 0.1 * number / len(names), f"Storing photo {number} of {len(names)}")
    return Dataset(
        folder=folder,
        id=folder.name,
        name=name,
        format=found.staged.detection.format,
        classes=classes,
        images=tuple(records),
        problems=_with_stored_photos(found, names),
        created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        fingerprint=fingerprint_of(classes, records),
    )


def _move(moves: Iterable[tuple[str, str]], root: Path, images: Path) -> Iterator[int]:
    """Move photos to their names; a folder as a whole where that comes to the same.

    Args:
        moves: Each photo below ``root``, and what it is called below ``images``.
        root: Where they are.
        images: Where to.

    Yields:
        How many photos have been moved.
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
    """Whether a folder holds nothing but photos that keep their names."""
    same = all(path.rpartition("/")[2] == name.rpartition("/")[2] for path, name in moved)
    return same and len(os.listdir(folder)) == len(moved)  # noqa: PTH208


def annotations_of(photos: Sequence[Sequence[Mark]], classes: Sequence[str]) -> Iterator[Annotations]:
    """The marks of each photo as arrays, their sides rounded as the manifest has them."""
    class_ids = {name: number for number, name in enumerate(classes)}
    marks = [mark for photo in photos for mark in photo]
    together = Annotations.of(
        np.array([mark.box_xyxy for mark in marks], float).round(DECIMALS),
        [class_ids[mark.name] for mark in marks],
        [mark.difficult for mark in marks],
        [mark.truncated for mark in marks],
    )
    return cut(together, map(len, photos))


def _with_stored_photos(found: Review, names: Sequence[str]) -> tuple[Problem, ...]:
    """The problems with the photos that they are about as the data set calls them."""
    stored = {str(photo.source.photo): name for photo, name in zip(found.photos, names, strict=True)}
    return tuple(
        replace(problem, photos=tuple(stored[photo] for photo in problem.photos if photo in stored))
        for problem in found.problems
    )


def _storage_names(photos: Sequence[CheckedPhoto], splits: Sequence[Split]) -> list[str]:
    """``<split>/<name>`` with the ending of what it is, numbered where two photos of a split have one name."""
    taken: dict[str, int] = {}
    names = []
    for photo, split in zip(photos, splits, strict=True):
        path = photo.source.photo
        endings = FORMAT_ENDINGS[photo.facts.format]
        ending = path.suffix if path.suffix.lower() in endings else endings[0]
        names.append(free_name(split, path.stem, ending, taken))
    return names
