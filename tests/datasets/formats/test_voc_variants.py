"""Variants of Pascal VOC that tools and people write."""

import pytest

from autodet.datasets.formats.voc_file import parse_voc
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from tests.datasets.formats.layouts import Tree, read_source
from tests.helpers import voc_xml, workspace_in

BOX = "<bndbox><xmin>4</xmin><ymin>6</ymin><xmax>20</xmax><ymax>30</ymax></bndbox>"
PLAIN = f"<annotation><filename>a.jpg</filename><object><name>cat</name>{BOX}</object></annotation>"
TURNED = "<robndbox><cx>12</cx><cy>18</cy><w>{}</w><h>{}</h><angle>{}</angle></robndbox>"


def with_box(shape):
    return PLAIN.replace(BOX, shape)


SAME = {
    "plain": PLAIN,
    "capital root": PLAIN.replace("annotation>", "Annotation>"),
    "capitals": PLAIN.replace("name>", "Name>").replace("object>", "Object>").replace("bndbox>", "bndBox>"),
    "namespace": PLAIN.replace("<annotation>", '<annotation xmlns="http://example.org/voc">'),
    "prefix": PLAIN.replace("annotation>", "v:annotation>").replace("<v:annotation", '<v:annotation xmlns:v="urn:v"'),
    "zeros": PLAIN + "\n\0\0\0\0",
    "rubbish": PLAIN + "\n</annotation>ject>",
    "the same again": PLAIN + "\n" + PLAIN,
    "declared twice": f'<?xml version="1.0"?>\n{PLAIN}\n<?xml version="1.0"?>\n{PLAIN}',
    "objects in a list": PLAIN.replace("<object>", "<objects><object>").replace("</object>", "</object></objects>"),
    "label in place of name": PLAIN.replace("name>cat</name", "label>cat</label"),
    "parts are no objects": with_box(f"{BOX}<part><name>head</name>{BOX.replace('20', '9')}</part>"),
    "decimals": with_box(BOX.replace("20<", "20.0<")),
    "corner and sizes": with_box("<bndbox><x>4</x><y>6</y><w>16</w><h>24</h></bndbox>"),
    "sizes by name": with_box("<bndbox><xmin>4</xmin><ymin>6</ymin><width>16</width><height>24</height></bndbox>"),
    "corners by number": with_box("<bndbox><x1>4</x1><y1>6</y1><x2>20</x2><y2>30</y2></bndbox>"),
    "sides": with_box("<box><left>4</left><top>6</top><right>20</right><bottom>30</bottom></box>"),
    "attributes": with_box('<bndbox xmin="4" ymin="6" xmax="20" ymax="30"/>'),
    "four corners": with_box(
        "<bndbox><x1>4</x1><y1>6</y1><x2>20</x2><y2>6</y2><x3>20</x3><y3>30</y3><x4>4</x4><y4>30</y4></bndbox>"
    ),
    "upright robndbox": with_box(TURNED.format(16, 24, 0)),
    "turned by a right angle": with_box(TURNED.format(24, 16, 1.570796)),
    "polygon of points": with_box(
        "<polygon><pt><x>4</x><y>6</y></pt><pt><x>20</x><y>18</y></pt><pt><x>9</x><y>30</y></pt><username/></polygon>"
    ),
    "polygon of numbered points": with_box(
        "<polygon><x1>4</x1><y1>6</y1><x2>20</x2><y2>18</y2><x3>9</x3><y3>30</y3></polygon>"
    ),
    "box and polygon": with_box(BOX + "<polygon><x1>1</x1><y1>1</y1><x2>50</x2><y2>40</y2></polygon>"),
    "segmentation": with_box("<segmentation>4,6;20,18;9,30</segmentation>"),
    "points": with_box("<points><point><x>4</x><y>6</y></point><point><x>20</x><y>30</y></point></points>"),
    "mask of LabelMe": with_box(f"<segm><username>a</username>{BOX.replace('bndbox', 'box')}<mask>m.png</mask></segm>"),
    "deleted objects": PLAIN.replace("<object>", f"<object><name>dog</name><deleted>1</deleted>{BOX}</object><object>"),
}  # fmt: skip


@pytest.mark.parametrize("variant", SAME)
def test_a_variant_means_the_same(variant):
    parsed = parse_voc(SAME[variant].encode())
    assert [(mark.name, *(round(value, 2) for value in mark.box_xyxy)) for mark in parsed.marks] == [
        ("cat", 4, 6, 20, 30)
    ]
    assert parsed.filename == "a.jpg" and not parsed.damage and not parsed.hulled


def test_a_turned_box_becomes_the_box_around_it():
    for angle in (0.5235988, -0.5235988, 2.6179939):  # 30 degrees either way, and 150
        parsed = parse_voc(with_box(TURNED.format(20, 10, angle)).encode())
        assert [round(value, 2) for value in parsed.marks[0].box_xyxy] == [0.84, 8.67, 23.16, 27.33]
        assert (parsed.hulled, parsed.notation) == (1, "")


def test_several_boxes_of_an_object_are_several_objects():
    parsed = parse_voc(with_box(BOX + BOX.replace("20", "40")).encode())
    assert [mark.box_xyxy for mark in parsed.marks] == [(4, 6, 20, 30), (4, 6, 40, 30)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("caf&eacute;", "café"),
        ("black & white", "black & white"),
        ("A&amp;B", "A&B"),
        ("a\x01b", "ab"),
        ("x&foo;", "x&foo;"),
    ],
)
def test_names_that_are_no_xml(name, expected):
    assert parse_voc(PLAIN.replace("cat", name).encode()).marks[0].name == expected


def test_annotations_that_differ_in_one_file_are_refused():
    with pytest.raises(DatasetError) as error:
        parse_voc((PLAIN + PLAIN.replace("20", "40")).encode())
    assert error.value.cause.key == "xml_several"


def test_sizes():
    labelme = PLAIN.replace("<object>", "<imagesize><nrows>48</nrows><ncols>64</ncols></imagesize><object>")
    assert parse_voc(labelme.encode()).size_wh == (64, 48)
    assert parse_voc(PLAIN.encode()).size_wh is None


@pytest.mark.parametrize(
    ("shape", "notation"),
    [
        (BOX, "corners"),
        ("<bndbox><x>4</x><y>6</y><w>16</w><h>24</h></bndbox>", "top_left"),
        (TURNED.format(16, 24, 0), ""),
        ("<polygon><x1>4</x1><y1>6</y1><x2>20</x2><y2>30</y2></polygon>", ""),
    ],
)
def test_the_notation_of_a_photo(shape, notation):
    assert parse_voc(with_box(shape).encode()).notation == notation


def tree(tmp_path, files):
    tree = Tree(tmp_path / "set")
    for name, text in files.items():
        tree.text(name, text) if text else tree.photo(name)
    return tree.root


def photos(count):
    return {f"JPEGImages/{number}.jpg": "" for number in range(count)} | {
        f"Annotations/{number}.xml": voc_xml(f"{number}.jpg") for number in range(count)
    }


@pytest.mark.parametrize(
    "lists",
    [
        {"cat_train.txt": "0.jpg 1\n1.jpg -1\n", "cat_val.txt": "2.jpg 1\n", "dog_train.txt": "0.jpg -1\n1.jpg 1\n"},
        {"cat_train.txt": "0\n", "dog_train.txt": "1\n", "dog_val.txt": "2\n", "dog_trainval.txt": "1\n2\n"},
        {"train.txt": "0\n1\n", "val.txt": "2\n", "cat_train.txt": "2  1\n"},
    ],
)
def test_lists_of_single_classes_give_the_splits_if_there_are_no_others(tmp_path, lists):
    files = photos(3) | {f"ImageSets/Main/{name}": text for name, text in lists.items()}
    _, _, reading = read_source(tree(tmp_path, files))
    assert [photo.split for photo in reading.photos] == ["train", "train", "val"]
    assert not reading.findings


def test_files_that_differ_in_case_belong_to_the_photos_of_their_spelling(tmp_path):
    files = {
        "P1.jpg": "",
        "p1.jpg": "",
        "P1.xml": voc_xml("P1.jpg"),
        "p1.xml": voc_xml("P1.jpg", marks=[("dog", (1, 2, 30, 40))]),
    }
    files |= {"ImageSets/Main/train.txt": "P1\n", "ImageSets/Main/val.txt": "p1\n"}
    _, boxes, reading = read_source(tree(tmp_path, files))
    assert boxes == {"P1.jpg": [("apple", 4, 6, 30, 40)], "p1.jpg": [("dog", 1, 2, 30, 40)]}
    assert [photo.split for photo in reading.photos] == ["train", "val"]


def test_files_that_contradict_each_other_ask(tmp_path):
    files = photos(3) | {"older/0.xml": voc_xml("0.jpg", marks=[("pear", (1, 2, 30, 40))])}
    root = tree(tmp_path, files)
    with pytest.raises(DatasetError, match=r"Annotations/0\.xml and older/0\.xml mark different boxes"):
        import_dataset(root, workspace=workspace_in(tmp_path))
    joined = import_dataset(root, workspace=workspace_in(tmp_path), decisions={"labels_disagree": "fix"})
    assert joined.boxes == 4
