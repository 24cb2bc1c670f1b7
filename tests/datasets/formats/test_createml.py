"""CreateML's JSON."""

import json

import pytest

from autodet.datasets.formats import createml
from autodet.datasets.formats.source_files import list_files
from autodet.messages.findings import problem_sentence
from tests.datasets.formats.layouts import Tree

BOX = (4, 5, 34, 35)


def mark(x=19, y=20, width=30, height=30, label="dog", **more):
    return {"label": label, "coordinates": {"x": x, "y": y, "width": width, "height": height}} | more


def reading_of(tmp_path, document, photos=("a.jpg", "b.jpg")):
    tree = Tree(tmp_path / "set")
    for photo in photos:
        tree.photo(photo)
    tree.text("_annotations.createml.json", json.dumps(document))
    listing = list_files(tree.root, 1000)
    assert createml.unmet(listing) is None
    return createml.read(listing)


@pytest.mark.parametrize(
    "entry",
    [
        {"image": "a.jpg", "annotations": [mark()]},
        {"imagefilename": "a.jpg", "annotation": [mark()]},
        {"image": "images\\a.jpg", "annotations": [mark("19", "20", "30", "30")]},
        {"image": "a.jpg", "annotations": [mark(4, 5, anchor="topLeft")]},
        {"image": "a.jpg", "annotations": [mark(4, 35)], "anchor": "bottom-left"},
        {"image": "a.jpg", "annotations": [mark()], "units": "pixel", "origin": "topLeft", "anchor": "center"},
    ],
)
def test_boxes(tmp_path, entry):
    (photo,) = reading_of(tmp_path, [entry]).photos
    assert [(one.name, one.box_xyxy) for one in photo.marks] == [("dog", pytest.approx(BOX))]
    assert not photo.relative


@pytest.mark.parametrize(
    ("entry", "box"),
    [
        ({"image": "a.jpg", "annotations": [mark(0.5, 0.4, 0.2, 0.4)]}, (0.4, 0.2, 0.6, 0.6)),
        ({"image": "a.jpg", "annotations": [mark(0.5, 0.4, 0.2, 0.4)], "units": "normalized"}, (0.4, 0.2, 0.6, 0.6)),
        (
            {"image": "a.jpg", "annotations": [mark(0.5, 0.6, 0.2, 0.4, origin="bottomLeft", units="normalised")]},
            (0.4, 0.2, 0.6, 0.6),
        ),
    ],
)
def test_fractions(tmp_path, entry, box):
    (photo,) = reading_of(tmp_path, [entry]).photos
    assert photo.relative and photo.marks[0].box_xyxy == pytest.approx(box)


@pytest.mark.parametrize(
    ("damaged", "problem"),
    [
        (mark(x=None), "Annotation 2 does not have the numbers"),
        ({"label": "dog"}, "Annotation 2 does not have the numbers"),
        ("text", "Annotation 2 does not have the numbers"),
        (mark(label=""), "Shape 2 has no class"),
        (mark(anchor="middle"), "unknown origin or anchor"),
        (mark(origin="bottomLeft"), "unknown origin or anchor"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, damaged, problem):
    reading = reading_of(tmp_path, [{"image": "a.jpg", "annotations": [mark(), damaged]}])
    assert [len(photo.marks) for photo in reading.photos] == [1]
    assert [problem in problem_sentence(finding) for finding in reading.findings] == [True]


def test_photos_without_annotations_and_missing_photos(tmp_path):
    document = [
        {"image": "a.jpg", "annotations": [mark()]},
        {"image": "b.jpg", "annotations": []},
        {"image": "c.jpg", "annotations": [mark()]},
    ]
    reading = reading_of(tmp_path, document)
    assert {str(photo.photo): len(photo.marks) for photo in reading.photos} == {"a.jpg": 1, "b.jpg": 0}
    assert [finding.kind for finding in reading.findings] == ["photo_missing"]
