"""What lies in a source's folder: a sorted list of files, and the ways to find a photo in it."""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path, PurePosixPath

from autodet.datasets.files import find_files, read_regular
from autodet.datasets.photos import PHOTO_ENDINGS
from autodet.records import Split
from autodet.settings import Settings

MOST_BYTES = 1_000_000_000  # of a file that is read whole

SPLIT_FOLDERS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Listing:
    """The files of a source, sorted, as paths below ``root``."""

    root: Path
    files: tuple[PurePosixPath, ...]

    @cached_property
    def photos(self) -> tuple[PurePosixPath, ...]:
        """Files that are called like photos."""
        return self.ending(*PHOTO_ENDINGS)

    @cached_property
    def photo_set(self) -> frozenset[PurePosixPath]:
        """The same, to look paths up in."""
        return frozenset(self.photos)

    def ending(self, *suffixes: str) -> tuple[PurePosixPath, ...]:
        """Files with one of these endings, lower case and with the dot, whatever case they are written in."""
        return tuple(path for path in self.files if path.suffix.lower() in suffixes)

    def read(self, path: PurePosixPath, most: int = MOST_BYTES) -> bytes:
        """A file's content.

        Raises:
            DatasetError: It has more than ``most`` bytes.
        """
        return read_regular(self.root / path, most)

    def find_photo(self, name: str, beside: PurePosixPath) -> PurePosixPath | None:
        """The photo that a label file means.

        Args:
            name: The photo's name, with or without an ending; the case of letters does not matter.
            beside: The label file; the nearest photo of that name wins.

        Returns:
            The photo; None if there is none of that name, or none in the label file's own split.
        """
        found = self._photos_by_name.get(_plain(name)) or self._photos_by_name.get(_plain(photo_stem(name)), [])
        split = split_of(beside)
        same_split = [path for path in found if split in (None, split_of(path) or split)]
        return min(
            same_split,
            key=lambda path: (_steps_between(path, beside), name not in (path.name, path.stem), path),
            default=None,
        )

    @cached_property
    def _photos_by_name(self) -> dict[str, list[PurePosixPath]]:
        found: dict[str, list[PurePosixPath]] = defaultdict(list)
        for path in self.photos:
            found[_plain(path.name)].append(path)
            found[_plain(path.stem)].append(path)
        return dict(found)


def list_files(root: Path, limit: int, max_depth: int = Settings.max_depth) -> Listing:
    """List a folder and all below it.

    Raises:
        DatasetError: As ``find_files``.
    """
    return Listing(root, tuple(sorted(map(PurePosixPath, find_files(root, limit, max_depth)))))


def split_of(path: PurePosixPath) -> Split | None:
    """The split that a file's folders put it in, by the innermost folder called like one (``train``, ``val2017``)."""
    for folder in reversed(path.parts[:-1]):
        if split := SPLIT_FOLDERS.get(re.sub(r"(19|20)\d\d$", "", folder.lower())):
            return split
    return None


def photo_stem(name: str) -> str:
    """A photo's name without its ending; a dot that begins no photo's ending belongs to the name."""
    path = PurePosixPath(name)
    return path.stem if path.suffix.lower() in PHOTO_ENDINGS else path.name


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _steps_between(one: PurePosixPath, other: PurePosixPath) -> int:
    """How many folders lie on the way from one file's folder to the other's."""
    ours, theirs = one.parts[:-1], other.parts[:-1]
    common = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(ours, theirs, strict=False))))
    return len(ours) + len(theirs) - 2 * common
