"""Pairs of photos and label files, and leftovers on either side."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import file_digest
from pathlib import PurePosixPath

from autodet.datasets.formats.source_files import Listing, nearest, original_name, photo_stem, plain
from autodet.datasets.formats.yolo_lines import first_lines, is_label
from autodet.datasets.formats.yolo_settings import is_list, lines_of
from autodet.records import Finding, Split

SIGNATURES = (b"\xff\xd8", b"\x89PNG", b"RIFF", b"BM", b"II*\0", b"MM\0*", b"GIF8", b"\0\0\0")  # of photos
LABEL_FOLDERS = ("labels", "label")
IMAGE_FOLDERS = ("images", "image", "imgs", "img", "jpegimages")
MAX_UNLABELLED_SHARE = 0.5  # of a split or folder; above this, labelling is unfinished
# Output folders of YOLO programs: predictions and training plots.
_PREDICTED = re.compile(r"(?:^|/)runs/(?:(?:detect|segment|pose|obb|classify)/|(?:[^/]+/)*(?:exp|predict)\d*/)", re.I)

Pairs = Mapping[PurePosixPath, str | None]


def without_predictions(listing: Listing) -> tuple[Listing, list[Finding]]:
    """Exclude a detector's output from a source: its boxes are not ground truth, and are drawn on its photos."""
    predicted = [path for path in listing.files if _PREDICTED.search(path)]
    if not predicted:
        return listing, []
    aside = listing.only(predicted)
    photos, labels = aside.photos, aside.ending(".txt")
    rest = listing.only(path for path in listing.files if path not in set(predicted))
    if not photos and not labels:
        return rest, []
    folder = predicted[0][: predicted[0].lower().index("runs/") + len("runs")]
    values = {"photos": len(photos), "files": len(labels)}
    return rest, [Finding("labels_foreign", folder, "drop", values, "predictions", tuple(map(str, photos)))]


def pair_photos(listing: Listing) -> tuple[Pairs, list[str]]:
    """Pair every photo with its label file, or None, and return the text files that belong to no photo.

    Labels lie where YOLO expects them, or else in another folder, if they are named like their photo and can be read.
    """
    labels: dict[str, list[str]] = defaultdict(list)
    for path in listing.ending(".txt"):
        if not _is_other(listing, path):
            labels[plain(path[:-4])].append(path)
    places: dict[str, list[str]] = {}
    claims: dict[PurePosixPath, tuple[tuple[int, bool], str]] = {}
    strongest: dict[str, tuple[int, bool]] = {}
    for photo in listing.photos:
        folder, _, name = str(photo).rpartition("/")
        if folder not in places:
            places[folder] = list(_label_folders(plain(folder)))
        for rank, key in enumerate(place + stem for place in places[folder] for stem in label_stems(name)):
            if key in labels:
                path = _most_alike(labels[key], str(photo))
                fit = rank, not _is_exact(path, name)
                claims[photo] = fit, path
                strongest[path] = min(fit, strongest.get(path, fit))
                break
    pairs: dict[PurePosixPath, str | None] = dict.fromkeys(listing.photos)
    pairs |= {photo: path for photo, (fit, path) in claims.items() if fit == strongest[path]}
    used = set(pairs.values())
    left_over = [path for paths in labels.values() for path in paths if path not in used]
    found = _elsewhere(listing, left_over, [photo for photo, path in pairs.items() if not path])
    used = set(found.values())
    return pairs | found, [path for path in left_over if path not in used]


def _is_exact(labels: str, photo: str) -> bool:
    """Return whether a label file has the name of a photo in its exact spelling."""
    return labels[labels.rfind("/") + 1 : -4] in (photo, photo_stem(photo))


def _most_alike(labels: list[str], photo: str) -> str:
    """Return the label file whose spelling is nearest to a photo's, of those that differ in case only."""
    if len(labels) == 1:
        return labels[0]
    parts = set(PurePosixPath(photo).parts[:-1])
    name = photo.rpartition("/")[2]
    return min(labels, key=lambda path: (not _is_exact(path, name), -len(parts & {*path.split("/")}), path))


def find_shared(
    listing: Listing, labels_of: Mapping[PurePosixPath, str]
) -> tuple[list[Finding], frozenset[PurePosixPath]]:
    """Report label files that belong to several different photos, such as ``3.jpg`` and ``3.png``.

    Args:
        listing: The source's files.
        labels_of: The label file of each photo that has one.

    Returns:
        The findings, and the photos that they are about.
    """
    by_labels: dict[str, list[PurePosixPath]] = defaultdict(list)
    if len(set(labels_of.values())) < len(labels_of):
        for photo, path in labels_of.items():
            by_labels[path].append(photo)
    shared = {path: photos for path, photos in by_labels.items() if len(photos) > 1 and _are_different(listing, photos)}
    findings = [
        Finding("labels_shared", path, "stop", {"file": path, "photos": names}, photos=tuple(names))
        for path, photos in shared.items()
        for names in [[str(photo) for photo in photos]]
    ]
    return findings, frozenset(photo for photos in shared.values() for photo in photos)


def _are_different(listing: Listing, photos: Sequence[PurePosixPath]) -> bool:
    """Return whether several files are photos, and not all of them copies of one."""
    contents = set()
    for photo in photos:
        try:
            with (listing.root / photo).open("rb") as file:
                if file.read(len(max(SIGNATURES, key=len))).startswith(SIGNATURES):
                    file.seek(0)
                    contents.add(file_digest(file, "sha256").digest())
        except OSError:
            continue
    return len(contents) > 1


def label_stems(photo: str) -> tuple[str, str]:
    """Return the possible names of a photo's label file, without extension: of ``a.txt`` or ``a.jpg.txt``."""
    return plain(photo_stem(photo)), plain(photo)


def photo_stems(labels: str) -> tuple[str, str]:
    """Return the possible names of a label file's photo, without extension: as is, or before an upload."""
    stem = plain(photo_stem(labels.rpartition("/")[2][:-4]))
    return stem, original_name(stem)


def find_unlabelled(pairs: Pairs, split_of: Mapping[PurePosixPath, Split | None]) -> set[PurePosixPath]:
    """Return the unlabelled photos: those without a label file, if most of their split or else folder have none.

    Where most photos have one, a photo without a label file has no objects.
    """
    group_of = {photo: split_of[photo] or photo.parent for photo in pairs}
    photos = Counter(group_of.values())
    without = Counter(group_of[photo] for photo, path in pairs.items() if not path)
    return {
        photo
        for photo, path in pairs.items()
        if not path and without[group_of[photo]] > MAX_UNLABELLED_SHARE * photos[group_of[photo]]
    }


def find_left_over(listing: Listing, left_over: list[str], pairs: Pairs) -> Iterator[Finding]:
    """Report labels whose photo is missing or has other labels; a folder with only such files is reported once.

    Args:
        listing: The source's files.
        left_over: Text files that belong to no photo.
        pairs: The photos and their label files.
    """
    used = {path.rpartition("/")[0] for path in pairs.values() if path}
    labelled: dict[str, set[Split | None]] = defaultdict(set)  # by name, the splits of labelled photos
    for photo, labels in pairs.items() if left_over else ():
        if labels:
            labelled[plain(photo_stem(photo.name))].add(listing.split_of(photo))
    beside = {(str(photo.parent), plain(photo_stem(photo.name))): labels for photo, labels in pairs.items() if labels}
    foreign, again, lost = Counter[str](), Counter[str](), Counter[str]()
    for path in left_over:
        folder = path.rpartition("/")[0]
        if not is_label(listing, path):
            continue
        if folder in used:
            absence = listing.absence([path.rpartition("/")[2][:-4]], "photo_of_labels_missing")
            yield Finding("photo_missing", path, "drop", absence.values, absence.key)
            continue
        splits = set().union(*(labelled[stem] for stem in photo_stems(path) if stem in labelled))
        split = listing.split_of(path)
        has_others = bool(splits & {None, split}) if split else bool(splits)
        (again if has_others else foreign)[folder] += 1
        if has_others and (labels := beside.get((folder or ".", photo_stems(path)[0]))):
            lost[folder] += len(_rows(listing, path) - _rows(listing, labels))
    for folder, count in foreign.items():
        yield Finding("labels_foreign", folder, "drop", {"files": count}, "folder_without_photos")
    for folder, count in again.items():
        values = {"files": count, "boxes": lost[folder]}
        yield Finding("labels_twice", folder, "drop", values, "other_labels")


def _rows(listing: Listing, path: str) -> set[tuple[str, ...]]:
    """Return the rows of a label file, which programs expect beside its photo or in a folder of labels."""
    return {tuple(line.split()) for line in lines_of(listing, path)} - {()}


def _is_other(listing: Listing, path: str) -> bool:
    """Return whether a text file lists names or photos, rather than being the labels of a photo called ``test``."""
    return is_list(path) and bool(first_lines(listing, path)) and not is_label(listing, path)


def _label_folders(folder: str) -> Iterator[str]:
    """Yield possible label folders of a photo folder: ``labels`` for ``images``, itself, ``labels`` in or beside it."""
    parts = folder.split("/") if folder else []
    for index in reversed(range(len(parts))):
        if parts[index] in IMAGE_FOLDERS:
            for name in LABEL_FOLDERS:
                yield "/".join([*parts[:index], name, *parts[index + 1 :], ""])
    yield "/".join([*parts, ""])
    for above in (parts, parts[:-1]):
        yield "/".join([*above, "labels", ""])


def _elsewhere(listing: Listing, labels: list[str], photos: list[PurePosixPath]) -> dict[PurePosixPath, str]:
    """Pair photos with labels in another folder of their split."""
    by_stem: dict[str, list[PurePosixPath]] = defaultdict(list)
    for photo in photos:
        by_stem[plain(photo_stem(photo.name))].append(photo)
    found: dict[PurePosixPath, str] = {}
    exact = {photo_stem(photo.name) for photo in photos}
    for path in sorted(labels, key=lambda path: path[path.rfind("/") + 1 : -4] not in exact):
        stem, original = photo_stems(path)
        alike = by_stem.get(stem) or by_stem.get(original, [])
        alike = [photo for photo in alike if _is_exact(path, photo.name)] or alike
        split = listing.split_of(path)
        free = (photo for photo in alike if photo not in found)
        fitting = [photo for photo in free if not split or listing.split_of(photo) in (None, split)]
        if fitting and (is_label(listing, path) or not first_lines(listing, path)):
            found[nearest(fitting, path)] = path
    return found
