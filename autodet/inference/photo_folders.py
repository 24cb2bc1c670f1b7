"""Search for photos in folders, with a summary of the skipped files."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from autodet.datasets.manifest import Dataset
from autodet.datasets.photo_formats import OTHER_PHOTO_ENDINGS, PHOTO_ENDINGS, is_unsure
from autodet.datasets.photos import is_photo
from autodet.datasets.sources.files import is_clutter
from autodet.errors import DatasetError, PhotoError
from autodet.inference.box_drawings import is_drawing
from autodet.messages.formats import PHOTO_FORMATS
from autodet.text_format import counted, listed

Reason = Literal["format", "drawing", "hidden", "other"]
MAX_ENDINGS_SHOWN = 6


@dataclass(frozen=True)
class FoundPhotos:
    """Photos to predict on.

    Attributes:
        photos: Paths: files as given, and the photos of folders, sorted.
        passed_over: Number of skipped files in folders, by reason and file extension.
    """

    photos: tuple[Path, ...]
    passed_over: Counter[tuple[Reason, str]]

    def sentences(self) -> list[str]:
        """Describe the skipped files, one sentence per reason."""
        said = []
        if endings := self._endings("format"):
            said.append(
                f"Skipped {counted(endings.total(), 'photo')} in formats that cannot be read ({_shown(endings)}); "
                f"save them as {PHOTO_FORMATS}."
            )
        if endings := self._endings("drawing"):
            said.append(f"Skipped {counted(endings.total(), 'drawing')} of earlier predictions.")
        if endings := self._endings("hidden"):
            said.append(f"Skipped {counted(endings.total(), 'hidden file')}.")
        if endings := self._endings("other"):
            said.append(f"Skipped {counted(endings.total(), 'file')} of other kinds ({_shown(endings)}).")
        return said

    def _endings(self, reason: Reason) -> Counter[str]:
        return Counter({ending: count for (why, ending), count in self.passed_over.items() if why == reason})


def find_photos(given: Iterable[Path], shown: Callable[[Path], str] = str) -> FoundPhotos:
    """Return the given files, and the photos found recursively in the given folders.

    Args:
        given: Files and folders.
        shown: Returns the name of a folder for error messages.

    Raises:
        PhotoError: Nothing is given, or a folder contains no photos or cannot be read.
    """
    given = list(given)
    if not given:
        raise PhotoError("There is nothing to predict on; name photos or folders, or a data set with --dataset.")
    photos: list[Path] = []
    passed_over: Counter[tuple[Reason, str]] = Counter()
    for path in given:
        if not path.is_dir():
            photos.append(path)
            continue
        reasons = {file: pass_reason(file.relative_to(path).as_posix(), file) for file in files_below(path)}
        found = [file for file, reason in reasons.items() if reason is None]
        passed = Counter((reason, ending_of(file.name)) for file, reason in reasons.items() if reason)
        if not found:
            there = " ".join(FoundPhotos((), passed).sentences())
            raise PhotoError(
                f"The folder {shown(path)!r} contains no photos to predict on; give {PHOTO_FORMATS} files. {there}"
            )
        photos += found
        passed_over += passed
    return FoundPhotos(tuple(photos), passed_over)


def dataset_photos(dataset: Dataset, split: str) -> list[Path]:
    """Return the files of a data set's photos.

    Raises:
        DatasetError: The data set has no photos in that split.
    """
    records = dataset.split(split)
    if not records:
        there = ", ".join(dataset.splits)
        raise DatasetError(f"The data set {dataset.name} has no photos in the split {split!r}; choose one of {there}.")
    return [dataset.photo(record) for record in records]


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder recursively, sorted.

    Raises:
        PhotoError: A folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise PhotoError(f"The folder {error.filename!r} cannot be read ({error.strerror}); allow it to be read.")

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(names))


def pass_reason(path: str, source: Path | bytes) -> Reason | None:
    """Return why a file of a folder is skipped; None for a photo.

    Args:
        path: Its path in the folder, with forward slashes.
        source: The file, or its content.
    """
    if any(map(is_clutter, path.split("/"))):
        return "hidden"
    ending = PurePosixPath(path).suffix.lower()
    if ending in PHOTO_ENDINGS or (is_unsure(path) and is_photo(source)):
        return "drawing" if is_drawing(source) else None
    return "format" if ending in OTHER_PHOTO_ENDINGS else "other"


def ending_of(path: str) -> str:
    """Return the extension of a file, for a count."""
    return PurePosixPath(path).suffix.lower()[:20] or "without an ending"


def _shown(endings: Counter[str]) -> str:
    """Format counts by extension, the most frequent first: ``3 .heic, 2 .tif``."""
    shown = [f"{count:,} {ending}" for ending, count in endings.most_common(MAX_ENDINGS_SHOWN)]
    rest = endings.total() - sum(count for _, count in endings.most_common(MAX_ENDINGS_SHOWN))
    return listed([*shown, f"{rest:,} more"] if rest else shown)
