import pytest

from autodet.datasets.formats import voc
from autodet.datasets.formats.source_files import list_files
from autodet.datasets.formats.voc_file import parse_voc
from autodet.errors import DatasetError
from autodet.messages.findings import cause_clause, problem_sentence
from tests.helpers import voc_xml, write_labelled


def annotation(inner):
    return f"<annotation>{inner}</annotation>".encode()


def an_object(name="apple", box="<xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax>", more=""):
    return f"<object><name>{name}</name><bndbox>{box}</bndbox>{more}</object>"


@pytest.mark.parametrize(
    ("inner", "marks"),
    [
        ("", []),
        (an_object(), [("apple", (1, 2, 3, 4), False)]),
        (an_object("  red\n apple "), [("red apple", (1, 2, 3, 4), False)]),
        (an_object("яблоко"), [("яблоко", (1, 2, 3, 4), False)]),
        (an_object(more="<difficult> 1 </difficult>"), [("apple", (1, 2, 3, 4), True)]),
        (an_object(more="<part><name>leaf</name><bndbox/></part>"), [("apple", (1, 2, 3, 4), False)]),
        (
            an_object(box="<ymax>4.5</ymax><xmin> 1.25 </xmin><ymin>-2</ymin><xmax>3e1</xmax>"),
            [("apple", (1.25, -2, 30, 4.5), False)],
        ),
        (an_object() + an_object("pear"), [("apple", (1, 2, 3, 4), False), ("pear", (1, 2, 3, 4), False)]),
    ],
)
def test_reads_marks_as_written(inner, marks):
    parsed = parse_voc(annotation(inner))
    assert [(mark.name, mark.box_xyxy, mark.difficult) for mark in parsed.marks] == marks
    assert parsed.damage == ()


@pytest.mark.parametrize(
    ("inner", "problem"),
    [
        (an_object(""), "Object 1 has no class name."),
        ("<object/>", "Object 1 has no class name."),
        ("<object><name>apple</name></object>", "Object 1 (apple) has no complete <bndbox> of four numbers."),
        (an_object(box="<xmin>1</xmin>"), "Object 1 (apple) has no complete <bndbox> of four numbers."),
        (
            an_object() + an_object(box="<xmin>nan</xmin><ymin>2</ymin><xmax>inf</xmax><ymax>4</ymax>"),
            "Object 2 (apple) has no complete <bndbox> of four numbers.",
        ),
    ],
)
def test_says_which_object_is_wrong(inner, problem):
    assert [f"{cause_clause(cause)}." for cause in parse_voc(annotation(inner)).damage] == [problem]


@pytest.mark.parametrize(
    ("inner", "filename"),
    [
        (r"<filename>C:\images\train\apple 1.jpg</filename>", "apple 1.jpg"),
        ("<filename>/home/me/apple.jpg</filename>", "apple.jpg"),
        ("<filename/>", ""),
        ("", ""),
    ],
)
def test_takes_only_the_name_from_a_path(inner, filename):
    assert parse_voc(annotation(inner)).filename == filename


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("<width>64</width><height>48</height>", (64, 48)),
        ("<width>0</width><height>0</height>", None),
        ("<width>wide</width><height>48</height>", None),
        ("", None),
    ],
)
def test_reads_the_stated_size_if_it_is_one(size, expected):
    assert parse_voc(annotation(f"<size>{size}</size>")).size_wh == expected


@pytest.mark.parametrize(
    ("xml", "problem"),
    [
        (b"", "broken"),
        (b"<annotation><object>", "broken"),
        (b"\x00\x01\x02", "broken"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><annotation>&b;</annotation>", "broken"),
        (b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><annotation>&b;</annotation>", "broken"),
        (b"<project/>", "begins with <project>"),
    ],
)
def test_refuses_what_is_no_annotation(xml, problem):
    with pytest.raises(DatasetError, match=problem):
        parse_voc(xml)


def test_reads_utf16():
    xml = "<?xml version='1.0' encoding='utf-16'?><annotation><filename>é.jpg</filename></annotation>"
    assert parse_voc(xml.encode("utf-16")).filename == "é.jpg"


def read(folder):
    return voc.read(list_files(folder, 1000))


def pairs(reading):
    return {str(photo.labels): str(photo.photo) for photo in reading.photos}


@pytest.mark.parametrize(
    ("photos", "xml", "filename", "found"),
    [
        (["a.png"], "a.xml", "a.png", "a.png"),
        (["a.PNG"], "a.xml", "A.png", "a.PNG"),
        (["a.jpeg"], "a.xml", "a.jpg", "a.jpeg"),
        (["a.png"], "a.xml", "", "a.png"),
        (["a.png"], "a.xml", "renamed.png", "a.png"),
        (["b.png"], "a.xml", "b.png", "b.png"),
        (["2007_001.v2.png"], "2007_001.v2.xml", "2007_001.v2", "2007_001.v2.png"),
        (["JPEGImages/a.png"], "Annotations/a.xml", "a.png", "JPEGImages/a.png"),
        (["train/images/a.png", "val/images/a.png"], "val/labels/a.xml", "a.png", "val/images/a.png"),
        (["x/a.png", "y/a.png"], "y/a.xml", "a.png", "y/a.png"),
        (["obst äpfel 1.png"], "obst äpfel 1.xml", "obst a\u0308pfel 1.png", "obst äpfel 1.png"),
        (["яблоко.png"], "яблоко.xml", r"C:\фото\яблоко.png", "яблоко.png"),
    ],
)
def test_finds_the_photo_of_an_xml(tmp_path, photos, xml, filename, found):
    for name in [*photos, xml]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / xml).write_text(voc_xml(filename), encoding="utf-8")
    assert pairs(read(tmp_path)) == {xml: found}


def test_a_photo_of_another_split_is_not_taken(tmp_path):
    write_labelled(tmp_path / "train", "a")
    write_labelled(tmp_path / "val", "b")
    (tmp_path / "val" / "b.png").rename(tmp_path / "train" / "b.png")
    reading = read(tmp_path)
    assert pairs(reading) == {"train/a.xml": "train/a.png"}
    assert [(p.file, problem_sentence(p)) for p in reading.findings] == [
        ("val/b.xml", "There is no photo called 'b.png' for this XML.")
    ]


def test_a_stale_name_does_not_steal_the_photo_of_another_xml(tmp_path):
    write_labelled(tmp_path, "a")
    write_labelled(tmp_path, "b").write_text(voc_xml("a.png"))
    assert pairs(read(tmp_path)) == {"a.xml": "a.png", "b.xml": "b.png"}


def test_two_xmls_of_one_photo_are_listed(tmp_path):
    write_labelled(tmp_path, "a")
    (tmp_path / "b.xml").write_text(voc_xml("a.png"))
    reading = read(tmp_path)
    assert pairs(reading) == {"a.xml": "a.png"}
    assert [(p.file, problem_sentence(p)) for p in reading.findings] == [("b.xml", "a.xml already describes a.png.")]


def test_image_sets_give_the_splits(tmp_path):
    for stem in "abcde":
        write_labelled(tmp_path / "VOC" / "JPEGImages", stem)
        (tmp_path / "VOC" / "Annotations").mkdir(exist_ok=True)
        (tmp_path / "VOC" / "JPEGImages" / f"{stem}.xml").rename(tmp_path / "VOC" / "Annotations" / f"{stem}.xml")
    lists = tmp_path / "VOC" / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    for name, stems in {"trainval": "ab", "train": "a", "val": "b", "test": "cd", "apple_train": "abcde"}.items():
        (lists / f"{name}.txt").write_text("\n".join(stems) + "\n")
    reading = read(tmp_path)
    assert {photo.photo.stem: photo.split for photo in reading.photos} == {
        "a": "train",
        "b": "val",
        "c": "test",
        "d": "test",
        "e": None,
    }
    assert [photo.photo.stem for photo in reading.photos if photo.unlisted] == ["e"]


@pytest.mark.parametrize("folder", ["valid", "VAL", "Validation", "set/val/images"])
def test_folders_give_the_splits(tmp_path, folder):
    write_labelled(tmp_path / folder, "a")
    write_labelled(tmp_path / "other", "b")
    assert [photo.split for photo in read(tmp_path).photos] == ([None, "val"] if folder > "other" else ["val", None])
