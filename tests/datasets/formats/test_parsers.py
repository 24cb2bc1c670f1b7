"""Whatever stands in a label file: a data set or a sentence, never another error."""

import copy
import json
import shutil
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autodet.datasets.formats import coco_file, voc
from autodet.datasets.formats.yolo_lines import parse_row
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import AutodetError, DatasetError
from autodet.records import Mark
from tests.datasets.sources.hostile_files import DEFLATED, Entry, encoded, write_files, zip_of
from tests.helpers import draw_photo, voc_xml, workspace_in

pytestmark = pytest.mark.slow  # thousands of damaged files
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
BOXES = st.lists(st.lists(st.floats() | st.integers(0, 60), min_size=4, max_size=4), max_size=5)
PHOTO = encoded(draw_photo())
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
MANY = settings(max_examples=100, deadline=None, suppress_health_check=QUIET)
SOME = settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=QUIET)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=QUIET)


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
        mark = coco_file.parse_annotation(entry, {"1": "apple", "None": "pear"})
    except DatasetError:
        return
    assert isinstance(mark, Mark) and all(abs(corner) < 1e13 for corner in mark.box_xyxy)


@MANY
@given(
    st.text(max_size=60) | st.lists(st.floats(width=16).map(str), max_size=12).map(lambda words: "0 " + " ".join(words))
)
def test_any_yolo_line(line):
    try:
        row, values = parse_row(line)
    except DatasetError:
        return
    assert all(abs(value) < 1e6 for value in values) and row.number >= -1


def imported_or_refused(tmp_path_factory, files):
    """Import a photo beside some files; whatever happens must be foreseen, and leave nothing if it fails."""
    folder = write_files(tmp_path_factory.mktemp("set"), {"a.png": PHOTO} | files)
    foreseen(folder, workspace_in(tmp_path_factory.mktemp("home")))


def foreseen(source, workspace):
    try:
        dataset = import_dataset(source, "set", workspace=workspace, decisions={"large_loss": "keep"})
    except AutodetError as error:
        assert str(error).encode() and list(workspace.datasets.iterdir()) == []
    else:
        json.dumps(dataset.to_json()).encode()
        for record in dataset.images:
            boxes = record.annotations.boxes_xyxy
            assert boxes.min(initial=0) >= 0 and boxes.max(initial=0) <= max(record.width, record.height)
        shutil.rmtree(workspace.home)


@FEW
@given(DOCUMENT)
def test_any_coco_document(tmp_path_factory, document):
    imported_or_refused(tmp_path_factory, {"labels.json": json.dumps(document).encode()})


@FEW
@given(st.lists(BOXES, min_size=2, max_size=3))
def test_any_boxes_in_several_coco_files_of_a_photo(tmp_path_factory, boxes_of_files):
    files = {}
    for number, boxes in enumerate(boxes_of_files):
        entries = [{"image_id": 1, "category_id": 1, "bbox": box} for box in boxes]
        images, categories = [{"id": 1, "file_name": "a.png"}], [{"id": 1, "name": "apple"}]
        document = {"images": images, "annotations": entries, "categories": categories}
        files[f"{number}.json"] = json.dumps(document).encode()
    imported_or_refused(tmp_path_factory, files)


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
        box = coco_file.parse_annotation(entry, {"1": "apple"}).box_xyxy
    except DatasetError as error:
        assert "mask" in str(error)
    else:
        assert len(box) == 4


# What is valid, and then damaged

COCO = {
    "info": {"year": 2026},
    "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 20], "iscrowd": 0, "attributes": {"a": False}},
        {"id": 2, "image_id": 1, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9]]},
        {"id": 3, "image_id": 1, "category_id": 2, "segmentation": {"size": [48, 64], "counts": [10, 90, 2972]}},
        {"id": 4, "image_id": 1, "category_id": 2, "segmentation": {"size": [48, 64], "counts": "PPYo1"}},
    ],
    "categories": [{"id": 1, "name": "apple", "supercategory": "fruit"}, {"id": 2, "name": "pear"}],
}
DEEP = json.loads("[" * 900 + "]" * 900)
ODD = [
    *(None, True, -1, 1e308, float("nan"), float("inf"), 2**63, 10**4000),
    *("", "\0", "\ud800", "../../etc/passwd", "a" * 5000),
    *([], {}, [[]], [{}], {"a": []}, DEEP, [1, 2, 3, 4]),
]
YAML = b"path: ../data\ntrain: images/train\nval: [a, b]\nnc: 2\nnames:\n  0: apple\n  1: 'pear'\nkpt_shape: [17, 3]\n"
PIECES = [
    *(b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\t", b"\x1b[31m", b"\xe2\x80\xa8", b"\xed\xa0\x80"),
    *(b"[", b"{", b"- ", b": ", b"&x ", b"*x", b"? ", b"|\n", b"!!int ", b"1e999", b"nan", b"9" * 5000, b"../"),
    *(b"<a>", b"</object>", b"&amp;", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<?xml version='1.0' encoding='utf-16'?>"),
    *(b"PK\1\2", b"PK\5\6", b"\xff" * 4, b"\0" * 4),
]
EDIT = st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from(PIECES) | st.binary(max_size=2))
EDITS = st.lists(EDIT, min_size=1, max_size=6)


def damaged(content, edits):
    """Bytes in which some were replaced by others, each edit at a share of their length."""
    for share, length, piece in edits:
        at = int(share * len(content))
        content = content[:at] + piece + content[at + length :]
    return content


def places_in(document, path=()):
    if path:
        yield path
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inner:
        yield from places_in(value, (*path, key))


@pytest.mark.parametrize("odd", range(len(ODD)))
def test_any_value_anywhere_in_a_coco_file(tmp_path, odd):
    workspace = workspace_in(tmp_path)
    for place in places_in(COCO):
        document = copy.deepcopy(COCO)
        inner = document
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = ODD[odd]
        write_files(tmp_path / "set", {"a.png": PHOTO, "labels.json": json.dumps(document).encode()})
        foreseen(tmp_path / "set", workspace)


@SOME
@given(EDITS, st.sampled_from(["labels.json", "train/_annotations.coco.json", "annotations/instances_train2017.json"]))
def test_any_damage_to_a_coco_file(tmp_path_factory, edits, name):
    imported_or_refused(tmp_path_factory, {name: damaged(json.dumps(COCO).encode(), edits)})


@SOME
@given(EDITS, EDITS)
def test_any_damage_to_an_xml_file_and_a_list(tmp_path_factory, edits, more):
    files = {"a.xml": damaged(voc_xml("a.png").encode(), edits), "ImageSets/Main/train.txt": damaged(b"a 1\nb\n", more)}
    imported_or_refused(tmp_path_factory, files)


@SOME
@given(EDITS, EDITS, EDITS)
def test_any_damage_to_yolo_files(tmp_path_factory, edits, more, most):
    files = {"a.txt": damaged(b"0 .5 .5 .2 .2\n1 .1 .1 .9 .1 .9 .9\n", edits), "data.yaml": damaged(YAML, more)}
    files |= {"train.txt": damaged(b"./images/a.png\n", most), "classes.txt": damaged(b"apple\npear\n", most)}
    imported_or_refused(tmp_path_factory, files)


@SOME
@given(EDITS)
def test_any_damage_to_a_zip(tmp_path_factory, edits):
    entries = [
        Entry(b"a.png", PHOTO),
        Entry(b"d/a.xml", voc_xml("a.png").encode(), DEFLATED),
        Entry(b"b", b"x" * 99, 8),
    ]
    folder = write_files(tmp_path_factory.mktemp("set"), {"set.zip": damaged(zip_of(entries), edits)})
    foreseen(folder / "set.zip", workspace_in(folder))


HEADERS = list(product(range(46), (0, 1, 0x7F, 0xFF)))


@pytest.mark.parametrize("signature", [b"PK\1\2", b"PK\3\4", b"PK\5\6"])
def test_any_byte_in_a_header_of_a_zip(tmp_path, signature):
    whole = zip_of([Entry(b"a.png", PHOTO), Entry(b"a.xml", voc_xml("a.png").encode(), DEFLATED)], b"A note.")
    start = whole.rindex(signature)
    for offset, value in HEADERS:
        content = bytearray(whole)
        if start + offset < len(content):
            content[start + offset] = value
        (tmp_path / "set.zip").write_bytes(content)
        foreseen(tmp_path / "set.zip", workspace_in(tmp_path))
