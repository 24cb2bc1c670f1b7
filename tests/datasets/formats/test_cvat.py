"""CVAT for images 1.1 and for video 1.1, as the versions of CVAT write them."""

import pytest

from autodet.datasets.formats.format_detection import FORMATS, find_format
from autodet.datasets.formats.source_files import list_files
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from tests.datasets.formats.layouts import Tree, read_source
from tests.helpers import voc_xml, workspace_in

META = (
    "<version>1.1</version><meta><task><id>7</id><size>3</size><mode>annotation</mode><labels><label><name>cat</name>"
    "<attributes/></label><label><name>dog</name></label></labels></task><dumped>2024-03-03</dumped></meta>"
)
BOX = '<box label="cat" occluded="0" xtl="4.00" ytl="6.00" xbr="20.00" ybr="30.00" z_order="0"/>'


def cvat(images, meta=META):
    return f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>{meta}{images}</annotations>\n'


def image(name, shapes="", more=""):
    return f'<image id="0" name="{name}" width="64" height="48" {more}>{shapes}</image>'


def source(tmp_path, xml, photos=("images/a.jpg",), **others):
    tree = Tree(tmp_path / "set")
    for name in photos:
        tree.photo(name)
    tree.text("annotations.xml", xml)
    for name, text in others.items():
        tree.text(name.replace("__", "/") + ".xml", text)
    return tree.root


SHAPES = {
    "box": (BOX, ("cat", 4, 6, 20, 30), 0),
    "box with a line of rotation": (BOX.replace("/>", ' rotation="0.00"></box>'), ("cat", 4, 6, 20, 30), 0),
    "turned box": (
        '<box label="cat" xtl="20" ytl="20" xbr="40" ybr="30" rotation="30.00"/>',
        ("cat", 18.84, 15.67, 41.16, 34.33),
        1,
    ),
    "box turned by a right angle": (
        '<box label="cat" xtl="20" ytl="20" xbr="40" ybr="30" rotation="270"/>', ("cat", 25, 15, 35, 35), 0,
    ),
    "polygon": ('<polygon label="cat" points="4.0,10.5;20.0,6.0;12,30"/>', ("cat", 4, 6, 20, 30), 0),
    "mask": ('<mask label="cat" rle="3, 5" left="4" top="6" width="16" height="24"/>', ("cat", 4, 6, 20, 30), 0),
    "ellipse": ('<ellipse label="cat" cx="12" cy="18" rx="8" ry="12"/>', ("cat", 4, 6, 20, 30), 0),
    "turned ellipse": ('<ellipse label="cat" cx="12" cy="18" rx="12" ry="8" rotation="90"/>', ("cat", 4, 6, 20, 30), 0),
    "cuboid": (
        '<cuboid label="cat" xtl1="4" ytl1="8" xbl1="4" ybl1="30" xtr1="12" ytr1="8" xbr1="12" ybr1="30" xtl2="20" '
        'ytl2="6" xbl2="20" ybl2="28" xtr2="14" ytr2="6" xbr2="14" ybr2="28"/>', ("cat", 4, 6, 20, 30), 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_becomes_the_upright_box_around_it(tmp_path, shape):
    element, box, turned = SHAPES[shape]
    root = source(tmp_path, cvat(image("a.jpg", element)))
    format, boxes, reading = read_source(root)
    assert (format, boxes) == ("cvat", {"images/a.jpg": [box]})
    assert reading.classes == ("cat", "dog")
    assert [(one.kind, one.values) for one in reading.findings] == [("shapes_hulled", {"shapes": 1})] * turned
    assert {name for name, one in FORMATS.items() if one.unmet(list_files(root, 9)) is None} == {"cvat"}


def test_shapes_without_a_box_are_counted_and_a_photo_without_shapes_has_no_objects(tmp_path):
    skipped = (
        '<polyline label="cat" points="1,2;3,4"/><points label="cat" points="1,2"/><tag label="cat"/>'
        '<skeleton label="cat"><points label="eye" points="1,2"/></skeleton>'
    )
    xml = cvat(image("a.jpg", BOX + skipped) + image("b.jpg"))
    _, boxes, reading = read_source(source(tmp_path, xml, ["a.jpg", "b.jpg", "c.jpg"]))
    assert boxes == {"a.jpg": [("cat", 4, 6, 20, 30)], "b.jpg": []}
    assert [(one.kind, one.values) for one in reading.findings] == [("shapes_skipped", {"shapes": 3})]


def test_subsets_are_splits_and_tell_photos_of_one_name_apart(tmp_path):
    images = image("a.jpg", BOX, 'subset="Train"') + image("a.jpg", "", 'subset="Validation"')
    images += image("a.jpg", BOX, 'subset="default"') + image("deep/b.jpg", BOX, 'subset="Test"')
    photos = ["images/Train/a.jpg", "images/Validation/a.jpg", "images/default/a.jpg", "images/Test/deep/b.jpg"]
    _, boxes, reading = read_source(source(tmp_path, cvat(images), photos))
    box = ("cat", 4, 6, 20, 30)
    assert boxes == dict(zip(photos, ([box], [], [box], [box]), strict=True))
    assert [photo.split for photo in reading.photos] == ["train", "val", None, "test"]


def test_several_tasks(tmp_path):
    other = cvat(image("a.jpg", BOX.replace("cat", "owl")), META.replace("dog", "owl"))
    root = source(
        tmp_path, cvat(image("a.jpg", BOX)), ["images/a.jpg", "task_2/images/a.jpg"], task_2__annotations=other
    )
    _, boxes, reading = read_source(root)
    assert boxes == {"images/a.jpg": [("cat", 4, 6, 20, 30)], "task_2/images/a.jpg": [("owl", 4, 6, 20, 30)]}
    assert reading.classes == ("cat", "dog", "owl")


@pytest.mark.parametrize(
    "element",
    [
        '<box label="cat" xtl="1" ytl="1" xbr="9"/>',
        '<box label="cat" xtl="1" ytl="1" xbr="9" ybr="nan"/>',
        '<box label="" xtl="1" ytl="1" xbr="9" ybr="9"/>',
        '<polygon label="cat" points=""/>',
        '<polygon label="cat" points="1,2;x,3;3,4"/>',
        '<mask label="cat" rle="1, 2" left="1"/>',
        '<cuboid label="cat" xtl1="1"/>',
    ],
)
def test_a_damaged_shape_is_a_finding(tmp_path, element):
    _, boxes, reading = read_source(source(tmp_path, cvat(image("a.jpg", element + BOX))))
    assert boxes == {"images/a.jpg": [("cat", 4, 6, 20, 30)]}
    assert [(one.kind, one.cause) for one in reading.findings] == [("box_damaged", "shape_damaged")]


def test_a_missing_photo_and_a_file_that_is_cut_short(tmp_path):
    xml = cvat(image("a.jpg", BOX) + image("gone.jpg", BOX))
    _, boxes, reading = read_source(source(tmp_path, xml, more=xml[:-40]))
    assert list(boxes) == ["images/a.jpg"]
    assert sorted((one.kind, one.file) for one in reading.findings) == [
        ("labels_damaged", "more.xml"),
        ("photo_missing", "annotations.xml"),
    ]


TRACK = (
    '<track id="0" label="cat"><box frame="0" outside="0" keyframe="1" xtl="4" ytl="6" xbr="20" ybr="30"/>'
    '<box frame="1" outside="0" keyframe="0" xtl="5" ytl="6" xbr="21" ybr="30"/>'
    '<box frame="2" outside="1" keyframe="1" xtl="5" ytl="6" xbr="21" ybr="30"/></track>'
)


def test_a_video_is_read_with_its_frames(tmp_path):
    photos = [f"images/frame_{frame:06}.PNG" for frame in range(3)]
    _, boxes, _ = read_source(source(tmp_path, cvat(TRACK), photos))
    assert boxes == dict(zip(photos, ([("cat", 4, 6, 20, 30)], [("cat", 5, 6, 21, 30)], []), strict=True))


def test_a_video_without_its_frames_is_a_sentence(tmp_path):
    with pytest.raises(DatasetError, match="about a video, and its frames"):
        import_dataset(source(tmp_path, cvat(TRACK)), workspace=workspace_in(tmp_path))


def test_other_xml_is_not_cvat(tmp_path):
    root = source(tmp_path, "<annotations><note/></annotations>")
    with pytest.raises(DatasetError, match="no labels"):
        find_format(list_files(root, 9), "auto", "set")
    (root / "annotations.xml").write_text(voc_xml("a.jpg"))
    assert FORMATS["cvat"].unmet(list_files(root, 9)).key == "no_cvat_xml"
