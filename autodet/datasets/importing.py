"""From a zip, a folder, an S3 bucket or the sample to a data set in the workspace, or to an error and nothing.

source -> a folder of files -> labels as written -> checked photos -> splits -> photos and manifest
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath

from autodet.datasets.archive import unpack_archive
from autodet.datasets.checks import CheckedPhoto, check_labels, check_together
from autodet.datasets.formats import FORMATS, find_format
from autodet.datasets.labels import LabelledPhoto, Reading
from autodet.datasets.listing import Listing, list_files
from autodet.datasets.manifest import IMAGES, Dataset, fingerprint_of, read_dataset, write_dataset
from autodet.datasets.photos import FORMAT_ENDINGS, check_photo
from autodet.datasets.s3 import S3Credentials, download_from_s3
from autodet.datasets.sample import write_sample
from autodet.datasets.splits import assign_splits, refuse_unknown_classes
from autodet.errors import DatasetError, PhotoError
from autodet.records import SPLITS, Annotations, ImageRecord, Problem, Split
from autodet.settings import load_settings
from autodet.workspace import Workspace, hidden_folder, open_workspace, publish_folder

Progress = Callable[[float, str], None]
SAMPLE = "sample"


def import_dataset(
    source: str | Path,
    name: str | None = None,
    *,
    format: str = "auto",
    seed: int = 0,
    workspace: Workspace | None = None,
    progress: Progress | None = None,
    credentials: S3Credentials | None = None,
) -> Dataset:
    """Import labelled photos; the data set appears when all of it is there.

    Args:
        source: A zip file, a folder, ``s3://bucket/prefix``, ``s3://bucket/key.zip``, or the word ``sample``.
        name: What to call it; the source's name if not given.
        format: ``auto`` or a name of ``autodet.datasets.formats``.
        seed: Seed of the split where the source has none, and of the drawn sample.
        workspace: Where to; the settings' workspace if not given.
        progress: Told the share that is done, 0 to 1, and what is being done.
        credentials: For S3 only; the machine's own (environment, profile, role) if not given.

    Raises:
        DatasetError: It cannot be imported; nothing has been kept. ``ArchiveError`` where the zip itself is at fault.
    """
    workspace = workspace or open_workspace()
    report = progress or _no_progress
    named, shown = (name or "").strip() or _name_of(source), _shown(source)
    try:
        with hidden_folder(workspace.datasets) as scratch, hidden_folder(workspace.datasets) as folder:
            root, ours = _fetch(source, scratch, seed, credentials, report)
            listing = list_files(root, load_settings().max_archive_entries)
            detected = find_format(listing, format, shown)
            reading = FORMATS[detected].read(listing)
            photos, unread = _check_photos(listing, reading.photos, report)
            problems = [*reading.problems, *unread, *_unlabelled(listing, reading)]
            if not photos:
                raise DatasetError(_nothing_left(shown, problems))
            splits, drawn = assign_splits(
                [photo.source.split for photo in photos], [photo.classes for photo in photos], seed
            )
            refuse_unknown_classes(splits, [photo.classes for photo in photos], [p.source.labels for p in photos])
            problems += [problem for photo in photos for problem in photo.problems]
            problems += check_together(photos, splits, drawn=drawn)
            dataset = _store(folder, listing, photos, splits, move=ours, report=report)
            named_dataset = replace(
                dataset, name=named, format=detected, problems=tuple(sorted(problems, key=lambda p: p.file))
            )
            write_dataset(named_dataset)
            return read_dataset(publish_folder(folder, workspace.datasets, named))
    except OSError as error:
        raise DatasetError(
            f"{shown!r} could not be imported: {error.strerror or 'a file could not be read or written'}; check "
            "that the disk is not full and that the files may be read."
        ) from error


def _no_progress(_share: float, _doing: str) -> None:
    """Report to nobody."""


def _name_of(source: str | Path) -> str:
    path = PurePosixPath(str(source).rstrip("/"))
    return (path.stem if path.suffix.lower() == ".zip" else path.name) or "data set"


def _shown(source: str | Path) -> str:
    """What errors call a source: its name, not where an upload happens to be kept."""
    text = str(source)
    return text if text.startswith("s3://") else PurePosixPath(text).name or text


def _fetch(
    source: str | Path, scratch: Path, seed: int, credentials: S3Credentials | None, report: Progress
) -> tuple[Path, bool]:
    """Bring the source onto this machine.

    Returns:
        The folder of its files, and whether it is a copy of ours, whose files may be moved.
    """
    text = str(source)
    settings = load_settings()
    files = scratch / "files"
    files.mkdir()
    if not text.strip():
        raise DatasetError("No source was given; name a zip, a folder, an s3:// address, or 'sample'.")
    if text == SAMPLE:
        write_sample(files, seed=seed, progress=lambda share: report(0.6 * share, "Drawing the sample"))
        return files, True
    if text.startswith("s3://"):
        downloaded = download_from_s3(
            text, scratch / "s3", settings, credentials, lambda share: report(0.4 * share, "Downloading")
        )
        if downloaded.is_dir():
            return downloaded, True
        source = downloaded
    path = Path(source).expanduser()
    if path.is_dir():
        return path, False
    if not path.exists():
        raise DatasetError(f"There is no file or folder {text!r}; check where the photos are.")
    unpack_archive(path, files, settings, lambda share: report(0.4 + 0.2 * share, "Unpacking"))
    return files, True


def _check_photos(
    listing: Listing, labelled: Sequence[LabelledPhoto], report: Progress
) -> tuple[list[CheckedPhoto], list[Problem]]:
    """Decode every photo once; what cannot be read is left out and listed."""
    photos: list[CheckedPhoto] = []
    problems: list[Problem] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(partial(_check_photo, listing), labelled)
        for number, result in enumerate(results, start=1):
            if isinstance(result, Problem):
                problems.append(result)
            else:
                photos.append(result)
            report(0.6 + 0.3 * number / len(labelled), f"Checking photo {number} of {len(labelled)}")
    return photos, problems


def _check_photo(listing: Listing, labelled: LabelledPhoto) -> CheckedPhoto | Problem:
    try:
        facts = check_photo(listing.root / labelled.photo, str(labelled.photo))
    except PhotoError as error:
        return Problem(str(labelled.photo), str(error), "The photo was left out.")
    return check_labels(labelled, facts)


def _unlabelled(listing: Listing, reading: Reading) -> list[Problem]:
    known = {str(photo.photo) for photo in reading.photos} | {problem.file for problem in reading.problems}
    return [
        Problem(str(photo), "No labels were found for this photo.", "The photo was left out.")
        for photo in listing.photos
        if str(photo) not in known
    ]


def _nothing_left(source: str, problems: Sequence[Problem]) -> str:
    if not problems:
        return f"{source!r} holds no labelled photos; put photos and their labels into it."
    first = "; ".join(f"{problem.file}: {problem.problem}" for problem in problems[:3])
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return f"No photo of {source!r} can be used. {first}{more} Put each photo beside its labels, and try again."


def _store(
    folder: Path,
    listing: Listing,
    photos: Sequence[CheckedPhoto],
    splits: Sequence[Split],
    *,
    move: bool,
    report: Progress,
) -> Dataset:
    """Bring the photos into the data set's folder, byte for byte, and describe them."""
    classes = tuple(sorted(frozenset[str]().union(*(photo.classes for photo in photos))))
    names = _storage_names(photos, splits)
    for split in set(splits):
        (folder / IMAGES / split).mkdir(parents=True, exist_ok=True)
    records, hashes = [], []
    order = sorted(range(len(photos)), key=lambda index: (SPLITS.index(splits[index]), names[index]))
    for number, index in enumerate(order, start=1):
        photo = photos[index]
        target = folder / IMAGES / names[index]
        (shutil.move if move else shutil.copyfile)(listing.root / photo.source.photo, target)
        with target.open("rb") as file:
            hashes.append(hashlib.file_digest(file, "sha256").hexdigest())
        width, height = photo.facts.upright_wh
        records.append(ImageRecord(names[index], width, height, splits[index], _annotations(photo, classes)))
        report(0.9 + 0.1 * number / len(photos), f"Storing photo {number} of {len(photos)}")
    return Dataset(
        folder=folder,
        id=folder.name,
        name="",
        format="",
        classes=classes,
        images=tuple(records),
        problems=(),
        created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        fingerprint=fingerprint_of(classes, records, hashes),
    )


def _annotations(photo: CheckedPhoto, classes: Sequence[str]) -> Annotations:
    return Annotations.of(
        [[round(side, 2) for side in mark.box_xyxy] for mark in photo.marks],
        [classes.index(mark.name) for mark in photo.marks],
        [mark.difficult for mark in photo.marks],
    )


def _storage_names(photos: Sequence[CheckedPhoto], splits: Sequence[Split]) -> list[str]:
    """``<split>/<name>`` with the ending of what it is, numbered where two photos of a split have one name."""
    taken: set[str] = set()
    names = []
    for photo, split in zip(photos, splits, strict=True):
        path = photo.source.photo
        endings = FORMAT_ENDINGS[photo.facts.format]
        ending = path.suffix if path.suffix.lower() in endings else endings[0]
        name, number = f"{split}/{path.stem}{ending}", 1
        while name.casefold() in taken:
            number += 1
            name = f"{split}/{path.stem}-{number}{ending}"
        taken.add(name.casefold())
        names.append(name)
    return names
