"""Detection of the label format. To add a format, write a module with ``unmet`` and ``read`` and register it here."""

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from autodet.datasets.formats import coco, voc, yolo
from autodet.datasets.formats.labels import Reading
from autodet.datasets.formats.listing import Listing
from autodet.errors import AmbiguousFormatError, DatasetError
from autodet.text_format import counted


@dataclass(frozen=True)
class Detection:
    """Detected format of a source.

    Attributes:
        format: A key of ``FORMATS``.
        why: The reason for the choice, as a sentence for users.
        aside: Ignored labels in other formats, one sentence each.
    """

    format: str
    why: str
    aside: tuple[str, ...] = ()


class Format(Protocol):
    """Interface of a format module."""

    def unmet(self, listing: Listing) -> str | None:
        """Return why a source is not in this format, as a clause; None if it is."""

    def read(self, listing: Listing) -> Reading:
        """Read all labels of the source, as written."""


STRAY_SHARE = 0.1  # formats with at most this share of the labelled photos of the best one are stray

FORMATS: dict[str, Format] = {"voc": voc, "coco": coco, "yolo": yolo}
TITLES = {"voc": "Pascal VOC", "coco": "COCO", "yolo": "YOLO"}


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
    clauses = {one: FORMATS[one].unmet(listing) for one in (FORMATS if name == "auto" else [name])}
    missing = {one: clause for one, clause in clauses.items() if clause is not None}
    met = [one for one in clauses if one not in missing]
    if not met:
        raise DatasetError(_what_is_missing(listing, missing, source))
    chosen, aside = (met[0], ()) if len(met) == 1 else _choose(listing, met, missing, source)
    return Detection(chosen, _why(chosen, missing, said=name != "auto"), aside)


def _choose(listing: Listing, met: list[str], missing: dict[str, str], source: str) -> tuple[str, tuple[str, ...]]:
    """Choose the format that labels the photos, ignoring stray files; also return a sentence for each rival."""
    readings = {one: FORMATS[one].read(listing) for one in met}
    boxes = {one: _boxes_per_photo(reading) for one, reading in readings.items()}
    best = max(met, key=lambda one: len(boxes[one]))
    rivals = [one for one in met if len(boxes[one]) > STRAY_SHARE * len(boxes[best])]
    named = [one for one in rivals if not _is_nameless(readings[one])]
    if len(named) == 1 and all(boxes[one] <= boxes[named[0]] for one in rivals):
        best = named[0]  # the others are copies left behind by label converters
    elif len(rivals) > 1:
        found = " and ".join(f"{TITLES[one]} labels for {len(boxes[one])} photos" for one in rivals)
        raise AmbiguousFormatError(
            f"{source!r} holds {found}; say which are right (on the command line with --format {rivals[0]}).",
            tuple(rivals),
        )
    missing |= {one: f"its files label {counted(len(boxes[one]), 'photo')}" for one in met if one != best}
    aside = {one: counted(boxes[one].total(), "box", "boxes") for one in rivals if one != best}
    said = (f"There are {TITLES[one]} labels too ({many}), without names of classes." for one, many in aside.items())
    return best, tuple(said)


def _boxes_per_photo(reading: Reading) -> Counter[PurePosixPath]:
    return Counter({photo.photo: len(photo.marks) for photo in reading.photos if photo.marks})


def _is_nameless(reading: Reading) -> bool:
    return any(problem.kind == "names_missing" for problem in reading.problems)


def _why(chosen: str, missing: dict[str, str], *, said: bool) -> str:
    if said:
        return f"Read as {TITLES[chosen]}, as you said."
    others = "; ".join(f"for {TITLES[one]}, {clause}" for one, clause in missing.items())
    return f"The labels are {TITLES[chosen]}'s: {others}."


def _without_photos(listing: Listing, source: str) -> str:
    if not listing.files:
        return f"{source!r} is empty; choose one with photos and their labels."
    endings = Counter(PurePosixPath(path).suffix.lower()[:20] or "other" for path in listing.files)
    found = ", ".join(f"{count} {ending}" for ending, count in endings.most_common(3))
    return (
        f"{source!r} holds no photos that can be read, only other files ({found}); put the photos, as JPEG, PNG, WEBP "
        "or BMP, together with their labels."
    )


def _what_is_missing(listing: Listing, missing: dict[str, str], source: str) -> str:
    reasons = "; ".join(f"{TITLES[name]}: {clause}" for name, clause in missing.items())
    found = counted(len(listing.photos), "photo")
    return (
        f"{source!r} holds {found} but no labels that can be read ({reasons}); put a Pascal VOC .xml file, "
        "as labelling tools write it, beside each photo, a COCO .json file, or YOLO .txt files and a data.yaml."
    )
