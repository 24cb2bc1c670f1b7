"""Sorted list of a source's files, and photo lookup in it."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import takewhile
from pathlib import Path, PurePosixPath

from autodet.datasets.formats.source_texts import SourceTexts
from autodet.datasets.formats.split_names import split_called, splits_beside_others, subjects_called_like_splits
from autodet.datasets.photo_formats import OTHER_PHOTO_ENDINGS, PHOTO_ENDINGS, VIDEO_ENDINGS, is_unsure
from autodet.datasets.photos import is_photo
from autodet.datasets.sources.archive import PACKED_ENDINGS, UNREAD_ENDINGS
from autodet.datasets.sources.files import FileError, find_files, is_git_pointer, read_regular, skipped
from autodet.records import Cause, Finding, Split
from autodet.settings import Settings

LABELS_BYTES = 16_000_000  # of a label file
MAX_JSON_BYTES = 1_000_000_000
BYTES_PER_PHOTO = 500_000  # added per photo: enough for segmentations of a thousand objects

OTHER_ENDINGS = OTHER_PHOTO_ENDINGS + VIDEO_ENDINGS  # of photos that labels may name and that cannot be read
MANY = 16  # photos of one name, as with video frames; beyond this, search by folder first
MASK_FOLDERS = {"segmentationclass", "segmentationobject"}  # VOC's masks: images, but not photos
JSON_ENDINGS = (".json", ".jsonl", ".vott")
JSON_KEYS = (  # by which the formats of label files are told apart
    *("images", "categories"),
    *("annotation", "annotations", "completions", "predictions", "result", "original_width"),
    *("rectanglelabels", "polygonlabels", "ellipselabels", "brushlabels"),
    *("asset", "frames", "regions", "vid", "shapes", "imageData", "objects", "bbox", "bboxes", "boxes"),
)
_UPLOADED = re.compile(r"[0-9a-f]{8}(-|__)")  # prefix that Label Studio adds to photo names


@dataclass(frozen=True)
class Listing:
    """The files of a source, sorted, as paths relative to ``root`` with forward slashes.

    Attributes:
        root: The source's folder.
        files: The files.
        skipped: Findings about files that were skipped.
        shared_texts: The text files of the source that this listing is a part of.
    """

    root: Path
    files: tuple[str, ...]
    skipped: tuple[Finding, ...] = ()
    shared_texts: SourceTexts | None = None

    @cached_property
    def photos(self) -> tuple[PurePosixPath, ...]:
        """Paths of the photos."""
        return tuple(self.photo_at.values())

    @cached_property
    def photo_at(self) -> dict[str, PurePosixPath]:
        """Photos by their path as text."""
        return {name: PurePosixPath(name) for name in self.photo_names}

    @cached_property
    def photo_names(self) -> list[str]:
        """Paths of photos, as text, without VOC's masks; the content decides about files without an extension."""
        return [
            path
            for path in self.files
            if (path.lower().endswith(PHOTO_ENDINGS) or (is_unsure(path) and is_photo(f"{self.root}/{path}")))
            and _folder_of(path) not in MASK_FOLDERS
        ]

    def ending(self, *suffixes: str) -> list[str]:
        """Return the files that end in one of these suffixes, ignoring case.

        Args:
            *suffixes: Extensions with their dot, or names; lowercase.
        """
        groups = {extension_of(suffix) for suffix in suffixes} & self._by_extension.keys()
        found = [one for group in groups for one in self._by_extension[group] if one[1].endswith(suffixes)]
        return [path for _, _, path in (sorted(found) if len(groups) > 1 else found)]

    @cached_property
    def _by_extension(self) -> dict[str, list[tuple[int, str, str]]]:
        """The place, lowercase path and path of each file, by extension: every format asks for the files of some."""
        found: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
        for place, path in enumerate(self.files):
            lower = path.lower()
            found[extension_of(lower)].append((place, lower, path))
        return found

    def read(self, path: str, limit: int) -> bytes:
        """Return a file's content.

        Raises:
            FileError: The file exceeds ``limit`` bytes or the size that the number of photos justifies, or is a Git
                LFS pointer.
        """
        most = min(limit, LABELS_BYTES + BYTES_PER_PHOTO * len(self.photos))
        content = read_regular(f"{self.root}/{path}", most)
        if is_git_pointer(content):
            raise FileError("git_pointer")
        return content

    def read_text(self, path: str, limit: int) -> str:
        """Return a file's content as text: UTF-8 or UTF-16, else the legacy encoding that fits the source.

        Raises:
            FileError: As ``read``.
        """
        return self.texts.decode(self.read(path, limit), path)

    def only(self, files: Iterable[str]) -> "Listing":
        """Return a listing of some of the files."""
        return replace(self, files=tuple(files), shared_texts=self.texts)

    def findings(self) -> list[Finding]:
        """Report the encodings that were guessed, and the files that were skipped."""
        return [*self.texts.findings(), *self.skipped]

    @cached_property
    def texts(self) -> SourceTexts:
        """The text files of the source."""
        return self.shared_texts or SourceTexts(self.root, self.files)

    @cached_property
    def json_keys(self) -> dict[str, frozenset[str]]:
        """The keys of ``JSON_KEYS`` in each JSON file, read once because there may be one per photo."""
        return {path: self._json_keys(path) for path in self.ending(*JSON_ENDINGS)}

    def _json_keys(self, path: str) -> frozenset[str]:
        try:
            text = self.read_text(path, MAX_JSON_BYTES)
        except FileError:
            return frozenset()
        return frozenset(key for key in JSON_KEYS if f'"{key}"' in text)

    def split_of(self, path: str | PurePosixPath) -> Split | None:
        """Return the split that a file's folders imply; the innermost folder counts.

        A folder belongs to a split if it is named like one (``train``, ``val2017``), or if a folder beside it belongs
        to another split (``train_images`` beside ``test_images``); see ``split_names``.
        """
        folder = str(path).rpartition("/")[0]
        if folder in self._splits:
            return self._splits[folder]
        return next((split for part in reversed(folder.split("/")) if (split := split_called(part))), None)

    def find_photo(self, name: str, beside: str, split: Split | None = None) -> PurePosixPath | None:
        """Find the photo that a label file refers to.

        Args:
            name: The photo's name, with or without folders and extension. A photo of exactly this spelling wins;
                otherwise case is ignored.
            beside: The label file. Among photos of the same name, prefer the one that shares the most folders with
                ``name``, then with the label file, and then is nearest to it.
            split: The split of the labels, if not that of the label file's folder.

        Returns:
            The photo; None if no photo has that name, or none fits the labels' split.
        """
        *folders, file = name.replace("\\", "/").split("/")
        found = self._photos_by_name.get(plain(file)) or self._called(photo_stem(file))
        found = [photo for photo in found if file in (photo.name, photo_stem(photo.name))] or found
        said = (self.split_of("/".join([*folders, file])), split)
        wanted = next((split for split in said if split in self._splits_of_photos), self.split_of(beside))
        if len(found) > MANY and not folders and (photo := self._beside(plain(photo_stem(file)), beside, wanted)):
            return photo
        if wanted:
            found = [photo for photo in found if self.split_of(photo) in (None, wanted)]
        return nearest(found, beside, folders) if found else None

    def absence(self, names: Sequence[str], key: str) -> Cause:
        """Return why no photo was found.

        Args:
            names: Possible names of the photo.
            key: Key of the cause if there is no file of these names at all.
        """
        others = (self._pictures_by_stem.get(plain(photo_stem(name, OTHER_ENDINGS + PHOTO_ENDINGS))) for name in names)
        if other := next(filter(None, others), None):
            return Cause("photo_unsupported", {"name": other[:200]})
        return Cause(key, {"name": names[0][:200]})

    def _called(self, stem: str) -> list[PurePosixPath]:
        stem = plain(stem)
        return self._photos_by_stem.get(stem) or self._photos_by_stem.get(original_name(stem), [])

    def _beside(self, stem: str, beside: str, split: Split | None) -> PurePosixPath | None:
        """Return the photo of a name in the folder nearest to a label file, if unique; fast with many of one name."""
        key = beside.rpartition("/")[0], split
        if key not in self._nearest_folders:
            folders = self._photos_by_folder
            fitting = [folder for folder in folders if not split or self._splits[folder] in (None, split)]
            nearest_first = sorted(fitting, key=lambda folder: (*_distance(folder, key[0]), folder))
            self._nearest_folders[key] = next(iter(nearest_first), "")
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
        """Images in unsupported formats, such as SVG, by name without extension."""
        return {plain(path.rpartition("/")[2].rpartition(".")[0]): path for path in self.ending(*OTHER_ENDINGS)}

    @cached_property
    def _splits_of_photos(self) -> set[Split | None]:
        """Splits of the folders that contain photos."""
        return {self.split_of(f"{folder}/") for folder in {str(photo.parent) for photo in self.photos}} - {None}

    @cached_property
    def _splits(self) -> dict[str, Split | None]:
        """The split of every folder, from its name, a folder beside it, or a parent folder."""
        folders = {path.rpartition("/")[0] for path in self.files}
        for folder in list(folders):
            while folder := folder.rpartition("/")[0]:
                folders.add(folder)
        own = splits_beside_others(folders)
        subjects = subjects_called_like_splits(folders)
        splits: dict[str, Split | None] = {}
        for folder in sorted(folders, key=len):
            parent, _, name = folder.rpartition("/")
            called = None if folder in subjects else split_called(name)
            splits[folder] = called or own.get(folder) or splits.get(parent)
        return splits


def list_files(root: Path, limit: int, max_depth: int = Settings.max_depth) -> Listing:
    """List a folder recursively.

    Raises:
        DatasetError: As ``find_files``.
    """
    skipped_files: list[Finding] = []
    files = sorted(find_files(root, limit, max_depth, skipped_files))
    packed = [path for path in files if path.lower().endswith(PACKED_ENDINGS + UNREAD_ENDINGS)]
    skipped_files += [skipped(path, "archive_unread") for path in packed]
    return Listing(root, tuple(files), tuple(skipped_files))


def nearest(photos: Sequence[PurePosixPath], beside: str, folders: Sequence[str] = ()) -> PurePosixPath:
    """Return the photo, of at least one, whose folders fit best; see ``Listing.find_photo``."""
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
    """Return the distance of two folders: the negated count of shared names, then the steps from one to the other."""
    ours, theirs = one.split("/") if one else [], other.split("/") if other else []
    return -len(set(ours) & set(theirs)), len(ours) + len(theirs) - 2 * _in_common(ours, theirs)


def extension_of(path: str) -> str:
    """Return what follows the last dot of a file's name; the name itself if it has none."""
    name = path[path.rfind("/") + 1 :]
    return name[name.rfind(".") + 1 :]


def photo_stem(name: str, endings: Sequence[str] = PHOTO_ENDINGS) -> str:
    """Return a photo's name without its photo extension; other suffixes belong to the name."""
    stem, dot, ending = name.rpartition(".")
    return stem if stem and f"{dot}{ending}".lower() in endings else name


def original_name(name: str) -> str:
    """Return a photo's name without the prefix of eight hexadecimal digits that Label Studio adds on upload."""
    return _UPLOADED.sub("", name, count=1) if _UPLOADED.match(name) else name


def plain(name: str) -> str:
    """Normalise a name for comparison, ignoring case and the Unicode form of accents."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def _folder_of(path: str) -> str:
    """Return the lowercase name of a file's folder."""
    return path.rpartition("/")[0].rpartition("/")[2].lower()


def _grouped(named: Iterable[tuple[str, PurePosixPath]]) -> dict[str, list[PurePosixPath]]:
    found: dict[str, list[PurePosixPath]] = {}
    for name, photo in named:
        found.setdefault(name, []).append(photo)
    return found


def _in_common(ours: Iterable[str], theirs: Iterable[str]) -> int:
    """Count the leading names that two lists of folders share."""
    return len(list(takewhile(lambda pair: pair[0] == pair[1], zip(ours, theirs, strict=False))))
