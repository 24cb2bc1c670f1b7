"""Lists of photos that give the splits of a Pascal VOC source: ``ImageSets/Main/train.txt`` and the like."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath

from autodet.datasets.formats.labels import settle_splits
from autodet.datasets.formats.source_files import Listing, photo_stem, plain
from autodet.datasets.formats.split_names import split_of_list as split_of_word
from autodet.datasets.sources.files import FileError
from autodet.records import Finding, Split

MAX_LIST_BYTES = 64_000_000
LIST_FOLDERS = ("/imagesets/main", "/imagesets", "")  # folders of split lists; the first with usable lists counts
CLASS_LISTS = "/imagesets/main *"  # lists of single classes (``cat_train.txt``), which count if there are no others

Lists = Mapping[str, Mapping[PurePosixPath, Split]]


def read_lists(listing: Listing, photos: Collection[PurePosixPath]) -> tuple[Lists, list[Finding]]:
    """Return the splits of photos by the folder that the lists are about, and their problems.

    That folder contains ``ImageSets/Main`` or the lists themselves. Lists that name none of its photos are ignored.
    """
    found = _lists_by_folder(listing, {str(folder) for photo in photos for folder in photo.parents})
    stems: dict[str, dict[str, list[PurePosixPath]]] = {base: defaultdict(list) for base in found}
    for photo in photos if found else ():
        for base in found.keys() & map(str, photo.parents):
            stems[base][plain(photo_stem(photo.name))].append(photo)
    lists: dict[str, Mapping[PurePosixPath, Split]] = {}
    findings: list[Finding] = []
    for base, places in found.items():
        for place in (*LIST_FOLDERS, CLASS_LISTS):
            named = _named(listing, stems[base], places.get(place, []))
            if named and base not in lists:
                folder = (base + place.removesuffix(" *")).removeprefix("./").removeprefix(".")
                lists[base], twice = settle_splits(named, folder)
                findings += twice
    return lists, findings


def lists_for(lists: Lists, photo: PurePosixPath) -> Mapping[PurePosixPath, Split]:
    """Return the lists of the innermost folder that has some and contains the photo."""
    if not lists:
        return {}
    return next((lists[folder] for folder in map(str, photo.parents) if folder in lists), {})


def _lists_by_folder(listing: Listing, above: Collection[str]) -> dict[str, dict[str, list[str]]]:
    """Return the lists by the folder that they are about, and by their place below it."""
    found: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for path in listing.ending(".txt"):
        folder, _, name = f"/{path}".rpartition("/")
        place = next(place for place in LIST_FOLDERS if folder.lower().endswith(place))
        if split_of_list(name) or (place == LIST_FOLDERS[0] and split_of_class_list(name)):
            base = folder[: len(folder) - len(place)].strip("/")
            while base and base not in above:
                base = base.rpartition("/")[0]
            place = place if split_of_list(name) else CLASS_LISTS
            found[base or "."].setdefault(place, []).append(path)
    return found


def _named(
    listing: Listing, stems: Mapping[str, list[PurePosixPath]], paths: list[str]
) -> dict[PurePosixPath, set[Split]]:
    """Return the splits that lists name each photo for; a finer list overrides ``trainval``."""
    named: dict[PurePosixPath, set[Split]] = {}
    for path in sorted(paths, key=_is_of_two):
        name = path.rpartition("/")[2]
        split = split_of_list(name) or split_of_class_list(name)
        try:
            lines = listing.read_text(path, MAX_LIST_BYTES).splitlines()
        except FileError:
            continue
        for line in lines:
            for photo in _photos_of(line, stems):
                if split and not (photo in named and _is_of_two(path)):
                    named.setdefault(photo, set()).add(split)
    return named


def _photos_of(line: str, stems: Mapping[str, list[PurePosixPath]]) -> list[PurePosixPath]:
    """Return the photos that a list's line names; of those that differ in case, the ones of exactly this spelling."""
    for name in _names_of(line):
        if found := stems.get(plain(name)):
            return [photo for photo in found if photo_stem(photo.name) == name] or found
    return []


def _is_of_two(path: str) -> bool:
    return bool(re.search(r"(^|_)trainval", path.rpartition("/")[2].lower()))


def split_of_list(name: str) -> Split | None:
    """Return the split of a list such as ``train.txt`` or ``val_list.txt``; ``trainval.txt`` alone means train."""
    word = re.sub(r"([_-]?(list|files|images))?\.txt$", "", name.lower())
    return "train" if word == "trainval" else split_of_word(word)


def split_of_class_list(name: str) -> Split | None:
    """Return the split of a list of one class such as ``cat_train.txt``."""
    return split_of_list(name.rpartition("_")[2]) if "_" in name else None


def _names_of(line: str) -> Iterator[str]:
    """Yield the possible photo names of a list's line: with or without folders, extension and further columns."""
    for text in (line, line.partition(" ")[0], line.partition("\t")[0]):
        name = re.split(r"[/\\]", text.strip().strip('"'))[-1]
        yield name
        yield photo_stem(name)
