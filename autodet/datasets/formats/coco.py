"""COCO: one JSON file for many photos, as ``annotations/instances_train.json`` or beside the photos of a split.

``coco_file`` reads one file; ``coco_versions`` decides where several are about the same photos.
"""

from collections import defaultdict

from autodet.datasets.formats.coco_file import MAX_JSON_BYTES, Described, is_like_coco, read_file, split_of_file
from autodet.datasets.formats.coco_merge import join
from autodet.datasets.formats.labels import PASSED_OVER, PHOTO_LEFT_OUT, Reading
from autodet.datasets.formats.listing import Listing
from autodet.datasets.formats.split_names import without_split_words
from autodet.errors import DatasetError
from autodet.records import Problem

MAX_MISSING = 10_000  # photos that are listed one by one
NOT_COCO = "The JSON is not COCO: it has no lists 'images', 'annotations' and 'categories'."
SIDE_TASKS = ("caption", "keypoint", "stuff", "panoptic")  # other labels of the same photos, told by the file's name


def unmet(listing: Listing) -> str | None:
    """What keeps a source from being COCO, as a clause; None if it is."""
    reason = "there is no .json file"
    for path in listing.ending(".json"):
        try:
            if is_like_coco(listing.read_text(path, MAX_JSON_BYTES)):
                return None
            reason = f"{path}: {NOT_COCO}".removesuffix(".")
        except DatasetError as error:
            reason = f"{path}: {error}".removesuffix(".")
    return reason


def read(listing: Listing) -> Reading:
    """Read every COCO file and find its photos; JSON files of other kinds are passed over."""
    groups, aside = _groups(listing)
    described = [[read_file(listing, path) for path in paths] for paths in groups]
    files = [file for group in described for file in group]
    joined = join(described)
    problem = "It holds other labels of the photos, such as keypoints or captions."
    problems = [Problem(path, problem, PASSED_OVER, "labels_foreign") for path in aside]
    problems += [*(problem for file in files for problem in file.problems), *joined.problems]
    complete = {photo for file in files if not file.missing for photo in file.photos}
    for file in files:
        about_others = joined.photos and file.photos.keys() <= complete
        problems += _foreign(file) if about_others else _missing(listing, file)
    named = {name for file in files if file.photos for name in file.classes}
    return Reading(tuple(joined.photos.values()), tuple(problems), tuple(sorted(named - joined.aside)))


def _groups(listing: Listing) -> tuple[list[list[str]], list[str]]:
    """The files to read, those that differ only in their split together; and those left aside.

    Files of other tasks (keypoints, captions) are read only if there are no others.
    """
    groups: dict[tuple[bool, str], list[str]] = defaultdict(list)
    files = listing.ending(".json")
    aside = [path for path in files if any(task in path.rpartition("/")[2].lower() for task in SIDE_TASKS)]
    of_boxes = sorted(set(files) - set(aside))
    if not any(_is_readable(listing, path) for path in of_boxes):
        of_boxes, aside = files, []
    for path in of_boxes:
        groups[split_of_file(listing, path) is None, without_split_words(path)].append(path)
    return list(groups.values()), aside


def _missing(listing: Listing, described: Described) -> list[Problem]:
    sentences = [listing.absence([name], "entry") for name in described.missing[:MAX_MISSING]]
    if len(described.missing) > MAX_MISSING:
        sentences.append(f"Nor are there the photos of {len(described.missing) - MAX_MISSING} more entries.")
    return [Problem(described.path, sentence, PHOTO_LEFT_OUT, "photo_missing") for sentence in sentences]


def _foreign(described: Described) -> list[Problem]:
    """A file of photos that were not brought: the labels of train where only val was, or of all where there are few."""
    if not described.missing:
        return []
    problem = f"None of the {len(described.missing)} photos that it describes is here."
    if described.photos:
        problem = f"It is about {len(described.missing)} more photos than are here; another file is about just these."
    return [Problem(described.path, problem, PASSED_OVER, "labels_foreign")]


def _is_readable(listing: Listing, path: str) -> bool:
    try:
        return is_like_coco(listing.read_text(path, MAX_JSON_BYTES))
    except DatasetError:
        return False
