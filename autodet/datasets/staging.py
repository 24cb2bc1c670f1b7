"""A source that has been fetched, read and looked at, but not yet imported: what a person decides about.

fetch -> a folder of files -> labels as written -> photos read to their end -> Staged
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from autodet.datasets.archive import unpack_archive
from autodet.datasets.files import open_regular
from autodet.datasets.formats import FORMATS, Detection, find_format
from autodet.datasets.labels import LabelledPhoto, Reading
from autodet.datasets.listing import Listing, list_files
from autodet.datasets.photos import PhotoFacts, check_photo
from autodet.datasets.s3 import S3Credentials, download_from_s3
from autodet.datasets.sample import write_sample
from autodet.errors import DatasetError, PhotoError
from autodet.records import Problem
from autodet.settings import load_settings

Progress = Callable[[float, str], None]
SAMPLE = "sample"
CHUNK = 32  # photos that one thread takes at a time


@dataclass(frozen=True)
class StagedPhoto:
    """A photo that can be read.

    Attributes:
        labelled: The photo and its labels as written.
        facts: What its file says about itself.
        sha256: SHA-256 of the file's bytes, in hexadecimal.
    """

    labelled: LabelledPhoto
    facts: PhotoFacts
    sha256: str


@dataclass(frozen=True)
class Staged:
    """A source after reading.

    Attributes:
        root: The folder of its files.
        ours: Whether the files are copies of ours, which may be moved.
        shown: What errors call the source.
        detection: The format of its labels.
        photos: Labelled photos that can be read.
        unlabelled: Photos that can be read but have no labels.
        problems: What could not be made sense of.
    """

    root: Path
    ours: bool
    shown: str
    detection: Detection
    photos: tuple[StagedPhoto, ...]
    unlabelled: tuple[StagedPhoto, ...]
    problems: tuple[Problem, ...]


def no_progress(_share: float, _doing: str) -> None:
    """Report to nobody."""


def shown_name(source: str | Path) -> str:
    """What errors call a source: its name, not where an upload happens to be kept."""
    text = str(source)
    return text if text.startswith("s3://") else PurePosixPath(text).name or text


def fetch(
    source: str | Path, scratch: Path, seed: int, credentials: S3Credentials | None, report: Progress = no_progress
) -> tuple[Path, bool]:
    """Bring the source onto this machine.

    Args:
        source: A zip, a folder, an ``s3://`` address, or ``sample``.
        scratch: A folder of ours for what is fetched.
        seed: Seed of the drawn sample.
        credentials: For S3 only.
        report: Told the share that is done, 0 to 1, and what is being done.

    Returns:
        The folder of its files, and whether it is a copy of ours, whose files may be moved.

    Raises:
        DatasetError: It is not there, cannot be read, or is larger than the caps.
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
    if not path.is_file():
        raise DatasetError(f"{text!r} is neither a zip nor a folder; check where the photos are.")
    unpack_archive(path, files, settings, lambda share: report(0.4 + 0.2 * share, "Unpacking"))
    return files, True


def stage(root: Path, *, ours: bool, shown: str, format: str = "auto", report: Progress = no_progress) -> Staged:
    """Read labels and photos; nothing is changed.

    Args:
        root: The folder of the files.
        ours: Whether they are copies of ours.
        shown: What errors call the source.
        format: ``auto`` or a name of ``autodet.datasets.formats``.
        report: Told the share that is done, 0 to 1, and what is being done.

    Raises:
        DatasetError: There are no labels that can be read, or no photo that can be used.
    """
    settings = load_settings()
    listing = list_files(root, settings.max_archive_entries, settings.max_depth)
    detection = find_format(listing, format, shown)
    reading = FORMATS[detection.format].read(listing)
    unlabelled = [LabelledPhoto(photo, photo, ()) for photo in _unlabelled(listing, reading)]
    looked = list(_look_at(listing, [*reading.photos, *unlabelled], report))
    split_at = len(reading.photos)
    unread = [problem for problem in looked if isinstance(problem, Problem)]
    staged = Staged(
        root=root,
        ours=ours,
        shown=shown,
        detection=detection,
        photos=tuple(photo for photo in looked[:split_at] if isinstance(photo, StagedPhoto)),
        unlabelled=tuple(photo for photo in looked[split_at:] if isinstance(photo, StagedPhoto)),
        problems=(*reading.problems, *unread),
    )
    if not staged.photos:
        raise DatasetError(_nothing_left(staged))
    return staged


def _look_at(listing: Listing, photos: Sequence[LabelledPhoto], report: Progress) -> Iterator[StagedPhoto | Problem]:
    """Read every photo once, on all cores; what cannot be read is listed."""
    done = 0
    chunks = [photos[start : start + CHUNK] for start in range(0, len(photos), CHUNK)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for chunk in pool.map(partial(_look_at_chunk, listing.root), chunks):
            yield from chunk
            done += len(chunk)
            report(0.6 + 0.3 * done / len(photos), f"Checking photo {done} of {len(photos)}")


def _look_at_chunk(root: Path, photos: Sequence[LabelledPhoto]) -> list[StagedPhoto | Problem]:
    return [_look_at_one(root, photo) for photo in photos]


def _look_at_one(root: Path, photo: LabelledPhoto) -> StagedPhoto | Problem:
    path = root / photo.photo
    try:
        before = path.stat()
        facts = check_photo(path, str(photo.photo))
        with open_regular(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.fstat(file.fileno())
        if (before.st_ino, before.st_size, before.st_mtime_ns) != (after.st_ino, after.st_size, after.st_mtime_ns):
            raise PhotoError(f"The photo {str(photo.photo)!r} changed while it was being read; import it again.")
    except PhotoError as error:
        return Problem(str(photo.photo), str(error), "The photo was left out.", "unreadable_photo")
    return StagedPhoto(photo, facts, digest)


def _unlabelled(listing: Listing, reading: Reading) -> list[PurePosixPath]:
    """Photos that nothing was said about; what is said cannot be read does not count as nothing."""
    known = {str(photo.photo) for photo in reading.photos} | {problem.file for problem in reading.problems}
    damaged = {PurePosixPath(problem.file).stem for problem in reading.problems if problem.kind == "labels_damaged"}
    return [photo for photo in listing.photos if str(photo) not in known and photo.stem not in damaged]


def _nothing_left(staged: Staged) -> str:
    problems = staged.problems
    if not problems:
        return f"{staged.shown!r} holds no labelled photos; put photos and their labels into it."
    first = "; ".join(f"{problem.file}: {problem.problem}" for problem in problems[:3])
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return f"No photo of {staged.shown!r} can be used. {first}{more} Put each photo beside its labels, and try again."
