"""Text files with an object per row: KITTI, DOTA, ICDAR, WIDER FACE, and a class with two corners."""

import pytest

from autodet.datasets.formats.format_detection import FORMATS, find_format
from autodet.datasets.formats.source_files import list_files
from autodet.errors import DatasetError
from tests.datasets.formats.layouts import Tree, read_source

CAT, DOG = ("cat", 4, 6, 20, 30), ("dog", 24, 12, 40, 36)
PHOTOS = {"images/a.jpg": [CAT, DOG], "images/b.jpg": [DOG]}


def source(tmp_path, texts, photos=("images/a.jpg", "images/b.jpg")):
    tree = Tree(tmp_path / "set")
    for name in photos:
        tree.photo(name)
    for name, text in texts.items():
        tree.text(name, text)
    return tree.root


def kitti(name, x1, y1, x2, y2, rest=" 1.57 1.65 3.35 4.43 1.65 5.20 1.42", truncated="0.00"):
    return f"{name} {truncated} 0 -1.03 {x1} {y1} {x2} {y2}{rest}\n"


CORNERS = {"cat": "4 6 20 6 20 30 4 30", "dog": "24.0 12.0 40.0 12.0 40.0 36.0 24.0 36.0"}
TURNED = "32 12 40 24 32 36 24 24"  # a rhombus around which lies the box of the dog
KITTI_A, KITTI_B = kitti(*CAT) + kitti(*DOG), kitti(*DOG)

FILES = {
    "kitti": ("kitti", {"labels/a.txt": KITTI_A, "labels/b.txt": KITTI_B}),
    "kitti with regions that do not count": (
        "kitti",
        {"labels/a.txt": KITTI_A + kitti("DontCare", 1, 1, 9, 9, " -1 -1 -1 -1000 -1000 -1000 -10", "-1"),
         "labels/b.txt": KITTI_B},
    ),
    "kitti with scores": (
        "kitti", {"labels/a.txt": KITTI_A.replace("\n", " 0.9\n"), "labels/b.txt": KITTI_B.replace("\n", " 1\n")},
    ),
    "kitti with Windows' line endings": (
        "kitti", {"labels/a.txt": KITTI_A.replace("\n", "\r\n"), "labels/b.txt": KITTI_B.rstrip()},
    ),
    "dota": (
        "dota",
        {"labelTxt/a.txt": f"imagesource:GoogleEarth\ngsd:0.146\n{CORNERS['cat']} cat 0\n{CORNERS['dog']} dog 1\n",
         "labelTxt/b.txt": f"imagesource:GoogleEarth\ngsd:null\n{CORNERS['dog']} dog 0\n"},
    ),
    "dota without flags": (
        "dota", {"labelTxt/a.txt": f"{CORNERS['cat']} cat\n{TURNED} dog\n", "labelTxt/b.txt": f"{TURNED} dog\n"},
    ),
    "dota with commas": (
        "dota",
        {"a.txt": f"{CORNERS['cat']} cat 0\n{TURNED} dog 2\n".replace(" ", ","),
         "b.txt": f"{TURNED} dog 0\n".replace(" ", ", ")},
    ),
    "corners of OIDv4": (
        "class_rows",
        {"Label/a.txt": "cat 4.0 6.0 20.0 30.0\ndog 24.0 12.0 40.0 36.0\n", "Label/b.txt": "dog 24 12 40 36"},
    ),
    "ground truth of mAP": (
        "class_rows",
        {"gt/a.txt": "cat 4 6 20 30\ndog 24 12 40 36 difficult\n", "gt/b.txt": "dog 24 12 40 36\n"},
    ),
    "corners with commas, the class last": (
        "class_rows", {"gt/a.txt": "4,6,20,30,cat\n24,12,40,36,dog\n", "gt/b.txt": "24,12,40,36,dog\n"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_a_format_is_recognised_and_read(tmp_path, kind):
    expected, texts = FILES[kind]
    root = source(tmp_path, {**texts, "README.txt": "Labels of cats.\n", "notes/licence.txt": "1 2 3\n"})
    format, boxes, reading = read_source(root)
    assert (format, boxes) == (expected, PHOTOS)
    assert {finding.kind for finding in reading.findings} <= {"shapes_hulled"}
    others = {name for name, one in FORMATS.items() if one.unmet(list_files(root, 100)) is None}
    assert others == {expected}


YOLO = {
    "boxes": "0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.1 0.1\n",
    "confidences": "0 0.5 0.5 0.25 0.5 0.9\n",
    "turned boxes": "0 0.1 0.1 0.3 0.1 0.3 0.3 0.1 0.3\n",
    "a polygon of seven corners": "0" + " 0.1 0.2" * 7 + "\n",
    "pixels": "0 10 20 30 40\n",
    "whole numbers": "0 0 0 1 1\n",
    "keypoints": "0 0.5 0.5 0.25 0.5" + " 0.5 0.5 2" * 3 + "\n",
}


@pytest.mark.parametrize("labels", YOLO)
def test_labels_of_yolo_are_yolos(tmp_path, labels):
    root = source(tmp_path, {"images/a.txt": YOLO[labels], "images/b.txt": "", "classes.txt": "cat\ndog\n"})
    listing = list_files(root, 100)
    claimed = {name for name, format in FORMATS.items() if format.unmet(listing) is None}
    assert claimed <= {"yolo"}


@pytest.mark.parametrize("text", ["cat\n", "1 2 3\n", "images/a.jpg\n", "cat 1 2\n", "\0"])
def test_other_text_is_no_format_of_rows(tmp_path, text):
    root = source(tmp_path, {"images/a.txt": text})
    with pytest.raises(DatasetError, match="no labels"):
        find_format(list_files(root, 100), "auto", "set")


def test_flags_and_names(tmp_path):
    texts = {
        "labels/a.txt": kitti("Traffic light", 4, 6, 20, 30, truncated="0.5") + kitti("dontcare", 1, 1, 9, 9),
        "labels/b.txt": "",
    }
    _, boxes, reading = read_source(source(tmp_path, texts))
    assert boxes == {"images/a.jpg": [("Traffic light", 4, 6, 20, 30)], "images/b.jpg": []}
    assert reading.photos[0].marks[0].truncated and reading.photos[0].notation == "corners"


def test_difficult_objects_of_dota_and_turned_boxes_are_counted(tmp_path):
    texts = {"labelTxt/a.txt": f"{TURNED} large-vehicle 1\n{CORNERS['dog']} small vehicle 0\n", "labelTxt/b.txt": ""}
    _, boxes, reading = read_source(source(tmp_path, texts))
    assert boxes["images/a.jpg"] == [("large-vehicle", 24, 12, 40, 36), ("small vehicle", 24, 12, 40, 36)]
    assert [mark.difficult for mark in reading.photos[0].marks] == [True, False]
    assert [(finding.kind, finding.values) for finding in reading.findings] == [("shapes_hulled", {"shapes": 1})]


def test_damaged_rows_are_findings(tmp_path):
    texts = {"labels/a.txt": KITTI_A + "Car 0.00 0\n", "labels/b.txt": KITTI_B + kitti("dog", "nan", 1, 2, 3)}
    _, boxes, reading = read_source(source(tmp_path, texts))
    assert boxes == PHOTOS
    assert [(finding.kind, finding.cause) for finding in reading.findings] == [("box_damaged", "row_foreign")] * 2
    assert [finding.values["line"] for finding in reading.findings] == [3, 2]


def test_labels_without_a_photo_are_reported(tmp_path):
    _, _, reading = read_source(source(tmp_path, {"labels/a.txt": KITTI_A, "labels/z.txt": KITTI_B}))
    assert [(finding.kind, finding.file) for finding in reading.findings] == [("photo_missing", "labels/z.txt")]


def test_lists_give_the_splits_of_kitti(tmp_path):
    texts = {"labels/a.txt": KITTI_A, "labels/b.txt": KITTI_B, "ImageSets/train.txt": "a\n", "ImageSets/val.txt": "b\n"}
    _, boxes, reading = read_source(source(tmp_path, texts))
    assert boxes == PHOTOS
    assert [photo.split for photo in reading.photos] == ["train", "val"]


def test_results_of_a_detector_are_left_out(tmp_path):
    texts = {
        "ground-truth/a.txt": "cat 4 6 20 30\ndog 24 12 40 36\n",
        "ground-truth/b.txt": "dog 24 12 40 36\n",
        "detection-results/a.txt": "cat 0.93 1 1 20 30\n",
        "detection-results/b.txt": "",
    }
    root = source(tmp_path, texts)
    _, boxes, reading = read_source(root)
    assert boxes == PHOTOS
    assert [(finding.file, finding.cause) for finding in reading.findings] == [("detection-results", "predictions")]
    for name in ("a", "b"):
        (root / f"ground-truth/{name}.txt").unlink()
    with pytest.raises(DatasetError, match="no labels"):
        find_format(list_files(root, 100), "auto", "set")


def test_names_with_spaces_and_numbers(tmp_path):
    texts = {"images/a.txt": "Traffic light 4 6 20 30\nclass 1 24 12 40 36\n", "images/b.txt": "\n"}
    _, boxes, _ = read_source(source(tmp_path, texts))
    assert boxes == {"images/a.jpg": [("Traffic light", 4, 6, 20, 30), ("class 1", 24, 12, 40, 36)], "images/b.jpg": []}


def test_tracking_labels_of_kitti_are_about_the_frames_of_their_sequence(tmp_path):
    photos = [f"image_02/{sequence}/{frame:06}.png" for sequence in ("0000", "0001") for frame in range(2)]
    texts = {
        "label_02/0000.txt": f"0 1 {kitti(*CAT)}1 1 {kitti(*DOG)}",
        "label_02/0001.txt": f"1 -1 {kitti('DontCare', 1, 1, 9, 9)}1 2 {kitti(*CAT)}7 2 {kitti(*CAT)}",
    }
    format, boxes, reading = read_source(source(tmp_path, texts, photos))
    assert format == "kitti"
    assert boxes == dict(zip(photos, ([CAT], [DOG], [], [CAT]), strict=True))
    assert [(finding.kind, finding.values) for finding in reading.findings] == [
        ("photo_missing", {"name": "0001/000007"})
    ]


def test_icdar(tmp_path):
    texts = {
        "gt/gt_a.txt": "\ufeff4,6,20,6,20,30,4,30,Joy, of tea\n32,12,40,24,32,36,24,24,###\n",
        "gt/gt_b.txt": "24,12,40,12,40,36,24,36,2013\n",
    }
    format, boxes, reading = read_source(source(tmp_path, texts))
    assert format == "icdar"
    assert boxes == {photo: [("text", *box) for _, *box in found] for photo, found in PHOTOS.items()}
    assert [mark.difficult for mark in reading.photos[0].marks] == [False, True]
    assert [finding.values for finding in reading.findings] == [{"shapes": 1}]


def test_icdar_with_two_corners(tmp_path):
    texts = {"gt_a.txt": '4, 6, 20, 30, "Joy"\n24, 12, 40, 36, "2 x"\n', "gt_b.txt": '24 12 40 36 "Tea"\n'}
    format, boxes, _ = read_source(source(tmp_path, texts))
    assert format == "icdar"
    assert boxes == {photo: [("text", *box) for _, *box in found] for photo, found in PHOTOS.items()}


FACES = (
    "0--Parade/a.jpg\n2\n4 6 16 24 0 0 0 0 0 0 \n24 12 16 24 0 0 0 1 0 0 \n0--Parade/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \n"
)
LANDMARKS = (
    "# 0--Parade/a.jpg\n4 6 16 24 9 9 0.0 14 9 0.0 11 14 0.0 9 20 0.0 14 20 0.0 0.8\n"
    f"24 12 16 24{' -1.0' * 15} 0.5\n# 0--Parade/b.jpg\n"
)


@pytest.mark.parametrize(
    ("name", "text", "split"),
    [
        ("wider_face_split/wider_face_train_bbx_gt.txt", FACES, "train"),
        ("wider_face_split/wider_face_val_bbx_gt.txt", FACES.replace("\n", "\r\n"), "val"),
        ("faces.txt", FACES.replace("0 0 0 0 0 0 0 0 0 0 \n", ""), None),
        ("train/label.txt", LANDMARKS, "train"),
    ],
)  # fmt: skip
def test_wider_face(tmp_path, name, text, split):
    root = source(tmp_path, {name: text}, ["WIDER/images/0--Parade/a.jpg", "WIDER/images/0--Parade/b.jpg"])
    format, boxes, reading = read_source(root)
    assert format == "wider_face"
    assert list(boxes.values()) == [[("face", 4, 6, 20, 30), ("face", 24, 12, 40, 36)], []]
    assert {photo.split for photo in reading.photos} == {split}
    assert reading.photos[0].marks[1].difficult == ("wider" in name or name == "faces.txt")
    assert not reading.findings


def test_lists_of_photos_are_not_wider_faces(tmp_path):
    texts = {"train.txt": "images/a.jpg\nimages/b.jpg\n", "images/a.txt": "0 0.5 0.5 0.25 0.5\n"}
    format, _, _ = read_source(source(tmp_path, texts))
    assert format == "yolo"
