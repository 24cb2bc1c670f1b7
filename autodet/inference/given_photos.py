"""Files that a visitor gives to predict on: photos, folders and archives, and what else lies in these.

Archives are unpacked into hidden folders of ``Workspace.dropped``, which this process holds until they are discarded.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from autodet.datasets.photo_formats import PHOTO_ENDINGS
from autodet.datasets.sources.archive import is_packed, unpack_archive
from autodet.datasets.sources.entry_names import SKIPPED
from autodet.datasets.sources.files import LABEL_ENDINGS
from autodet.errors import AutodetError
from autodet.inference.labels_beside import NAME_FILE
from autodet.inference.photo_folders import Reason, ending_of, files_below, pass_reason
from autodet.inference.prediction_batches import NamedPhoto
from autodet.records import Mark
from autodet.settings import MEGABYTE, Settings, load_settings
from autodet.workspace import hidden_folder, open_workspace

ARCHIVE, FOLDER = "upload.archive", "upload"
MAX_PHOTOS = 2000  # in a browser; the command line has no limit


class GivenFile(NamedTuple):
    """A file as a browser sends it.

    Attributes:
        id: Identifies the upload.
        path: Its name; with folders if it lies in a chosen folder.
        content: Its content.
    """

    id: str
    path: str
    content: bytes


@dataclass(frozen=True)
class GivenPhotos:
    """Photos to predict on, in the order in which they were given.

    Attributes:
        photos: At most ``MAX_PHOTOS`` photos; a file outside folders and archives counts as one.
        labels: Label files beside them.
        passed_over: Number of other files in folders and archives, by reason and file extension.
        left_out: Number of photos beyond ``MAX_PHOTOS``.
        errors: Sentences about archives that cannot be read.
        marks: Annotations of the photos that have some without a file, as those of a data set.
    """

    photos: tuple[NamedPhoto, ...] = ()
    labels: tuple[NamedPhoto, ...] = ()
    passed_over: Counter[tuple[Reason, str]] = field(default_factory=Counter)
    left_out: int = 0
    errors: tuple[str, ...] = ()
    marks: Mapping[NamedPhoto, tuple[Mark, ...]] = field(default_factory=dict)


class UnpackedArchives:
    """The archives of one visitor; each is unpacked once."""

    def __init__(self) -> None:
        self._folders: dict[str, ExitStack] = {}
        self._files: dict[str, list[NamedPhoto]] = {}
        self._errors: dict[str, AutodetError] = {}

    def files_of(self, archive: GivenFile) -> list[NamedPhoto]:
        """Return the files in an archive, with their paths in it.

        Raises:
            AutodetError: It is broken or unsafe, or exceeds the limits of the settings; or the disk has no room for it.
        """
        if archive.id in self._errors:
            raise self._errors[archive.id]
        if archive.id not in self._files:
            with ExitStack() as undo:
                try:
                    folder = undo.enter_context(hidden_folder(open_workspace().dropped))
                    self._files[archive.id] = _unpack(archive, folder)
                except AutodetError as error:
                    self._errors[archive.id] = error
                    raise
                except OSError as error:
                    raise AutodetError(
                        f"{archive.path!r} cannot be unpacked ({error.strerror}); make room on the server's disk."
                    ) from error
                self._folders[archive.id] = undo.pop_all()
        return self._files[archive.id]

    def discard(self, keep: Collection[str] = ()) -> None:
        """Delete the unpacked files of all archives except those with the given ids."""
        for unused in self._folders.keys() - set(keep):
            del self._files[unused]
            self._folders.pop(unused).close()


def sort_files(files: Sequence[GivenFile], archives: UnpackedArchives) -> GivenPhotos:
    """Find the photos among files, and those in archives."""
    photos: list[NamedPhoto] = []
    labels: list[NamedPhoto] = []
    stems = {PurePosixPath(file.path).stem for file in files if file.path.lower().endswith(PHOTO_ENDINGS)}
    errors: list[str] = []
    passed_over: Counter[tuple[Reason, str]] = Counter()
    for file in files:
        try:
            packed = is_packed(file.path)
            entries = archives.files_of(file) if packed else [(file.content, file.path)]
        except AutodetError as error:
            errors.append(str(error))
            continue
        for source, path in entries:
            inside = packed or "/" in path
            reason = pass_reason(path, source) if inside else "other" if _is_label(path, stems) else None
            if reason is None:
                photos.append((source, path))
            elif reason == "other" and path.lower().endswith(LABEL_ENDINGS):
                labels.append((source, path))
            else:
                passed_over[reason, ending_of(path)] += 1
    left_out = max(0, len(photos) - MAX_PHOTOS)
    return GivenPhotos(tuple(photos[:MAX_PHOTOS]), tuple(labels), passed_over, left_out, tuple(errors))


def _is_label(path: str, stems: Collection[str]) -> bool:
    """Return whether a file that was given by itself holds the labels of one photo, of several, or names of classes."""
    name = path.lower()
    if name.endswith((".txt", ".xml")) and name != NAME_FILE:
        return PurePosixPath(path).stem in stems
    return bool(stems) and name.endswith(LABEL_ENDINGS)


def _unpack(archive: GivenFile, folder: Path) -> list[NamedPhoto]:
    packed, unpacked = folder / ARCHIVE, folder / FOLDER
    packed.write_bytes(archive.content)
    unpacked.mkdir()
    unpack_archive(packed, unpacked, _limits(load_settings()), lambda _share: None, archive.path)
    packed.unlink()
    (unpacked / SKIPPED).unlink(missing_ok=True)
    return [(file, file.relative_to(unpacked).as_posix()) for file in files_below(unpacked)]


def _limits(settings: Settings) -> Settings:
    """Return the settings with the limit on a visitor's uploads as that on unpacked bytes."""
    most = settings.max_visitor_upload_bytes
    if settings.mode == "demo":
        most = min(most, settings.demo_megabytes[0] * MEGABYTE)
    return replace(settings, max_archive_bytes=min(settings.max_archive_bytes, most))
