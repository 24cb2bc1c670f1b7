"""Assignment of YOLO settings to photos, which determines their splits and class names.

The settings that fit a photo best count (see ``yolo_paths``); their location and name only break ties.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import PurePosixPath

from autodet.datasets.formats.labels import LabelError, settle_splits
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.split_names import without_split_words
from autodet.datasets.formats.yolo_class_numbers import BACKGROUND
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

MAX_COMPARED = 200  # lists that are compared with each other


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
        self._applied: dict[str, YoloSettings] = {}

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
            return self._apply(best[0].settings)
        folder = labels.rpartition("/")[0]
        if folder not in self._of_folder:
            self._of_folder[folder] = self._apply(self._nearest(f"{folder}/" if folder else ""))
        return self._of_folder[folder]

    def _apply(self, settings: YoloSettings) -> YoloSettings:
        return self._applied.setdefault(settings.path, settings)

    def find_fallbacks(self) -> Iterator[Finding]:
        """Report the settings whose names took a repair to read, of those that ``settings_of`` returned."""
        for settings in self._applied.values():
            if settings.is_lenient:
                values = {"file": settings.path, "names": [settings.names[number] for number in sorted(settings.names)]}
                yield Finding("names_read", settings.path, "keep", values, "names_lenient")

    def find_contradictions(
        self, labels_of: Mapping[PurePosixPath, str], used: Mapping[str, Collection[int]]
    ) -> Iterator[Finding]:
        """Report conflicting class names.

        Conflicts arise between settings that fit the same photos equally well, between settings and name lists beside
        them or their labels, and between lists that count for different labels of one data set.

        Args:
            labels_of: The label file of each photo that has one.
            used: The class numbers in each label file.
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
        pairs |= self._rivals_beside(beside)
        for settings, names in pairs.values():
            yield from _contradiction(settings, names)
        yield from self._find_differing_lists(used)

    def _rivals_beside(self, lists: Sequence[YoloSettings]) -> dict[tuple[str, str], tuple[YoloSettings, YoloSettings]]:
        """Return files beside those that count for a folder by their place alone, or beside its labels."""
        rivals = {}
        for folder, settings in self._of_folder.items():
            is_document = settings in self._settings.documents
            named = [other for other in self._settings.documents if other.names and other.folder == settings.folder]
            for other in (*lists, *(named if is_document and not self._used else ())):
                near = other.folder in (settings.folder, f"{folder}/" if folder else "")
                if near and settings.names and other.path != settings.path:
                    rivals[settings.path, other.path] = (settings, other)
        return rivals

    def _find_differing_lists(self, used: Mapping[str, Collection[int]]) -> Iterator[Finding]:
        """Report lists that count for different labels of one data set, and name a class of both differently."""
        numbers: dict[str, set[int]] = defaultdict(set)
        for labels, found in used.items():
            if settings := self._of_folder.get(labels.rpartition("/")[0]):
                numbers[settings.path].update(found)
        lists = [settings for path, settings in self._applied.items() if path in numbers and settings.names]
        for at, other in enumerate(lists[:MAX_COMPARED]):
            for first in lists[:at]:
                shared = numbers[first.path] & numbers[other.path]
                difference = _first_difference(first.names, other.names, shared)
                if difference and _are_of_one_set(first, other):
                    number, name, other_name = difference
                    values = {"number": number, "name": name, "other_name": other_name}
                    values = {"file": first.path, "other": other.path, **values}
                    yield Finding("names_differ", first.path, "stop", values, "lists_differ")
                    break

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


def _are_of_one_set(ours: YoloSettings, theirs: YoloSettings) -> bool:
    """Return whether two lists share names, apart from one by chance, or lie in folders that differ in their split."""
    one, other = ({spelling_key(name) for name in names.names.values()} for names in (ours, theirs))
    return (
        one == other or len(one & other) > 1 or without_split_words(ours.folder) == without_split_words(theirs.folder)
    )


def _first_difference(
    ours: Mapping[int, str], theirs: Mapping[int, str], numbers: Collection[int] | None = None
) -> tuple[int, str, str] | None:
    """Return the first class, of some numbers, that two files name differently: its number and its names."""
    ours, theirs = (_without_background(one, other) for one, other in ((ours, theirs), (theirs, ours)))
    both = sorted(ours.keys() & theirs.keys() & (ours.keys() if numbers is None else set(numbers)))
    return next(
        ((key, ours[key], theirs[key]) for key in both if spelling_key(ours[key]) != spelling_key(theirs[key])), None
    )


def _without_background(names: Mapping[int, str], others: Mapping[int, str]) -> Mapping[int, str]:
    """Return names without a background at their beginning that the others lack."""
    first, other = spelling_key(names.get(0, "")), spelling_key(others.get(0, ""))
    if first in BACKGROUND and other not in BACKGROUND:
        return {number - 1: name for number, name in names.items() if number}
    return names
