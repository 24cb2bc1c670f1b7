"""Pascal VOC: one XML file per photo.

Boxes stay as written: ``xmin, ymin, xmax, ymax`` become ``x1, y1, x2, y2``. VOC counts pixels from 1 and includes the
last one; current tools count from 0. The difference is at most one pixel.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError  # only the exception class; defusedxml does the parsing

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from autodet.datasets.formats.labels import (
    MAX_MARKS,
    LabelError,
    LabelledPhoto,
    Reading,
    plain_name,
    settle_splits,
)
from autodet.datasets.formats.source_files import Listing, photo_stem, plain
from autodet.datasets.formats.source_texts import SourceTexts
from autodet.datasets.formats.split_names import split_of_list
from autodet.datasets.sources.files import FileError
from autodet.records import BoxXYXY, Cause, Finding, Mark, Split

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_XML_BYTES = 8_000_000
MAX_LIST_BYTES = 64_000_000
LIST_FOLDERS = ("/imagesets/main", "/imagesets", "")  # folders of split lists; the first with usable lists counts
_DECLARATION = re.compile(rb"""\s*<\?xml(?:[^>]*encoding=["']([\w.-]+))?[^>]*>""")
_DECLARATION_TEXT = re.compile(r"\s*<\?xml[^>]*>")

Lists = Mapping[str, Mapping[PurePosixPath, Split]]


@dataclass(frozen=True, slots=True)
class VocAnnotation:
    """Content of one XML file.

    Attributes:
        filename: The photo's name, without folders; empty if not given.
        size_wh: Stated width and height in pixels; None if not given or not positive.
        marks: The annotations.
        damage: Why single objects cannot be used.
    """

    filename: str
    size_wh: tuple[int, int] | None
    marks: tuple[Mark, ...]
    damage: tuple[Cause, ...]


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
    found: dict[PurePosixPath, tuple[str, VocAnnotation]] = {}
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
        if photo in found:
            values = {"file": found[photo][0], "photo": str(photo)}
            findings.append(Finding("labels_twice", path, "drop", values, "described_twice", (str(photo),)))
        else:
            found[photo] = path, annotation
    lists, twice = _read_lists(listing, found)
    photos = tuple(_labelled(listing, lists, photo, *one) for photo, one in found.items())
    return Reading(photos, (*findings, *twice))


def _labelled(
    listing: Listing, lists: Lists, photo: PurePosixPath, path: str, annotation: VocAnnotation
) -> LabelledPhoto:
    named = _lists_for(lists, photo)
    split = named.get(photo) if named else listing.split_of(photo) or listing.split_of(path)
    return LabelledPhoto(
        photo=photo,
        labels=path,
        marks=annotation.marks,
        stated_wh=annotation.size_wh or (0, 0),
        split=split,
        unlisted=bool(named) and split is None,
    )


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


def _decode_alone(xml: bytes, stated: str) -> str:
    return SourceTexts(Path(), ()).decode(xml, "", stated)


def parse_voc(xml: bytes, decode: Callable[[bytes, str], str] = _decode_alone) -> VocAnnotation:
    """Parse one annotation file.

    Args:
        xml: The file's bytes.
        decode: Decodes bytes with the encoding that the XML states, which may be wrong.

    Raises:
        LabelError: The content is not XML, not a VOC annotation, or has more than ``MAX_MARKS`` objects.
    """
    root = _parsed(xml, decode)
    if root.tag != "annotation":
        raise LabelError("xml_foreign", tag=root.tag[:40])
    marks, damage = [], []
    objects = root.findall("object")
    if len(objects) > MAX_MARKS:
        raise LabelError("xml_crowded", objects=len(objects), most=MAX_MARKS)
    for number, element in enumerate(objects, start=1):
        try:
            marks.append(_parse_object(element, number))
        except LabelError as error:
            damage.append(error.cause)
    filename = re.split(r"[/\\]", root.findtext("filename", "").strip())[-1]
    return VocAnnotation(filename, _parse_size(root), tuple(marks), tuple(damage))


def _parsed_file(listing: Listing, path: str) -> VocAnnotation:
    return parse_voc(listing.read(path, MAX_XML_BYTES), lambda xml, stated: listing.texts.decode(xml, path, stated))


def _parsed(xml: bytes, decode: Callable[[bytes, str], str]) -> "Element":
    try:
        try:
            return fromstring(xml.lstrip() if xml.isascii() else _decoded(xml, decode))
        except (ParseError, ValueError, LookupError):  # the encoding is unknown to the parser or misstated
            return fromstring(_decoded(xml, decode))
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise LabelError("xml_broken") from error


def _decoded(xml: bytes, decode: Callable[[bytes, str], str]) -> str:
    """Decode XML without its declaration, whose encoding may be wrong."""
    declaration = _DECLARATION.match(xml)
    stated = declaration[1].decode("ascii", "replace") if declaration and declaration[1] else ""
    return _DECLARATION_TEXT.sub("", decode(xml, stated), count=1).lstrip()


def _parse_object(element: "Element", number: int) -> Mark:
    name = plain_name(element.findtext("name") or "")
    if not name:
        raise LabelError("object_unnamed", number=number)
    corners = [_number(element.findtext(f"bndbox/{key}")) for key in ("xmin", "ymin", "xmax", "ymax")]
    if any(corner is None for corner in corners):
        raise LabelError("object_boxless", number=number, name=name)
    x1, y1, x2, y2 = (corner or 0.0 for corner in corners)
    box: BoxXYXY = (x1, y1, x2, y2)
    return Mark(name, box, *(_is_set(element.findtext(flag)) for flag in ("difficult", "truncated")))


def _is_set(text: str | None) -> bool:
    """Return whether a flag is set: ``1``, ``true``, ``yes`` or any positive number."""
    return (text or "").strip().lower() in ("true", "yes") or (_number(text) or 0) > 0


def _parse_size(root: "Element") -> tuple[int, int] | None:
    width, height = (_number(root.findtext(f"size/{key}")) for key in ("width", "height"))
    return (int(width), int(height)) if width and height and width > 0 and height > 0 else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None


def _photo_of(listing: Listing, path: str, filename: str) -> PurePosixPath:
    """Find the photo named like the XML file, or else like its ``filename``, which may be stale."""
    stem = _stem(path)
    names = [filename, stem] if plain(photo_stem(filename)) == plain(stem) else [stem, filename]
    for name in filter(None, names):
        if found := listing.find_photo(name, beside=path):
            return found
    absence = listing.absence([filename or stem, stem], "photo_of_xml_missing")
    raise LabelError(absence.key, **absence.values)


def _read_lists(listing: Listing, photos: Collection[PurePosixPath]) -> tuple[Lists, list[Finding]]:
    """Return the splits of photos by the folder that the lists are about, and what is wrong with them.

    That folder contains ``ImageSets/Main`` or the lists themselves. Lists that name none of its photos are ignored.
    """
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    above = {str(folder) for photo in photos for folder in photo.parents}
    for path in listing.ending(".txt"):
        folder, _, name = f"/{path}".rpartition("/")
        if _split_of_list(name):
            place = next(place for place in LIST_FOLDERS if folder.lower().endswith(place))
            base = folder[: len(folder) - len(place)].strip("/")
            while base and base not in above:
                base = base.rpartition("/")[0]
            found[base or "."].setdefault(place, []).append(path)
    stems: dict[str, dict[str, list[PurePosixPath]]] = {base: defaultdict(list) for base in found}
    for photo in photos if found else ():
        for base in found.keys() & map(str, photo.parents):
            stems[base][plain(photo_stem(photo.name))].append(photo)
    lists: dict[str, Mapping[PurePosixPath, Split]] = {}
    findings: list[Finding] = []
    for base, places in found.items():
        for place in LIST_FOLDERS:
            named = _named(listing, stems[base], places.get(place, []))
            if named and base not in lists:
                lists[base], twice = settle_splits(named, (base + place).removeprefix("./").removeprefix("."))
                findings += twice
    return lists, findings


def _named(
    listing: Listing, stems: Mapping[str, list[PurePosixPath]], paths: list[str]
) -> dict[PurePosixPath, set[Split]]:
    """Return the splits that lists name each photo for; a finer list overrides ``trainval``."""
    named: dict[PurePosixPath, set[Split]] = {}
    for path in sorted(paths, key=_is_of_two):
        split = _split_of_list(path.rpartition("/")[2])
        try:
            lines = listing.read_text(path, MAX_LIST_BYTES).splitlines()
        except FileError:
            continue
        for line in lines:
            for photo in next((stems[stem] for stem in _stems_of(line) if stem in stems), ()):
                if split and not (photo in named and _is_of_two(path)):
                    named.setdefault(photo, set()).add(split)
    return named


def _is_of_two(path: str) -> bool:
    return path.rpartition("/")[2].lower().startswith("trainval")


def _split_of_list(name: str) -> Split | None:
    """Return the split of a list such as ``train.txt`` or ``val_list.txt``; ``trainval.txt`` alone means train."""
    word = re.sub(r"([_-]?(list|files|images))?\.txt$", "", name.lower())
    return "train" if word == "trainval" else split_of_list(word)


def _stems_of(line: str) -> Iterator[str]:
    """Yield the possible photo names of a list's line: with or without folders, extension and further columns."""
    for text in (line, line.partition(" ")[0], line.partition("\t")[0]):
        name = re.split(r"[/\\]", text.strip().strip('"'))[-1]
        yield plain(name)
        yield plain(photo_stem(name))


def _lists_for(lists: Lists, photo: PurePosixPath) -> Mapping[PurePosixPath, Split]:
    """Return the lists of the innermost folder that has some and contains the photo."""
    if not lists:
        return {}
    return next((lists[folder] for folder in map(str, photo.parents) if folder in lists), {})
