"""YOLO: a text file for each photo, one object a line, and the class names in a file of their own.

A line is ``class x y width height`` with the box's middle and size, or ``class x1 y1 x2 y2 x3 y3 ...`` with a
polygon's corners; all are shares of the photo's width and height, as a person sees the photo. A number more (a
confidence) or a tail of keypoints is passed over. Names, and which photo is in which split, stand in ``data.yaml``,
or, as Darknet has it, in ``obj.data`` and ``obj.names``, or in ``classes.txt``; see ``yolo_settings``.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from autodet.datasets.formats.labels import (
    MOST_MARKS,
    PASSED_OVER,
    PHOTO_LEFT_OUT,
    BoxXYXY,
    LabelledPhoto,
    Mark,
    Reading,
    UnknownClassError,
    classes_called,
)
from autodet.datasets.formats.listing import Listing, nearest, original_name, photo_stem, plain
from autodet.datasets.formats.yolo_settings import (
    YoloSettings,
    is_list,
    lines_of,
    read_settings,
    read_splits,
)
from autodet.errors import DatasetError
from autodet.records import Problem, Split

MAX_CLASS_NUMBER = 100_000
MAX_PLACE = 1e6
MAX_LABELS_BYTES = 4_000_000  # of one photo
HEAD = 10_000  # letters, enough to tell what a file is about
LINE_DROPPED = "The line was left out."
LABEL_FOLDERS = ("labels", "label")
IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages")

Pairs = Mapping[PurePosixPath, str | None]


def unmet(listing: Listing) -> str | None:
    """What keeps a source from being YOLO, as a clause; None if it is."""
    if not listing.ending(".txt"):
        return "there are no .txt label files"
    stems = {stem for photo in listing.photos for stem in _label_stems(photo.name)}
    called = ((path, plain(path.rpartition("/")[2][:-4])) for path in listing.ending(".txt"))
    labels = [path for path, stem in called if stem in stems or original_name(stem) in stems]
    if not labels:
        return "no .txt file is called like a photo"
    if any(_is_label(listing, path) for path in labels[:100]):
        return None
    settings = read_settings(listing)
    if any(one.names for one in (*settings.documents, *settings.lists)):
        return None
    return f"{labels[0]}: it has no lines of a class number and the four numbers of a box"


def read(listing: Listing) -> Reading:
    """Read the labels of every photo; one without a label file has no objects, if others have some."""
    settings = read_settings(listing)
    pairs, left_over = _pairs(listing)
    splits, problems = read_splits(listing, settings)
    told = set(splits.values())
    split_of = {photo: splits.get(photo) or _split_by_folder(listing, photo, told) for photo in pairs}
    unlabelled = _unlabelled(pairs, split_of)
    photos: list[LabelledPhoto] = []
    unnamed: set[str] = set()
    named: set[str] = set()
    for photo, path in pairs.items():
        if photo in unlabelled:
            continue
        said = settings.of(path) if path else None
        try:
            found = list(_read_labels(listing, photo, path, said)) if path and said else []
        except DatasetError as error:
            problems.append(Problem(str(path), str(error), PHOTO_LEFT_OUT, "labels_damaged", (str(photo),)))
            continue
        named.update(said.names.values() if said else ())
        problems += [one for one in found if isinstance(one, Problem)]
        marks = [one for one in found if isinstance(one, Mark)]
        if said and not said.names:
            unnamed.update(mark.name for mark in marks)
        split = split_of[photo]
        labels = path or str(photo)
        unlisted = bool(splits) and split is None
        photos.append(LabelledPhoto(photo, labels, tuple(marks), None, split, relative=True, unlisted=unlisted))
    if unnamed:
        problems.append(_without_names(unnamed))
    return Reading(tuple(photos), (*problems, *_without_photos(listing, left_over, pairs)), tuple(sorted(named)))


def _split_by_folder(listing: Listing, photo: PurePosixPath, told: set[Split]) -> Split | None:
    """The split of a photo's folder, unless the settings tell which photos are in that split."""
    split = listing.split_of(photo)
    return None if split in told else split


def parse_line(line: str, settings: YoloSettings) -> Mark:
    """Read one object.

    Args:
        line: The line, not empty.
        settings: Class names by number; without any, classes are called ``class_0`` and so on.

    Returns:
        The mark; its box is in shares of the photo.

    Raises:
        DatasetError: It is no class number with a box or a polygon. ``UnknownClassError``: the class has no name.
    """
    number, *places = line.split()
    try:
        class_number, values = int(float(number)), list(map(float, places))
    except (ValueError, OverflowError) as error:
        raise DatasetError(f"{line[:60]!r} is not a class number and the numbers of a box.") from error
    if not sum(map(abs, values)) < MAX_PLACE and not all(abs(value) < MAX_PLACE for value in values):
        raise DatasetError("A line has numbers that are no places on a photo.")
    box = _box(values[:4] if settings.keypoints else values)
    if not 0 <= class_number < MAX_CLASS_NUMBER or (settings.names and class_number not in settings.names):
        raise UnknownClassError(f"A line has the class number {number[:20]}, which has no name.")
    return Mark(settings.names.get(class_number) or f"class_{class_number}", box)


def _box(values: list[float]) -> BoxXYXY:
    if len(values) == 4 or (len(values) > 4 and len(values) % 2 == 1):
        x, y, width, height = values[:4]
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if len(values) >= 6:
        xs, ys = values[0::2], values[1::2]
        return min(xs), min(ys), max(xs), max(ys)
    raise DatasetError("A line has neither the four numbers of a box nor the corners of a polygon.")


def _read_labels(listing: Listing, photo: PurePosixPath, path: str, settings: YoloSettings) -> Iterator[Mark | Problem]:
    """Read a photo's labels.

    Raises:
        DatasetError: They are far more than a photo has.
    """
    lines = [line.strip() for line in listing.read_text(path, MAX_LABELS_BYTES).splitlines()]
    if len(lines) > MOST_MARKS:
        raise DatasetError(f"The file has {len(lines)} lines, more than the {MOST_MARKS} marks of a photo.")
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        try:
            yield parse_line(line, settings)
        except DatasetError as error:
            kind = "class_unknown" if isinstance(error, UnknownClassError) else "box_damaged"
            yield Problem(path, f"Line {number}: {error}", LINE_DROPPED, kind, (str(photo),))


def _is_label(listing: Listing, path: str) -> bool:
    """Whether a text file has a line that can be read as an object."""
    without_names = YoloSettings({}, {})
    for line in lines_of(listing, path, HEAD)[:5]:
        try:
            parse_line(line, without_names)
        except (DatasetError, ValueError):
            continue
        return True
    return False


# Which labels belong to which photo


def _is_other(listing: Listing, path: str) -> bool:
    """Whether a text file is a list of names or photos, rather than the labels of a photo that is called ``test``."""
    return is_list(path) and bool(lines_of(listing, path, HEAD)) and not _is_label(listing, path)


def _pairs(listing: Listing) -> tuple[Pairs, list[str]]:
    """Every photo with its label file, or with None where it has none; and text files that belong to no photo.

    Labels lie where YOLO has them, else in another folder, if they are called like their photo and can be read.
    """
    labels = {plain(path[:-4]): path for path in listing.ending(".txt") if not _is_other(listing, path)}
    places: dict[str, list[str]] = {}
    claims: dict[PurePosixPath, tuple[int, str]] = {}
    strongest: dict[str, int] = {}
    for photo in listing.photos:
        folder, _, name = str(photo).rpartition("/")
        if folder not in places:
            places[folder] = list(_label_folders(plain(folder)))
        for rank, key in enumerate(place + stem for place in places[folder] for stem in _label_stems(name)):
            if key in labels:
                claims[photo] = rank, labels[key]
                strongest[labels[key]] = min(rank, strongest.get(labels[key], rank))
                break
    pairs: dict[PurePosixPath, str | None] = dict.fromkeys(listing.photos)
    pairs |= {photo: path for photo, (rank, path) in claims.items() if rank == strongest[path]}
    used = set(pairs.values())
    left_over = [path for path in labels.values() if path not in used]
    found = _elsewhere(listing, left_over, [photo for photo, path in pairs.items() if not path])
    used = set(found.values())
    return pairs | found, [path for path in left_over if path not in used]


def _label_stems(photo: str) -> tuple[str, str]:
    """What the labels of a photo are called, without their ending: ``a.txt``, or ``a.jpg.txt``."""
    return plain(photo_stem(photo)), plain(photo)


def _label_folders(folder: str) -> Iterator[str]:
    """Where the labels of a folder's photos may lie: ``labels`` in place of ``images``, or beside them."""
    parts = folder.split("/") if folder else []
    for index in reversed(range(len(parts))):
        if parts[index] in IMAGE_FOLDERS:
            for name in LABEL_FOLDERS:
                yield "/".join([*parts[:index], name, *parts[index + 1 :], ""])
    yield "/".join([*parts, ""])
    for above in (parts, parts[:-1]):
        yield "/".join([*above, "labels", ""])


def _elsewhere(listing: Listing, labels: list[str], photos: list[PurePosixPath]) -> dict[PurePosixPath, str]:
    """Photos whose labels lie in some other folder of their split."""
    by_stem: dict[str, list[PurePosixPath]] = defaultdict(list)
    for photo in photos:
        by_stem[plain(photo_stem(photo.name))].append(photo)
    found: dict[PurePosixPath, str] = {}
    for path in labels:
        stem = plain(path.rpartition("/")[2][:-4])
        alike = by_stem.get(stem) or by_stem.get(original_name(stem), [])
        split = listing.split_of(path)
        fitting = [one for one in alike if one not in found and (not split or listing.split_of(one) in (None, split))]
        if fitting and (_is_label(listing, path) or not lines_of(listing, path, HEAD)):
            found[nearest(fitting, path)] = path
    return found


def _unlabelled(pairs: Pairs, split_of: Mapping[PurePosixPath, Split | None]) -> set[PurePosixPath]:
    """Photos about which nothing is said: of a split, or else of a folder, in which no photo has a label file."""
    labelled = {split_of[photo] or photo.parent for photo, path in pairs.items() if path}
    return {photo for photo, path in pairs.items() if not path and (split_of[photo] or photo.parent) not in labelled}


def _without_names(names: set[str]) -> Problem:
    problem = "No file says what the class numbers mean (a data.yaml with 'names', or a classes.txt)."
    return Problem("", problem, classes_called(names), "names_missing")


def _without_photos(listing: Listing, left_over: list[str], pairs: Pairs) -> Iterator[Problem]:
    """Labels of photos that are not there; a whole folder of them was left behind on purpose."""
    used = {path.rpartition("/")[0] for path in pairs.values() if path}
    foreign: dict[str, int] = defaultdict(int)
    for path in left_over:
        folder = path.rpartition("/")[0]
        if not _is_label(listing, path):
            continue
        if folder in used:
            problem = listing.absence([path.rpartition("/")[2][:-4]], "file of labels")
            yield Problem(path, problem, "They were left out.", "photo_missing")
        else:
            foreign[folder] += 1
    for folder, count in foreign.items():
        problem = f"None of the photos of its {count} label files is here."
        yield Problem(folder, problem, PASSED_OVER, "labels_foreign")
