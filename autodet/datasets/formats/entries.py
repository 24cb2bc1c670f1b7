"""Labels of single photos in label files, matched to the photos of a source: what most readers share.

A reader parses its files into ``LabelEntry`` values, in the notation of the files; ``match_entries`` finds the photos,
joins the entries of each photo, and reports missing photos, damaged annotations and contradictions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from autodet.datasets.formats.label_merge import join
from autodet.datasets.formats.labels import MAX_MARKS, LabelledPhoto, Notation, OtherReading, Reading
from autodet.datasets.formats.photo_lookup import PhotoFinder
from autodet.datasets.formats.shapes import iou
from autodet.datasets.formats.source_files import Listing
from autodet.records import Action, Cause, Finding, Mark, Split

MAX_MISSING = 10_000  # missing photos reported one by one; the rest are counted
SAME_BOX, SAME_OBJECT = 0.9, 0.5  # IoU from which two boxes of one class are equal, or about one object
COUNTED = {"shapes_hulled": "hulled", "shapes_skipped": "skipped", "classes_several": "several"}  # by kind
KIND_ACTIONS: Mapping[str, Action] = {"shapes_hulled": "fix", "shapes_skipped": "drop", "classes_several": "keep"}


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
        hulled: Number of turned boxes among the annotations, which were replaced by the upright boxes around them.
        skipped: Number of points and lines, which mark no area.
        several: Number of objects with several classes, each of which has an annotation.
        version: Which of several labellings of the photo in this file the entry belongs to, by different people for
            example. Entries of one version are joined, those of different versions compared.
        readings: Other readings of the annotations; see ``LabelledPhoto``.
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
    hulled: int = 0
    skipped: int = 0
    several: int = 0
    version: str = ""
    readings: tuple[OtherReading, ...] = ()


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
    files: dict[str, dict[PurePosixPath, dict[str, LabelledPhoto]]] = {}
    problems = list(findings)
    missing: dict[str, list[LabelEntry]] = defaultdict(list)
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in COUNTED}
    finders: dict[tuple[str, Split | None], PhotoFinder] = {}
    splits: dict[str, set[Split | None]] = defaultdict(set)
    for entry in entries:
        find = finders.setdefault((entry.file, entry.split), PhotoFinder(listing, entry.file, entry.split))
        photo = next(filter(None, map(find, entry.names)), None)
        if photo is None:
            missing[entry.file].append(entry)
            continue
        splits[entry.file].add(entry.split)
        problems += [_unusable(entry, photo, cause) for cause in entry.damage]
        for kind, attribute in COUNTED.items():
            counts[kind][str(photo)] += getattr(entry, attribute)
        if entry.unlabelled:
            continue
        versions = files.setdefault(entry.file, {}).setdefault(photo, {})
        before = versions.get(entry.version)
        versions[entry.version] = _joined(before, entry) if before else _labelled(listing, photo, entry)
    problems += [finding for lost in missing.values() for finding in _absent(listing, lost)]
    problems += [finding for kind, count in counts.items() for finding in _counted(kind, count)]
    described = [_File(path, _agreed(photos, problems), _only(splits[path])) for path, photos in files.items()]
    of_splits = [file for file in described if file.split]
    joined = join([*([of_splits] if of_splits else []), *([file] for file in described if not file.split)])
    problems += [*joined.findings, *_crowded(joined.photos)]
    photos = tuple(labelled for labelled in joined.photos.values() if len(labelled.marks) <= MAX_MARKS)
    return Reading(photos, tuple(problems), tuple(sorted({*classes} - joined.aside)))


@dataclass(frozen=True)
class _File:
    path: str
    photos: Mapping[PurePosixPath, LabelledPhoto]
    split: Split | None = None


def _only(splits: set[Split | None]) -> Split | None:
    """Return the split that a file names for all of its photos, if it does."""
    return next(iter(splits)) if len(splits) == 1 else None


def _crowded(photos: Mapping[PurePosixPath, LabelledPhoto]) -> Iterator[Finding]:
    for photo, labelled in photos.items():
        if len(labelled.marks) > MAX_MARKS:
            values = {"marks": len(labelled.marks), "most": MAX_MARKS}
            yield Finding("labels_damaged", str(photo), "drop", values, "marks_many", (str(photo),))


def _labelled(listing: Listing, photo: PurePosixPath, entry: LabelEntry) -> LabelledPhoto:
    split = entry.split or listing.split_of(photo) or listing.split_of(entry.file)
    facts = (photo, entry.file, entry.marks, entry.stated_wh, split, entry.relative)
    return LabelledPhoto(*facts, notation=entry.notation, listed=True, readings=entry.readings)


def _joined(photo: LabelledPhoto, entry: LabelEntry) -> LabelledPhoto:
    stated = photo.stated_wh if any(photo.stated_wh or ()) else entry.stated_wh
    readings = _joined_readings(photo, entry)
    return replace(photo, marks=(*photo.marks, *entry.marks), stated_wh=stated, readings=readings)


def _joined_readings(photo: LabelledPhoto, entry: LabelEntry) -> tuple[OtherReading, ...]:
    """Return the other readings of both; where one has none of a kind, its annotations are the same in any."""
    ours = {(reading.kind, reading.action): reading.marks for reading in photo.readings}
    theirs = {(reading.kind, reading.action): reading.marks for reading in entry.readings}
    return tuple(
        OtherReading(*key, (*ours.get(key, photo.marks), *theirs.get(key, entry.marks))) for key in {**ours, **theirs}
    )


def _counted(kind: str, counts: Mapping[str, int]) -> Iterator[Finding]:
    """Yield one finding for the whole data set."""
    photos = tuple(photo for photo, count in counts.items() if count)
    if photos:
        action = KIND_ACTIONS[kind]
        yield Finding(kind, "", action, {"shapes": sum(counts.values())}, photos=photos)


def _unusable(entry: LabelEntry, photo: PurePosixPath, cause: Cause) -> Finding:
    return Finding("box_damaged", entry.file, "drop", cause.values, cause.key, (str(photo),))


def _absent(listing: Listing, entries: Sequence[LabelEntry]) -> Iterable[Finding]:
    """Report entries of one file whose photos are missing, once per photo."""
    names = list(dict.fromkeys(entry.names for entry in entries))
    causes = [listing.absence(list(names_of_one), "photo_of_entry_missing") for names_of_one in names[:MAX_MISSING]]
    if len(names) > MAX_MISSING:
        causes.append(Cause("photos_missing", {"entries": len(names) - MAX_MISSING}))
    return [Finding("photo_missing", entries[0].file, "drop", cause.values, cause.key) for cause in causes]


def _agreed(
    photos: Mapping[PurePosixPath, Mapping[str, LabelledPhoto]], problems: list[Finding]
) -> dict[PurePosixPath, LabelledPhoto]:
    """Return the labels of each photo in one file; report it where several people labelled a photo."""
    agreed = {}
    for photo, versions in photos.items():
        first, *others = versions.values()
        agreed[photo] = _combined(first, others, problems) if others else first
    return agreed


def _combined(first: LabelledPhoto, others: Sequence[LabelledPhoto], problems: list[Finding]) -> LabelledPhoto:
    """Combine what several people say about a photo; report it, also where they agree."""
    for other in others:
        values = {"file": first.labels, "photo": str(first.photo)}
        if _agree(first.marks, other.marks):
            problems.append(Finding("labels_twice", other.labels, "drop", values, "drawn_twice", (str(first.photo),)))
            continue
        joined = (*first.marks, *(mark for mark in other.marks if not _is_among(mark, first.marks, SAME_OBJECT)))
        photos = (str(first.photo),)
        problems.append(Finding("labels_disagree", other.labels, "stop", values, "people_disagree", photos))
        kept = (reading for reading in first.readings if reading.kind != "labels_disagree")
        first = replace(first, readings=(*kept, OtherReading("labels_disagree", "fix", joined)))
    return first


def _agree(marks: Sequence[Mark], others: Sequence[Mark]) -> bool:
    """Return whether two people or files mark the same objects, to a rounding error."""
    if set(marks) == set(others):
        return True
    return len(marks) == len(others) and all(_is_among(mark, others, SAME_BOX) for mark in marks)


def _is_among(mark: Mark, others: Iterable[Mark], overlap: float) -> bool:
    return any(mark.name == other.name and iou(mark.box_xyxy, other.box_xyxy) >= overlap for other in others)
