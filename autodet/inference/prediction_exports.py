"""Predictions as files for other programs: photos with boxes, CSV, COCO, YOLO and Pascal VOC.

Boxes are in pixels of the upright photo, so photos in a YOLO or Pascal VOC zip are upright too; those that are upright
already are copied byte for byte. CSV, COCO and Pascal VOC keep the scores. ``COCO.loadRes`` of pycocotools takes the
``annotations`` of the COCO file. In YOLO and Pascal VOC, all photos are in the split ``train``, as in a data set of
labels to correct. Photos whose prediction is an error are left out.
"""

import csv
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import IO

from autodet.datasets.label_layouts import (
    LAYOUTS,
    Labelled,
    LabelledPhotos,
    coco_text,
    unique_stems,
    write_layout,
    zip_entry,
)
from autodet.datasets.photo_files import upright_ending, upright_file
from autodet.datasets.photos import open_photo, read_photo
from autodet.inference.box_drawings import draw_boxes, drawing_jpeg
from autodet.messages.formats import FORMAT_TITLES
from autodet.records import Annotations, ImageRecord, Prediction
from autodet.text_format import defused

TITLE = "Predictions"
COLUMNS = ("photo", "class", "score", "x1", "y1", "x2", "y2")
BOX_DECIMALS, SCORE_DECIMALS = 1, 4  # in CSV


@dataclass(frozen=True)
class PredictedPhoto:
    """A photo with the detections to export.

    Attributes:
        name: The user's name of the photo; a path is possible.
        source: The photo's file or its bytes.
        prediction: The detections, without those that are not shown.
    """

    name: str
    source: Path | bytes
    prediction: Prediction

    def read(self) -> bytes:
        """Return the bytes of the photo's file.

        Raises:
            PhotoError: It cannot be read.
        """
        return self.source if isinstance(self.source, bytes) else read_photo(str(self.source), self.name)


@dataclass(frozen=True)
class Export:
    """A kind of file that holds predictions.

    Attributes:
        title: Name for users.
        suffix: File extension, with a dot.
        mime: Media type.
        write: Writes the file.
    """

    title: str
    suffix: str
    mime: str
    write: Callable[[Sequence[PredictedPhoto], Sequence[str], IO[bytes]], None]


def export_predictions(photos: Iterable[PredictedPhoto], classes: Sequence[str], key: str) -> bytes:
    """Return predictions as the content of a file; see ``write_export``."""
    content = BytesIO()
    write_export(photos, classes, key, content)
    return content.getvalue()


def write_export(photos: Iterable[PredictedPhoto], classes: Sequence[str], key: str, file: IO[bytes]) -> None:
    """Write predictions to an open file, which stays open.

    Args:
        photos: The photos with their predictions.
        classes: Class names, indexed by class id.
        key: A key of ``EXPORTS``.
        file: The binary file.

    Raises:
        PhotoError: A photo cannot be read.
    """
    EXPORTS[key].write([photo for photo in photos if not photo.prediction.error], classes, file)


def _write_drawings(photos: Sequence[PredictedPhoto], classes: Sequence[str], file: IO[bytes]) -> None:
    stems = unique_stems([photo.name for photo in photos])
    with zipfile.ZipFile(file, "w") as archive:
        for photo, stem in zip(photos, stems, strict=True):
            seen, opened = photo.prediction, open_photo(photo.source, photo.name)
            drawn = draw_boxes(opened, seen.boxes_xyxy, seen.class_ids, classes, seen.scores)
            archive.writestr(zip_entry(f"{stem}-boxes.jpg", zipfile.ZIP_STORED), drawing_jpeg(drawn))


def _write_csv(photos: Sequence[PredictedPhoto], classes: Sequence[str], file: IO[bytes]) -> None:
    text = TextIOWrapper(file, "utf-8", newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for photo, name in zip(photos, _names(photos), strict=True):
        seen = photo.prediction
        scores = seen.scores.astype(float).round(SCORE_DECIMALS).tolist()
        boxes = seen.boxes_xyxy.astype(float).round(BOX_DECIMALS).tolist()
        for class_id, score, box in zip(seen.class_ids.tolist(), scores, boxes, strict=True):
            table.writerow([defused(name), defused(classes[class_id]), score, *box])
    text.detach()


def _write_coco(photos: Sequence[PredictedPhoto], classes: Sequence[str], file: IO[bytes]) -> None:
    labelled = [_labelled(photo, name, "") for photo, name in zip(photos, _names(photos), strict=True)]
    for piece in coco_text(LabelledPhotos(TITLE, classes, labelled)):
        file.write(piece.encode())


def _write_layout(layout: str, photos: Sequence[PredictedPhoto], classes: Sequence[str], file: IO[bytes]) -> None:
    stems = unique_stems([photo.name for photo in photos])
    labelled = [
        _labelled(photo, stem, upright_ending(photo.read(), photo.name))
        for photo, stem in zip(photos, stems, strict=True)
    ]

    def open_upright(index: int) -> IO[bytes]:
        return BytesIO(upright_file(photos[index].read(), photos[index].name))

    write_layout(file, LAYOUTS[layout], LabelledPhotos(TITLE, classes, labelled), open_upright)


def _labelled(photo: PredictedPhoto, stem: str, ending: str) -> Labelled:
    seen = photo.prediction
    annotations = Annotations.of(seen.boxes_xyxy, seen.class_ids)
    return Labelled(ImageRecord(photo.name, *seen.size_wh, "train", annotations), stem, ending, seen.scores)


def _names(photos: Sequence[PredictedPhoto]) -> list[str]:
    """Return the user's names of the photos; numbered ones if several photos share a name."""
    names = [photo.name for photo in photos]
    if len(set(names)) == len(names):
        return names
    return [f"{stem}{Path(name).suffix}" for stem, name in zip(unique_stems(names), names, strict=True)]


EXPORTS: Mapping[str, Export] = {
    "photos": Export("Photos with boxes", ".zip", "application/zip", _write_drawings),
    "csv": Export("CSV", ".csv", "text/csv", _write_csv),
    "coco": Export(FORMAT_TITLES["coco"], ".json", "application/json", _write_coco),
    "yolo": Export(FORMAT_TITLES["yolo"], ".zip", "application/zip", partial(_write_layout, "yolo")),
    "voc": Export(FORMAT_TITLES["voc"], ".zip", "application/zip", partial(_write_layout, "voc")),
}
