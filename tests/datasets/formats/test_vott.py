"""VoTT's JSON."""

import json

import pytest

from autodet.datasets.formats import vott
from autodet.datasets.formats.source_files import list_files
from autodet.messages.findings import problem_sentence
from tests.datasets.formats.layouts import Tree

BOX = (4, 5, 34, 35)
POINTS = [{"x": 4, "y": 5}, {"x": 34, "y": 5}, {"x": 34, "y": 35}, {"x": 4, "y": 35}]
BOUNDS = {"left": 4, "top": 5, "width": 30, "height": 30}


def region(tags=("dog",), **more):
    return {"id": "r", "type": "RECTANGLE", "tags": list(tags), "boundingBox": BOUNDS, "points": POINTS} | more


def asset(*regions, name="a.jpg", state=2, **more):
    about = {"format": "jpg", "id": "0a1b", "name": name, "path": f"file:C:/Users/anna/{name}", "type": 1}
    return {"asset": about | {"size": {"width": 64, "height": 48}, "state": state} | more, "regions": list(regions)}


def export(*assets):
    return {"name": "p", "tags": [{"name": "dog"}, {"name": "cat"}], "assets": dict(enumerate(assets))}


def reading_of(tmp_path, files, photos=("a.jpg", "b.jpg", "c.jpg")):
    tree = Tree(tmp_path / "set")
    for photo in photos:
        tree.photo(photo)
    for name, document in files.items():
        tree.text(name, json.dumps(document))
    listing = list_files(tree.root, 1000)
    assert vott.unmet(listing) is None
    return vott.read(listing)


@pytest.mark.parametrize(
    "files",
    [
        {"vott-json-export/p-export.json": export(asset(region()))},
        {"0a1b-asset.json": asset(region()), "p.vott": {"assets": {"0a1b": asset()["asset"]}, "tags": []}},
        {"p-export.json": export(asset(region(boundingBox=None)))},
        {"p-export.json": export(asset(region(points=None), path="https://x/y/a.jpg?sv=1", name="a.jpg"))},
    ],
)
def test_regions_become_boxes(tmp_path, files):
    reading = reading_of(tmp_path, files)
    (photo,) = reading.photos
    assert [(mark.name, mark.box_xyxy) for mark in photo.marks] == [("dog", BOX)]
    assert photo.stated_wh == (64, 48) and not reading.findings


def test_photos_that_nobody_looked_at_are_unlabelled(tmp_path):
    assets = [asset(region()), asset(name="b.jpg", state=1), asset(name="c.jpg", state=0)]
    reading = reading_of(tmp_path, {"p.json": export(*assets)})
    assert {str(photo.photo): len(photo.marks) for photo in reading.photos} == {"a.jpg": 1, "b.jpg": 0}
    assert reading.classes == ("cat", "dog")


def test_several_tags_are_a_box_each(tmp_path):
    reading = reading_of(tmp_path, {"p.json": export(asset(region(["dog", "cat"]), region(type="POINT")))})
    assert [mark.name for mark in reading.photos[0].marks] == ["dog", "cat"]
    assert {finding.kind for finding in reading.findings} == {"classes_several", "shapes_skipped"}


@pytest.mark.parametrize(
    ("damaged", "problem"),
    [
        (region([]), "Shape 2 has no class"),
        (region(boundingBox={"left": 4}, points="text"), "Region 2 does not have the numbers"),
        (None, "Region 2 does not have the numbers"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, damaged, problem):
    reading = reading_of(tmp_path, {"p.json": export(asset(region(), damaged))})
    assert [len(photo.marks) for photo in reading.photos] == [1]
    assert [problem in problem_sentence(finding) for finding in reading.findings] == [True]


def test_names_with_spaces_and_folders_of_the_same_names(tmp_path):
    assets = [
        asset(region(), name="photo 1.jpg", path="file:C:/x/one/photo%201.jpg"),
        asset(region(["cat"]), name="photo 1.jpg", path="file:C:/x/two/photo%201.jpg"),
    ]
    reading = reading_of(tmp_path, {"p.json": export(*assets)}, ("one/photo 1.jpg", "two/photo 1.jpg"))
    assert {str(photo.photo): photo.marks[0].name for photo in reading.photos} == {
        "one/photo 1.jpg": "dog",
        "two/photo 1.jpg": "cat",
    }


def test_version_1(tmp_path):
    frame = {"x1": 8, "y1": 10, "x2": 68, "y2": 70, "width": 128, "height": 96, "tags": ["dog"], "type": "Rectangle"}
    document = {
        "frames": {"a.jpg": [frame], "b.jpg": [], "c.jpg": []},
        "inputTags": "dog,cat",
        "visitedFrames": ["a.jpg", "b.jpg"],
    }
    reading = reading_of(tmp_path, {"set.json": document})
    assert {str(photo.photo): len(photo.marks) for photo in reading.photos} == {"a.jpg": 1, "b.jpg": 0}
    assert reading.photos[0].relative and reading.photos[0].marks[0].box_xyxy == pytest.approx(
        (4 / 64, 5 / 48, 34 / 64, 35 / 48)
    )
