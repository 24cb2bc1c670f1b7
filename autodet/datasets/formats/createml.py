"""CreateML: JSON lists of photos with boxes, each as its centre, width and height in pixels unless the file differs."""

from collections.abc import Iterator, Mapping
from typing import Any

from autodet.datasets.formats.entries import LabelEntry, match_entries
from autodet.datasets.formats.json_documents import documents, find_documents, find_unmet, splits_of_files
from autodet.datasets.formats.labels import Notation, Reading
from autodet.datasets.formats.masks import numbers_of
from autodet.datasets.formats.photo_marks import PhotoMarks
from autodet.datasets.formats.source_files import Listing
from autodet.records import BoxXYXY, Cause, Finding

PHOTO_KEYS = ("image", "imagefilename", "imageFilename", "image_filename", "filename", "file_name")
LIST_KEYS = ("annotations", "annotation")
SIDES = ("x", "y", "width", "height")
_CORNER = {"topleft", "bottomleft"}


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not CreateML; None if it is."""
    return find_unmet(listing, _paths(listing), is_createml)


def is_createml(document: Any) -> bool:
    """Return whether a JSON document is a list of photos as CreateML has it."""
    if not isinstance(document, list) or not document:
        return False
    photos = [entry for entry in document if isinstance(entry, dict) and _name_of(entry)]
    marks = [mark for entry in photos for mark in _marks_of(entry)]
    if marks:
        return any(isinstance(mark, dict) and isinstance(mark.get("coordinates"), dict) for mark in marks)
    return len(photos) == len(document) and all(_is_bare(entry) for entry in photos)


def read(listing: Listing) -> Reading:
    """Read all files, and match their entries to photos."""
    findings: list[Finding] = []
    found = list(documents(listing, _paths(listing), is_createml, findings))
    splits = splits_of_files([path for path, _ in found])
    relative = _are_fractions(document for _, document in found)
    entries = [
        _entry(path, entry, relative=relative, split=splits[path])
        for path, document in found
        for entry in document
        if isinstance(entry, dict)
    ]
    return match_entries(listing, entries, findings=findings)


def _paths(listing: Listing) -> list[str]:
    found = [find_documents(listing, key) for key in LIST_KEYS]
    return sorted({path for paths in found for path in paths})


def _name_of(entry: Mapping[str, Any]) -> str:
    return next((name for key in PHOTO_KEYS if isinstance(name := entry.get(key), str) and name), "")


def _marks_of(entry: Mapping[str, Any]) -> list[Any]:
    return next((marks for key in LIST_KEYS if isinstance(marks := entry.get(key), list)), [])


def _is_bare(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry has nothing but its photo and an empty list."""
    return set(entry) <= {*PHOTO_KEYS, *LIST_KEYS} and any(key in entry for key in LIST_KEYS)


def _are_fractions(found: Any) -> bool:
    """Return whether all boxes are fractions of their photos: in pixels, none of them would have an area."""
    numbers = [
        number
        for document in found
        for entry in document
        if isinstance(entry, dict)
        for mark in _marks_of(entry)
        if isinstance(mark, dict)
        for number in _sides_of(mark) or ()
    ]
    return bool(numbers) and 0 < max(numbers) <= 1


def _sides_of(mark: Mapping[str, Any]) -> list[float] | None:
    coordinates = mark.get("coordinates")
    return numbers_of([coordinates.get(key) for key in SIDES]) if isinstance(coordinates, dict) else None


def _entry(path: str, entry: Mapping[str, Any], *, relative: bool, split: Any) -> LabelEntry:
    drawn = PhotoMarks()
    notations: set[Notation] = set()
    units = _said(entry, "units") or next(filter(None, (_said(mark, "units") for mark in _dicts(entry))), "")
    fractions = units == "normalized" if units else relative
    for mark in _marks_of(entry):
        drawn.next_shape()
        fields = mark if isinstance(mark, dict) else {}
        sides = _sides_of(fields)
        if sides is None:
            drawn.refuse("coordinates_missing")
            continue
        anchor = _said(fields, "anchor") or _said(entry, "anchor") or "center"
        bottom = "bottomleft" in (_said(fields, "origin"), _said(entry, "origin"))
        if (bottom and not fractions) or anchor not in {"center", *_CORNER}:
            drawn.refuse("coordinates_unknown")
            continue
        notations.add("center" if anchor == "center" else "top_left")
        drawn.add([_label_of(fields)], _box_of(sides, anchor, bottom=bottom))
    notation = notations.pop() if len(notations) == 1 else ""
    names = [_name_of(entry) or "?"]
    return drawn.entry(names, path, relative=fractions, split=split, notation=notation)


def _dicts(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (mark for mark in _marks_of(entry) if isinstance(mark, dict))


def _label_of(mark: Mapping[str, Any]) -> object:
    return mark.get("label") or mark.get("class") or mark.get("name") or ""


def _said(fields: Mapping[str, Any], key: str) -> str:
    """Return what an entry, or its coordinates, say about a convention, in lowercase letters without separators."""
    coordinates = fields.get("coordinates")
    places = (fields, coordinates) if isinstance(coordinates, dict) else (fields,)
    said = next((place[key] for place in places if isinstance(place.get(key), str)), "")
    word = said.lower().replace("_", "").replace("-", "").replace(" ", "")
    return {"centre": "center", "normalised": "normalized", "relative": "normalized"}.get(word, word)


def _box_of(sides: list[float], anchor: str, *, bottom: bool) -> BoxXYXY:
    """Return the corners of a box.

    Args:
        sides: ``x, y, width, height``.
        anchor: What of the box ``x`` and ``y`` are.
        bottom: Whether ``y`` counts from the lower edge of the photo; only for fractions.
    """
    x, y, width, height = sides
    left = x - width / 2 if anchor == "center" else x
    down = 1 - y if bottom else y
    above = {"center": height / 2, "bottomleft": height}.get(anchor, 0.0)
    top = down - above
    return left, top, left + width, top + height
