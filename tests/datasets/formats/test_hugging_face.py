"""Hugging Face's metadata.jsonl."""

import json

import pytest

from autodet.datasets.formats import hugging_face
from autodet.datasets.formats.source_files import list_files
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from autodet.messages.findings import problem_sentence
from tests.datasets.formats.layouts import Tree
from tests.helpers import workspace_in

XYWH, CORNERS = [4, 5, 30, 30], [4, 5, 34, 35]
BOX = (4, 5, 34, 35)
CARD = """---
license: mit
dataset_info:
{configs}
---

# Pets
names: no
"""
CONFIG = """{dash}features:
  - name: image
    dtype: image
  - name: scene
    dtype:
      class_label:
        names:
          '0': indoors
  - name: objects
    {kind}:
    - name: bbox
      sequence: float32
    - name: category
      dtype:
        class_label:
          names:
            '0': {first}
            '1': dog
"""


def row(objects, name="a.jpg", **more):
    return {"file_name": name, "width": 64, "height": 48, "objects": objects} | more


def reading_of(tmp_path, rows, photos=("a.jpg", "b.jpg", "c.jpg"), **files):
    tree = Tree(tmp_path / "set")
    for photo in photos:
        tree.photo(photo)
    tree.text("metadata.jsonl", "".join(json.dumps(one) + "\n" for one in rows))
    for name, content in files.items():
        tree.text(name.replace("_json", ".json").replace("_md", ".md"), content)
    listing = list_files(tree.root, 1000)
    assert hugging_face.unmet(listing) is None
    return hugging_face.read(listing)


@pytest.mark.parametrize(
    "one",
    [
        row({"bbox": [XYWH], "categories": ["dog"]}),
        row({"bbox": [XYWH], "category": ["dog"], "area": [900], "id": [7]}),
        row({"bboxes": [XYWH], "labels": ["dog"]}),
        row([{"bbox": XYWH, "category": "dog"}]),
        row([{"bbox": [str(side) for side in XYWH], "label": "dog"}]),
        {"image": "a.jpg", "bbox": [XYWH], "label": ["dog"]},
        {"image": {"path": "a.jpg", "bytes": None}, "objects": {"bbox": [XYWH], "class": ["dog"]}},
        {"image_id": "a", "objects": {"bbox": [XYWH], "name": ["dog"]}},
    ],
)
def test_rows(tmp_path, one):
    reading = reading_of(tmp_path, [one])
    (photo,) = reading.photos
    assert [(mark.name, mark.box_xyxy) for mark in photo.marks] == [("dog", BOX)]
    assert photo.notation == "top_left" and not reading.findings


@pytest.mark.parametrize(
    ("rows", "notation"),
    [
        ([row({"bbox": [CORNERS], "category": ["dog"], "area": [900]})], "corners"),
        ([row({"bbox": [[30, 20, 60, 40]], "category": ["dog"]})], "corners"),
        ([row({"bbox": [[4, 5, 10, 20]], "category": ["dog"]})], "top_left"),
        ([row({"bbox": [[4, 5, 9, 9]] * 20 + [[30, 20, 36, 40]], "category": ["dog"] * 21})], "top_left"),
        ([row({"bbox": [[40, 20, 20, 25]], "category": ["dog"]})], "top_left"),
        ([row({"bbox": [[30, 20, 60, 40]], "category": ["dog"]}, width=None)], "top_left"),
        (
            [
                row({"bbox": [[34, 5, 60, 9]], "category": ["dog"]}),
                row({"bbox": [[30, 20, 60, 40]], "category": ["dog"]}),
            ],
            "corners",
        ),
        (
            [
                row({"bbox": [[40, 20, 20, 8]], "category": ["dog"]}),
                row({"bbox": [[9, 9, 60, 40]], "category": ["dog"]}),
            ],
            "top_left",
        ),
    ],
)
def test_the_notation_is_decided_over_all_rows(tmp_path, rows, notation):
    reading = reading_of(tmp_path, rows)
    assert {photo.notation for photo in reading.photos} == {notation}
    assert [finding.kind for finding in reading.findings] == ["boxes_reread"] * (notation == "corners")


def test_fractions(tmp_path):
    (photo,) = reading_of(tmp_path, [row({"bbox": [[0.25, 0.5, 0.5, 0.25]], "category": ["dog"]})]).photos
    assert photo.relative and photo.marks[0].box_xyxy == (0.25, 0.5, 0.75, 0.75)


NUMBERED = [row({"bbox": [XYWH, [1, 1, 9, 9]], "category": [1, 0]})]
INFOS = {
    "default": {
        "features": {
            "image": {"_type": "Image"},
            "objects": {"feature": {"bbox": {}, "category": {"names": ["cat", "dog"], "_type": "ClassLabel"}}},
        }
    }
}


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"README_md": CARD.format(configs=CONFIG.format(dash="  ", kind="sequence", first="cat"))}, ["dog", "cat"]),
        ({"README_md": CARD.format(configs=CONFIG.format(dash="- ", kind="list", first="cat"))}, ["dog", "cat"]),
        ({"dataset_infos_json": json.dumps(INFOS)}, ["dog", "cat"]),
        ({"README_md": "# Pets, without a head\n"}, ["class_1", "class_0"]),
        ({"README_md": "---\n: [broken\n---\n"}, ["class_1", "class_0"]),
        ({}, ["class_1", "class_0"]),
    ],
)
def test_names_of_numbers(tmp_path, files, names):
    reading = reading_of(tmp_path, NUMBERED, **files)
    assert [mark.name for mark in reading.photos[0].marks] == names
    assert [finding.kind for finding in reading.findings] == ["names_missing"] * (names[0] == "class_1")


def test_configurations_that_name_the_numbers_differently_are_a_question(tmp_path):
    two = "".join(CONFIG.format(dash="- ", kind="sequence", first=first) for first in ("cat", "horse"))
    reading = reading_of(tmp_path, NUMBERED, README_md=CARD.format(configs=two))
    assert [(finding.kind, finding.action) for finding in reading.findings] == [("names_differ", "stop")]
    assert "class 0 is 'cat' in the first and 'horse'" in problem_sentence(reading.findings[0])


@pytest.mark.parametrize(
    ("objects", "problem"),
    [
        ({"bbox": [XYWH, [1, 2, 3]], "category": ["dog", "dog"]}, "Object 2 has no bbox of four numbers"),
        ({"bbox": [XYWH, None], "category": ["dog", "dog"]}, "Object 2 has no bbox of four numbers"),
        ({"bbox": [XYWH, XYWH], "category": ["dog", ""]}, "Shape 2 has no class"),
        ({"bbox": [XYWH, XYWH], "category": ["dog", None]}, "Shape 2 has no class"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, objects, problem):
    reading = reading_of(tmp_path, [row(objects)])
    assert [len(photo.marks) for photo in reading.photos] == [1]
    assert [problem in problem_sentence(finding) for finding in reading.findings] == [True]


def test_lists_of_different_lengths_do_not_get_each_others_classes(tmp_path):
    reading = reading_of(tmp_path, [row({"bbox": [XYWH, XYWH], "category": ["dog"]})])
    assert not reading.photos and {finding.kind for finding in reading.findings} == {"box_damaged"}


def test_photos_without_objects_and_without_labels(tmp_path):
    rows = [row({"bbox": [XYWH], "category": ["dog"]}), row({"bbox": [], "category": []}, "b.jpg"), row(None, "c.jpg")]
    reading = reading_of(tmp_path, rows)
    assert {str(photo.photo): len(photo.marks) for photo in reading.photos} == {"a.jpg": 1, "b.jpg": 0}


def test_a_broken_line_is_told_with_its_number(tmp_path):
    tree = Tree(tmp_path / "set")
    tree.photo("a.jpg")
    tree.text("metadata.jsonl", json.dumps(row({"bbox": [XYWH], "category": ["dog"]})) + '\n\n{"file_name": "b\n[1]\n')
    reading = hugging_face.read(list_files(tree.root, 1000))
    assert [problem_sentence(finding) for finding in reading.findings] == [
        "Line 3: The JSON is broken and cannot be read."
    ]


def test_parquet_is_not_read(tmp_path):
    tree = Tree(tmp_path / "set")
    tree.photo("a.jpg")
    tree.text("data/train-00000.parquet", "PAR1")
    with pytest.raises(DatasetError, match=r"train-00000\.parquet: Parquet is not read; save the data set as an image"):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))
