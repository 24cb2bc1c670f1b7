"""Whatever stands in a label file: a data set or a sentence, never another error."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodet.datasets import coco, voc, yolo
from autodet.datasets.importing import import_dataset
from autodet.datasets.labels import Mark
from autodet.errors import AutodetError, DatasetError
from tests.helpers import draw_photo, voc_xml, workspace_in

NUMBERS = st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=5), st.none())
JSON = st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner))
MASK = st.fixed_dictionaries(
    {"size": st.lists(NUMBERS, max_size=3), "counts": st.lists(NUMBERS) | st.text(max_size=40)}
)
ENTRY = st.fixed_dictionaries(
    {"id": JSON, "image_id": JSON, "category_id": JSON},
    optional={"bbox": JSON | st.lists(NUMBERS, min_size=4, max_size=4), "segmentation": JSON | MASK, "iscrowd": JSON},
)
IMAGE = st.fixed_dictionaries(
    {"id": JSON, "file_name": st.just("a.png") | JSON}, optional={"width": NUMBERS, "height": NUMBERS}
)
DOCUMENT = st.fixed_dictionaries(
    {
        "images": st.lists(IMAGE | JSON, max_size=3),
        "annotations": st.lists(ENTRY | JSON, max_size=4),
        "categories": st.lists(st.fixed_dictionaries({"id": JSON, "name": JSON}) | JSON, max_size=3),
    }
)
SETTINGS = yolo.YoloSettings({0: "apple", 1: "pear"}, {})
MANY = settings(max_examples=300, deadline=None)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(st.binary(max_size=400))
def test_any_bytes_as_xml(content):
    try:
        voc.parse_voc(content)
    except DatasetError:
        return


@MANY
@given(st.lists(st.text(max_size=12), min_size=5, max_size=5))
def test_any_words_in_a_voc_mark(words):
    xml = voc_xml("a.png", marks=[("apple", ("1", "2", "3", "4"))])
    for old, new in zip(("apple", ">1<", ">2<", ">3<", ">4<"), words, strict=True):
        xml = xml.replace(old, f">{new}<" if old.startswith(">") else new)
    try:
        marks = voc.parse_voc(xml.encode("utf-8", "surrogatepass")).marks
    except DatasetError:
        return
    assert all(abs(corner) < float("inf") for mark in marks for corner in mark.box_xyxy)


@MANY
@given(ENTRY)
def test_any_coco_entry(entry):
    try:
        mark = coco.parse_annotation(entry, {"1": "apple", "None": "pear"})
    except DatasetError:
        return
    assert isinstance(mark, Mark) and all(abs(corner) < 1e13 for corner in mark.box_xyxy)


@MANY
@given(
    st.text(max_size=60) | st.lists(st.floats(width=16).map(str), max_size=12).map(lambda words: "0 " + " ".join(words))
)
def test_any_yolo_line(line):
    try:
        mark = yolo.parse_line(line, SETTINGS) if line.strip() else None
    except DatasetError:
        return
    assert mark is None or mark.name in ("apple", "pear")


def imported_or_refused(tmp_path_factory, files):
    """Import a photo beside some files; whatever happens must be foreseen, and leave nothing if it fails."""
    folder = tmp_path_factory.mktemp("set")
    draw_photo().save(folder / "a.png")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    workspace = workspace_in(tmp_path_factory.mktemp("home"))
    try:
        dataset = import_dataset(folder, "set", workspace=workspace)
    except AutodetError as error:
        assert str(error) and list(workspace.datasets.iterdir()) == []
    else:
        json.dumps(dataset.to_json()).encode()
        assert all(record.annotations.boxes_xyxy.min(initial=0) >= 0 for record in dataset.images)


@FEW
@given(DOCUMENT)
def test_any_coco_document(tmp_path_factory, document):
    imported_or_refused(tmp_path_factory, {"labels.json": json.dumps(document).encode()})


@FEW
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_yolo_files(tmp_path_factory, label, document):
    imported_or_refused(tmp_path_factory, {"a.txt": label, "data.yaml": document})


@FEW
@given(st.recursive(NUMBERS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner)))
def test_any_yolo_settings(tmp_path_factory, value):
    document = json.dumps({"names": value, "train": value, "val": value, "kpt_shape": value})
    imported_or_refused(tmp_path_factory, {"a.txt": b"0 .5 .5 .2 .2", "data.yaml": document.encode()})


@FEW
@given(st.binary(max_size=200))
def test_any_lists_and_xml(tmp_path_factory, content):
    imported_or_refused(tmp_path_factory, {"a.xml": voc_xml("a.png").encode() + content, "b.xml": content})


@pytest.mark.parametrize("counts", ["", "0" * 50, "~" * 50, "\x00", [0], [-1, 5], [5, -5], [1e8, 1e8], [10**8] * 50])
def test_masks_that_make_no_sense_are_sentences_or_boxes(counts):
    entry = {"category_id": 1, "segmentation": {"size": [48, 64], "counts": counts}}
    try:
        box = coco.parse_annotation(entry, {"1": "apple"}).box_xyxy
    except DatasetError as error:
        assert "mask" in str(error)
    else:
        assert len(box) == 4
