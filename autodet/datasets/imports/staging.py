"""Staging: fetch and read a source before the user decides about its import.

fetch -> a folder of files -> original labels -> completely read photos -> Staged
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from autodet.datasets.checks.kinds import examples_of
from autodet.datasets.formats.format_detection import FORMATS, Detection, find_format
from autodet.datasets.formats.labels import LabelledPhoto, Reading
from autodet.datasets.formats.source_files import Listing, list_files
from autodet.datasets.formats.unsupported import find_foreign
from autodet.datasets.imports.limits import pixel_budget
from autodet.datasets.imports.photo_scan import Seen, looking_at
from autodet.datasets.photos import PhotoFacts
from autodet.datasets.sources.archive import unpack_archive, unpack_folder
from autodet.datasets.sources.entry_names import read_skipped
from autodet.datasets.sources.s3.access import ANONYMOUS, SCHEME, S3Credentials
from autodet.datasets.sources.s3.source import download_from_s3
from autodet.datasets.sources.sample import write_sample
from autodet.errors import DatasetError, DownloadInterruptedError
from autodet.messages.findings import examples_sentence
from autodet.records import Cause, Finding, ImportStep, SplitOrigin
from autodet.settings import AMAZON, Settings, load_settings

Progress = Callable[[float, ImportStep], None]
SAMPLE = "sample"
PHOTOS = "photos"  # name of the folder for copied photos
MOTORBIKES, MOTORBIKES_URL = "motorbikes", "s3://autogluon/datasets/tiny_motorbike.zip"


@dataclass(frozen=True, slots=True)
class StagedPhoto:
    """A readable photo.

    Attributes:
        labelled: The photo and its original labels.
        facts: The photo's metadata, read from its file.
        sha256: SHA-256 of the file's bytes, in hexadecimal.
    """

    labelled: LabelledPhoto
    facts: PhotoFacts
    sha256: str


@dataclass(frozen=True)
class Staged:
    """A source after reading.

    Attributes:
        root: The folder of the photos, which are our copies and may be moved.
        shown: The source's name in error messages.
        detection: The format of the labels.
        photos: Readable photos with labels.
        unlabelled: Readable photos without labels.
        findings: Problems of the files.
        classes: The classes that the labels name, with or without boxes, if the format has a list of them.
        stale_lists: Whether lists of photos may be older than the labels; see ``Reading``.
        splits_from: Where the splits of the source come from: ``folders`` or ``labels``; empty if it has none.
    """

    root: Path
    shown: str
    detection: Detection
    photos: tuple[StagedPhoto, ...]
    unlabelled: tuple[StagedPhoto, ...]
    findings: tuple[Finding, ...]
    classes: tuple[str, ...] = ()
    stale_lists: bool = False
    splits_from: SplitOrigin = ""


def no_progress(_share: float, _step: ImportStep) -> None:
    """Ignore progress reports."""


def shown_name(source: str | Path) -> str:
    """Return the source's name for error messages, without the location of an upload."""
    text = str(source)
    return text if text.startswith(SCHEME) else PurePosixPath(text).name or text


def fetch(
    source: str | Path,
    scratch: Path,
    seed: int,
    credentials: S3Credentials | None,
    report: Progress = no_progress,
    *,
    large: bool = False,
    shown: str | None = None,
) -> tuple[Path, bool]:
    """Fetch the source to this machine.

    Args:
        source: A zip, a folder, an ``s3://`` address, ``sample``, or ``motorbikes``.
        scratch: Our own folder for fetched files; an interrupted download in it is resumed.
        seed: Seed of the drawn sample.
        credentials: For S3 only.
        report: Callback that receives the completed fraction, 0 to 1, and the current step.
        large: Whether the user agreed to a large download.
        shown: The zip's name in error messages; defaults to its file name.

    Returns:
        The folder of the files, and whether they are our copies, which may be moved.

    Raises:
        DatasetError: The source does not exist, cannot be read, or exceeds the limits.
    """
    text = str(source)
    settings = load_settings()
    files = scratch / "files"
    files.mkdir()
    if not text.strip():
        raise DatasetError("No source was given; name a zip, a folder, an s3:// address, 'sample', or 'motorbikes'.")
    if text == SAMPLE:
        write_sample(files, seed=seed, progress=lambda share: report(0.6 * share, ImportStep("draw")))
        return files, True
    if text == MOTORBIKES:
        source = _fetch_motorbikes(scratch / "s3", settings, report)
    if text.startswith(SCHEME):
        downloaded = download_from_s3(text, scratch / "s3", settings, credentials, _first_part(report), large=large)
        if downloaded.is_dir():
            return (files if unpack_folder(downloaded, files, settings) else downloaded), True
        source = downloaded
    path = Path(source).expanduser()
    if path.is_dir():
        return (files, True) if unpack_folder(path, files, settings) else (path, False)
    if not path.exists():
        raise DatasetError(f"There is no file or folder {text!r}; check the path.")
    if not path.is_file():
        raise DatasetError(f"{text!r} is neither a zip nor a folder; check the path.")
    unpack_archive(path, files, settings, lambda share: report(0.4 + 0.2 * share, ImportStep("unpack")), shown)
    return files, True


def _fetch_motorbikes(folder: Path, settings: Settings, report: Progress) -> Path:
    public = replace(ANONYMOUS, endpoint=AMAZON if AMAZON in settings.s3_endpoints else None)
    try:
        return download_from_s3(MOTORBIKES_URL, folder, settings, public, _first_part(report), large=True)
    except DownloadInterruptedError:
        raise
    except DatasetError as error:
        raise DatasetError(
            f"The public sample {MOTORBIKES!r} cannot be downloaded. {error} Or use 'sample', which autodet draws."
        ) from error


def _first_part(report: Progress) -> Progress:
    return lambda share, step: report(0.4 * share, step)


def stage(
    root: Path, *, copies: Path | None, shown: str, format: str = "auto", report: Progress = no_progress
) -> Staged:
    """Read labels and photos; leave the source unchanged.

    Args:
        root: The folder of the files.
        copies: A new folder of ours that photos are copied to while reading, so that the import uses exactly the
            reviewed files; None if the files are already our copies.
        shown: The source's name in error messages.
        format: ``auto`` or a name of ``autodet.datasets.formats.format_detection``.
        report: Callback that receives the completed fraction, 0 to 1, and the current step.

    Raises:
        DatasetError: There are no readable labels or no usable photos.
    """
    settings = load_settings()
    listing = list_files(root, settings.max_archive_entries, settings.max_depth)
    names = listing.photo_names
    with looking_at(names, root, copies) as seen:
        detection = find_format(listing, format, shown)
        reading = FORMATS[detection.format].read(listing)
        looks = dict(zip(names, _told(seen, len(names), report), strict=True))
    bare = _unlabelled(listing, reading)
    foreign = find_foreign(listing, set(bare), detection.format)
    lost = {photo for finding in foreign for photo in finding.photos}
    unlabelled = [LabelledPhoto(photo, str(photo), ()) for photo in bare if str(photo) not in lost]
    looked = [_staged(photo, looks[str(photo.photo)]) for photo in (*reading.photos, *unlabelled)]
    split_at = len(reading.photos)
    aside = [
        Finding("labels_foreign", "", "drop", {"format": format, "boxes": boxes}, "other_format")
        for format, boxes in detection.aside.items()
    ]
    unread = [finding for finding in looked if isinstance(finding, Finding)]
    staged = Staged(
        root=copies or root,
        shown=shown,
        detection=detection,
        photos=tuple(photo for photo in looked[:split_at] if isinstance(photo, StagedPhoto)),
        unlabelled=tuple(photo for photo in looked[split_at:] if isinstance(photo, StagedPhoto)),
        findings=(
            *listing.findings(),
            *(() if copies else read_skipped(root)),
            *reading.findings,
            *aside,
            *foreign,
            *unread,
        ),
        classes=reading.classes,
        stale_lists=reading.stale_lists,
        splits_from=_splits_from(listing, reading),
    )
    if not staged.photos:
        raise DatasetError(_nothing_left(staged))
    return staged


def _told(seen: Iterator[Seen], count: int, report: Progress) -> Iterator[Seen]:
    budget = pixel_budget()
    for done, looked in enumerate(seen, 1):
        if not isinstance(looked, Cause):
            budget.spend(math.prod(looked[0].stored_wh))
        yield looked
        if done % 32 == 0 or done == count:
            report(0.6 + 0.3 * done / count, ImportStep("check", done, count))


def _staged(photo: LabelledPhoto, seen: Seen) -> StagedPhoto | Finding:
    """Combine a photo with its scan result; return a finding if the photo cannot be read."""
    if isinstance(seen, Cause):
        return Finding("unreadable_photo", str(photo.photo), "drop", seen.values, seen.key)
    return StagedPhoto(photo, *seen)


def _unlabelled(listing: Listing, reading: Reading) -> list[PurePosixPath]:
    """Return the photos without any labels; unreadable labels count as labels."""
    known = {str(photo.photo) for photo in reading.photos} | {finding.file for finding in reading.findings}
    known.update(photo for finding in reading.findings if finding.kind == "labels_foreign" for photo in finding.photos)
    damaged = {PurePosixPath(finding.file).stem for finding in reading.findings if finding.kind == "labels_damaged"}
    return [photo for photo in listing.photos if str(photo) not in known and photo.stem not in damaged]


def _splits_from(listing: Listing, reading: Reading) -> SplitOrigin:
    given = [photo for photo in reading.photos if photo.split]
    if not given:
        return ""
    return "folders" if all(listing.split_of(photo.photo) == photo.split for photo in given) else "labels"


def _nothing_left(staged: Staged) -> str:
    if not staged.findings:
        return f"{staged.shown!r} holds no labelled photos; put photos and their labels into it."
    missing = any(finding.kind == "photo_missing" for finding in staged.findings)
    advice = "Put each photo beside its labels" if missing else "Fix them"
    examples = examples_sentence(examples_of(staged.findings))
    return f"No photo of {staged.shown!r} can be used. {examples} {advice}, and try again."
