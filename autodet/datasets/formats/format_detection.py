"""Detection of the label format. To add a format, write a module with ``unmet`` and ``read`` and register it here."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Protocol

from autodet.datasets.formats import (
    class_rows,
    coco,
    createml,
    csv_tables,
    cvat,
    dota,
    hugging_face,
    icdar,
    kitti,
    label_studio,
    labelme,
    unlabelled,
    via,
    voc,
    vott,
    wider_face,
    yolo,
)
from autodet.datasets.formats.format_agreement import extent_of, find_agreeing
from autodet.datasets.formats.labels import Reading
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.photo_formats import VIDEO_ENDINGS
from autodet.datasets.sources.files import LABEL_ENDINGS, FileError
from autodet.errors import AmbiguousFormatError, DatasetError
from autodet.messages.finding_phrases import GIT_POINTER
from autodet.messages.formats import FORMAT_TITLES, PHOTO_FORMATS
from autodet.messages.imports import NO_FILES, format_question, unmet_clause
from autodet.records import Cause
from autodet.text_format import counted


@dataclass(frozen=True)
class Detection:
    """Detected format of a source.

    Attributes:
        format: A key of ``FORMATS``.
        unmet: Why the source is not in each of the other formats.
        asked: Whether the user chose the format.
        aside: Number of ignored boxes by other format.
    """

    format: str
    unmet: Mapping[str, Cause] = field(default_factory=dict)
    asked: bool = False
    aside: Mapping[str, int] = field(default_factory=dict)


class Format(Protocol):
    """Interface of a format module."""

    def unmet(self, listing: Listing) -> Cause | None:
        """Return why a source is not in this format; None if it is."""

    def read(self, listing: Listing) -> Reading:
        """Read all labels of the source, as written."""


STRAY_SHARE = 0.1  # formats with at most this share of the labelled photos of the best one are stray

MAX_SEARCHED = 1_000  # label files searched for pointers of Git LFS
MAX_POINTER_BYTES = 1_000  # several times as many as a pointer has

UNLABELLED = "unlabelled"  # photos only
FORMATS: dict[str, Format] = {
    "voc": voc,
    "coco": coco,
    "yolo": yolo,
    "labelme": labelme,
    "label_studio": label_studio,
    "createml": createml,
    "via": via,
    "vott": vott,
    "hugging_face": hugging_face,
    "csv": csv_tables,
    "cvat": cvat,
    "kitti": kitti,
    "dota": dota,
    "icdar": icdar,
    "wider_face": wider_face,
    "class_rows": class_rows,
    UNLABELLED: unlabelled,
}


def find_format(listing: Listing, name: str, source: str) -> Detection:
    """Detect the format of a source.

    Args:
        listing: The source's files.
        name: The format given by the user, or ``auto``.
        source: The source's name in error messages.

    Raises:
        DatasetError: ``name`` is unknown, or the source lacks photos or labels in a matching format, as the message
            explains.
        AmbiguousFormatError: The source matches several formats.
    """
    if name != "auto" and name not in FORMATS:
        raise DatasetError(f"{name!r} is not a format that can be imported; choose auto or {', '.join(FORMATS)}.")
    if not listing.photos:
        raise DatasetError(_without_photos(listing, source))
    if name == UNLABELLED:
        return Detection(name, asked=True)
    tried = [format for format in FORMATS if format != UNLABELLED] if name == "auto" else [name]
    reasons = {format: FORMATS[format].unmet(listing) for format in tried}
    missing = {format: reason for format, reason in reasons.items() if reason is not None}
    met = [format for format in reasons if format not in missing]
    if not met:
        reason = unlabelled.unmet(listing)
        if name == "auto" and reason is None:
            return Detection(UNLABELLED, unmet=missing)
        raise DatasetError(_what_is_missing(listing, missing, reason, source))
    chosen = Detection(met[0]) if len(met) == 1 else _choose(listing, met, source)
    return replace(chosen, unmet={**missing, **chosen.unmet}, asked=name != "auto")


def _choose(listing: Listing, met: list[str], source: str) -> Detection:
    """Choose the format that labels the photos, ignoring stray files."""
    readings = {format: FORMATS[format].read(listing) for format in met}
    boxes = {format: _boxes_per_photo(reading) for format, reading in readings.items()}
    best = max(met, key=lambda format: len(boxes[format]))
    rivals = [format for format in met if len(boxes[format]) > STRAY_SHARE * len(boxes[best])]
    if len(rivals) > 1 and (whole := find_agreeing({format: readings[format] for format in rivals})):
        best = max(whole, key=lambda format: extent_of(readings[format]))
        rivals = [best]  # the others are the same labels, converted
    named = [format for format in rivals if not _is_nameless(readings[format])]
    if len(named) == 1 and all(boxes[format] <= boxes[named[0]] for format in rivals):
        best = named[0]  # the others are copies left behind by label converters
    elif len(rivals) > 1:
        photos = {format: len(boxes[format]) for format in rivals}
        raise AmbiguousFormatError(format_question(source, photos), photos)
    return Detection(
        best,
        unmet={format: Cause("fewer_labels", {"photos": len(boxes[format])}) for format in met if format != best},
        aside={format: boxes[format].total() for format in rivals if format != best},
    )


def _boxes_per_photo(reading: Reading) -> Counter[PurePosixPath]:
    return Counter({photo.photo: len(photo.marks) for photo in reading.photos if photo.marks})


def _is_nameless(reading: Reading) -> bool:
    return any(finding.kind == "names_missing" for finding in reading.findings)


def _without_photos(listing: Listing, source: str) -> str:
    if not listing.files:
        return f"{source!r} is empty; choose a folder or an archive with photos and their labels."
    if videos := len(listing.ending(*VIDEO_ENDINGS)):
        return (
            f"{source!r} holds {counted(videos, 'video')} and no photos; extract the frames that are labelled, as JPEG "
            "or PNG, and put them together with their labels."
        )
    embedded = sum("imageData" in keys for keys in listing.json_keys.values())
    if embedded:
        return (
            f"{source!r} holds no photos, but {counted(embedded, 'JSON file')} that may have them inside (imageData); "
            "save each as a file beside its JSON, as 'labelme_export_json' does."
        )
    endings = Counter(PurePosixPath(path).suffix.lower()[:20] or "other" for path in listing.files)
    found = ", ".join(f"{count} {ending}" for ending, count in endings.most_common(3))
    return (
        f"{source!r} holds no photos that can be read, only other files ({found}); put the photos, as {PHOTO_FORMATS}, "
        "together with their labels."
    )


def _what_is_missing(listing: Listing, missing: Mapping[str, Cause], reason: Cause | None, source: str) -> str:
    near = {name: reason for name, reason in missing.items() if reason.key not in NO_FILES}
    reasons = "; ".join(f"{FORMAT_TITLES[name]}: {unmet_clause(reason)}" for name, reason in near.items())
    found = counted(len(listing.photos), "photo")
    if pointer := _first_pointer(listing):
        return f"{source!r} holds {found} but no labels that can be read: {pointer} {GIT_POINTER}."
    if reason and reason.key == "maybe_labels" and reason.values["file"] not in reasons:
        reasons = "; ".join(filter(None, (unmet_clause(reason), reasons)))
    titles = ", ".join(FORMAT_TITLES[name] for name in FORMATS if name != UNLABELLED)
    return (
        f"{source!r} holds {found} but no labels that can be read{f' ({reasons})' * bool(reasons)}; put labels "
        f"beside them, in one of these formats: {titles}. To import the photos alone, choose the format 'unlabelled' "
        "(photos without labels)."
    )


def _first_pointer(listing: Listing) -> str | None:
    """Return a label file that is a pointer of Git LFS."""
    return next((path for path in listing.ending(*LABEL_ENDINGS)[:MAX_SEARCHED] if _is_pointer(listing, path)), None)


def _is_pointer(listing: Listing, path: str) -> bool:
    try:
        listing.read(path, MAX_POINTER_BYTES)
    except FileError as error:
        return error.cause.key == "git_pointer"
    return False
