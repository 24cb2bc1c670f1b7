"""Labels in a format that is not the one that was read: told, and weighed as what is lost."""

import json

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from autodet.messages.findings import problem_sentence
from tests.datasets.formats.layouts import LINE, Tree
from tests.helpers import voc_xml, workspace_in

SHAPES = [{"label": "dog", "points": [[4, 5], [34, 35]], "shape_type": "rectangle"}]
LABELME = json.dumps({"version": "5.5.0", "flags": {}, "shapes": SHAPES, "imagePath": "b0.jpg"})
SUPERVISELY = json.dumps({"size": {"height": 48}, "tags": [], "objects": [{"classTitle": "dog"}]})


def lay_out(tree, format, photos):
    """Photos a0.jpg ... with labels in a format."""
    for number in range(photos):
        if format == "voc":
            tree.voc(f"a/{number}.jpg", f"a/{number}.xml")
        elif format == "yolo":
            tree.yolo(f"a/images/{number}.jpg", f"a/labels/{number}.txt")
        else:
            tree.photo(f"a/{number}.jpg")
    if format == "coco":
        tree.coco("a/labels.json", [f"{number}.jpg" for number in range(photos)])
    if format == "yolo":
        tree.text("a/classes.txt", "cat\ndog\n")


OTHERS = [
    ("b0.json", LABELME, "Labelme's"),
    ("b0.jpg.json", SUPERVISELY, "another program's"),
    ("ann/b0.json", SUPERVISELY, "another program's"),
]
VOC = ("b0.xml", voc_xml("b0.jpg", marks=[("dog", (4, 5, 34, 35))]), "Pascal VOC's")


@pytest.mark.parametrize(
    ("format", "name", "content", "whose"),
    [
        (format, *other)
        for format in ("voc", "coco", "yolo")
        for other in (*OTHERS, VOC)
        if (format, other) != ("voc", VOC)
    ],
)
def test_a_file_of_another_format_is_told_with_its_photo(tmp_path, format, name, content, whose):
    tree = Tree(tmp_path / "set")
    lay_out(tree, format, 12)
    tree.photo("b/b0.jpg")
    tree.text(f"b/{name}", content)
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert (dataset.format, len(dataset.images)) == (format, 12)
    told = [problem for problem in dataset.findings if problem.kind in ("labels_foreign", "photo_unlabelled")]
    assert [(problem.kind, problem.file) for problem in told] == [("labels_foreign", f"b/{name}")]
    assert whose in problem_sentence(told[0])


def test_many_of_them_are_a_large_loss(tmp_path):
    tree = Tree(tmp_path / "set")
    lay_out(tree, "coco", 12)
    for number in range(4):
        tree.photo(f"b/b{number}.jpg")
        tree.text(f"b/b{number}.json", LABELME)
    workspace = workspace_in(tmp_path)
    with pytest.raises(DatasetError, match="COCO labels for 12 photos and Labelme labels for 4 photos; choose one"):
        import_dataset(tree.root, workspace=workspace)
    with pytest.raises(DatasetError, match=r"4 of 16 labelled photos.*b/b0\.json: Its labels are Labelme's"):
        import_dataset(tree.root, format="coco", workspace=workspace)
    agreed = import_dataset(tree.root, format="coco", decisions={"large_loss": "keep"}, workspace=workspace)
    assert len(agreed.images) == 12


def test_one_file_of_another_format_about_many_photos_is_a_loss_too(tmp_path):
    tree = Tree(tmp_path / "set")
    lay_out(tree, "voc", 12)
    marks = [{"label": "dog", "coordinates": {"x": 20, "y": 20, "width": 30, "height": 30}}]
    names = [f"b{number}.jpg" for number in range(4)]
    for name in names:
        tree.photo(f"b/{name}")
    tree.text("b/all.json", json.dumps([{"image": name, "annotations": marks} for name in names]))
    with pytest.raises(DatasetError, match=r"4 of 16 labelled photos.*b/all\.json: Its labels are CreateML's"):
        import_dataset(tree.root, format="voc", workspace=workspace_in(tmp_path))


def test_what_labels_nothing_or_what_is_labelled_is_left_in_peace(tmp_path):
    tree = Tree(tmp_path / "set")
    lay_out(tree, "coco", 12)
    tree.text("a/0.json", LABELME)
    tree.photo("b/b0.jpg")
    tree.text("b/b0.json", json.dumps({"taken": "2026-05-01", "camera": "phone"}))
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    told = [problem for problem in dataset.findings if problem.kind in ("labels_foreign", "photo_unlabelled")]
    assert [(problem.kind, problem.file) for problem in told] == [("photo_unlabelled", "b/b0.jpg")]


@pytest.mark.parametrize("lines", [LINE, ""])
def test_copies_in_yolo_that_have_no_names_are_left_aside(tmp_path, lines):
    tree = Tree(tmp_path / "set")
    for number in range(8):
        tree.voc(f"JPEGImages/{number}.jpg", f"Annotations/{number}.xml")
        tree.text(f"labels/{number}.txt", lines or LINE * (number < 6))
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert (dataset.format, dataset.classes, dataset.boxes) == ("voc", ("dog",), 8)
    (told,) = [problem_sentence(problem) for problem in dataset.findings if problem.kind == "labels_foreign"]
    assert told == f"There are YOLO labels too ({8 if lines else 6} boxes), without names of classes."


@pytest.mark.parametrize(("boxes", "named"), [(2, False), (1, True)])
def test_more_boxes_or_names_of_their_own_are_a_question(tmp_path, boxes, named):
    tree = Tree(tmp_path / "set")
    for number in range(8):
        tree.voc(f"JPEGImages/{number}.jpg", f"Annotations/{number}.xml")
        tree.text(f"labels/{number}.txt", LINE + "0 0.2 0.2 0.1 0.1\n" * (boxes - 1))
    if named:
        tree.text("labels/classes.txt", "cat\ndog\n")
    with pytest.raises(DatasetError, match="Pascal VOC labels for 8 photos and YOLO labels for 8 photos; choose one"):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))
