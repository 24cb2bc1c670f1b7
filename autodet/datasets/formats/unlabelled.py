"""Photos without any labels: a data set to predict on, or to label later."""

import re
from pathlib import PurePosixPath

from autodet.datasets.formats.labels import LabelledPhoto, Reading
from autodet.datasets.formats.source_files import Listing, photo_stem, plain
from autodet.datasets.formats.split_names import split_called
from autodet.datasets.formats.yolo_settings import is_list
from autodet.records import Cause

LABEL_ENDINGS = (".xml", ".json", ".jsonl", ".csv", ".tsv", ".xlsx", ".parquet", ".tfrecord", ".mat", ".npz", ".vott")
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
    if folders := class_folders(listing):
        return Cause("class_folders", {"folders": folders})
    return None


def read(listing: Listing) -> Reading:
    """Return every photo without annotations; folders may name splits."""
    photos = (LabelledPhoto(photo, str(photo), (), split=listing.split_of(photo)) for photo in listing.photos)
    return Reading(tuple(photos), ())


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
