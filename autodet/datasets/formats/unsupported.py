"""Labels that are not read: files of another format for photos without labels in the chosen format."""

import re
from collections.abc import Collection
from pathlib import PurePosixPath

from autodet.datasets.formats.coco_file import is_like_coco
from autodet.datasets.formats.source_files import Listing, photo_stem, plain
from autodet.datasets.sources.files import FileError
from autodet.records import Finding

MAX_BYTES = 64_000_000  # LabelMe embeds the photo
ENDINGS = {"voc": (".json",)}
OTHER_ENDINGS = (".json", ".xml")  # of the other formats
PROGRAMS = {'"shapes"': "labelme", "<annotation": "voc", "": "other"}
_SIGN_OF_LABELS = re.compile(
    r'"(shapes|objects|annotations|regions|boxes|bbox|bndbox|labels?|points|polygons?)"\s*:|<annotation'
)  # other files beside photos hold metadata, such as time and place


def find_foreign(listing: Listing, photos: Collection[PurePosixPath], format: str) -> list[Finding]:
    """Find label files of some photos in a format other than the one read, at most one per photo.

    Args:
        listing: The source's files.
        photos: The photos without labels.
        format: The format that was read.
    """
    called = {plain(name) for photo in photos for name in (photo.name, photo_stem(photo.name))}
    found: dict[PurePosixPath, Finding] = {}
    for path in listing.ending(*ENDINGS.get(format, OTHER_ENDINGS)) if called else ():
        stem = path.rpartition("/")[2].rpartition(".")[0]
        photo = listing.find_photo(stem, beside=path) if plain(stem) in called else None
        if not photo or photo not in photos or photo in found:
            continue
        if program := _program_of_labels(listing, path):
            values = {"program": program, "format": format}
            found[photo] = Finding("labels_foreign", path, "drop", values, "other_program", (str(photo),))
    return list(found.values())


def _program_of_labels(listing: Listing, path: str) -> str | None:
    """Return the likely origin of a file's labels; None if it has no labels, or is COCO."""
    try:
        text = listing.read_text(path, MAX_BYTES)
    except FileError:
        return None
    if is_like_coco(text) or not _SIGN_OF_LABELS.search(text):
        return None
    return next(program for sign, program in PROGRAMS.items() if sign in text)
