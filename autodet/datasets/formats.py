"""The formats that labels come in. A new one is a module with ``unmet`` and ``read``, and a line here."""

from dataclasses import dataclass
from typing import Protocol

from autodet.datasets import coco, voc, yolo
from autodet.datasets.labels import Reading
from autodet.datasets.listing import Listing
from autodet.errors import DatasetError


@dataclass(frozen=True)
class Detection:
    """The format that a source is in, and why, as a sentence for people."""

    format: str
    why: str


class Format(Protocol):
    """What the module of a format offers."""

    def unmet(self, listing: Listing) -> str | None:
        """What keeps a source from being of this format, as a clause; None if it is."""

    def read(self, listing: Listing) -> Reading:
        """Everything that is labelled in the source, as written."""


FORMATS: dict[str, Format] = {"voc": voc, "coco": coco, "yolo": yolo}


def find_format(listing: Listing, name: str, source: str) -> Detection:
    """The name of the format that a source is in.

    Args:
        listing: The source's files.
        name: The format that the user says, or ``auto``.
        source: What the user calls the source, for the error.

    Raises:
        DatasetError: It is in none, or not in the one that was asked for; the sentence says what is missing.
    """
    if name != "auto" and name not in FORMATS:
        raise DatasetError(f"{name!r} is not a format that can be imported; choose auto or {', '.join(FORMATS)}.")
    missing = {}
    for candidate in FORMATS if name == "auto" else [name]:
        clause = FORMATS[candidate].unmet(listing)
        if clause is None:
            return Detection(candidate, "")
        missing[candidate] = clause
    raise DatasetError(_what_is_missing(listing, missing, source))


def _what_is_missing(listing: Listing, missing: dict[str, str], source: str) -> str:
    if not listing.files:
        return f"{source!r} is empty; choose one with photos and their labels."
    reasons = "; ".join(f"{name}: {clause}" for name, clause in missing.items())
    if not listing.photos:
        return f"{source!r} holds neither photos nor labels that can be read ({reasons}); choose one that holds both."
    found = f"{len(listing.photos)} photo{'s' * (len(listing.photos) != 1)}"
    return (
        f"{source!r} holds {found} but no labels that can be read ({reasons}); put a Pascal VOC .xml file, "
        "as labelling tools write it, beside each photo, or a COCO .json file."
    )
