"""Export of a data set as a zip in the layout of another program, which ``import_dataset`` reads too.

Importing the zip again restores the same photos, splits, classes and boxes, to a thousandth of a pixel. Photos are
copied byte for byte. ``label_layouts`` says which photos are renamed and which data is lost.
"""

from collections.abc import Sequence
from pathlib import Path

from autodet.datasets.label_layouts import LAYOUTS, LabelledPhotos, coco_text, name_photos, write_layout
from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.errors import BusyError, DatasetError
from autodet.lock import hold_folder
from autodet.records import ImageRecord
from autodet.workspace import open_atomically


def export_dataset(data: Dataset | DatasetSummary | str, format: str, path: str | Path) -> Path:
    """Export a data set as a zip.

    Args:
        data: The data set, its id or its name.
        format: ``coco``, ``yolo``, ``voc``, ``cvat`` or ``label_studio``. COCO marks a difficult box as a crowd; YOLO
            and Label Studio have no difficult boxes.
        path: Target file; an existing file is replaced atomically once the new one is complete.

    Returns:
        The path.

    Raises:
        DatasetError: The format does not exist, the file cannot be written, or a photo cannot be read.
    """
    dataset = as_dataset(data)
    contents = LabelledPhotos(dataset.name, dataset.classes, name_photos(dataset.images))
    return write_export(dataset, contents, format, path)


def write_export(dataset: Dataset, contents: LabelledPhotos, format: str, path: str | Path) -> Path:
    """Write photos of a data set with labels that may differ from its own; see ``export_dataset``.

    Args:
        dataset: The data set that has the photos.
        contents: Photos of the data set and their labels.
        format: A key of ``LAYOUTS``.
        path: Target file.
    """
    path = Path(path)
    if format not in LAYOUTS:
        raise DatasetError(f"{format!r} is not a format that can be exported; choose {', '.join(LAYOUTS)}.")
    photos = [dataset.photo(photo.record) for photo in contents.photos]
    try:
        with hold_folder(dataset.folder), open_atomically(path) as file:
            write_layout(file, LAYOUTS[format], contents, lambda index: photos[index].open("rb"))
    except (FileNotFoundError, BusyError) as error:  # BusyError: the data set is being deleted
        lost = (
            ""
            if path.parent.is_dir()
            else f"{path} cannot be written: there is no folder {path.parent}; create it first."
        )
        raise DatasetError(lost or _damaged(dataset)) from error
    except OSError as error:
        raise DatasetError(f"{path} cannot be written: {error.strerror}; choose another place.") from error
    return path


def coco_labels(dataset: Dataset, records: Sequence[ImageRecord]) -> bytes:
    """Return the labels of some photos of a data set as a COCO file, with the paths that the data set names."""
    contents = LabelledPhotos(dataset.name, dataset.classes, name_photos(records))
    return "".join(coco_text(contents, lambda photo: photo.record.file)).encode()


def export_bytes(dataset: Dataset) -> int:
    """Estimate the size of the zip in bytes: the total size of the photos, which are already compressed."""
    photos = (dataset.photo(record) for record in dataset.images)
    return sum(photo.stat().st_size for photo in photos if photo.is_file())


def _damaged(dataset: Dataset) -> str:
    return f"The data set {dataset.id!r} is damaged: a photo of it is missing; delete its folder and import it again."
