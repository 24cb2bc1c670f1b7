"""Lookup of the photos that a label file names."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote

from autodet.datasets.formats.source_files import Listing, photo_stem
from autodet.records import Split

MANY_FILES = 50  # of one kind: some are about one photo each


def shared_files(listing: Listing, *endings: str) -> list[str]:
    """Return the files that may describe many photos; among many files, leave out those that are named like a photo.

    Args:
        listing: The source's files.
        endings: Their extensions, in lower case.
    """
    files = listing.ending(*endings)
    if len(files) <= MANY_FILES:
        return files
    stems = {photo_stem(name.rpartition("/")[2]) for name in listing.photo_names}
    return [path for path in files if path.rpartition("/")[2].rpartition(".")[0] not in stems]


class PhotoFinder:
    """Photo lookup for one label file; tries the folder of the previous match first, because most photos share it.

    Args:
        listing: The source's files.
        labels: The label file.
        split: The split of the label file, if not that of its folder.
    """

    def __init__(self, listing: Listing, labels: str, split: Split | None = None) -> None:
        self._listing = listing
        self._labels = labels
        self._split = split
        self._base = ""

    def __call__(self, name: str) -> PurePosixPath | None:
        """Return the photo of a name, path or URL as a label file writes it; None if it is not there."""
        if name and (found := self._listing.photo_at.get(self._base + name)):
            return found
        for spelling in _spellings(name):
            if found := self._listing.photo_at.get(self._base + spelling):
                return found
            if found := self._listing.find_photo(spelling, self._labels, self._split):
                if str(found).endswith(f"/{spelling}"):
                    self._base = str(found).removesuffix(spelling)
                return found
        return None


def _spellings(name: str) -> Iterator[str]:
    """Yield a photo name as decoded from a URL such as ``.../local-files/?d=a%20b.jpg``, then as written."""
    if "%" in name or "?" in name:
        yield unquote(name).rpartition("?d=")[2]
        yield unquote(name.partition("?")[0])
    if name:
        yield name
