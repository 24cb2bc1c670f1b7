"""Labels that are not read: files of another format for photos without labels in the chosen format."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from autodet.datasets.formats.coco_file import is_like_coco
from autodet.datasets.formats.createml import is_createml
from autodet.datasets.formats.format_detection import FORMATS
from autodet.datasets.formats.json_documents import parse_json
from autodet.datasets.formats.label_studio import is_label_studio
from autodet.datasets.formats.labelme import is_labelme
from autodet.datasets.formats.source_files import Listing, photo_stem, plain
from autodet.datasets.formats.via import is_via
from autodet.datasets.formats.vott import is_vott
from autodet.datasets.sources.files import FileError
from autodet.records import Finding

MAX_BYTES = 64_000_000  # Labelme embeds the photo
ENDINGS = {"voc": (".json",)}
OTHER_ENDINGS = (".json", ".xml")  # of the other formats
OF_JSON: Mapping[str, Callable[[Any], bool]] = {
    "labelme": is_labelme,
    "label_studio": is_label_studio,
    "createml": is_createml,
    "via": is_via,
    "vott": is_vott,
}
_SIGN_OF_LABELS = re.compile(
    r'"(shapes|objects|annotations|regions|boxes|bbox|bndbox|labels?|points|polygons?)"\s*:|<annotation'
)  # other files beside photos hold metadata, such as time and place


def find_foreign(listing: Listing, photos: Collection[PurePosixPath], format: str) -> list[Finding]:
    """Find labels of some photos in a format other than the one read, at most one file per photo.

    Args:
        listing: The source's files.
        photos: The photos without labels.
        format: The format that was read.
    """
    if not photos:
        return []
    found = {finding.photos[0]: finding for finding in _readable(listing, set(photos), format)}
    called = {plain(name) for photo in photos for name in (photo.name, photo_stem(photo.name))}
    for path in listing.ending(*ENDINGS.get(format, OTHER_ENDINGS)):
        stem = path.rpartition("/")[2].rpartition(".")[0]
        photo = listing.find_photo(stem, beside=path) if plain(stem) in called else None
        if not photo or photo not in photos or str(photo) in found:
            continue
        if program := _program_of_labels(listing, path, format):
            found[str(photo)] = _foreign(path, program, format, photo)
    return list(found.values())


def _readable(listing: Listing, photos: set[PurePosixPath], format: str) -> Iterator[Finding]:
    """Yield the labels that another reader reads; a file may describe many photos."""
    for other, reader in FORMATS.items():
        if other == format or reader.unmet(listing) is not None:
            continue
        for labelled in reader.read(listing).photos:
            if labelled.marks and labelled.photo in photos:
                yield _foreign(labelled.labels, other, format, labelled.photo)


def _foreign(path: str, program: str, format: str, photo: PurePosixPath) -> Finding:
    values = {"program": program, "format": format}
    return Finding("labels_foreign", path, "drop", values, "other_program", (str(photo),))


def _program_of_labels(listing: Listing, path: str, format: str) -> str | None:
    """Return the likely origin of a file's labels; None if it has no labels, or is of the format that was read."""
    try:
        text = listing.read_text(path, MAX_BYTES)
        if is_like_coco(text) or not _SIGN_OF_LABELS.search(text):
            return None
        if "<annotation" in text:
            return "voc"
        document = parse_json(text, len(listing.photos))
    except FileError:
        return None
    program = next((name for name, is_of_format in OF_JSON.items() if is_of_format(document)), "other")
    return program if program != format else None
