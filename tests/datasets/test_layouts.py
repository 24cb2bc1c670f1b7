"""Data sets as tools and people really lay them out, each imported whole."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from autodet.datasets.importing import import_dataset
from autodet.errors import AmbiguousFormatError
from tests.helpers import draw_photo, voc_xml, workspace_in

LINE = "1 0.5 0.5 0.25 0.5\n"
CATEGORIES = ((1, "cat"), (2, "dog"))


class Tree:
    """A folder to be filled, each photo another one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._drawn = 0

    def photo(self, name: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._drawn += 1
        draw_photo(seed=self._drawn).save(path, "PNG" if path.suffix.lower() == ".png" else "JPEG")

    def text(self, name: str, content: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")

    def voc(self, photo: str, xml: str) -> None:
        self.photo(photo)
        self.text(xml, voc_xml(Path(photo).name, marks=[("dog", (4, 5, 34, 35))]))

    def yolo(self, photo: str, label: str, line: str = LINE) -> None:
        self.photo(photo)
        self.text(label, line)

    def coco(self, name: str, photos: list[str], categories=CATEGORIES, **changes) -> None:
        self.text(name, json.dumps(coco(photos, categories) | changes))


def coco(photos, categories=CATEGORIES):
    images = [{"id": number, "file_name": name, "width": 64, "height": 48} for number, name in enumerate(photos)]
    marks = [
        {"id": number, "image_id": number, "category_id": categories[-1][0], "bbox": [4, 5, 30, 30], "iscrowd": 0}
        for number in range(len(photos))
    ]
    named = [{"id": id_, "name": name, "supercategory": "none"} for id_, name in categories]
    return {"info": {}, "images": images, "annotations": marks, "categories": named}


def voc_devkit(tree):
    base = "VOCdevkit/VOC2012"
    for number in range(10):
        tree.voc(f"{base}/JPEGImages/2007_{number:06}.jpg", f"{base}/Annotations/2007_{number:06}.xml")
    tree.photo(f"{base}/JPEGImages/2007_000099.jpg")
    names = [f"2007_{number:06}" for number in range(9)]
    tree.text(f"{base}/ImageSets/Main/train.txt", "\n".join(names[:6]))
    tree.text(f"{base}/ImageSets/Main/val.txt", "\n".join(names[6:]))
    tree.text(f"{base}/ImageSets/Main/trainval.txt", "\n".join(names))
    tree.text(f"{base}/ImageSets/Main/dog_val.txt", "\n".join(f"{name}  1" for name in names))
    tree.text(f"{base}/ImageSets/Segmentation/val.txt", names[0])
    tree.photo(f"{base}/SegmentationClass/2007_000001.png")
    return {"splits": {"train": 6, "val": 3}, "kinds": {"photo_unlisted", "photo_unlabelled"}}


def voc_in_split_folders_of_an_exporter(tree):
    for split, count in (("train", 6), ("valid", 3), ("test", 2)):
        for number in range(count):
            tree.voc(f"{split}/{split}{number}_jpg.rf.0a.jpg", f"{split}/{split}{number}_jpg.rf.0a.xml")
    tree.text("README.roboflow.txt", "hello")
    return {"splits": {"train": 6, "val": 3, "test": 2}}


def voc_beside_images_in_lower_case(tree):
    for number in range(8):
        tree.voc(f"My Photos/images/road {number}.PNG", f"My Photos/annotations/road {number}.XML")
    return {"images": 8}


def voc_where_every_xml_names_the_same_photo(tree):
    for number in range(8):
        tree.photo(f"a{number}.jpg")
        tree.text(f"a{number}.xml", voc_xml("image.jpg", marks=[("dog", (4, 5, 34, 35))]))
    return {"images": 8}


def voc_beside_other_xml(tree):
    for number in range(8):
        tree.voc(f"a{number}.jpg", f"a{number}.xml")
    tree.text("pom.xml", "<project/>")
    return {"images": 8, "kinds": {"labels_foreign"}}


def coco_official(tree):
    for split, count in (("train", 6), ("val", 3)):
        names = [f"{number:012}.jpg" for number in range(count)]
        for name in names:
            tree.photo(f"{split}2017/{name}")
        tree.coco(f"annotations/instances_{split}2017.json", names)
        tree.coco(f"annotations/person_keypoints_{split}2017.json", names, ((1, "person"),))
        tree.text(f"annotations/captions_{split}2017.json", json.dumps({"images": [], "annotations": []}))
    tree.photo("test2017/1.jpg")
    tree.text("annotations/image_info_test2017.json", json.dumps({"images": [], "categories": []}))
    return {"splits": {"train": 6, "val": 3}, "kinds": {"labels_foreign", "photo_unlabelled"}}


def coco_of_an_exporter_with_a_super_category(tree):
    for split, count in (("train", 6), ("valid", 3), ("test", 2)):
        names = [f"{split}{number}_jpg.rf.0a.jpg" for number in range(count)]
        for name in names:
            tree.photo(f"{split}/{name}")
        tree.coco(f"{split}/_annotations.coco.json", names, ((0, "animals"), *CATEGORIES))
    tree.text("README.dataset.txt", "hello")
    return {"splits": {"train": 6, "val": 3, "test": 2}}


def coco_with_folders_in_file_names(tree):
    for number in range(8):
        tree.photo(f"images/sub/x {number}.png")
    tree.coco("annotations/instances_default.json", [f"sub/x {number}.png" for number in range(8)])
    return {"images": 8}


def coco_beside_its_data(tree):
    for number in range(8):
        tree.photo(f"data/{number}.jpg")
    tree.coco("labels.json", [f"{number}.jpg" for number in range(8)])
    return {"images": 8}


def coco_for_all_and_for_splits(tree):
    train, val = [f"t{number}.jpg" for number in range(6)], [f"v{number}.jpg" for number in range(3)]
    for name in train + val:
        tree.photo(f"images/{name}")
    tree.coco("annotations/all.json", train + val)
    tree.coco("annotations/train.json", train)
    tree.coco("annotations/val.json", val)
    return {"splits": {"train": 6, "val": 3}, "kinds": {"labels_twice"}}


def coco_with_odd_ids_and_web_addresses(tree):
    document = coco([f"https://example.org/a/{number}.jpg" for number in range(8)], ((7.0, "cat"), (90.0, "dog")))
    for number, image in enumerate(document["images"]):
        tree.photo(f"images/{number}.jpg")
        image["id"] = float(1000 + number) if number % 2 else f"image {number}"
        document["annotations"][number]["image_id"] = 1000 + number if number % 2 else f"image {number}"
        document["annotations"][number]["category_id"] = 90
    tree.text("annotations.json", json.dumps(document))
    return {"images": 8}


def coco_with_polygons_and_masks_alone(tree):
    document = coco([f"{number}.jpg" for number in range(8)])
    for number, mark in enumerate(document["annotations"]):
        tree.photo(f"images/{number}.jpg")
        del mark["bbox"]
        mark["segmentation"] = [[4, 5, 34, 5, 34, 35, 4, 35]]
    # 30 x 30 pixels from (4, 5) in a photo 48 high, down the columns: as runs, and compressed by the COCO API.
    runs = [4 * 48 + 5, 30, *([18, 30] * 29), 48 * 48 - 4 * 48 - 5 + 48 * 12]
    document["annotations"][0] |= {"segmentation": {"size": [48, 64], "counts": runs}, "iscrowd": 1}
    document["annotations"][1]["segmentation"] = {"size": [48, 64], "counts": compressed(runs)}
    tree.text("annotations.json", json.dumps(document))
    return {"images": 8, "difficult": 1}


def compressed(runs):
    """What the COCO API itself makes of uncompressed runs."""
    from pycocotools import mask

    return mask.frPyObjects({"size": [48, 64], "counts": runs}, 48, 64)["counts"].decode()


def coco_photos_without_marks(tree):
    document = coco([f"{number}.jpg" for number in range(8)])
    for number in range(8):
        tree.photo(f"images/{number}.jpg")
    document["annotations"] = document["annotations"][:6]
    tree.text("annotations.json", json.dumps(document))
    return {"images": 8, "boxes": 6}


def yolo_of_an_exporter(tree):
    for split, count in (("train", 6), ("valid", 3), ("test", 2)):
        for number in range(count):
            tree.yolo(f"{split}/images/{split}{number}.jpg", f"{split}/labels/{split}{number}.txt")
    places = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n"
    tree.text("data.yaml", f"{places}nc: 2\nnames: ['cat', 'dog']\n")
    tree.text("README.roboflow.txt", "hello")
    return {"splits": {"train": 6, "val": 3, "test": 2}}


def yolo_that_trains_and_validates_on_the_same_photos(tree):
    for number in range(8):
        tree.yolo(f"small/images/train2017/{number:012}.jpg", f"small/labels/train2017/{number:012}.txt")
    places = "path: ../datasets/small\ntrain: images/train2017\nval: images/train2017\ntest:\n"
    tree.text("small.yaml", f"{places}names:\n  0: cat\n  1: dog\n")
    return {"images": 8, "kinds": {"split_twice"}}


def yolo_images_and_labels_by_split(tree):
    for split, count in (("train", 6), ("val", 3)):
        for number in range(count):
            tree.yolo(f"images/{split}/{split}{number}.JPG", f"labels/{split}/{split}{number}.txt")
    tree.text(
        "dataset.yaml", "path: /home/me/data\ntrain: images/train\nval: images/val\nnames: {'0': cat, '1': dog}\n"
    )
    return {"splits": {"train": 6, "val": 3}}


def yolo_of_a_labelling_tool(tree):
    for number in range(8):
        tree.yolo(f"a {number}.jpg", f"a {number}.txt")
    tree.text("classes.txt", "cat\ndog\n")
    return {"images": 8}


def yolo_with_classes_among_the_labels(tree):
    for number in range(8):
        tree.yolo(f"images/a{number}.jpg", f"labels/a{number}.txt")
    tree.text("labels/classes.txt", "cat\ndog\n")
    return {"images": 8}


def yolo_darknet(tree):
    for number in range(8):
        tree.yolo(f"obj_train_data/a{number}.jpg", f"obj_train_data/a{number}.txt")
    tree.text("obj.names", "cat\ndog\n")
    tree.text("obj.data", "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n")
    tree.text("train.txt", "\n".join(f"data/obj_train_data/a{number}.jpg" for number in range(6)))
    tree.text("valid.txt", "\n".join(f"data/obj_train_data/a{number}.jpg" for number in range(6, 8)))
    return {"splits": {"train": 6, "val": 2}}


def yolo_lists_of_photos(tree):
    for number in range(8):
        tree.yolo(f"images/a{number}.jpg", f"labels/a{number}.txt")
    tree.text("train.txt", "\n".join(f"./images/a{number}.jpg" for number in range(6)))
    tree.text("val.txt", "\n".join(f"C:\\data\\images\\a{number}.jpg" for number in range(6, 8)))
    tree.text("data.yaml", "train: train.txt\nval: val.txt\nnames: [cat, dog]\n")
    return {"splits": {"train": 6, "val": 2}}


def yolo_several_folders_a_split(tree):
    for folder, count in (("a", 4), ("b", 4), ("c", 3)):
        for number in range(count):
            tree.yolo(f"{folder}/images/{folder}{number}.jpg", f"{folder}/labels/{folder}{number}.txt")
    tree.text("data.yaml", "train:\n  - a/images\n  - b/images\nval: c/images\nnames: [cat, dog]\n")
    return {"splits": {"train": 8, "val": 3}}


def yolo_in_the_singular(tree):
    for split, count in (("train", 6), ("val", 3)):
        for number in range(count):
            tree.yolo(f"{split}/image/{split}{number}.png", f"{split}/label/{split}{number}.txt")
    tree.text("data.yaml", "names: [cat, dog]\n")
    return {"splits": {"train": 6, "val": 3}}


def yolo_without_names(tree):
    for number in range(8):
        tree.yolo(f"train/images/a{number}.jpg", f"train/labels/a{number}.txt")
    tree.text("data.yaml", "nc: 2\n")
    return {"images": 8, "classes": ("class_1",), "kinds": {"names_missing"}}


def yolo_with_polygons_confidences_and_missing_labels(tree):
    lines = (LINE, LINE.strip() + " 0.93\n", "1 .1 .1 .5 .1 .5 .5 .1 .5\n", "1 .1 .1 .5 .1 .5 .5\n", "", None)
    for number, line in enumerate(lines * 2):
        tree.photo(f"images/a{number}.jpg")
        if line is not None:
            tree.text(f"labels/a{number}.txt", line)
    tree.text("data.yaml", "names: [cat, dog]\n")
    tree.text("requirements.txt", "torch\n")
    tree.text("notes.json", "{}")
    return {"images": 12, "boxes": 8}


def yolo_with_keypoints(tree):
    for number in range(8):
        tree.yolo(f"images/a{number}.jpg", f"labels/a{number}.txt", f"{LINE.strip()} .1 .2 .3 .4\n")
    tree.text("data.yaml", "kpt_shape: [2, 2]\nnames: [cat, dog]\n")
    return {"images": 8}


LAYOUTS = [
    one for name, one in list(globals().items()) if name.startswith(("voc_", "coco_", "yolo_")) and one is not voc_xml
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_a_layout_is_imported_whole(tmp_path, layout):
    tree = Tree(tmp_path / "set")
    expected = layout(tree)
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    images = expected.get("images") or sum(expected["splits"].values())
    assert dataset.format == layout.__name__.partition("_")[0]
    assert len(dataset.images) == images
    assert dataset.boxes == expected.get("boxes", images)
    assert dataset.classes == expected.get("classes", ("dog",))
    assert dataset.splits == expected.get("splits", dataset.splits)
    kinds = {problem.kind for problem in dataset.problems} - {"class_rare", "class_missing", "no_validation"}
    assert kinds == expected.get("kinds", set())
    assert sum(int(record.annotations.difficult.sum()) for record in dataset.images) == expected.get("difficult", 0)


@pytest.mark.parametrize("layout", [coco_with_polygons_and_masks_alone, coco_official], ids=lambda one: one.__name__)
def test_boxes_are_where_the_labels_say(tmp_path, layout):
    tree = Tree(tmp_path / "set")
    layout(tree)
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert {tuple(box) for record in dataset.images for box in record.annotations.boxes_xyxy.tolist()} == {
        (4, 5, 34, 35)
    }


def test_a_zip_of_a_mac_with_names_in_other_scripts(tmp_path):
    archive = tmp_path / "фото.zip"
    draw_photo().save(tmp_path / "a.jpg")
    with zipfile.ZipFile(archive, "w") as opened:
        for number in range(8):
            name = f"Ünï çödé/фото {number}"
            opened.write(tmp_path / "a.jpg", f"{name}.JPEG")
            opened.writestr(f"{name}.XML", voc_xml(f"фото {number}.JPEG", marks=[("кот", (4, 5, 34, 35))]))
            opened.writestr(f"__MACOSX/Ünï çödé/._фото {number}.JPEG", b"\0\5\x16\7")
        opened.writestr("Ünï çödé/.DS_Store", "x")
    dataset = import_dataset(archive, workspace=workspace_in(tmp_path))
    assert (dataset.id, dataset.classes, len(dataset.images)) == ("фото", ("кот",), 8)


def test_labels_in_two_formats_are_a_question(tmp_path):
    tree = Tree(tmp_path / "set")
    for number in range(8):
        tree.voc(f"a{number}.jpg", f"a{number}.xml")
        tree.text(f"a{number}.txt", LINE)
    tree.text("classes.txt", "cat\ndog\n")
    workspace = workspace_in(tmp_path)
    with pytest.raises(
        AmbiguousFormatError, match=r"voc labels for 8 photos and yolo labels for 8.*--format voc"
    ) as caught:
        import_dataset(tree.root, workspace=workspace)
    assert caught.value.formats == ("voc", "yolo")
    assert list(workspace.datasets.iterdir()) == []
    assert import_dataset(tree.root, format="yolo", workspace=workspace).format == "yolo"


def test_a_few_labels_of_another_format_are_clutter(tmp_path):
    tree = Tree(tmp_path / "set")
    for number in range(20):
        tree.voc(f"a{number}.jpg", f"a{number}.xml")
    tree.text("a0.txt", LINE)
    assert import_dataset(tree.root, workspace=workspace_in(tmp_path)).format == "voc"


def test_the_order_of_classes_does_not_depend_on_the_hash_seed(tmp_path):
    tree = Tree(tmp_path / "set")
    for number, name in enumerate(("pear", "fig", "apple", "kiwi", "plum", "lime") * 2):
        tree.photo(f"a{number}.jpg")
        tree.text(f"a{number}.xml", voc_xml(f"a{number}.jpg", marks=[(name, (4, 5, 34, 35))]))
    script = (
        "import sys; from pathlib import Path; from autodet import import_dataset; "
        "from autodet.workspace import Workspace; "
        "d = import_dataset(sys.argv[1], workspace=Workspace(Path(sys.argv[2]))); print(d.classes, d.fingerprint)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script, str(tree.root), str(tmp_path / seed)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1 and "('apple', 'fig', 'kiwi', 'lime', 'pear', 'plum')" in said.pop()
