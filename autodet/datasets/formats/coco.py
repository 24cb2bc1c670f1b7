"""COCO: one JSON file for many photos, as ``annotations/instances_train.json`` or beside the photos of a split.

``coco_file`` reads one file; ``label_merge`` merges several files about the same photos.
"""

from collections import defaultdict

from autodet.datasets.formats.coco_file import MAX_JSON_BYTES, Described, has_coco_keys, read_file, split_of_file
from autodet.datasets.formats.label_merge import join
from autodet.datasets.formats.labels import Reading
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.formats.split_names import without_split_words
from autodet.datasets.sources.files import FileError
from autodet.records import Cause, Finding

MAX_MISSING = 10_000  # missing photos reported one by one; the rest are counted
SIDE_TASKS = ("caption", "keypoint", "stuff", "panoptic")  # other tasks on the same photos, recognised by file name


def unmet(listing: Listing) -> Cause | None:
    """Return why a source is not COCO; None if it is COCO."""
    paths = listing.ending(".json")
    if not paths:
        return Cause("no_json")
    if any(has_coco_keys(listing.json_keys[path]) for path in paths):
        return None
    cause = Cause("json_foreign")
    try:
        listing.read_text(paths[-1], MAX_JSON_BYTES)
    except FileError as error:
        cause = error.cause
    return Cause("file", {"file": paths[-1], "cause": cause.key, "values": cause.values})


def read(listing: Listing) -> Reading:
    """Read all COCO files and match their entries to photos; skip other JSON files."""
    groups, aside = _groups(listing)
    described = [[read_file(listing, path) for path in paths] for paths in groups]
    files = [file for group in described for file in group]
    joined = join(described)
    findings = [Finding("labels_foreign", path, "drop", {}, "other_task") for path in aside]
    findings += [*(finding for file in files for finding in file.findings), *joined.findings]
    complete = {photo for file in files if not file.missing for photo in file.photos}
    for file in files:
        about_others = joined.photos and file.photos.keys() <= complete
        findings += _foreign(file) if about_others else _missing(listing, file)
    named = {name for file in files if file.photos for name in file.classes}
    return Reading(tuple(joined.photos.values()), tuple(findings), tuple(sorted(named - joined.aside)))


def _groups(listing: Listing) -> tuple[list[list[str]], list[str]]:
    """Group the files to read, putting those that differ only in split together; also return the skipped files.

    Read files of other tasks (keypoints, captions) only if no other file is readable.
    """
    groups: dict[tuple[bool, str], list[str]] = defaultdict(list)
    files = listing.ending(".json")
    aside = [path for path in files if any(task in path.rpartition("/")[2].lower() for task in SIDE_TASKS)]
    of_boxes = sorted(set(files) - set(aside))
    if not any(has_coco_keys(listing.json_keys[path]) for path in of_boxes):
        of_boxes, aside = files, []
    for path in of_boxes:
        groups[split_of_file(listing, path) is None, without_split_words(path)].append(path)
    return list(groups.values()), aside


def _missing(listing: Listing, described: Described) -> list[Finding]:
    causes = [listing.absence([name], "photo_of_entry_missing") for name in described.missing[:MAX_MISSING]]
    if len(described.missing) > MAX_MISSING:
        causes.append(Cause("photos_missing", {"entries": len(described.missing) - MAX_MISSING}))
    return [Finding("photo_missing", described.path, "drop", cause.values, cause.key) for cause in causes]


def _foreign(described: Described) -> list[Finding]:
    """Report a file whose photos are absent: train labels where only val was imported, or all labels for few photos."""
    if not described.missing:
        return []
    cause = "more_photos" if described.photos else "photos_elsewhere"
    return [Finding("labels_foreign", described.path, "drop", {"photos": len(described.missing)}, cause)]
