"""Photos without any labels: a data set to label, or to predict on."""

import re
from itertools import islice
from pathlib import PurePosixPath

from autodet.datasets.formats.labels import LabelledPhoto, Reading
from autodet.datasets.formats.source_files import Listing, photo_stem, plain
from autodet.datasets.formats.split_names import split_called
from autodet.datasets.formats.yolo_settings import is_list
from autodet.datasets.sources.files import open_regular
from autodet.records import Cause

LABEL_ENDINGS = (
    *(".xml", ".json", ".jsonl", ".csv", ".tsv", ".xlsx", ".parquet", ".mat", ".npz", ".vott"),
    *(".tfrecord", ".tfrecords", ".record", ".manifest", ".odgt"),
)
# Files of text and code, which are not searched for rows of boxes.
DOCUMENT_ENDINGS = (
    *(".md", ".rst", ".pdf", ".html", ".css", ".js", ".py", ".ipynb", ".sh", ".log", ".ini", ".cfg", ".toml"),
)
HEAD = 16_000  # bytes that show what a file holds
MAX_SEARCHED = 1_000  # files
_NUMBER = r"-?\d+(?:\.\d+)?"
_ROW = re.compile(rf"\s*(?:[^\s,;]+[\s,;]+)?(?:{_NUMBER}[\s,;]+){{3}}{_NUMBER}\b")  # perhaps a name, and four numbers
NOTES = re.compile(r"(readme|license|licence|copying|notice|about|authors?|credits|changelog|info|notes?)\b", re.I)
# Names of folders that say nothing about the content of a photo.
GENERAL_FOLDERS = {"images", "image", "imgs", "img", "photos", "photo", "pictures", "pics", "jpegimages", "data", "raw"}


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is more than photos; None if nothing in it can be labels."""
    stems = {plain(photo_stem(photo.name)) for photo in listing.photos}
    for path in listing.files:
        name = path.rpartition("/")[2].lower()
        if name.endswith(LABEL_ENDINGS) and not NOTES.match(name):
            return Cause("maybe_labels", {"file": path})
        if name.endswith(".txt") and plain(name[:-4]) in stems and not is_list(path):
            return Cause("maybe_labels", {"file": path})
    others = (
        path for path in listing.files if path not in listing.photo_at and not path.lower().endswith(DOCUMENT_ENDINGS)
    )
    if rows := next((path for path in islice(others, MAX_SEARCHED) if _holds_rows(listing, path)), None):
        return Cause("maybe_labels", {"file": rows})
    return None


def _holds_rows(listing: Listing, path: str) -> bool:
    """Return whether most lines of a file have the numbers of a box, as in the text files of tracking data sets."""
    try:
        with open_regular(f"{listing.root}/{path}") as opened:
            head = opened.read(HEAD)
    except OSError:
        return False
    lines = [line for line in head.decode("latin-1").splitlines()[:100] if line.strip()]
    return b"\0" not in head and 2 * sum(bool(_ROW.match(line)) for line in lines) > len(lines)


def read(listing: Listing) -> Reading:
    """Return every photo without annotations; folders may name splits, and classes to label with."""
    photos = (LabelledPhoto(photo, str(photo), (), split=listing.split_of(photo)) for photo in listing.photos)
    return Reading(tuple(photos), (), tuple(class_folders(listing)))


def class_folders(listing: Listing) -> list[str]:
    """Return the folders that the photos are sorted into by class, as for classification; empty if they are not.

    Such folders have names that are words, apart from those of splits and general ones.
    """
    innermost = {PurePosixPath(photo).parent for photo in listing.photos}
    named = [folder for folder in innermost if folder.name and not _is_general(folder.name)]
    names = sorted({folder.name for folder in named})
    return names if len(names) > 1 and len(named) == len(innermost) else []


def _is_general(name: str) -> bool:
    return bool(re.search(r"\d", name)) or name.lower() in GENERAL_FOLDERS or split_called(name) is not None
