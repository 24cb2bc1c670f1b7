"""All JSON formats: none of them claims another one's files, and hostile files never raise."""

import json
from collections import Counter

import pytest

from autodet.datasets.formats.format_detection import FORMATS, find_format
from autodet.datasets.formats.source_files import Listing, list_files
from autodet.messages.imports import detection_sentence
from tests.datasets.formats.layouts import Tree, coco

PERCENT = {"x": 5, "y": 5, "width": 30, "height": 30, "rotation": 0, "rectanglelabels": ["dog"]}
REGION = {"shape_attributes": {"name": "rect", "x": 4, "y": 5, "width": 30, "height": 30}, "region_attributes": {}}
DOCUMENTS = {
    "coco": coco(["a.jpg"]),
    "labelme": {"shapes": [{"label": "dog", "points": [[4, 5], [34, 35]]}], "imagePath": "a.jpg"},
    "label_studio": [{"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"result": [{"value": PERCENT}]}]}],
    "createml": [
        {
            "image": "a.jpg",
            "annotations": [{"label": "dog", "coordinates": {"x": 9, "y": 9, "width": 9, "height": 9}}],
        }
    ],
    "via": {"a.jpg1": {"filename": "a.jpg", "size": 1, "regions": [REGION], "file_attributes": {}}},
    "vott": {"assets": {"x": {"asset": {"name": "a.jpg"}, "regions": [{"tags": ["dog"], "boundingBox": {}}]}}},
    "hugging_face": {"file_name": "a.jpg", "objects": {"bbox": [[4, 5, 30, 30]], "category": ["dog"]}},
}
MINIMAL = [{"image": "a.jpg", "label": [PERCENT | {"original_width": 64, "original_height": 48}], "annotator": 1}]
OF_ANOTHER_PROGRAM = [
    {"size": {"height": 48}, "tags": [], "objects": [{"classTitle": "dog"}]},
    {"annotations": [], "data": {}},
    {"regions": {}, "shapes": {}, "assets": []},
    [{"annotations": [], "bbox": 3}],
    [[]],
    "shapes",
    None,
]


def met(tmp_path, document, ending=".json"):
    tree = Tree(tmp_path / "set")
    tree.photo("a.jpg")
    tree.text(f"a{ending}", json.dumps(document))
    listing = list_files(tree.root, 1000)
    return [name for name in FORMATS if FORMATS[name].unmet(listing) is None]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_format_claims_its_own_files_only(tmp_path, name):
    assert met(tmp_path, DOCUMENTS[name], ".jsonl" if name == "hugging_face" else ".json") == [name]


def test_json_min_is_label_studios(tmp_path):
    assert met(tmp_path, MINIMAL) == ["label_studio"]


@pytest.mark.parametrize("document", OF_ANOTHER_PROGRAM)
def test_other_documents_are_of_no_format(tmp_path, document):
    assert met(tmp_path, document) == []


def test_the_reasons_against_the_other_formats_are_said_once(tmp_path):
    tree = Tree(tmp_path / "set")
    tree.photo("a.jpg")
    tree.text("a.json", json.dumps(DOCUMENTS["labelme"]))
    detection = find_format(list_files(tree.root, 1000), "auto", "set")
    sentence = detection_sentence(detection.format, detection.unmet, asked=False)
    assert sentence.startswith("Detected as Labelme: for COCO, a.json: The JSON is not COCO")
    assert "there is no" not in sentence, "files that are missing say nothing"


@pytest.mark.parametrize("name", ["coco", "labelme"])
def test_files_are_read_once_to_tell_the_formats_apart(tmp_path, monkeypatch, name):
    tree = Tree(tmp_path / "set")
    for number in range(30):
        tree.photo(f"{number}.jpg")
        tree.text(f"{number}.json", json.dumps(DOCUMENTS[name]))
    reads = Counter()
    read = Listing.read
    monkeypatch.setattr(Listing, "read", lambda self, path, limit: reads.update([path]) or read(self, path, limit))
    assert find_format(list_files(tree.root, 1000), "auto", "set").format == name
    assert reads.keys() == {f"{number}.json" for number in range(30)}
    assert reads.total() <= 30 + 3


def variants(value):
    """Yield a document with each of its parts replaced by something hostile."""
    yield from (None, [], {}, "x", -1, 1e308, float("nan"), True, [[[]]], {"a": {"b": []}})
    if isinstance(value, dict):
        for key, inner in value.items():
            yield {other: one for other, one in value.items() if other != key}
            yield from (value | {key: changed} for changed in variants(inner))
    if isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ([*value[:place], changed, *value[place + 1 :]] for changed in variants(inner))


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name != "coco"])
def test_hostile_parts_end_in_findings(tmp_path, name):
    tree = Tree(tmp_path / "set")
    tree.photo("a.jpg")
    ending = ".jsonl" if name == "hugging_face" else ".json"
    for document in variants(DOCUMENTS[name]):
        tree.text(f"a{ending}", json.dumps(document))
        listing = list_files(tree.root, 1000)
        if FORMATS[name].unmet(listing) is None:
            for photo in FORMATS[name].read(listing).photos:
                assert all(mark.name and len(mark.box_xyxy) == 4 for mark in photo.marks)


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name != "coco"])
def test_a_broken_file_beside_a_good_one_costs_only_its_photos(tmp_path, name):
    tree = Tree(tmp_path / "set")
    tree.photo("a.jpg")
    tree.photo("b.jpg")
    ending = ".jsonl" if name == "hugging_face" else ".json"
    text = json.dumps(DOCUMENTS[name])
    tree.text(f"a{ending}", text)
    tree.text(f"b{ending}", text[: len(text) * 3 // 4])
    reading = FORMATS[name].read(list_files(tree.root, 1000))
    assert [str(photo.photo) for photo in reading.photos] in (["a.jpg"], [])
    assert any(finding.kind == "labels_damaged" for finding in reading.findings)
