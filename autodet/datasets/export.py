"""Export of a data set as a zip in COCO, YOLO or Pascal VOC layout, readable by other programs and ``import_dataset``.

Importing the zip again restores the same photos, splits, classes and boxes, to a thousandth of a pixel. Photos are
copied byte for byte. They are renamed only if a name is not valid on every operating system, or if two photos would
share a label file. Data that a format cannot represent is lost: YOLO has no flags, so ``difficult`` and ``truncated``.
"""

import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from xml.sax.saxutils import escape

import yaml

from autodet.datasets.formats.labels import plain_name
from autodet.datasets.formats.source_files import plain
from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.errors import BusyError, DatasetError
from autodet.lock import hold_folder
from autodet.records import ImageRecord
from autodet.workspace import open_atomically

CHUNK_BYTES = 1 << 20
MAX_NAME_BYTES = 200
DECIMALS = 4  # of pixel coordinates
SHARE_DECIMALS = 9  # of relative coordinates: accurate to 0.001 pixels in a photo with sides of 100,000 pixels
_NOT_EVERYWHERE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u2028\u2029]')  # invalid in file names on some systems
_WHEN = (1980, 1, 1, 0, 0, 0)  # fixed timestamp, so that the same data set gives the same bytes


@dataclass(frozen=True, slots=True)
class Exported:
    """A photo with its name in the zip: ``stem``, unique within the zip, and the file extension."""

    record: ImageRecord
    stem: str
    ending: str

    @property
    def name(self) -> str:
        """The photo's file name, without folders."""
        return self.stem + self.ending

    @property
    def marks(self) -> Iterator[tuple[int, list[float], bool, bool]]:
        """Annotations as tuples of class id, ``x1, y1, x2, y2`` in pixels, difficult, truncated."""
        marks = self.record.annotations
        boxes = marks.boxes_xyxy.astype(float).round(DECIMALS)
        return zip(
            marks.class_ids.tolist(), boxes.tolist(), marks.difficult.tolist(), marks.truncated.tolist(), strict=True
        )


Labels = Iterator[tuple[str, Iterator[str]]]  # name of each file, and its text in chunks


@dataclass(frozen=True)
class Layout:
    """The arrangement of files in a format's zip.

    Attributes:
        photo: Returns the path of a photo.
        labels: Returns the label files.
    """

    photo: Callable[[Exported], str]
    labels: Callable[[Dataset, Sequence[Exported]], Labels]


def export_dataset(data: Dataset | DatasetSummary | str, format: str, path: str | Path) -> Path:
    """Export a data set as a zip.

    Args:
        data: The data set, its id or its name.
        format: ``coco``, ``yolo`` or ``voc``. COCO marks a difficult box as a crowd; YOLO has no difficult boxes.
        path: Target file; an existing file is replaced atomically once the new one is complete.

    Returns:
        The path.

    Raises:
        DatasetError: The format does not exist, the file cannot be written, or a photo cannot be read.
    """
    dataset = as_dataset(data)
    path = Path(path)
    if format not in LAYOUTS:
        raise DatasetError(f"{format!r} is not a format that can be exported; choose {', '.join(LAYOUTS)}.")
    try:
        with (
            hold_folder(dataset.folder),
            open_atomically(path) as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        ):
            _fill(archive, dataset, LAYOUTS[format])
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
    return "".join(_coco_text(dataset, _named(records), lambda photo: photo.record.file)).encode()


def export_bytes(dataset: Dataset) -> int:
    """Estimate the size of the zip in bytes: the total size of the photos, which are already compressed."""
    photos = (dataset.photo(record) for record in dataset.images)
    return sum(photo.stat().st_size for photo in photos if photo.is_file())


def _damaged(dataset: Dataset) -> str:
    return f"The data set {dataset.id!r} is damaged: a photo of it is missing; delete its folder and import it again."


def _fill(archive: zipfile.ZipFile, dataset: Dataset, layout: Layout) -> None:
    photos = _named(dataset.images)
    for name, text in layout.labels(dataset, photos):
        with archive.open(_entry(name, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as target:
            for piece in text:
                target.write(piece.encode())
    for photo in photos:
        entry = _entry(layout.photo(photo), zipfile.ZIP_STORED)
        with dataset.photo(photo.record).open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
            shutil.copyfileobj(source, target, CHUNK_BYTES)


def _entry(name: str, packing: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _WHEN)
    entry.compress_type = packing
    entry.external_attr = 0o644 << 16
    return entry


def _named(records: Sequence[ImageRecord]) -> list[Exported]:
    """Name each photo: keep its name if that is valid on every operating system and unique within the zip."""
    taken: set[str] = set()
    named = []
    for record in records:
        path = PurePosixPath(record.file)
        wanted = _NOT_EVERYWHERE.sub("_", path.stem).encode()[:MAX_NAME_BYTES].decode(errors="ignore")
        wanted = wanted.strip(" .") or "photo"
        stem, number = wanted, 1
        while plain(stem) in taken:
            number += 1
            stem = f"{wanted}-{number}"
        taken.add(plain(stem))
        named.append(Exported(record, stem, path.suffix))
    return named


# COCO: train/, annotations/instances_train.json etc.


def _coco_labels(dataset: Dataset, photos: Sequence[Exported]) -> Labels:
    for split in dataset.splits:
        of_split = [photo for photo in photos if photo.record.split == split]
        yield f"annotations/instances_{split}.json", _coco_text(dataset, of_split)


def _coco_text(
    dataset: Dataset, photos: Sequence[Exported], name: Callable[[Exported], str] = lambda photo: photo.name
) -> Iterator[str]:
    categories = [{"id": number, "name": plain_name(name)} for number, name in enumerate(dataset.classes, start=1)]
    yield f'{{"info": {_json({"description": dataset.name})},\n"categories": {_json(categories)},\n"images": ['
    separator = "\n"
    for photo_id, photo in enumerate(photos, start=1):
        size = {"width": photo.record.width, "height": photo.record.height}
        yield separator + _json({"id": photo_id, "file_name": name(photo), **size})
        separator = ",\n"
    yield '],\n"annotations": ['
    separator, mark_id = "\n", 0
    for photo_id, photo in enumerate(photos, start=1):
        for class_id, (x1, y1, x2, y2), difficult, truncated in photo.marks:
            mark_id += 1
            width, height = round(x2 - x1, DECIMALS), round(y2 - y1, DECIMALS)
            mark = {"id": mark_id, "image_id": photo_id, "category_id": class_id + 1, "bbox": [x1, y1, width, height]}
            more = {"area": round(width * height, DECIMALS), "segmentation": [], "iscrowd": int(difficult)}
            flags = {"attributes": {"truncated": True}} if truncated else {}
            yield separator + _json(mark | more | flags)
            separator = ",\n"
    yield "]}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# YOLO: images/train/, labels/train/ etc., data.yaml


def _yolo_labels(dataset: Dataset, photos: Sequence[Exported]) -> Labels:
    places = {split: f"images/{split}" for split in dataset.splits}
    names = {number: plain_name(name) for number, name in enumerate(dataset.classes)}
    document = {**places, "nc": len(names), "names": names}
    yield "data.yaml", iter([yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=1_000_000)])
    for photo in photos:
        yield f"labels/{photo.record.split}/{photo.stem}.txt", _yolo_text(photo)


def _yolo_text(photo: Exported) -> Iterator[str]:
    across, down = photo.record.width, photo.record.height
    for class_id, (x1, y1, x2, y2), _, _ in photo.marks:
        shares = ((x1 + x2) / 2 / across, (y1 + y2) / 2 / down, (x2 - x1) / across, (y2 - y1) / down)
        yield " ".join([str(class_id), *(f"{share:.{SHARE_DECIMALS}f}" for share in shares)]) + "\n"


# Pascal VOC: JPEGImages/, Annotations/, ImageSets/Main/


def _voc_labels(dataset: Dataset, photos: Sequence[Exported]) -> Labels:
    for split in dataset.splits:
        stems = (f"{photo.stem}\n" for photo in photos if photo.record.split == split)
        yield f"ImageSets/Main/{split}.txt", stems
    for photo in photos:
        yield f"Annotations/{photo.stem}.xml", _voc_text(photo, dataset.classes)


def _voc_text(photo: Exported, classes: Sequence[str]) -> Iterator[str]:
    record = photo.record
    yield f"<annotation>\n\t<folder>JPEGImages</folder>\n\t<filename>{escape(photo.name)}</filename>\n"
    yield f"\t<size><width>{record.width}</width><height>{record.height}</height><depth>3</depth></size>\n"
    for class_id, box, difficult, truncated in photo.marks:
        name = escape(plain_name(classes[class_id]))
        corners = "".join(
            f"<{key}>{int(side) if side.is_integer() else side}</{key}>"
            for key, side in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
        )
        flags = f"<truncated>{int(truncated)}</truncated><difficult>{int(difficult)}</difficult>"
        yield f"\t<object><name>{name}</name><pose>Unspecified</pose>{flags}<bndbox>{corners}</bndbox></object>\n"
    yield "</annotation>\n"


LAYOUTS: dict[str, Layout] = {
    "coco": Layout(lambda photo: f"{photo.record.split}/{photo.name}", _coco_labels),
    "yolo": Layout(lambda photo: f"images/{photo.record.split}/{photo.name}", _yolo_labels),
    "voc": Layout(lambda photo: f"JPEGImages/{photo.name}", _voc_labels),
}
