"""Resolve paths in YOLO settings to photos, regardless of the machine that wrote them.

Paths are matched from the end. ``Fit`` rates how certain a match is.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os.path import commonpath
from pathlib import PurePosixPath

from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.split_names import split_words
from autodet.datasets.formats.yolo_settings import YoloSettings, lines_of, parts_of, same_end
from autodet.records import Split

Fit = tuple[int, int]  # higher is more certain; see _Path.fit
_ABSOLUTE = re.compile(r"\s*(?:[/\\~$%]|[A-Za-z]:)")


@dataclass(frozen=True, eq=False)
class Claim:
    """The photos that a settings file refers to.

    Attributes:
        settings: The settings file.
        splits: The splits that name each photo.
        fits: How certain the match of each photo is.
    """

    settings: YoloSettings
    splits: Mapping[PurePosixPath, set[Split]]
    fits: Mapping[PurePosixPath, Fit]


@dataclass(frozen=True)
class _Path:
    """A path from settings, to be matched from its end.

    Attributes:
        parts: All of its names, beginning with the settings' own folder if it is relative.
        own: How many of them belong to the settings' own folder.
        last: The last index where a match may start; a later start could not tell splits apart.
        absolute: Whether its beginning is specific to one machine.
    """

    parts: tuple[str, ...]
    own: int
    last: int
    absolute: bool

    @classmethod
    def of(cls, entry: str, settings: YoloSettings) -> "_Path":
        written = [part for part in parts_of(entry) if "*" not in part]
        absolute = bool(_ABSOLUTE.match(entry))
        base = [] if absolute else parts_of(settings.base)
        absolute = absolute or bool(_ABSOLUTE.match(settings.base))
        own = [] if absolute or not base + written else parts_of(settings.folder)
        last = max((at for at, part in enumerate(written) if split_words(part)), default=len(written) - 1)
        return cls((*own, *base, *written), len(own), len(own) + len(base) + last, absolute)

    def fit(self, start: int, before: Sequence[str]) -> Fit:
        """Rate how certain it is that the path means a location matching its names from ``start`` on.

        Args:
            start: The index of the first matching name.
            before: The names that precede the match at the location.

        Returns:
            2 if nothing contradicts the match, 1 if a part of a relative path is missing, 0 if the location has other
            names there; then the number of matching names, or 0 after a 2.
        """
        if start and before:
            return 0, len(self.parts) - start
        if start > self.own and not self.absolute:
            return 1, len(self.parts) - start
        return 2, 0


class Finder:
    """Lookup of the photos that settings refer to, regardless of the machine that wrote them."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._on_list: dict[str, list[PurePosixPath]] = {}

    def claim(self, settings: YoloSettings) -> Claim:
        """Return the photos that a settings file refers to."""
        splits: dict[PurePosixPath, set[Split]] = defaultdict(set)
        fits: dict[PurePosixPath, Fit] = {}
        for split, entries in settings.splits.items():
            for entry in entries:
                for fit, photos in self._meant(_Path.of(entry, settings), settings.folder):
                    for photo in photos:
                        splits[photo].add(split)
                        fits[photo] = max(fit, fits.get(photo, fit))
        return Claim(settings, splits, fits)

    def _meant(self, path: _Path, below: str) -> Iterator[tuple[Fit, Sequence[PurePosixPath]]]:
        """Yield photos of a folder or list that matches the longest end of the path, near the settings if possible."""
        if path.parts and path.parts[-1].lower().endswith(".txt"):
            return self._listed(path, below)
        return self._in_folder(path, below)

    def _in_folder(self, path: _Path, below: str) -> Iterator[tuple[Fit, Sequence[PurePosixPath]]]:
        for start in range(path.last + 1):
            tail = path.parts[start:]
            found = [(folder, at) for folder in self._folders if (at := _place_of(tail, folder)) is not None]
            near = [(folder, at) for folder, at in found if f"{'/'.join(folder)}/".startswith(below)]
            for folder, at in near or found:
                yield path.fit(start, folder[self._root : at]), self._folders[folder]
            if found:
                return

    def _listed(self, path: _Path, below: str) -> Iterator[tuple[Fit, Sequence[PurePosixPath]]]:
        named = self._lists.get(path.parts[-1])
        if not named:
            return
        best = max(named, key=lambda name: (same_end(name.split("/"), path.parts), name.startswith(below)))
        ours = best.split("/")
        in_common = same_end(ours, path.parts)
        if best not in self._on_list:
            lines = (line.strip().strip('"') for line in lines_of(self._listing, best))
            photos = (self._photo_of_line(line, best) for line in lines if line)
            self._on_list[best] = [photo for photo in photos if photo]
        yield path.fit(len(path.parts) - in_common, ours[self._root : len(ours) - in_common]), self._on_list[best]

    def _photo_of_line(self, line: str, beside: str) -> PurePosixPath | None:
        parts = parts_of(line)
        for start in range(len(parts)):
            if photo := self._listing.photo_at.get("/".join(parts[start:])):
                return photo
        return self._listing.find_photo("/".join(parts), beside)

    @cached_property
    def _folders(self) -> dict[tuple[str, ...], list[PurePosixPath]]:
        folders: dict[tuple[str, ...], list[PurePosixPath]] = defaultdict(list)
        for photo in self._listing.photos:
            folders[photo.parts[:-1]].append(photo)
        return folders

    @cached_property
    def _lists(self) -> dict[str, list[str]]:
        lists: dict[str, list[str]] = defaultdict(list)
        for path in self._listing.ending(".txt"):
            lists[path.rpartition("/")[2]].append(path)
        return lists

    @cached_property
    def _root(self) -> int:
        """Depth of the folder that contains everything, as in a zip of one folder; its names carry no information."""
        folders = {path.rpartition("/")[0] for path in self._listing.files}
        return 0 if "" in folders else len(PurePosixPath(commonpath(folders)).parts)


def _place_of(tail: tuple[str, ...], folder: tuple[str, ...]) -> int | None:
    """Return the index in a folder's path where ``tail`` occurs without gaps; None if it does not."""
    places = range(len(folder) - len(tail) + 1)
    return next((at for at in places if folder[at : at + len(tail)] == tail), None)
