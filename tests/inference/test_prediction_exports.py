"""Each export is read by the tool that it is made for, and holds exactly the given detections."""

import csv
import io
import json
import xml.etree.ElementTree as ET
import zipfile

import numpy as np
import pytest
import yaml
from PIL import ExifTags, Image
from pycocotools.coco import COCO

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.photos import open_photo
from autodet.errors import PhotoError
from autodet.inference.box_drawings import is_drawing
from autodet.inference.prediction_exports import EXPORTS, PredictedPhoto, export_predictions, write_export
from autodet.records import Prediction
from tests.helpers import draw_photo, workspace_in

CLASSES = ("apple", "<b>&'\"", "=cmd()")
SCORES = (0.9375, 0.25)


def a_photo(format="PNG", orientation=1, size_wh=(64, 48), seed=0):
    exif, content = Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = orientation
    draw_photo(size_wh, seed).save(content, format, **({"exif": exif} if orientation > 1 else {}))
    return content.getvalue()


def seen_on(size_wh, boxes=((1.5, 2, 21, 32.25), (3, 4, 40, 41)), class_ids=(1, 2)):
    return Prediction.of(boxes, class_ids, SCORES[: len(boxes)], size_wh=size_wh)


@pytest.fixture
def predicted(tmp_path):
    """Photos of several formats and orientations, with names that collide or are invalid on some system."""
    on_disk = tmp_path / "on disk.webp"
    on_disk.write_bytes(a_photo("WEBP", seed=1))
    return [
        PredictedPhoto("a/one.png", a_photo(seed=2), seen_on((64, 48))),
        PredictedPhoto("b/one.jpg", a_photo("JPEG", 6, (48, 64), seed=3), seen_on((64, 48))),
        PredictedPhoto("b/One.TIF", a_photo("TIFF", seed=4), seen_on((64, 48))),
        PredictedPhoto("con:?*|\u2028.gif", a_photo("GIF", seed=5), seen_on((64, 48), [(0, 0, 64, 48)], [0])),
        PredictedPhoto("=1+1.png", a_photo("PNG", 3, seed=6), seen_on((64, 48))),
        PredictedPhoto("фото.webp", on_disk, seen_on((64, 48))),
        PredictedPhoto("no.png", a_photo(seed=7), seen_on((64, 48), [], [])),
        PredictedPhoto("unread.png", b"", Prediction.of([], [], [], error="It cannot be read.")),
    ]


def exported(key, predicted):
    content = export_predictions(predicted, CLASSES, key)
    assert export_predictions(iter(predicted), CLASSES, key) == content
    return content


def unzipped(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def readable(predicted):
    return [photo for photo in predicted if not photo.prediction.error]


def test_csv_has_a_row_for_each_detection_and_no_formulas(predicted):
    rows = list(csv.DictReader(io.StringIO(exported("csv", predicted).decode())))
    boxes = [(photo.name, box) for photo in predicted for box in photo.prediction.boxes_xyxy.tolist()]
    assert len(rows) == len(boxes) == 11
    for row, (name, box) in zip(rows, boxes, strict=True):
        assert row["photo"].removeprefix("'") == name
        assert not row["photo"].startswith("=")
        assert [float(row[side]) for side in ("x1", "y1", "x2", "y2")] == pytest.approx(box, abs=0.05)
    first = {"photo": "a/one.png", "class": "<b>&'\"", "score": "0.9375", "x1": "1.5", "y1": "2.0"}
    assert rows[0] | first == rows[0]
    assert rows[1]["class"] == "'=cmd()"


def test_pycocotools_loads_the_coco_file_and_its_scores(predicted, tmp_path):
    path = tmp_path / "boxes.json"
    path.write_bytes(exported("coco", predicted))
    labels = COCO(str(path))
    results = labels.loadRes(json.loads(path.read_text("utf-8"))["annotations"])
    assert [one["name"] for one in labels.loadCats(labels.getCatIds())] == list(CLASSES)
    images = labels.loadImgs(labels.getImgIds())
    assert [(one["file_name"], one["width"], one["height"]) for one in images] == [
        (photo.name, *photo.prediction.size_wh) for photo in readable(predicted)
    ]
    for image, photo in zip(images, readable(predicted), strict=True):
        marks = results.loadAnns(results.getAnnIds(image["id"]))
        found = photo.prediction
        assert [mark["score"] for mark in marks] == found.scores.tolist()
        assert [mark["category_id"] - 1 for mark in marks] == found.class_ids.tolist()
        corners = [(x, y, x + width, y + height) for x, y, width, height in (mark["bbox"] for mark in marks)]
        np.testing.assert_allclose(np.reshape(corners, (-1, 4)), found.boxes_xyxy, atol=1e-3)


@pytest.mark.parametrize("key", ["yolo", "voc"])
def test_our_importer_reads_the_zip_with_upright_photos(predicted, tmp_path, key):
    archive = tmp_path / "boxes.zip"
    with archive.open("wb") as file:
        write_export(predicted, CLASSES, key, file)
    dataset = import_dataset(archive, "it", workspace=workspace_in(tmp_path), decisions={"photo_alike": "keep"})
    assert dataset.format == key
    assert set(dataset.classes) == set(CLASSES)
    assert len(dataset.images) == 7
    for record in dataset.images:
        index = next(number for number, photo in enumerate(readable(predicted)) if same(dataset, record, photo))
        found = readable(predicted)[index].prediction
        np.testing.assert_allclose(record.annotations.boxes_xyxy, found.boxes_xyxy, atol=1e-3)
        names = [dataset.classes[number] for number in record.annotations.class_ids]
        assert names == [CLASSES[number] for number in found.class_ids]
        assert (record.width, record.height) == found.size_wh


def same(dataset, record, photo):
    """Whether a stored photo shows what the predicted one shows; a second JPEG compression changes pixels a little."""
    stored, given = (np.asarray(open_photo(one), int) for one in (dataset.photo(record), photo.source))
    return stored.shape == given.shape and np.abs(stored - given).mean() < 3


def test_a_strict_yolo_reader_finds_five_columns_for_each_photo(predicted):
    """As labelImg and Ultralytics read it: an image and a text file of the same stem, rows of exactly five columns."""
    files = unzipped(exported("yolo", predicted))
    settings = yaml.safe_load(files["data.yaml"])
    assert (settings["train"], settings["names"]) == ("images/train", dict(enumerate(CLASSES)))
    photos = [name for name in files if name.startswith("images/")]
    assert len(photos) == len(readable(predicted))
    for name, photo in zip(photos, readable(predicted), strict=True):
        text = files[name.replace("images/", "labels/").rpartition(".")[0] + ".txt"].decode()
        rows = [[float(number) for number in line.split(" ")] for line in text.splitlines()]
        assert all(len(row) == 5 for row in rows)
        image = Image.open(io.BytesIO(files[name]))  # without regard to EXIF
        assert image.size == photo.prediction.size_wh
        for (class_id, x, y, width, height), box in zip(rows, photo.prediction.boxes_xyxy.tolist(), strict=True):
            across, down = image.size
            corners = [(x - width / 2) * across, (y - height / 2) * down, (x + width / 2) * across]
            assert corners == pytest.approx(box[:3], abs=1e-3)
            assert class_id == int(class_id)


def test_labelimg_reads_the_voc_files(predicted):
    """As labelImg reads them: elements by their path, corners as numbers, unknown elements ignored."""
    files = unzipped(exported("voc", predicted))
    annotated = [ET.fromstring(content) for name, content in files.items() if name.startswith("Annotations/")]
    assert [root.find("filename").text for root in annotated] == [
        name.removeprefix("JPEGImages/") for name in files if name.startswith("JPEGImages/")
    ]
    for root, photo in zip(annotated, readable(predicted), strict=True):
        objects = root.findall("object")
        assert [one.find("name").text for one in objects] == [CLASSES[one] for one in photo.prediction.class_ids]
        assert [float(one.find("confidence").text) for one in objects] == photo.prediction.scores.tolist()
        for one, box in zip(objects, photo.prediction.boxes_xyxy.tolist(), strict=True):
            assert [float(one.find(f"bndbox/{side}").text) for side in ("xmin", "ymin", "xmax", "ymax")] == box
            assert one.find("difficult").text == "0"
    assert files["ImageSets/Main/train.txt"].decode().splitlines() == [
        root.find("filename").text.rpartition(".")[0] for root in annotated
    ]


def test_annotated_photos_are_upright_drawings_with_safe_unique_names(predicted, tmp_path):
    files = unzipped(exported("photos", predicted))
    assert list(files) == [
        "one-boxes.jpg",
        "one-2-boxes.jpg",
        "One-3-boxes.jpg",
        "con_____-boxes.jpg",
        "=1+1-boxes.jpg",
        "фото-boxes.jpg",
        "no-boxes.jpg",
    ]
    for content in files.values():
        path = tmp_path / "drawn.jpg"
        path.write_bytes(content)
        assert is_drawing(path)
        assert Image.open(path).size == (64, 48)


def test_upright_photos_of_usual_formats_are_copied_as_they_are(predicted):
    files = unzipped(exported("voc", predicted))
    content = {photo.name: photo.read() for photo in predicted}
    assert files["JPEGImages/one.png"] == content["a/one.png"]
    assert files["JPEGImages/фото.webp"] == content["фото.webp"]
    turned = Image.open(io.BytesIO(files["JPEGImages/one-2.jpg"]))
    assert (turned.size, turned.getexif().get(ExifTags.Base.Orientation, 1)) == ((64, 48), 1)


def test_photos_of_one_name_are_told_apart(predicted):
    twins = [PredictedPhoto("a.png", photo.source, photo.prediction) for photo in predicted[:2]]
    images = json.loads(exported("coco", twins))["images"]
    assert [image["file_name"] for image in images] == ["a.png", "a-2.png"]
    rows = csv.DictReader(io.StringIO(exported("csv", twins).decode()))
    assert [row["photo"] for row in rows] == ["a.png"] * 2 + ["a-2.png"] * 2


@pytest.mark.parametrize("key", EXPORTS)
def test_an_export_without_photos_is_valid(key):
    content = exported(key, [])
    assert EXPORTS[key].suffix in (".zip", ".csv", ".json")
    if EXPORTS[key].suffix == ".zip":
        assert not [name for name in unzipped(content) if name.endswith((".jpg", ".txt", ".xml"))]


@pytest.mark.parametrize("key", ["photos", "yolo", "voc"])
def test_a_photo_that_is_gone_is_a_sentence(key, tmp_path):
    gone = PredictedPhoto("gone.jpg", tmp_path / "gone.jpg", seen_on((64, 48)))
    with pytest.raises(PhotoError, match=r"gone\.jpg"):
        exported(key, [gone])
