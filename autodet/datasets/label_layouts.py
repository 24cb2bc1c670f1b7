"""Layouts of labelled photos for other programs, such as COCO, YOLO and CVAT: the label files, and a zip with photos.

Photos are renamed only if a name is not valid on every operating system, or if two photos would share a label file.
Data that a format cannot represent is lost: YOLO has no flags, so ``difficult`` and ``truncated``, and no scores,
because its readers take rows of five columns only (a row of predictions has a sixth). COCO and Pascal VOC have scores.
Only Label Studio has proposals, as predictions; it has no flags either.
"""

import json
import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import IO, NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

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
        proposals: A model's proposals, which wait for a decision.
        model: Id of that model.
        reviewed: Whether a photo without annotations has no objects; if not, it is unlabelled.
    """

    record: ImageRecord
    stem: str
    ending: str
    scores: FloatArray | None = None
    proposals: tuple[LabelledBox, ...] = ()
    model: str = ""
    reviewed: bool = True

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


# CVAT for images 1.1: images/train/, annotations.xml

_CVAT_FLAGS = ("difficult", "truncated")


def _cvat_labels(contents: LabelledPhotos) -> Labels:
    yield "annotations.xml", _cvat_text(contents)


def _cvat_text(contents: LabelledPhotos) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta><project>'
    yield f"<name>{escape(plain_name(contents.title))}</name><tasks>\n"
    for split, size in Counter(photo.record.split for photo in contents.photos).items():  # Datumaro reads those listed
        yield f"<task><name>{split}</name><size>{size}</size><subset>{split}</subset></task>\n"
    yield "</tasks><labels>\n"
    flags = "".join(
        f"<attribute><name>{flag}</name><mutable>False</mutable><input_type>checkbox</input_type>"
        "<default_value>false</default_value><values>false</values></attribute>"
        for flag in _CVAT_FLAGS
    )
    for name in contents.classes:
        yield f"<label><name>{escape(plain_name(name))}</name><attributes>{flags}</attributes></label>\n"
    yield "</labels></project></meta>\n"
    for number, photo in enumerate(contents.photos):
        record = photo.record
        facts = {"id": number, "name": photo.name, "subset": record.split}
        yield f"<image {_attributes(facts | {'width': record.width, 'height': record.height})}>\n"
        for box in photo.boxes:
            place = dict(zip(("xtl", "ytl", "xbr", "ybr"), box.box_xyxy, strict=True))
            facts = {"label": plain_name(contents.classes[box.class_id]), "source": "manual", "occluded": 0} | place
            values = zip(_CVAT_FLAGS, (box.difficult, box.truncated), strict=True)
            said = "".join(f'<attribute name="{flag}">{str(value).lower()}</attribute>' for flag, value in values)
            yield f"<box {_attributes(facts | {'z_order': 0})}>{said}</box>\n"
        yield "</image>\n"
    yield "</annotations>\n"


def _attributes(values: Mapping[str, object]) -> str:
    return " ".join(f"{name}={quoteattr(str(value))}" for name, value in values.items())


# Label Studio: train/, tasks.json, and labeling_config.xml with the classes

LOCAL_FILES = "/data/local-files/?d="  # addresses of files below LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT


def _label_studio_labels(contents: LabelledPhotos) -> Labels:
    names = [plain_name(name) for name in contents.classes]
    yield "labeling_config.xml", _label_studio_config(names)
    yield "tasks.json", _label_studio_text(contents, names)


def _label_studio_config(names: Sequence[str]) -> Iterator[str]:
    yield '<View>\n<Image name="image" value="$image"/>\n<RectangleLabels name="label" toName="image">\n'
    for name in names:
        yield f"<Label value={quoteattr(name)}/>\n"
    yield "</RectangleLabels>\n</View>\n"


def _label_studio_text(contents: LabelledPhotos, names: Sequence[str]) -> Iterator[str]:
    separator = "[\n"
    for number, photo in enumerate(contents.photos, start=1):
        drawn, proposed = (
            [_region(photo, box, names, f"{kind}{place}") for place, box in enumerate(boxes, start=1)]
            for kind, boxes in (("label", photo.boxes), ("proposal", photo.proposals))
        )
        address = LOCAL_FILES + quote(LAYOUTS["label_studio"].photo(photo))
        task: dict[str, object] = {"id": number, "data": {"image": address}}
        task["annotations"] = [{"result": drawn}] if drawn or photo.reviewed else []
        if proposed:
            task["predictions"] = [{"model_version": photo.model, "result": proposed}]
        yield separator + _json(task)
        separator = ",\n"
    yield "\n]\n" if contents.photos else "[]\n"


def _region(photo: Labelled, box: LabelledBox, names: Sequence[str], identity: str) -> dict[str, object]:
    record = photo.record
    x1, y1, x2, y2 = box.box_xyxy
    shares = (x1 / record.width, y1 / record.height, (x2 - x1) / record.width, (y2 - y1) / record.height)
    percent = [round(100 * share, SHARE_DECIMALS) for share in shares]
    value = dict(zip(("x", "y", "width", "height"), percent, strict=True))
    return {
        "id": identity,
        "type": "rectanglelabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": record.width,
        "original_height": record.height,
        "image_rotation": 0,
        "value": {**value, "rotation": 0, "rectanglelabels": [names[box.class_id]]},
    } | ({} if box.score is None else {"score": box.score})


LAYOUTS: dict[str, Layout] = {
    "coco": Layout(lambda photo: f"{photo.record.split}/{photo.name}", _coco_labels),
    "yolo": Layout(lambda photo: f"images/{photo.record.split}/{photo.name}", _yolo_labels),
    "voc": Layout(lambda photo: f"JPEGImages/{photo.name}", _voc_labels),
    "cvat": Layout(lambda photo: f"images/{photo.record.split}/{photo.name}", _cvat_labels),
    "label_studio": Layout(lambda photo: f"{photo.record.split}/{photo.name}", _label_studio_labels),
}
