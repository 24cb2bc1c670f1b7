"""Labelme's JSON files, also as AnyLabeling and X-AnyLabeling write them."""

import json
import re

import pytest

from autodet.datasets.formats import labelme
from autodet.datasets.formats.source_files import list_files
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from autodet.messages.findings import problem_sentence
from tests.datasets.formats.layouts import Tree
from tests.helpers import workspace_in

RECTANGLE = {"label": "dog", "points": [[34, 5], [4, 35]], "shape_type": "rectangle"}
BOX = (4, 5, 34, 35)


def document(*shapes, name="a.jpg", **more):
    about = {"version": "5.5.0", "flags": {}, "shapes": list(shapes), "imagePath": name, "imageData": None}
    return json.dumps(about | {"imageHeight": 48, "imageWidth": 64} | more)


def shape(points, type="polygon", label="dog", **more):
    return {"label": label, "points": points, "shape_type": type, "group_id": None, "flags": {}} | more


def reading_of(tree):
    listing = list_files(tree.root, 1000)
    assert labelme.unmet(listing) is None
    return labelme.read(listing)


def read_one(tmp_path, *shapes, **more):
    """The photo and the findings of a single file beside its photo."""
    tree = Tree(tmp_path / "set")
    tree.photo("a.jpg")
    tree.text("a.json", document(*shapes, **more))
    reading = reading_of(tree)
    return reading.photos[0] if reading.photos else None, reading.findings


@pytest.mark.parametrize(
    ("drawn", "box"),
    [
        (RECTANGLE, BOX),
        (shape([[4, 5], [34, 5], [34, 35], [4, 35]], "rectangle"), BOX),
        (shape([[4, 20], [20, 35], [34, 5]]), BOX),
        ({"label": "dog", "points": [[4, 20], [20, 35], [34, 5]]}, BOX),
        ({"label": "dog", "points": [[34, 5], [4, 35]]}, BOX),
        (shape([[19, 20], [19, 35]], "circle"), (4, 5, 34, 35)),
        (shape([[4, 5], [33, 34]], "mask", mask="iVBORw0KGgo="), BOX),
        (shape([[19, 5], [34, 20], [19, 35], [4, 20]], "rotation", direction=0.78), BOX),
        (shape([[19, 5], [34, 20], [19, 35], [4, 20]], "oriented_rectangle"), BOX),
        (shape([["34", "5"], ["4", "35"]], "rectangle"), BOX),
    ],
)
def test_shapes_become_boxes(tmp_path, drawn, box):
    photo, findings = read_one(tmp_path, drawn)
    assert [(mark.name, mark.box_xyxy) for mark in photo.marks] == [("dog", pytest.approx(box))]
    assert photo.stated_wh == (64, 48)
    turned = drawn.get("shape_type") in ("rotation", "oriented_rectangle")
    assert [finding.kind for finding in findings] == ["shapes_hulled"] * turned


@pytest.mark.parametrize(
    ("drawn", "problem"),
    [
        (shape([[4, 5]], "rectangle"), "Shape 2 .dog. does not have the points"),
        (shape([[4, 5], [7, 9], [8, 8]], "circle"), "does not have the points"),
        (shape(None), "does not have the points"),
        (shape([[4, float("nan")], [7, 9]], "rectangle"), "does not have the points"),
        (shape([[4, 10**400], [7, 9]], "rectangle"), "does not have the points"),
        (shape([[4, 5], [7, 9]], "spiral"), "unknown type, 'spiral'"),
        (shape([[4, 5], [7, 9]], "rectangle", label=""), "has no class"),
        (shape([[4, 5], [7, 9]], "rectangle", label=None), "has no class"),
        ("nonsense", "does not have the points"),
        (None, "does not have the points"),
    ],
)
def test_broken_shapes_are_told(tmp_path, drawn, problem):
    photo, (finding,) = read_one(tmp_path, RECTANGLE, drawn)
    assert [mark.box_xyxy for mark in photo.marks] == [BOX]
    assert finding.kind == "box_damaged"
    assert re.search(problem, problem_sentence(finding))


def test_points_and_lines_are_counted_and_make_no_photo_without_objects(tmp_path):
    marks = [shape([[4, 5]], "point"), shape([[4, 5], [9, 9]], "line"), shape([[4, 5], [9, 9]], "linestrip")]
    photo, (finding,) = read_one(tmp_path, RECTANGLE, *marks)
    assert (len(photo.marks), finding.kind, finding.values["shapes"]) == (1, "shapes_skipped", 3)
    photo, (finding,) = read_one(tmp_path / "points", *marks)
    assert photo is None and finding.values["shapes"] == 3


def test_a_file_without_shapes_is_a_photo_without_objects(tmp_path):
    photo, findings = read_one(tmp_path)
    assert photo.marks == () and not findings


def test_flags_and_difficult_objects(tmp_path):
    photo, _ = read_one(tmp_path, RECTANGLE | {"difficult": True}, RECTANGLE | {"flags": {"truncated": True}})
    assert [(mark.difficult, mark.truncated) for mark in photo.marks] == [(True, False), (False, True)]


def test_outlines_of_one_group_are_one_object_unless_the_user_decides_otherwise(tmp_path):
    parts = [shape([[4, 5], [9, 5], [9, 9]], group_id=1), shape([[30, 30], [34, 30], [34, 35]], group_id=1)]
    photo, (finding,) = read_one(tmp_path, *parts, RECTANGLE, shape([[40, 5], [50, 5], [50, 9]], group_id=2))
    assert [mark.box_xyxy for mark in photo.marks] == [BOX, BOX, (40, 5, 50, 9)]
    assert (finding.kind, finding.action, len(photo.readings[0].marks)) == ("shapes_grouped", "fix", 4)
    dataset = import_dataset(tmp_path / "set", decisions={"shapes_grouped": "keep"}, workspace=workspace_in(tmp_path))
    assert dataset.boxes == 4


def test_a_group_that_a_converter_always_writes_joins_nothing(tmp_path):
    parts = [shape([[4, 5], [9, 5], [9, 9]], group_id=0), shape([[30, 30], [34, 30], [34, 35]], group_id=0)]
    photo, findings = read_one(tmp_path, *parts)
    assert len(photo.marks) == 2 and not findings and not photo.readings


@pytest.mark.parametrize(
    ("photo", "file", "written"),
    [
        ("images/a.jpg", "labels/a.json", "..\\images\\a.jpg"),
        ("images/a.jpg", "labels/a.json", "C:\\Users\\anna\\IMG_1.JPG"),
        ("a.jpg", "a.json", ""),
        ("a.jpg", "a.jpg.json", "old.png"),
        ("a.png", "a.json", "a.jpg"),
        ("images/Ä ö.jpg", "Ä ö.json", "x.jpg"),
        ("images/a.jpg", "labels/other.json", "../images/a.jpg"),
    ],
)
def test_photos_are_found_by_the_files_name_then_by_the_path(tmp_path, photo, file, written):
    tree = Tree(tmp_path / "set")
    tree.photo(photo)
    tree.text(file, document(RECTANGLE, name=written))
    assert [str(found.photo) for found in reading_of(tree).photos] == [photo]


def test_a_stale_path_does_not_lead_to_another_photo(tmp_path):
    tree = Tree(tmp_path / "set")
    for name in ("a", "b"):
        tree.photo(f"{name}.jpg")
        tree.text(f"{name}.json", document(RECTANGLE | {"label": name}, name="a.jpg"))
    assert {str(photo.photo): photo.marks[0].name for photo in reading_of(tree).photos} == {"a.jpg": "a", "b.jpg": "b"}


def test_a_photo_inside_the_json_only_is_told(tmp_path):
    tree = Tree(tmp_path / "set")
    tree.photo("a.jpg")
    tree.text("a.json", document(RECTANGLE))
    tree.text("b.json", document(RECTANGLE, name="b.jpg", imageData="/9j/4AAQ"))
    tree.text("c.json", document(RECTANGLE, name="c.jpg"))
    told = {finding.file: problem_sentence(finding) for finding in reading_of(tree).findings}
    assert "inside the JSON only" in told["b.json"] and "There is no photo called 'c.jpg'" in told["c.json"]


def test_photos_inside_the_json_only_are_told_if_there_are_no_others(tmp_path):
    tree = Tree(tmp_path / "set")
    tree.text("b.json", document(RECTANGLE, name="b.jpg", imageData="/9j/4AAQ"))
    with pytest.raises(DatasetError, match="1 JSON file that may have them inside"):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))


@pytest.mark.parametrize(
    "content", ["", '{"imageData": "/9j/4A', '{"shapes": [{"label": "dog", "poi', "[" * 100_000, "\0"]
)
def test_a_file_cut_short_costs_its_photo(tmp_path, content):
    tree = Tree(tmp_path / "set")
    for name in ("a", "b"):
        tree.photo(f"{name}.jpg")
        tree.text(f"{name}.json", document(RECTANGLE) if name == "a" else content)
    reading = reading_of(tree)
    assert [str(photo.photo) for photo in reading.photos] == ["a.jpg"]
    (finding,) = reading.findings
    assert (finding.kind, finding.file, finding.photos) == ("labels_damaged", "b.json", ("b.jpg",))


def test_the_list_of_classes(tmp_path):
    tree = Tree(tmp_path / "set")
    tree.photo("a.jpg")
    tree.text("a.json", document(RECTANGLE, shape([[1, 1], [9, 9]], "rectangle", label="__ignore__")))
    tree.text("labels.txt", "__ignore__\n_background_\ncat\ndog\n")
    reading = reading_of(tree)
    assert reading.classes == ("cat", "dog") and len(reading.photos[0].marks) == 1


def test_a_folder_is_imported(tmp_path):
    tree = Tree(tmp_path / "set")
    for number in range(4):
        tree.photo(f"train/{number}.jpg", "train")
        tree.text(f"train/{number}.json", document(RECTANGLE, name=f"{number}.jpg"))
    tree.photo("val/9.jpg", "val")
    tree.text("val/9.json", document(name="9.jpg"))
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert (dataset.format, dataset.boxes, dataset.classes) == ("labelme", 4, ("dog",))
    assert {record.sha256: record.split for record in dataset.images} == tree.splits
