"""Exports and projects of the VGG Image Annotator."""

import json
from math import pi

import pytest

from autodet.datasets.formats import via
from autodet.datasets.formats.source_files import list_files
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from autodet.messages.findings import problem_sentence
from tests.datasets.formats.layouts import Tree
from tests.helpers import workspace_in

RECT = {"name": "rect", "x": 4, "y": 5, "width": 30, "height": 30}
BOX = (4, 5, 34, 35)


def region(shape=RECT, **attributes):
    return {"shape_attributes": shape, "region_attributes": attributes}


def export(**photos):
    return {
        f"{name}.jpg123": {"filename": f"{name}.jpg", "size": 123, "regions": regions, "file_attributes": {}}
        for name, regions in photos.items()
    }


def project(document, attributes=None):
    settings = {"ui": {}, "core": {}, "project": {"name": "p"}}
    own = {"region": attributes or {}, "file": {}}
    return {"_via_settings": settings, "_via_img_metadata": document, "_via_attributes": own}


def version_3(*places, names=("class",), values=("0",), options=None):
    attributes = {
        str(number): {"aname": name, "anchor_id": "FILE1_Z0_XY1", "type": 4, "options": options or {"0": "dog"}}
        for number, name in enumerate(names, start=1)
    }
    marks = {
        f"1_{number}": {"vid": "1", "flg": 0, "z": [], "xy": place, "av": dict(zip(attributes, values, strict=False))}
        for number, place in enumerate(places)
    }
    files = {
        "1": {"fid": "1", "fname": "a.jpg", "type": 2, "loc": 1, "src": ""},
        "2": {"fid": "2", "fname": "b.mp4", "type": 4, "loc": 1, "src": ""},
    }
    views = {"1": {"fid_list": ["1"]}, "2": {"fid_list": ["2"]}}
    return {"project": {}, "config": {}, "attribute": attributes, "file": files, "view": views, "metadata": marks}


def reading_of(tmp_path, *documents, photos=("a.jpg", "b.jpg", "c.jpg")):
    tree = Tree(tmp_path / "set")
    for photo in photos:
        tree.photo(photo)
    for number, document in enumerate(documents):
        tree.text(f"via_{number}.json", json.dumps(document))
    listing = list_files(tree.root, 1000)
    assert via.unmet(listing) is None
    return via.read(listing)


def marks_of(reading):
    return {str(photo.photo): [(mark.name, mark.box_xyxy) for mark in photo.marks] for photo in reading.photos}


@pytest.mark.parametrize(
    ("shape", "place"),
    [
        (RECT, [2, 4, 5, 30, 30]),
        ({"name": "polygon", "all_points_x": [4, 20, 34], "all_points_y": [20, 35, 5]}, [7, 4, 20, 20, 35, 34, 5]),
        (
            {"name": "polyline", "all_points_x": [4, 20, 34, 4], "all_points_y": [20, 35, 5, 20]},
            [6, 4, 20, 20, 35, 34, 5, 4, 20],
        ),
        ({"name": "circle", "cx": 19, "cy": 20, "r": 15}, [3, 19, 20, 15]),
        ({"name": "ellipse", "cx": 19, "cy": 20, "rx": 15, "ry": 15}, [4, 19, 20, 15, 15]),
        ({"name": "ellipse", "cx": 19, "cy": 20, "rx": 15, "ry": 15, "theta": pi / 3}, [8, 4, 9, 9, 5, 34, 9, 9, 35]),
    ],
)
def test_shapes_become_boxes_in_all_versions(tmp_path, shape, place):
    marks = [region(shape, kind="dog")]
    for name, document in {
        "1": export(a={"0": marks[0]}),
        "2": export(a=marks),
        "project": project(export(a=marks)),
        "3": version_3(place),
    }.items():
        found = marks_of(reading_of(tmp_path / name, document))
        assert found == {"a.jpg": [("dog", pytest.approx(BOX))]}, name


def test_a_turned_ellipse(tmp_path):
    shape = {"name": "ellipse", "cx": 30, "cy": 20, "rx": 10, "ry": 4, "theta": pi / 2}
    reading = reading_of(tmp_path, export(a=[region(shape, kind="dog")]))
    assert marks_of(reading) == {"a.jpg": [("dog", pytest.approx((26, 10, 34, 30)))]}


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        ({"name": "rect", "x": 4, "y": None, "width": 3, "height": 3}, "Region 2 does not have the numbers"),
        ({"name": "polygon", "all_points_x": [4], "all_points_y": [5, 6]}, "Region 2 does not have the numbers"),
        ({"name": "circle", "cx": 4, "cy": 4, "r": "wide"}, "Region 2 does not have the numbers"),
        ({"name": "star"}, "unknown shape, 'star'"),
        (None, "unknown shape"),
    ],
)
def test_broken_regions_are_told(tmp_path, shape, problem):
    reading = reading_of(tmp_path, export(a=[region(kind="dog"), region(shape, kind="dog")]))
    assert marks_of(reading) == {"a.jpg": [("dog", BOX)]}
    assert [problem in problem_sentence(finding) for finding in reading.findings] == [True]


@pytest.mark.parametrize(
    ("attributes", "name", "kinds"),
    [
        ([{"kind": "dog"}, {"kind": "dog "}], "dog", []),
        ([{"kind": {"dog": True, "cat": False}}] * 2, "dog", []),
        ([{"label": "dog", "colour": "red"}, {"label": "dog", "colour": "blue"}], "dog", ["attribute_chosen"]),
        ([{"fruit": "dog", "note": "wet"}] + [{"fruit": "dog", "note": ""}] * 3, "dog", ["attribute_chosen"]),
        ([{"fruit": "dog", "track": str(n)} for n in range(12)], "dog", ["attribute_chosen"]),
        ([{"fruit": "dog", "colour": "red"}] * 4, "dog", ["attribute_unclear"]),
        ([{}] * 2, "object", ["names_missing"]),
        ([{"name": ""}] * 2, "object", ["names_missing"]),
        ([{"balloon": ""}] * 2, "balloon", ["names_missing"]),
    ],
)
def test_the_attribute_of_the_class(tmp_path, attributes, name, kinds):
    marks = [region(RECT | {"x": number}, **own) for number, own in enumerate(attributes)]
    reading = reading_of(tmp_path, export(a=marks))
    assert [finding.kind for finding in reading.findings] == kinds
    if kinds != ["attribute_unclear"]:
        assert {mark.name for mark in reading.photos[0].marks} == {name}
        assert len(reading.photos[0].marks) == len(marks)


def test_an_attribute_with_options_is_the_class_and_its_numbers_have_texts(tmp_path):
    defined = {
        "fruit": {"type": "dropdown", "options": {"1": "dog", "2": "cat"}, "default_options": {}},
        "colour": {"type": "text"},
    }
    marks = [region(fruit="1", colour="red"), region(RECT | {"x": 9}, fruit="2", colour="red")]
    reading = reading_of(tmp_path, project(export(a=marks), defined))
    assert [mark.name for mark in reading.photos[0].marks] == ["dog", "cat"]
    assert [finding.kind for finding in reading.findings] == ["attribute_chosen"]
    both = reading_of(tmp_path / "3", version_3([2, 4, 5, 30, 30], values=["0,1"], options={"0": "dog", "1": "cat"}))
    assert [mark.name for mark in both.photos[0].marks] == ["dog", "cat"]


def test_an_unclear_attribute_stops_an_import(tmp_path):
    tree = Tree(tmp_path / "set")
    tree.photo("a.jpg")
    marks = [region(fruit="dog", colour="red"), region(RECT | {"x": 9}, fruit="cat", colour="red")]
    tree.text("a.json", json.dumps(export(a=marks)))
    with pytest.raises(DatasetError, match=r"several attributes, .*; name that of the class 'class', or agree to use"):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))
    agreed = import_dataset(tree.root, decisions={"attribute_unclear": "keep"}, workspace=workspace_in(tmp_path))
    assert agreed.boxes == 2


def test_the_class_is_decided_over_all_files(tmp_path):
    one = export(a=[region(fruit="dog", label="")])
    other = export(b=[region(fruit="cat", label="x")], c=[region(fruit="cat", label="")])
    reading = reading_of(tmp_path, one, other)
    assert {name: marks[0][0] for name, marks in marks_of(reading).items()} == {
        "a.jpg": "dog",
        "b.jpg": "cat",
        "c.jpg": "cat",
    }


def test_photos_without_regions(tmp_path):
    few = reading_of(tmp_path / "few", export(a=[region(kind="dog")], b=[]))
    assert marks_of(few) == {"a.jpg": [("dog", BOX)], "b.jpg": []}
    many = reading_of(tmp_path / "many", project(export(a=[region(kind="dog")], b=[], c=[])))
    assert set(marks_of(many)) == {"a.jpg"}


def test_files_named_after_splits(tmp_path):
    tree = Tree(tmp_path / "set")
    for name, split in {"a": "train", "b": "train", "c": "val"}.items():
        tree.photo(f"images/{name}.jpg", split)
    marks = [region(kind="dog")]
    tree.text("via_train.json", json.dumps(export(a=marks, b=marks)))
    tree.text("via_val.json", json.dumps(export(c=marks)))
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert {record.sha256: record.split for record in dataset.images} == tree.splits
