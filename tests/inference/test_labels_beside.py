import json

import numpy as np
import pytest

from autodet.errors import AutodetError
from autodet.inference.labels_beside import marks_of, model_annotations, read_labels
from autodet.records import Annotations, Mark

SIZES = {"trip/a.jpg": (100, 50), "b.png": (40, 40)}
CLASSES = ("apple", "banana")
VOC = b"""<annotation><filename>a.jpg</filename><size><width>100</width><height>50</height></size><object>
<name>banana</name><difficult>1</difficult><bndbox><xmin>11</xmin><ymin>6</ymin><xmax>30</xmax><ymax>25</ymax></bndbox>
</object></annotation>"""
COCO = {
    "images": [{"id": 1, "file_name": "b.png", "width": 40, "height": 40}],
    "categories": [{"id": 7, "name": "Apple"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [4, 8, 10, 20]}],
}


@pytest.fixture(autouse=True)
def _in_a_workspace(workspace):
    """Labels are read in a folder of the workspace."""


def boxes(marks):
    return [(mark.name, [round(side, 3) for side in mark.box_xyxy]) for mark in marks]


def test_voc_labels_of_one_of_the_photos():
    found = read_labels(SIZES, [(VOC, "trip/a.xml")], CLASSES)
    assert list(found) == ["trip/a.jpg"]
    assert [(mark.name, mark.difficult) for mark in found["trip/a.jpg"]] == [("banana", True)]


def test_yolo_numbers_without_names_are_classes_of_the_model(workspace):
    found = read_labels(SIZES, [(b"1 0.5 0.5 0.2 0.4\n", "b.txt")], CLASSES)
    assert {photo: boxes(marks) for photo, marks in found.items()} == {"b.png": [("banana", [16, 12, 24, 28])]}
    named = read_labels(SIZES, [(b"1 0.5 0.5 0.2 0.4\n", "b.txt"), (b"x\npear\n", "classes.txt")], CLASSES)
    assert boxes(named["b.png"]) == [("pear", [16, 12, 24, 28])]
    assert list(workspace.dropped.iterdir()) == []


def test_coco_labels_in_a_file(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(COCO))
    found = read_labels(SIZES, [(path, "labels.json")], CLASSES)
    assert {photo: boxes(marks) for photo, marks in found.items()} == {"b.png": [("Apple", [4, 8, 14, 28])]}
    labels = model_annotations((*found["b.png"], Mark("pear", (0, 0, 1, 1))), CLASSES)
    assert (labels.class_ids.tolist(), labels.boxes_xyxy.tolist()) == ([0], [[4, 8, 14, 28]])


def test_names_that_lead_out_of_the_folder_are_left_alone(tmp_path):
    sizes = SIZES | {"../../a.jpg": (10, 10), "/etc/c.jpg": (10, 10), "x" * 300 + ".jpg": (10, 10)}
    found = read_labels(sizes, [(b"0 0.5 0.5 0.2 0.4\n", "../b.txt"), (b"0 0.5 0.5 0.2 0.4\n", "b.txt")], CLASSES)
    assert list(found) == ["b.png"]


def test_labels_that_cannot_be_read_are_a_sentence():
    with pytest.raises(AutodetError):
        read_labels(SIZES, [(b"<annotation", "b.xml")], CLASSES)


def test_marks_of_annotations():
    annotations = Annotations.of(np.float32([[1, 2, 3, 4]]), [1], [True])
    assert marks_of(annotations, CLASSES) == (Mark("banana", (1, 2, 3, 4), True, False),)
