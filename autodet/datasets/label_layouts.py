"""Layouts of labelled photos for other programs: the label files of COCO, YOLO and Pascal VOC, and a zip with photos.

Photos are renamed only if a name is not valid on every operating system, or if two photos would share a label file.
Data that a format cannot represent is lost: YOLO has no flags, so ``difficult`` and ``truncated``, and no scores,
because its readers take rows of five columns only (a row of predictions has a sixth). COCO and Pascal VOC have scores.
"""

import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import IO, NamedTuple
from xml.sax.saxutils import escape

import yaml

from autodet.datasets.formats.labels import plain_name
from autodet.datasets.formats.source_files import plain
from autodet.records import SPLITS, FloatArray, ImageRecord

CHUNK_BYTES = 1 << 20
MAX_NAME_BYTES = 200
DECIMALS = 4  # of pixel coordinates and scores
SHARE_DECIMALS = 9  # of relative coordinates: accurate to 0.001 pixels in a photo with sides of 100,000 pixels
_NOT_EVERYWHERE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\u2028\u2029]')  # invalid in file names on some systems
_WHEN = (1980, 1, 1, 0, 0, 0)  # fixed timestamp, so that the same photos give the same bytes


class LabelledBox(NamedTuple):
    """One box in pixels of its photo; the score is None for ground truth."""

    class_id: int
    box_xyxy: list[float]
    difficult: bool
    truncated: bool
    score: float | None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A photo with its name in the zip: ``stem``, unique within the zip, and the file extension.

    Attributes:
        scores: The score of each annotation, shape (N,); None for ground truth.
    """

    record: ImageRecord
    stem: str
    ending: str
    scores: FloatArray | None = None

    @property
    def name(self) -> str:
        """The photo's file name, without folders."""
        return self.stem + self.ending

    @property
    def boxes(self) -> Iterator[LabelledBox]:
        """The annotations, with rounded numbers."""
        marks = self.record.annotations
        boxes = marks.boxes_xyxy.astype(float).round(DECIMALS)
        scores = [None] * len(marks) if self.scores is None else self.scores.astype(float).round(DECIMALS).tolist()
        columns = (marks.class_ids.tolist(), boxes.tolist(), marks.difficult.tolist(), marks.truncated.tolist(), scores)
        return map(LabelledBox, *columns)


@dataclass(frozen=True)
class LabelledPhotos:
    """Photos with names, as ``name_photos`` gives them, and their classes."""

    title: str
    classes: Sequence[str]
    photos: Sequence[Labelled]

    @cached_property
    def splits(self) -> Mapping[str, Sequence[Labelled]]:
        """The photos of each split, in the order train, val, test."""
        there = {photo.record.split for photo in self.photos}
        return {
            split: [photo for photo in self.photos if photo.record.split == split] for split in SPLITS if split in there
        }


Labels = Iterator[tuple[str, Iterator[str]]]  # name of each file, and its text in chunks


@dataclass(frozen=True)
class Layout:
    """The arrangement of files in a format's zip.

    Attributes:
        photo: Returns the path of a photo.
        labels: Returns the label files.
    """

    photo: Callable[[Labelled], str]
    labels: Callable[[LabelledPhotos], Labels]


def write_layout(
    file: IO[bytes], layout: Layout, contents: LabelledPhotos, open_photo: Callable[[int], IO[bytes]]
) -> None:
    """Write photos and their labels as a zip.

    Args:
        file: The open file to write.
        layout: A value of ``LAYOUTS``.
        contents: The photos with their labels.
        open_photo: Opens the photo of an index for reading.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in layout.labels(contents):
            with archive.open(zip_entry(name, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as target:
                for piece in text:
                    target.write(piece.encode())
        for index, photo in enumerate(contents.photos):
            entry = zip_entry(layout.photo(photo), zipfile.ZIP_STORED)
            with open_photo(index) as source, archive.open(entry, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target, CHUNK_BYTES)


def zip_entry(name: str, packing: int) -> zipfile.ZipInfo:
    """Return the entry of a file in a zip, readable by all."""
    entry = zipfile.ZipInfo(name, _WHEN)
    entry.compress_type = packing
    entry.external_attr = 0o644 << 16
    return entry


def unique_stems(files: Sequence[str]) -> list[str]:
    """Name each file without its extension: as it is, if that is valid on every operating system and unique."""
    taken: set[str] = set()
    stems = []
    for file in files:
        wanted = _NOT_EVERYWHERE.sub("_", PurePosixPath(file).stem).encode(errors="replace")[:MAX_NAME_BYTES]
        wanted_stem = wanted.decode(errors="ignore").strip(" .") or "photo"
        stem, number = wanted_stem, 1
        while plain(stem) in taken:
            number += 1
            stem = f"{wanted_stem}-{number}"
        taken.add(plain(stem))
        stems.append(stem)
    return stems


def name_photos(records: Sequence[ImageRecord]) -> list[Labelled]:
    """Name each photo of a data set for a zip."""
    stems = unique_stems([record.file for record in records])
    return [
        Labelled(record, stem, PurePosixPath(record.file).suffix) for record, stem in zip(records, stems, strict=True)
    ]


# COCO: train/, annotations/instances_train.json etc.


def _coco_labels(contents: LabelledPhotos) -> Labels:
    for split, photos in contents.splits.items():
        yield f"annotations/instances_{split}.json", coco_text(LabelledPhotos(contents.title, contents.classes, photos))


def coco_text(contents: LabelledPhotos, name: Callable[[Labelled], str] = lambda photo: photo.name) -> Iterator[str]:
    """Yield a COCO file in chunks.

    Args:
        contents: The photos with their labels.
        name: Returns the ``file_name`` of a photo.
    """
    categories = [{"id": number, "name": plain_name(name)} for number, name in enumerate(contents.classes, start=1)]
    yield f'{{"info": {_json({"description": contents.title})},\n"categories": {_json(categories)},\n"images": ['
    separator = "\n"
    for photo_id, photo in enumerate(contents.photos, start=1):
        size = {"width": photo.record.width, "height": photo.record.height}
        yield separator + _json({"id": photo_id, "file_name": name(photo), **size})
        separator = ",\n"
    yield '],\n"annotations": ['
    separator, mark_id = "\n", 0
    for photo_id, photo in enumerate(contents.photos, start=1):
        for box in photo.boxes:
            mark_id += 1
            x1, y1, x2, y2 = box.box_xyxy
            width, height = round(x2 - x1, DECIMALS), round(y2 - y1, DECIMALS)
            mark = {
                "id": mark_id,
                "image_id": photo_id,
                "category_id": box.class_id + 1,
                "bbox": [x1, y1, width, height],
            }
            more = {"area": round(width * height, DECIMALS), "segmentation": [], "iscrowd": int(box.difficult)}
            flags = {"attributes": {"truncated": True}} if box.truncated else {}
            score = {} if box.score is None else {"score": box.score}
            yield separator + _json(mark | more | flags | score)
            separator = ",\n"
    yield "]}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# YOLO: images/train/, labels/train/ etc., data.yaml


def _yolo_labels(contents: LabelledPhotos) -> Labels:
    places = {split: f"images/{split}" for split in contents.splits}
    names = {number: plain_name(name) for number, name in enumerate(contents.classes)}
    document = {**places, "nc": len(names), "names": names}
    yield "data.yaml", iter([yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=1_000_000)])
    for photo in contents.photos:
        yield f"labels/{photo.record.split}/{photo.stem}.txt", _yolo_text(photo)


def _yolo_text(photo: Labelled) -> Iterator[str]:
    across, down = photo.record.width, photo.record.height
    for box in photo.boxes:
        x1, y1, x2, y2 = box.box_xyxy
        shares = ((x1 + x2) / 2 / across, (y1 + y2) / 2 / down, (x2 - x1) / across, (y2 - y1) / down)
        yield " ".join([str(box.class_id), *(f"{share:.{SHARE_DECIMALS}f}" for share in shares)]) + "\n"


# Pascal VOC: JPEGImages/, Annotations/, ImageSets/Main/


def _voc_labels(contents: LabelledPhotos) -> Labels:
    for split, photos in contents.splits.items():
        yield f"ImageSets/Main/{split}.txt", (f"{photo.stem}\n" for photo in photos)
    for photo in contents.photos:
        yield f"Annotations/{photo.stem}.xml", _voc_text(photo, contents.classes)


def _voc_text(photo: Labelled, classes: Sequence[str]) -> Iterator[str]:
    record = photo.record
    yield f"<annotation>\n\t<folder>JPEGImages</folder>\n\t<filename>{escape(photo.name)}</filename>\n"
    yield f"\t<size><width>{record.width}</width><height>{record.height}</height><depth>3</depth></size>\n"
    for box in photo.boxes:
        name = escape(plain_name(classes[box.class_id]))
        corners = "".join(
            f"<{key}>{int(side) if side.is_integer() else side}</{key}>"
            for key, side in zip(("xmin", "ymin", "xmax", "ymax"), box.box_xyxy, strict=True)
        )
        flags = f"<truncated>{int(box.truncated)}</truncated><difficult>{int(box.difficult)}</difficult>"
        score = "" if box.score is None else f"<confidence>{box.score}</confidence>"
        yield f"\t<object><name>{name}</name><pose>Unspecified</pose>{flags}{score}"
        yield f"<bndbox>{corners}</bndbox></object>\n"
    yield "</annotation>\n"


LAYOUTS: dict[str, Layout] = {
    "coco": Layout(lambda photo: f"{photo.record.split}/{photo.name}", _coco_labels),
    "yolo": Layout(lambda photo: f"images/{photo.record.split}/{photo.name}", _yolo_labels),
    "voc": Layout(lambda photo: f"JPEGImages/{photo.name}", _voc_labels),
}
