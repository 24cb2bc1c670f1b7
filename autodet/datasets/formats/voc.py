"""Pascal VOC: one XML file per photo.

``voc_file`` parses a file, and ``voc_lists`` reads the lists that give the splits.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from autodet.datasets.formats.labels import LabelError, LabelledPhoto, OtherReading, Reading
from autodet.datasets.formats.shapes import find_hulled
from autodet.datasets.formats.source_files import Listing, photo_stem, plain
from autodet.datasets.formats.voc_file import VocAnnotation, parse_voc
from autodet.datasets.formats.voc_lists import Lists, lists_for, read_lists
from autodet.datasets.sources.files import FileError
from autodet.records import Cause, Finding, Values

MAX_XML_BYTES = 8_000_000


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not VOC; None if it is VOC."""
    reason = Cause("no_xml")
    for path in reversed(_xml_files(listing)):
        try:
            _parsed_file(listing, path)
        except FileError as error:
            reason = Cause("file", {"file": path, "cause": error.cause.key, "values": error.cause.values})
            continue
        return None
    return reason


def read(listing: Listing) -> Reading:
    """Read every XML file, match it to its photo, and report mismatches."""
    found: dict[PurePosixPath, list[tuple[str, VocAnnotation]]] = {}
    findings: list[Finding] = []
    for path in _xml_files(listing):
        kind = "labels_damaged"
        try:
            annotation = _parsed_file(listing, path)
            kind = "photo_missing"
            photo = _photo_of(listing, path, annotation.filename)
        except FileError as error:
            findings.append(_unusable(listing, path, error.cause, kind))
            continue
        findings += [
            Finding("box_damaged", path, "drop", cause.values, cause.key, (str(photo),)) for cause in annotation.damage
        ]
        found.setdefault(photo, []).append((path, annotation))
    lists, twice = read_lists(listing, found)
    photos = []
    for photo, (first, *others) in found.items():
        labelled = _labelled(listing, lists, photo, *first)
        photos.append(_combined(labelled, others, findings) if others else labelled)
    hulled = {str(photo): first[1].hulled for photo, (first, *_) in found.items() if first[1].hulled}
    findings += [*twice, *find_hulled(sum(hulled.values()), hulled)]
    return Reading(tuple(photos), tuple(findings))


def _parsed_file(listing: Listing, path: str) -> VocAnnotation:
    return parse_voc(listing.read(path, MAX_XML_BYTES), lambda xml, stated: listing.texts.decode(xml, path, stated))


def _labelled(
    listing: Listing, lists: Lists, photo: PurePosixPath, path: str, annotation: VocAnnotation
) -> LabelledPhoto:
    named = lists_for(lists, photo)
    split = named.get(photo) if named else listing.split_of(photo) or listing.split_of(path)
    return LabelledPhoto(
        photo=photo,
        labels=path,
        marks=annotation.marks,
        stated_wh=annotation.size_wh or (0, 0),
        split=split,
        unlisted=bool(named) and split is None,
        notation=annotation.notation,
    )


def _combined(
    first: LabelledPhoto, others: Iterable[tuple[str, VocAnnotation]], findings: list[Finding]
) -> LabelledPhoto:
    """Combine what several files say about a photo, and report it: they may agree or not."""
    for path, annotation in others:
        values: Values = {"file": first.labels, "photo": str(first.photo)}
        photos = (str(first.photo),)
        if set(annotation.marks) == set(first.marks):
            findings.append(Finding("labels_twice", path, "drop", values, "described_twice", photos))
            continue
        known = first.readings[0].marks if first.readings else first.marks
        joined = (*known, *(mark for mark in annotation.marks if mark not in known))
        values = {"file": first.labels, "other": path, "photo": str(first.photo), "photos": 1}
        findings.append(Finding("labels_disagree", path, "stop", values, photos=photos))
        first = replace(first, readings=(OtherReading("labels_disagree", "fix", joined),))
    return first


def _xml_files(listing: Listing) -> list[str]:
    """Return the ``.xml`` files, or else XML files without an extension whose path contains ``annotation``."""
    bare = [path for path in listing.files if "." not in path.rpartition("/")[2] and "annotation" in path.lower()]
    return listing.ending(".xml") or [path for path in bare if _is_annotation(listing, path)]


def _is_annotation(listing: Listing, path: str) -> bool:
    try:
        return listing.read(path, MAX_XML_BYTES).lstrip().startswith(b"<annotation")
    except FileError:
        return False


def _unusable(listing: Listing, path: str, cause: Cause, kind: str) -> Finding:
    photo = listing.find_photo(_stem(path), beside=path)
    if kind == "labels_damaged" and photo is None:
        return Finding("labels_foreign", path, "drop", cause.values, cause.key)
    return Finding(kind, path, "drop", cause.values, cause.key, (str(photo),) if photo else ())


def _stem(path: str) -> str:
    name = path.rpartition("/")[2]
    return name[:-4] if name.lower().endswith(".xml") else name


def _photo_of(listing: Listing, path: str, filename: str) -> PurePosixPath:
    """Find the photo named like the XML file, or else like its ``filename``, which may be stale."""
    stem = _stem(path)
    names = [stem, filename]
    if plain(photo_stem(filename)) == plain(stem):  # the spelling of the XML's name, and the extension of the photo's
        names = [stem + filename[len(photo_stem(filename)) :], filename, stem]
    for name in filter(None, names):
        if found := listing.find_photo(name, beside=path):
            return found
    absence = listing.absence([filename or stem, stem], "photo_of_xml_missing")
    raise LabelError(absence.key, **absence.values)
