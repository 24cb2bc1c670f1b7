"""Labels of single photos in label files, matched to the photos of a source: what most readers share.

A reader parses its files into ``LabelEntry`` values, in the notation of the files; ``match_entries`` finds the photos,
joins the entries of each photo, and reports missing photos, damaged annotations and contradictions.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from autodet.datasets.formats.label_merge import join
from autodet.datasets.formats.labels import MAX_MARKS, LabelledPhoto, Notation, Reading
from autodet.datasets.formats.photo_lookup import PhotoFinder
from autodet.datasets.formats.source_files import Listing
from autodet.records import Cause, Finding, Mark, Split

MAX_MISSING = 10_000  # missing photos reported one by one; the rest are counted


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """The annotations of one photo in one label file.

    Several entries may describe one photo: the rows of a table, for example.

    Attributes:
        names: The photo's possible names, paths or URLs as the file writes them, best first; at least one.
        file: The label file, relative to the source's root.
        marks: The annotations; empty for a photo without objects.
        stated_wh: The photo's size according to the labels, in pixels; ``(0, 0)`` if they should state one and do not,
            None if the format has no size.
        split: The split that the labels name for the photo, if any.
        relative: Whether boxes are fractions, 0 to 1, of the width and height of the upright photo.
        damage: Why single annotations cannot be used.
        notation: The notation of the four numbers of all boxes in the file; empty if some boxes have other origins.
        unlabelled: Whether the labels list the photo as not annotated yet, rather than as a photo without objects.
    """

    names: tuple[str, ...]
    file: str
    marks: tuple[Mark, ...] = ()
    stated_wh: tuple[int, int] | None = None
    split: Split | None = None
    relative: bool = False
    damage: tuple[Cause, ...] = ()
    notation: Notation = ""
    unlabelled: bool = False


def match_entries(
    listing: Listing, entries: Iterable[LabelEntry], classes: Iterable[str] = (), findings: Iterable[Finding] = ()
) -> Reading:
    """Match entries to the photos of a source.

    Args:
        listing: The source's files.
        entries: The entries of all label files.
        classes: The classes that the labels list, annotated or not.
        findings: Problems that the reader found.
    """
    files: dict[str, _File] = {}
    problems = list(findings)
    missing: dict[str, list[LabelEntry]] = defaultdict(list)
    finders: dict[tuple[str, Split | None], PhotoFinder] = {}
    for entry in entries:
        find = finders.setdefault((entry.file, entry.split), PhotoFinder(listing, entry.file, entry.split))
        photo = next(filter(None, map(find, entry.names)), None)
        if photo is None:
            missing[entry.file].append(entry)
            continue
        problems += [_unusable(entry, photo, cause) for cause in entry.damage]
        if entry.unlabelled:
            continue
        photos_of_file = files.setdefault(entry.file, _File(entry.file)).photos
        before = photos_of_file.get(photo)
        photos_of_file[photo] = _joined(before, entry) if before else _labelled(listing, photo, entry)
    problems += [finding for lost in missing.values() for finding in _absent(listing, lost)]
    joined = join([file] for file in files.values())
    problems += [*joined.findings, *_crowded(joined.photos)]
    photos = tuple(labelled for labelled in joined.photos.values() if len(labelled.marks) <= MAX_MARKS)
    return Reading(photos, tuple(problems), tuple(sorted({*classes} - joined.aside)))


@dataclass(frozen=True)
class _File:
    path: str
    split: Split | None = None
    photos: dict[PurePosixPath, LabelledPhoto] = field(default_factory=dict)


def _crowded(photos: Mapping[PurePosixPath, LabelledPhoto]) -> Iterator[Finding]:
    for photo, labelled in photos.items():
        if len(labelled.marks) > MAX_MARKS:
            values = {"marks": len(labelled.marks), "most": MAX_MARKS}
            yield Finding("labels_damaged", str(photo), "drop", values, "marks_many", (str(photo),))


def _labelled(listing: Listing, photo: PurePosixPath, entry: LabelEntry) -> LabelledPhoto:
    split = entry.split or listing.split_of(photo) or listing.split_of(entry.file)
    facts = (photo, entry.file, entry.marks, entry.stated_wh, split, entry.relative)
    return LabelledPhoto(*facts, notation=entry.notation, listed=True)


def _joined(photo: LabelledPhoto, entry: LabelEntry) -> LabelledPhoto:
    stated = photo.stated_wh if any(photo.stated_wh or ()) else entry.stated_wh
    return replace(photo, marks=(*photo.marks, *entry.marks), stated_wh=stated)


def _unusable(entry: LabelEntry, photo: PurePosixPath, cause: Cause) -> Finding:
    return Finding("box_damaged", entry.file, "drop", cause.values, cause.key, (str(photo),))


def _absent(listing: Listing, entries: Sequence[LabelEntry]) -> Iterable[Finding]:
    """Report entries of one file whose photos are missing, once per photo."""
    names = list(dict.fromkeys(entry.names for entry in entries))
    causes = [listing.absence(list(names_of_one), "photo_of_entry_missing") for names_of_one in names[:MAX_MISSING]]
    if len(names) > MAX_MISSING:
        causes.append(Cause("photos_missing", {"entries": len(names) - MAX_MISSING}))
    return [Finding("photo_missing", entries[0].file, "drop", cause.values, cause.key) for cause in causes]
