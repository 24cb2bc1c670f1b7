"""What lies in a source's folder: a sorted list of files, and the ways to find a photo in it."""

import codecs
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import takewhile
from pathlib import Path, PurePosixPath

from autodet.datasets.formats.split_names import split_called, splits_beside_others
from autodet.datasets.photos import PHOTO_ENDINGS
from autodet.datasets.sources.files import GIT_POINTER, find_files, is_git_pointer, read_regular
from autodet.errors import DatasetError
from autodet.records import Split
from autodet.settings import Settings

LABELS_BYTES = 16_000_000  # of a file with labels
BYTES_PER_PHOTO = 500_000  # more, for each photo there is: enough for outlines of a thousand objects

OTHER_ENDINGS = (".tif", ".tiff", ".gif", ".heic", ".heif", ".avif", ".svg", ".dng")  # of pictures that are not read
MANY = 16  # photos of one name, as frames of videos have them
MASK_FOLDERS = {"segmentationclass", "segmentationobject"}  # VOC's: pictures, but no photos
_UPLOADED = re.compile(r"[0-9a-f]{8}(-|__)")  # what Label Studio puts before the name of a photo
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Listing:
    """The files of a source, sorted, as paths below ``root`` with forward slashes."""

    root: Path
    files: tuple[str, ...]

    @cached_property
    def photos(self) -> tuple[PurePosixPath, ...]:
        """Files that are called like photos."""
        return tuple(self.photo_at.values())

    @cached_property
    def photo_at(self) -> dict[str, PurePosixPath]:
        """The same, by their paths as text."""
        return {name: PurePosixPath(name) for name in self.photo_names}

    @cached_property
    def photo_names(self) -> list[str]:
        """The same as text alone."""
        return [path for path in self.ending(*PHOTO_ENDINGS) if _folder_of(path) not in MASK_FOLDERS]

    def ending(self, *suffixes: str) -> list[str]:
        """Files with one of these endings, lower case and with the dot, whatever case they are written in."""
        return [path for path in self.files if path.lower().endswith(suffixes)]

    def read(self, path: str, limit: int) -> bytes:
        """A file's content.

        Raises:
            DatasetError: It is larger than ``limit`` bytes, or than so many photos need, or a pointer of Git LFS.
        """
        most = min(limit, LABELS_BYTES + BYTES_PER_PHOTO * len(self.photos))
        content = read_regular(f"{self.root}/{path}", most)
        if is_git_pointer(content):
            raise DatasetError(f"It {GIT_POINTER}.")
        return content

    def read_text(self, path: str, limit: int) -> str:
        """A file's content as text: UTF-8 or UTF-16, else Latin-1, in which different bytes stay different.

        Raises:
            DatasetError: As ``read``.
        """
        content = self.read(path, limit)
        for mark, encoding in _MARKS:
            if content.startswith(mark):
                return content.decode(encoding, "replace")
        try:
            return content.decode()
        except UnicodeDecodeError:
            return content.decode("latin-1")

    def split_of(self, path: str | PurePosixPath) -> Split | None:
        """The split that a file's folders put it in; the innermost counts.

        A folder is a split's if it is called like one (``train``, ``val2017``), or if a folder beside it is of another
        split (``train_images`` beside ``test_images``); see ``split_names``.
        """
        folder = str(path).rpartition("/")[0]
        if folder in self._splits:
            return self._splits[folder]
        return next((split for part in reversed(folder.split("/")) if (split := split_called(part))), None)

    def find_photo(self, name: str, beside: str, split: Split | None = None) -> PurePosixPath | None:
        """The photo that a label file means.

        Args:
            name: The photo's name, with or without folders and an ending; the case of letters does not matter.
            beside: The label file. Where several photos have the name, the one counts that has most folders in common
                with ``name``, then with the label file, and then is nearest to it.
            split: The split that the labels are of, if not that of the label file's folder.

        Returns:
            The photo; None if there is none of that name, or none in the labels' split.
        """
        *folders, file = name.replace("\\", "/").split("/")
        found = self._photos_by_name.get(plain(file)) or self._called(photo_stem(file))
        said = (self.split_of("/".join([*folders, file])), split)
        wanted = next((one for one in said if one in self._splits_of_photos), self.split_of(beside))
        if len(found) > MANY and not folders and (photo := self._beside(plain(photo_stem(file)), beside, wanted)):
            return photo
        if wanted:
            found = [photo for photo in found if self.split_of(photo) in (None, wanted)]
        return nearest(found, beside, folders) if found else None

    def absence(self, names: Sequence[str], of: str) -> str:
        """Why no photo was found, as a sentence.

        Args:
            names: What the photo may be called.
            of: What names it.
        """
        others = (self._pictures_by_stem.get(plain(photo_stem(name, OTHER_ENDINGS + PHOTO_ENDINGS))) for name in names)
        if other := next(filter(None, others), None):
            return f"The photo {other[:200]!r} is of a kind that cannot be read; make it a JPEG, PNG, WEBP or BMP."
        return f"There is no photo called {names[0][:200]!r} for this {of}."

    def _called(self, stem: str) -> list[PurePosixPath]:
        stem = plain(stem)
        return self._photos_by_stem.get(stem) or self._photos_by_stem.get(original_name(stem), [])

    def _beside(self, stem: str, beside: str, split: Split | None) -> PurePosixPath | None:
        """The photo of a name, if it lies in the folder that is nearest to a label file's; one among very many."""
        key = beside.rpartition("/")[0], split
        if key not in self._nearest_folders:
            folders = [one for one in self._photos_by_folder if not split or self._splits[one] in (None, split)]
            self._nearest_folders[key] = min(folders, key=lambda one: (*_distance(one, key[0]), one), default="")
        found = self._photos_by_folder.get(self._nearest_folders[key], {}).get(stem, [])
        return found[0] if len(found) == 1 else None

    @cached_property
    def _nearest_folders(self) -> dict[tuple[str, Split | None], str]:
        return {}

    @cached_property
    def _photos_by_folder(self) -> dict[str, dict[str, list[PurePosixPath]]]:
        found: dict[str, dict[str, list[PurePosixPath]]] = defaultdict(lambda: defaultdict(list))
        for path, photo in self.photo_at.items():
            found[path.rpartition("/")[0]][plain(photo_stem(photo.name))].append(photo)
        return found

    @cached_property
    def _photos_by_name(self) -> dict[str, list[PurePosixPath]]:
        return _grouped((plain(photo.name), photo) for photo in self.photos)

    @cached_property
    def _photos_by_stem(self) -> dict[str, list[PurePosixPath]]:
        return _grouped((plain(photo_stem(photo.name)), photo) for photo in self.photos)

    @cached_property
    def _pictures_by_stem(self) -> dict[str, str]:
        """Pictures that are not read, of TIFF for example, by their names without an ending."""
        return {plain(path.rpartition("/")[2].rpartition(".")[0]): path for path in self.ending(*OTHER_ENDINGS)}

    @cached_property
    def _splits_of_photos(self) -> set[Split | None]:
        """The splits that folders of photos are of."""
        return {self.split_of(f"{folder}/") for folder in {str(photo.parent) for photo in self.photos}} - {None}

    @cached_property
    def _splits(self) -> dict[str, Split | None]:
        """The split of every folder, by its own name or that of a folder above it."""
        folders = {path.rpartition("/")[0] for path in self.files}
        for folder in list(folders):
            while folder := folder.rpartition("/")[0]:
                folders.add(folder)
        own = splits_beside_others(folders)
        splits: dict[str, Split | None] = {}
        for folder in sorted(folders, key=len):
            parent, _, name = folder.rpartition("/")
            splits[folder] = split_called(name) or own.get(folder) or splits.get(parent)
        return splits


def list_files(root: Path, limit: int, max_depth: int = Settings.max_depth) -> Listing:
    """List a folder and all below it.

    Raises:
        DatasetError: As ``find_files``.
    """
    return Listing(root, tuple(sorted(find_files(root, limit, max_depth))))


def nearest(photos: Sequence[PurePosixPath], beside: str, folders: Sequence[str] = ()) -> PurePosixPath:
    """The photo, of at least one, whose folders fit best; see ``Listing.find_photo``."""
    if len(photos) == 1:
        return photos[0]
    theirs = beside.rpartition("/")[0]
    meant = [folder for folder in reversed(folders) if folder not in ("", ".", "..")]

    def fit(photo: PurePosixPath) -> tuple[int, int, int, str]:
        ours = str(photo).rpartition("/")[0]
        same_end = _in_common(meant, reversed(ours.split("/"))) if meant else 0
        return -same_end, *_distance(ours, theirs), str(photo)

    return min(photos, key=fit)


@lru_cache(maxsize=1 << 16)
def _distance(one: str, other: str) -> tuple[int, int]:
    """How far two folders are apart: by the names that they do not share, then by the steps from one to the other."""
    ours, theirs = one.split("/") if one else [], other.split("/") if other else []
    return -len(set(ours) & set(theirs)), len(ours) + len(theirs) - 2 * _in_common(ours, theirs)


def photo_stem(name: str, endings: Sequence[str] = PHOTO_ENDINGS) -> str:
    """A photo's name without its ending; a dot that begins no photo's ending belongs to the name."""
    stem, dot, ending = name.rpartition(".")
    return stem if stem and f"{dot}{ending}".lower() in endings else name


def original_name(name: str) -> str:
    """A photo's name before it was uploaded to Label Studio, which puts eight hexadecimal digits before it."""
    return _UPLOADED.sub("", name, count=1) if _UPLOADED.match(name) else name


def plain(name: str) -> str:
    """A name as it is compared: without regard to the case of letters or to how an accent is stored."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def _folder_of(path: str) -> str:
    """The name of the folder that a file lies in, lower case."""
    return path.rpartition("/")[0].rpartition("/")[2].lower()


def _grouped(named: Iterable[tuple[str, PurePosixPath]]) -> dict[str, list[PurePosixPath]]:
    found: dict[str, list[PurePosixPath]] = {}
    for name, photo in named:
        found.setdefault(name, []).append(photo)
    return found


def _in_common(ours: Iterable[str], theirs: Iterable[str]) -> int:
    """How many names two lists of folders begin with in common."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(ours, theirs, strict=False))))
