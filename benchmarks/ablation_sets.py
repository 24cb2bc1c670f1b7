"""Data sets for training and evaluation in `benchmarks.ablation`, derived from two small sets of real photos.

``fruit 2`` and ``raccoon 2`` are those two with a new split: two thirds for training, one third for validation.
``fruit from afar 2`` and ``fruit from far away 2`` are photos of 960 px composed of nine or 36 fruit photos each, so
that objects are small. ``few bananas 2`` and ``few oranges 2`` have eight training photos with that class. ``other
fruit 2`` has 30 training photos, none of which is in ``half of fruit 2``, the set that trains starting weights.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

import autodet
from autodet.datasets.photos import open_photo, read_photo
from autodet.models.letterbox import Letterbox
from autodet.records import ImageRecord
from autodet.workspace import Workspace

REAL = ("fruit", "raccoon")
FAR = {"fruit from afar": 3, "fruit from far away": 6}  # fruit photos along each side of a composed photo
FAR_PHOTOS, FAR_SIDE = (60, 24), 960
FEW, FEW_PHOTOS = {"few bananas": 1, "few oranges": 2}, 8  # class id of the rare class
OTHER, HALF = "other fruit", "half of fruit"
SETS = (*REAL, *FAR, *FEW, OTHER)
SHARES = (2 / 3, 1 / 3)


def import_sets(workspace: Workspace) -> None:
    """Import all of them from the folder in ``AUTODET_REAL_DATA``."""
    for name in REAL:
        whole = autodet.import_dataset(Path(os.environ["AUTODET_REAL_DATA"]) / name, name=name, workspace=workspace)
        autodet.derive_dataset(whole, f"{name} 2", resplit=SHARES, workspace=workspace)
    fruit = autodet.load_dataset("fruit 2", workspace=workspace)
    photos, judges = list(fruit.split("train")), list(fruit.split("val"))
    parts = {HALF: photos[::2], OTHER: photos[1::6]}
    for name, class_id in FEW.items():
        showing = [record for record in photos if class_id in record.annotations.class_ids]
        parts[name] = [record for record in photos if record not in showing[FEW_PHOTOS:]]
    for name, learnt in parts.items():
        with tempfile.TemporaryDirectory() as folder:
            _write_part(fruit, (learnt, judges), Path(folder))
            autodet.import_dataset(Path(folder), name=f"{name} 2", workspace=workspace)
    for name, tiles in FAR.items():
        with tempfile.TemporaryDirectory() as folder:
            _write_far(fruit, tiles, Path(folder))
            autodet.import_dataset(Path(folder), name=f"{name} 2", workspace=workspace)


def _write_part(data: autodet.Dataset, splits: Sequence[Sequence[ImageRecord]], folder: Path) -> None:
    """Write some photos of a data set in YOLO layout."""
    for split, records in zip(_begin_layout(data, folder), splits, strict=True):
        for record in records:
            shutil.copy(data.photo(record), folder / "images" / split)
            sides = np.array([record.width, record.height] * 2)
            _write_labels(
                folder / "labels" / split / Path(record.file).name, record, record.annotations.boxes_xyxy / sides
            )


def _write_far(data: autodet.Dataset, tiles: int, folder: Path) -> None:
    """Write photos composed of a data set's photos, ``tiles`` along each side, in YOLO layout."""
    random = np.random.default_rng(0)
    tile = FAR_SIDE // tiles
    for split, count in zip(_begin_layout(data, folder), FAR_PHOTOS, strict=True):
        for number in range(count):
            photo, file = Image.new("RGB", (FAR_SIDE, FAR_SIDE)), Path(f"{number}.jpg")
            for place, index in enumerate(random.choice(len(data.split(split)), tiles**2, replace=False)):
                record = data.split(split)[index]
                letterbox = Letterbox.fit(record.width, record.height, tile)
                corner = place % tiles * tile, place // tiles * tile
                shown = letterbox.draw(open_photo(read_photo(str(data.photo(record)), record.file), record.file))
                photo.paste(Image.fromarray(shown), corner)
                boxes = (letterbox.to_square(record.annotations.boxes_xyxy) + np.array(corner * 2)) / FAR_SIDE
                _write_labels(folder / "labels" / split / file, record, boxes)
            photo.save(folder / "images" / split / file, quality=95)


def _begin_layout(data: autodet.Dataset, folder: Path) -> tuple[str, str]:
    splits = ("train", "val")
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(data.classes))
    (folder / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames:\n{names}")
    for split in splits:
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
    return splits


def _write_labels(
    photo: Path, record: ImageRecord, boxes_xyxy: "np.ndarray[tuple[int, int], np.dtype[np.float32]]"
) -> None:
    """Append a record's boxes, as fractions of the photo's sides, to its label file."""
    with photo.with_suffix(".txt").open("a") as file:
        for class_id, (x1, y1, x2, y2) in zip(record.annotations.class_ids, boxes_xyxy, strict=True):
            file.write(f"{class_id} {(x1 + x2) / 2} {(y1 + y2) / 2} {x2 - x1} {y2 - y1}\n")
