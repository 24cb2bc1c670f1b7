"""Assignment of YOLO settings to photos, which determines their splits and class names.

The settings that fit a photo best count (see ``yolo_paths``); their location and name only break ties.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath

from autodet.datasets.formats.labels import LabelError, settle_splits
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.yolo_paths import Claim, Finder
from autodet.datasets.formats.yolo_settings import (
    DARKNET,
    LAST_RESORT,
    AllSettings,
    YoloSettings,
    lists_called_like_splits,
)
from autodet.records import Finding, Split
from autodet.text_format import spelling_key


class Claims:
    """Claims of all settings of a source about its photos."""

    def __init__(self, listing: Listing, settings: AllSettings) -> None:
        self._listing = listing
        self._settings = settings
        self._finder = Finder(listing)
        claims = map(self._finder.claim, settings.documents)
        self._claims = [claim for claim in claims if claim.splits]
        self._named = [claim for claim in self._claims if claim.settings.names]
        self._of_folder: dict[str, YoloSettings] = {}

    def read_splits(self) -> tuple[dict[PurePosixPath, Split], list[Finding]]:
        """Return the split of every photo that settings name, from the best fit, and the problems of the settings.

        If no settings name a photo, lists called ``train.txt`` and so on count.
        """
        claims = self._claims or list(map(self._finder.claim, lists_called_like_splits(self._listing)))
        named: list[dict[PurePosixPath, set[Split]]] = [{} for _ in claims]
        for photo in dict.fromkeys(photo for claim in claims for photo in claim.splits):
            best = _best(claims, photo)[0]
            named[claims.index(best)][photo] = best.splits[photo]
        splits: dict[PurePosixPath, Split] = {}
        findings: list[Finding] = []
        for claim, photos in zip(claims, named, strict=True):
            settled, twice = settle_splits(photos, claim.settings.path, self._listing.split_of)
            splits |= settled
            findings += twice
        return splits, findings

    def settings_of(self, photo: PurePosixPath, labels: str) -> YoloSettings:
        """Return the settings that define the class numbers of a photo's labels.

        Args:
            photo: The photo.
            labels: Its label file.

        Raises:
            LabelError: No settings cover the photo, and those for other photos differ.
        """
        if best := _best(self._named, photo):
            return best[0].settings
        folder = labels.rpartition("/")[0]
        if folder not in self._of_folder:
            self._of_folder[folder] = self._nearest(f"{folder}/")
        return self._of_folder[folder]

    def find_contradictions(self, labels_of: Mapping[PurePosixPath, str]) -> Iterator[Finding]:
        """Report conflicting class names.

        Conflicts arise between settings that fit the same photos equally well, and between settings and name lists
        beside them or their labels.

        Args:
            labels_of: The label file of each photo that has one.
        """
        rivals: Counter[tuple[Claim, Claim]] = Counter()
        for photo in labels_of if len(self._named) > 1 else ():
            best = _best(self._named, photo)
            rivals.update((best[0], other) for other in best[1:])
        for (first, other), count in rivals.items():
            yield from _contradiction(first.settings, other.settings, count)
        no_lists = {*labels_of.values()}  # a photo may be called classes.jpg
        lists = (names for names in self._settings.lists if names.path not in no_lists)
        beside = [names for names in lists if not names.path.endswith(LAST_RESORT)]
        read: dict[tuple[str, str], YoloSettings] = {}  # by settings path and label folder
        for photo, labels in labels_of.items() if beside else ():
            for claim in _best(self._named, photo)[:1]:
                read[claim.settings.path, labels[: labels.rfind("/") + 1]] = claim.settings
        pairs = {
            (settings.path, names.path): (settings, names)
            for (_, folder), settings in read.items()
            for names in beside
            if names.folder in (settings.folder, folder)
        }
        for settings, names in pairs.values():
            yield from _contradiction(settings, names)

    @cached_property
    def _used(self) -> list[YoloSettings]:
        """The settings that have names and fit some photo best."""
        photos = {photo for claim in self._named for photo in claim.fits}
        used = {_best(self._named, photo)[0] for photo in photos}
        return [claim.settings for claim in self._named if claim in used]

    def _nearest(self, folder: str) -> YoloSettings:
        """Return the settings nearest above a label folder, or else any; name lists come last.

        If some settings cover other photos, those that cover none do not count, and lists rank equally.
        """
        lists = self._settings.lists
        documents = self._used
        if not documents:
            named = (settings for settings in self._settings.documents if settings.names)
            documents = [settings for settings in named if not settings.path.endswith(DARKNET)]
            above = [*_above(documents, folder), *_above(lists, folder)]
            return next(iter([*above, *documents, *lists, *self._settings.documents]), YoloSettings({}, {}))
        found = _above([*documents, *lists], folder) or documents
        for other in found:
            if other in documents and _first_difference(found[0].names, other.names):
                raise LabelError("names_ambiguous", file=found[0].path, other=other.path)
        return found[0]


def _best(claims: Sequence[Claim], photo: PurePosixPath) -> list[Claim]:
    """Return the claims that fit a photo best, most likely first."""
    if len(claims) == 1:
        return [claim for claim in claims if photo in claim.fits]
    fits = [(claim.fits[photo], claim) for claim in claims if photo in claim.fits]
    best = max((fit for fit, _ in fits), default=None)
    return [claim for fit, claim in fits if fit == best]


def _above(settings: Sequence[YoloSettings], folder: str) -> list[YoloSettings]:
    """Return the settings in the innermost folder that has some and contains the given folder."""
    above = [named for named in settings if folder.startswith(named.folder)]
    depth = max((len(named.folder) for named in above), default=0)
    return [named for named in above if len(named.folder) == depth]


def _contradiction(ours: YoloSettings, theirs: YoloSettings, photos: int = 0) -> Iterator[Finding]:
    """Report two files that name the same classes differently; the first counts.

    Args:
        ours: The first file.
        theirs: The other file.
        photos: Number of photos that both files are about; 0 if they are about the same labels.
    """
    if difference := _first_difference(ours.names, theirs.names):
        number, name, other_name = difference
        names = {"number": number, "name": name, "other_name": other_name}
        values = {"file": ours.path, "other": theirs.path, "photos": photos, **names}
        yield Finding("names_differ", ours.path, "keep", values)


def _first_difference(ours: Mapping[int, str], theirs: Mapping[int, str]) -> tuple[int, str, str] | None:
    both = sorted(ours.keys() & theirs.keys())
    return next(
        ((key, ours[key], theirs[key]) for key in both if spelling_key(ours[key]) != spelling_key(theirs[key])), None
    )
