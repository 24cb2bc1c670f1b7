"""Single photos for a data set, with the boxes that a model proposes on them: from Predict, and from the HTTP API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath

from autodet.access.change import change
from autodet.datasets.additions.addition import join_classes, plan_addition, store_addition
from autodet.datasets.drafts.journal import propose_labels, read_drafts
from autodet.datasets.formats.format_detection import UNLABELLED
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import Dataset
from autodet.datasets.photo_formats import FORMAT_ENDINGS, SIGNATURE_BYTES, format_of_content
from autodet.datasets.splits import free_name
from autodet.errors import DatasetError
from autodet.records import DraftBox
from autodet.workspace import Workspace, hidden_folder, open_workspace, portable

SOURCE = "photos"


@dataclass(frozen=True)
class NewPhoto:
    """A photo for a data set.

    Attributes:
        content: Its file, or the bytes of it.
        name: File name or path, as a user knows it; only its last part is used, and made harmless.
        proposals: Boxes that a model proposes, in pixels of the upright photo.
        model: Id of the model; empty if nothing is proposed.
    """

    content: bytes | Path
    name: str
    proposals: tuple[DraftBox, ...] = ()
    model: str = ""

    def read(self) -> bytes:
        """Return the bytes of the file.

        Raises:
            DatasetError: The file is gone.
        """
        try:
            return self.content if isinstance(self.content, bytes) else self.content.read_bytes()
        except OSError as error:
            raise DatasetError(f"The photo {self.name!r} is gone; give it again.") from error


@dataclass(frozen=True)
class Addition:
    """The result of an addition.

    Attributes:
        dataset: The version with the photos; the data set itself if it had all of them.
        files: The file of each photo in it, by the SHA-256 of the photo.
        added: Number of photos that the data set did not have.
    """

    dataset: Dataset
    files: Mapping[str, str]
    added: int


def add_new_photos(
    target: Dataset | None, photos: Sequence[NewPhoto], name: str | None = None, workspace: Workspace | None = None
) -> Addition:
    """Add photos to a data set as a new version, in which they wait with their proposals; or make a data set of them.

    A photo that is there already is not added again: its proposals join it unless it is labelled.

    Args:
        target: The data set; None for a new one.
        photos: One or more photos.
        name: Name of the version or data set; defaults to the data set's name with a number, or to ``photos``.
        workspace: Target workspace; defaults to that of the data set, or of the settings.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: No photo is given, one cannot be read, or the disk is full.
    """
    if not photos:
        raise DatasetError("There is no photo to add; choose at least one.")
    workspace = workspace or (target.workspace if target else open_workspace())
    given = {sha256(photo.read()).hexdigest(): photo for photo in photos}
    known = _files_of(target) if target else {}
    fresh = [photo for sha, photo in given.items() if sha not in known]
    with change("create data set", name or (target.id if target else SOURCE), workspace) as made:
        dataset = _stored(target, fresh, name, workspace) if fresh or target is None else target
        made.thing = dataset.id
        files = {sha: file for sha, file in _files_of(dataset).items() if sha in given}
        _propose(dataset, {files[sha]: photo for sha, photo in given.items() if sha in files})
        return Addition(dataset, files, len(fresh))


def _stored(target: Dataset | None, photos: Sequence[NewPhoto], name: str | None, workspace: Workspace) -> Dataset:
    with hidden_folder(workspace.datasets) as scratch:
        source = scratch / SOURCE
        source.mkdir()
        taken: dict[str, int] = {}
        for photo in photos:
            content = photo.read()
            (source / _file_name(photo.name, content, taken)).write_bytes(content)
        if target is None:
            return import_dataset(source, name or SOURCE, format=UNLABELLED, workspace=workspace)
        new = import_dataset(source, SOURCE, format=UNLABELLED, workspace=Workspace(scratch))
        # A photo that resembles one of val or test is wanted nevertheless; the version's findings tell of it.
        merge = plan_addition(target, new, SOURCE, decisions={"photo_leak": "keep"})
        return store_addition(merge, name, workspace)


def _file_name(name: str, content: bytes, taken: dict[str, int]) -> str:
    """Return a harmless name with an extension of the photo's format, numbered if it is taken."""
    path = PurePosixPath(portable(PurePosixPath(name.replace("\\", "/")).name))
    endings = FORMAT_ENDINGS.get(format_of_content(content[:SIGNATURE_BYTES]) or "JPEG", (".jpg",))
    ending = path.suffix if path.suffix.lower() in endings else endings[0]
    return PurePosixPath(free_name("train", path.stem.lstrip(".") or "photo", ending, taken)).name


def _files_of(dataset: Dataset) -> dict[str, str]:
    """Return the photos by the SHA-256 of their stored file, and of their file in the source."""
    stored = {record.sha256: record.file for record in dataset.images}
    return {record.source_sha256: record.file for record in dataset.images} | stored


def _propose(dataset: Dataset, photos: Mapping[str, NewPhoto]) -> None:
    drafts = read_drafts(dataset)
    open_ones = {file: photo for file, photo in photos.items() if drafts.state_of(file) in ("unlabelled", "proposed")}
    named = join_classes(dataset, sorted({box.class_name for photo in open_ones.values() for box in photo.proposals}))
    proposals: dict[str, dict[str, list[DraftBox]]] = {}
    for file, photo in open_ones.items():
        boxes = [replace(box, class_name=named[box.class_name]) for box in photo.proposals]
        if boxes:
            proposals.setdefault(photo.model, {})[file] = boxes
    for model, boxes_of in proposals.items():
        propose_labels(dataset, boxes_of, model)
