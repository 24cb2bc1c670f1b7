"""YOLO as tools and people really lay it out, each tree imported whole."""

import json

import pytest

from tests.datasets.formats.layouts import BOXES, LINE, assert_imported, layouts_of


def yolo_an_exporter(tree):
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


def yolo_a_labelling_tool(tree):
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
    boxes = {BOXES["yolo"], (6.4, 4.8, 32, 24)}
    return {"images": 12, "boxes": 8, "boxes_xyxy": boxes, "kinds": {"label_file_missing", "rows_read"}}


def yolo_with_keypoints(tree):
    for number in range(8):
        tree.yolo(f"images/a{number}.jpg", f"labels/a{number}.txt", f"{LINE.strip()} .1 .2 .3 .4\n")
    tree.text("data.yaml", "kpt_shape: [2, 2]\nnames: [cat, dog]\n")
    return {"images": 8, "kinds": {"rows_read"}}


def yolo_settings_against_the_folders(tree):
    for folder, count, split in (("train", 6, "train"), ("test", 3, "val")):
        for number in range(count):
            tree.yolo(f"{folder}/images/{folder}{number}.jpg", f"{folder}/labels/{folder}{number}.txt", split=split)
    tree.text("data.yaml", "train: ../train/images\nval: ../test/images\nnc: 2\nnames: ['cat', 'dog']\n")
    return {"splits": {"train": 6, "val": 3}}


def yolo_one_folder_for_val_and_test(tree):
    for folder, count, split in (("train", 6, "train"), ("valid", 3, "val")):
        for number in range(count):
            tree.yolo(f"{folder}/images/{folder}{number}.jpg", f"{folder}/labels/{folder}{number}.txt", split=split)
    tree.text("data.yaml", "train: train/images\nval: valid/images\ntest: valid/images\nnames: [cat, dog]\n")
    return {"splits": {"train": 6, "val": 3}, "kinds": {"split_twice"}}


def yolo_a_val_list_within_the_train_list(tree):
    for number in range(8):
        tree.yolo(f"images/{number}.jpg", f"labels/{number}.txt", split="val" if number > 5 else "train")
    tree.text("train.txt", "".join(f"./images/{number}.jpg\r\n" for number in range(8)))
    tree.text("val.txt", "".join(f"./images/{number}.jpg\r\n" for number in range(6, 8)))
    tree.text("data.yaml", "path: /gone/set\ntrain: train.txt\nval: val.txt\nnames: [cat, dog]\n")
    return {"splits": {"train": 6, "val": 2}, "kinds": {"split_twice"}}


def yolo_lists_that_nothing_names(tree):
    for number in range(8):
        tree.yolo(
            f"obj_train_data/{number}.jpg", f"obj_train_data/{number}.txt", split="val" if number > 5 else "train"
        )
    tree.text("classes.txt", "cat\ndog\n")
    tree.text("train.txt", "".join(f"data/obj_train_data/{number}.jpg\n" for number in range(6)))
    tree.text("val.txt", "".join(f"data/obj_train_data/{number}.jpg\n" for number in range(6, 8)))
    return {"splits": {"train": 6, "val": 2}}


def yolo_lists_that_leave_photos_out(tree):
    for number in range(9):
        tree.yolo(f"images/{number}.jpg", f"labels/{number}.txt")
    tree.text("data.yaml", "train: train.txt\nval: val.txt\nnames: [cat, dog]\n")
    tree.text("train.txt", "".join(f"images/{number}.jpg\n" for number in range(6)))
    tree.text("val.txt", "images/6.jpg\nimages/7.jpg\n")
    return {"splits": {"train": 6, "val": 2}, "kinds": {"photo_unlisted"}}


def yolo_of_folds(tree):
    for number in range(9):
        tree.yolo(f"images/{number}.jpg", f"labels/{number}.txt", split="val" if number < 3 else "train")
    for fold in range(3):
        held = range(3 * fold, 3 * fold + 3)
        tree.text(f"folds/{fold}/train.txt", "".join(f"../images/{n}.jpg\n" for n in range(9) if n not in held))
        tree.text(f"folds/{fold}/val.txt", "".join(f"../images/{n}.jpg\n" for n in held))
        tree.text(f"folds/{fold}/data.yaml", "train: train.txt\nval: val.txt\nnames: {0: cat, 1: dog}\n")
    return {"splits": {"train": 6, "val": 3}}


def yolo_two_data_sets_with_other_numbers(tree):
    for name, names in (("a", "[cat, dog]"), ("b", "[dog, wolf]")):
        for split, count in (("train", 4), ("valid", 2)):
            for number in range(count):
                stem = f"{name}{split}{number}"
                photo, label = f"{name}/{split}/images/{stem}.jpg", f"{name}/{split}/labels/{stem}.txt"
                tree.yolo(photo, label, split="val" if split == "valid" else "train")
        tree.text(f"{name}/data.yaml", f"train: ../train/images\nval: ../valid/images\nnames: {names}\n")
    return {"splits": {"train": 8, "val": 4}, "classes": ("dog", "wolf")}


def yolo_names_beside_each_splits_labels(tree):
    for split, names in (("train", "cat\ndog\n"), ("test", "wolf\ndog\n")):
        for number in range(4):
            tree.yolo(f"{split}/{split}{number}.jpg", f"{split}/{split}{number}.txt", split="test" * (split == "test"))
        tree.text(f"{split}/_darknet.labels", names)
    return {"splits": {"train": 3, "val": 1, "test": 4}}


def yolo_of_a_labelling_platform(tree):
    for number in range(8):
        tree.yolo(f"project-1/images/ab12-{number}.jpg", f"project-1/labels/ab12-{number}.txt")
    tree.text("project-1/classes.txt", "cat\ndog")
    notes = {"categories": [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}], "info": {"year": 2024}}
    tree.text("project-1/notes.json", json.dumps(notes))
    return {"images": 8}


def yolo_folders_that_differ_in_a_word(tree):
    for split, count in (("train", 6), ("val", 3)):
        base = f"Drone2019-DET-{split}/Drone2019-DET-{split}"
        for number in range(count):
            tree.yolo(f"{base}/images/{split}{number}.jpg", f"{base}/labels/{split}{number}.txt", split=split)
            tree.text(f"{base}/annotations/{split}{number}.txt", "684,8,273,116,0,0,0,0\n")
    tree.text("drone.yaml", "path: ../datasets/drone\nnames:\n  0: cat\n  1: dog\n")
    return {"splits": {"train": 6, "val": 3}}


def yolo_labels_in_a_folder_of_another_name(tree):
    for number in range(8):
        tree.yolo(f"set/photos/{number}.JPG", f"set/annotations/{number}.TXT")
    tree.text("set/obj.names", "cat\ndog\n")
    return {"images": 8}


def yolo_flat_labels_for_photos_by_split(tree):
    for split, count in (("train", 6), ("val", 3)):
        for number in range(count):
            tree.yolo(f"images/{split}/{split}{number}.jpg", f"labels/{split}{number}.txt", split=split)
    tree.text("data.yaml", "names: [cat, dog]\n")
    return {"splits": {"train": 6, "val": 3}}


def yolo_labels_without_their_photos(tree):
    for number in range(60):
        tree.text(f"labels/train/{number}.txt", LINE)
        if number:
            tree.photo(f"images/train/{number}.jpg", "train")
    for number in range(3):
        tree.yolo(f"images/val/v{number}.jpg", f"labels/val/v{number}.txt", split="val")
        tree.text(f"labels/test/t{number}.txt", LINE)
    tree.text("labels/train.cache", "\0")
    tree.text("data.yaml", "names: [cat, dog]\ntrain: images/train\nval: images/val\n")
    return {"splits": {"train": 59, "val": 3}, "kinds": {"photo_missing", "labels_foreign"}}


def yolo_test_that_nobody_labelled(tree):
    for split, count in (("train", 6), ("valid", 3)):
        for number in range(count):
            tree.yolo(f"{split}/images/{split}{number}.jpg", f"{split}/labels/{split}{number}.txt")
    for number in range(4):
        tree.photo(f"test/images/{number}.jpg")
    tree.photo("runs/detect/train/results.png")
    tree.text("data.yaml", "train: train/images\nval: valid/images\ntest: test/images\nnames: [cat, dog]\n")
    return {"splits": {"train": 6, "val": 3}, "kinds": {"photo_unlabelled", "labels_foreign"}}


def yolo_settings_of_windows_with_odd_names(tree):
    for number in range(8):
        tree.yolo(f"images/{number}.jpg", f"labels/{number}.txt", line="0 .5 .5 .25 .5\n1 .5 .5 .25 .5\n")
    settings = """path: "C:\\Users\\me"\nnc: 2\nnames: [no, "it's: a 'dog'"]\n"""
    tree.text("data.yaml", settings, "utf-8-sig")
    return {"images": 8, "boxes": 16, "classes": ("it's: a 'dog'", "no"), "kinds": {"names_read"}}


def yolo_names_with_their_numbers(tree):
    for number in range(8):
        tree.yolo(f"{number}.jpg", f"{number}.txt")
    tree.text("classes.txt", "0: cat\n1: dog\n")
    return {"images": 8}


def yolo_numbers_beyond_the_names_and_photos_called_like_lists(tree):
    for number, name in enumerate(("test", "train", "classes", "labels", "val", "a", "b", "c")):
        tree.yolo(f"images/{name}.jpg", f"labels/{name}.txt", LINE + "7 .5 .5 .1 .1\n" * (number == 0))
    tree.text("data.yaml", "names: [cat, dog]\n")
    return {"images": 8, "kinds": {"class_unknown"}}


def yolo_oriented_boxes(tree):
    line = "1 0.375 0.25 0.625 0.25 0.625 0.75 0.375 0.75\n"
    for number in range(8):
        tree.yolo(f"images/{number}.jpg", f"labels/{number}.txt", line)
    tree.text("data.yaml", "names: [cat, dog]\n")
    return {"images": 8}


def yolo_in_a_folder_of_the_same_name(tree):
    for split, count in (("train", 6), ("val", 3)):
        for number in range(count):
            base = "helmets/helmets"
            tree.yolo(
                f"{base}/images/{split}/{split}{number}.png", f"{base}/labels/{split}/{split}{number}.txt", split=split
            )
    tree.text("helmets/helmets/classes.txt", "cat\ndog\n")
    tree.text("helmets/.ipynb_checkpoints/data.yaml", "names: [wrong, wronger]\n")
    tree.text("helmets/train.csv", "ImageID,XMin\n")
    return {"splits": {"train": 6, "val": 3}}


def yolo_labels_beside_the_folders_of_a_devkit(tree):
    for number in range(8):
        tree.yolo(
            f"VOC2007/JPEGImages/{number}.jpg", f"VOC2007/labels/{number}.txt", split="val" if number > 5 else "train"
        )
    tree.text("2007_train.txt", "".join(f"/home/me/VOC2007/JPEGImages/{number}.jpg\n" for number in range(6)))
    tree.text("2007_val.txt", "".join(f"/home/me/VOC2007/JPEGImages/{number}.jpg\n" for number in range(6, 8)))
    tree.text(
        "voc.data", "classes= 2\ntrain  = /home/me/2007_train.txt\nvalid  = 2007_val.txt\nnames = data/voc.names\n"
    )
    tree.text("data/voc.names", "cat\ndog\n")
    return {"splits": {"train": 6, "val": 2}}


def yolo_beside_masks(tree):
    for number in range(8):
        tree.yolo(f"images/{number}.jpg", f"labels/{number}.txt", LINE, split="")
        tree.photo(f"masks/{number}.png")
    tree.text("classes.txt", "cat\ndog\n")
    return {"images": 8, "kinds": {"photo_unlabelled"}}


def yolo_labels_with_the_photos_ending(tree):
    for number in range(8):
        tree.yolo(f"images/{number}.jpg", f"labels/{number}.jpg.txt")
    tree.text("data.yaml", "names: [cat, dog]\n")
    return {"images": 8}


def yolo_labels_with_the_photos_ending_in_another_folder(tree):
    for number in range(8):
        tree.yolo(f"images/{number}.jpg", f"annotations/{number}.jpg.txt")
    tree.text("classes.txt", "cat\ndog\n")
    return {"images": 8}


def yolo_labels_of_an_older_state(tree):
    for number in range(8):
        tree.yolo(f"images/{number}.jpg", f"labels/{number}.txt")
        tree.text(f"labels_old/{number}.txt", "0 .1 .1 .1 .1\n")
    tree.text("classes.txt", "cat\ndog\n")
    return {"images": 8, "kinds": {"labels_twice"}}


def yolo_with_photos_that_nobody_has_labelled_yet(tree):
    for number in range(3):
        tree.yolo(f"set/{number}.jpg", f"set/{number}.txt")
    for number in range(4):
        tree.photo(f"set/later{number}.jpg")
    tree.text("set/classes.txt", "cat\ndog\n")
    return {"images": 3, "kinds": {"photo_unlabelled"}}


def yolo_half_of_whose_photos_show_nothing(tree):
    for number in range(4):
        tree.yolo(f"set/{number}.jpg", f"set/{number}.txt")
        tree.photo(f"set/nothing{number}.jpg")
    tree.text("set/classes.txt", "cat\ndog\n")
    return {"images": 8, "boxes": 4, "kinds": {"label_file_missing"}}


def yolo_beside_predictions(tree):
    for number in range(8):
        tree.yolo(f"images/{number}.jpg", f"labels/{number}.txt")
    for folder in ("runs/detect/mine", "yolov5/runs/val/exp2", "runs/segment/predict3"):
        for number in range(2):
            tree.yolo(f"{folder}/{number}.jpg", f"{folder}/labels/{number}.txt")
    tree.text("classes.txt", "cat\ndog\n")
    return {"images": 8, "kinds": {"labels_foreign"}}


def yolo_about_runs(tree):
    for split, count in (("train", 6), ("val", 3)):
        for number in range(count):
            tree.yolo(f"runs/{split}/images/{number}.jpg", f"runs/{split}/labels/{number}.txt", split=split)
    tree.text("classes.txt", "cat\ndog\n")
    return {"splits": {"train": 6, "val": 3}}


def yolo_with_comments(tree):
    for number in range(8):
        tree.yolo(f"images/{number}.jpg", f"labels/{number}.txt", f"# class x y width height\r\n\r\n{LINE}")
    tree.text("classes.txt", "cat\ndog\n")
    return {"images": 8}


def yolo_of_a_labelling_tool_whose_users_keep_the_photos(tree):
    for number in range(8):
        tree.yolo(f"images/{number}.jpg", f"labels/{number:x}1b2c3d4{'__' if number % 2 else '-'}{number}.txt")
    tree.text("classes.txt", "cat\ndog\n")
    return {"images": 8}


@pytest.mark.parametrize("layout", layouts_of(globals()), ids=lambda layout: layout.__name__)
@pytest.mark.slow
def test_a_layout_is_imported_whole(tmp_path, layout):
    assert_imported(tmp_path, layout)
