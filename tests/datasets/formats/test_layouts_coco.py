"""COCO as tools and people really lay it out, each tree imported whole."""

import json

import pytest

from tests.datasets.formats.layouts import CATEGORIES, assert_imported, coco, layouts_of


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


def coco_an_exporter_with_a_super_category(tree):
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


def coco_photos_without_marks(tree):
    document = coco([f"{number}.jpg" for number in range(8)])
    for number in range(8):
        tree.photo(f"images/{number}.jpg")
    document["annotations"] = document["annotations"][:6]
    tree.text("annotations.json", json.dumps(document))
    return {"images": 8, "boxes": 6}


def compressed(runs):
    """What the COCO API itself makes of uncompressed runs."""
    from pycocotools import mask

    return mask.frPyObjects({"size": [48, 64], "counts": runs}, 48, 64)["counts"].decode()


def coco_of_val_alone_beside_labels_of_everything(tree):
    names = [f"{number:012}.jpg" for number in range(6)]
    for name in names:
        tree.photo(f"coco/val2017/{name}", "val")
    for split in ("train", "val"):
        there = names if split == "val" else [f"{number:012}.jpg" for number in range(100, 120)]
        tree.coco(f"coco/annotations/instances_{split}2017.json", there)
        tree.coco(f"coco/annotations/person_keypoints_{split}2017.json", there, ((1, "person"),))
    return {"splits": {"val": 6}, "kinds": {"labels_foreign"}}


def coco_splits_by_files_of_photos_in_one_folder(tree):
    train, val = [f"{number}.jpg" for number in range(6)], [f"{number}.jpg" for number in range(6, 9)]
    for name in train + val:
        tree.photo(f"train/{name}", "train" if name in train else "val")
    tree.coco("train.json", train)
    tree.coco("val.json", val)
    return {"splits": {"train": 6, "val": 3}}


def coco_the_same_names_in_every_split(tree):
    for split, count in (("train", 6), ("val", 3), ("test", 2)):
        for number in range(count):
            tree.photo(f"images/{split}/{number:04}.jpg", split)
        tree.coco(f"annotations/{split}.json", [f"{number:04}.jpg" for number in range(count)])
    return {"splits": {"train": 6, "val": 3, "test": 2}}


def coco_the_same_names_in_folders_of_classes(tree):
    names = [f"{folder}/{number}.jpg" for folder in ("a", "b") for number in range(4)]
    document = coco(names)
    for number, name in enumerate(names):
        tree.photo(f"data/images/{name}")
        document["annotations"][number]["category_id"] = 1 if name.startswith("a") else 2
    tree.text("data/annotations.json", json.dumps(document))
    return {"images": 8, "classes": ("cat", "dog")}


def coco_of_a_labelling_tool_with_paths_of_another_machine(tree):
    names = [
        "images\\a 0.jpg",
        "../../data/upload/1/a%201.jpg",
        "/data/local-files/?d=photos/a%202.jpg",
        "https://example.org/a%203.jpg?size=large",
        "C:\\Users\\me\\a 4.jpg",
        "images/A 5.JPEG",
    ]
    for number in range(6):
        tree.photo(f"project/images/a {number}.jpg")
    tree.coco("project/result.json", names, ((0, "cat"), (1, "dog")))
    return {"images": 6}


def coco_of_folds(tree):
    for number in range(9):
        tree.photo(f"images/{number}.jpg", "val" if number < 3 else "train")
    for fold in range(3):
        held = range(3 * fold, 3 * fold + 3)
        tree.coco(f"annotations/fold{fold}_val.json", [f"{number}.jpg" for number in held])
        tree.coco(f"annotations/fold{fold}_train.json", [f"{n}.jpg" for n in range(9) if n not in held])
    return {"splits": {"train": 6, "val": 3}, "kinds": {"labels_twice"}}


def coco_photos_that_are_in_train_and_val(tree):
    names = [f"{number}.jpg" for number in range(8)]
    for name in names:
        tree.photo(f"images/{name}", "val" if name in names[6:] else "train")
    tree.coco("annotations/train.json", names)
    tree.coco("annotations/val.json", names[6:])
    return {"splits": {"train": 6, "val": 2}, "kinds": {"split_twice"}}


def coco_one_file_for_all_beside_those_of_splits(tree):
    names = [f"{number}.jpg" for number in range(9)]
    for name in names:
        tree.photo(f"images/{name}")
    tree.coco("annotations/instances.json", names)
    tree.coco("annotations/instances_train.json", names[:5])
    tree.coco("annotations/instances_val.json", names[5:8])
    return {"splits": {"train": 5, "val": 3}, "kinds": {"labels_twice", "photo_unlisted"}}


def coco_challenge_whose_test_is_not_labelled(tree):
    for split, count in (("train", 6), ("test", 3)):
        names = [f"{split}{number}.jpg" for number in range(count)]
        for name in names:
            tree.photo(f"{split}/{name}")
        tree.coco(f"{split}.json", names)
    document = coco([f"test{number}.jpg" for number in range(3)])
    del document["annotations"]
    tree.text("test.json", json.dumps(document))
    return {"splits": {"train": 4, "val": 1, "test": 1}, "kinds": {"photo_unlabelled"}}


def coco_keypoints_alone(tree):
    names = [f"{number}.jpg" for number in range(8)]
    for name in names:
        tree.photo(f"images/default/{name}")
    tree.coco("annotations/person_keypoints_default.json", names, ((1, "person"),))
    return {"images": 8, "classes": ("person",)}


def coco_numbers_written_as_text(tree):
    document = coco([f"{number}.jpg" for number in range(8)], (("1", "cat"), ("2", "dog")))
    for image, mark in zip(document["images"], document["annotations"], strict=True):
        tree.photo(f"img/{image['file_name']}")
        image |= {"width": "64", "height": "48.0"}
        mark |= {"bbox": ["4", "5", "30", "30.0"], "iscrowd": "0", "image_id": str(mark["image_id"])}
    document["annotations"][0]["iscrowd"] = "1"
    document["annotations"][1]["attributes"] = {"truncated": True, "occluded": False, "difficult": "true"}
    tree.text("via_project_coco.json", json.dumps(document), "utf-8-sig")
    return {"images": 8, "difficult": 2, "truncated": 1}


def coco_without_categories(tree):
    document = coco([f"{number}.jpg" for number in range(8)])
    for number in range(8):
        tree.photo(f"{number}.jpg")
    del document["categories"]
    tree.text("labels.json", json.dumps(document))
    return {"images": 8, "classes": ("class_2",), "kinds": {"names_missing"}}


def coco_an_entry_for_each_mark(tree):
    document = coco([f"{number % 4}.jpg" for number in range(8)])
    for number, mark in enumerate(document["annotations"]):
        mark["category_id"] = 1 + number // 4
    for number in range(4):
        tree.photo(f"images/{number}.jpg")
    tree.text("annotations.json", json.dumps(document))
    return {"images": 4, "boxes": 8, "classes": ("cat", "dog")}


def coco_in_utf_16(tree):
    names = [f"собака {number}.jpg" for number in range(8)]
    for name in names:
        tree.photo(f"images/{name}")
    tree.text("annotations.json", json.dumps(coco(names), ensure_ascii=False), "utf-16")
    return {"images": 8}


def coco_with_addresses_in_place_of_names(tree):
    document = coco([f"{number:012}.jpg" for number in range(8)])
    for number, image in enumerate(document["images"]):
        folder = "val2017" if number < 2 else "train2017"
        tree.photo(f"{folder}/{number:012}.jpg", "val" if number < 3 else "train")
        image["coco_url"] = f"http://images.example.org/{folder}/{image.pop('file_name')}"
    images, marks = document["images"], document["annotations"]
    tree.text("lvis_v1_val.json", json.dumps(document | {"images": images[:3], "annotations": marks[:3]}))
    tree.text("lvis_v1_train.json", json.dumps(document | {"images": images[3:], "annotations": marks[3:]}))
    return {"splits": {"train": 5, "val": 3}}


def coco_from_polygons_of_points(tree):
    document = coco([f"{number}.jpg" for number in range(8)])
    for number, mark in enumerate(document["annotations"]):
        tree.photo(f"{number}.jpg")
        mark["bbox"] = [] if number % 2 else [0, 0, 0, 0]
        mark["segmentation"] = [[[4, 5], [34, 5], [34, 35]]] if number % 2 else [4, 5, 34, 5, 34, 35]
    tree.text("annotations.json", json.dumps(document))
    return {"images": 8}


def coco_of_two_jobs_with_the_same_names(tree):
    for job, categories in (("job 1", CATEGORIES), ("job 2", ((1, "dog"), (2, "wolf")))):
        names = [f"{number:06}.jpg" for number in range(4)]
        for name in names:
            tree.photo(f"{job}/images/{name}")
        tree.coco(f"{job}/annotations/instances_default.json", names, categories)
    return {"images": 8, "classes": ("dog", "wolf")}


def coco_of_few_photos_beside_one_of_all(tree):
    names = [f"{number:012}.jpg" for number in range(8)]
    for name in names:
        tree.photo(f"val2017/{name}", split="val")
    tree.coco("annotations/instances_val2017.json", [*names, *(f"{number:012}.jpg" for number in range(90, 99))])
    tree.coco("annotations/instances_val2017_small.json", names)
    return {"images": 8, "kinds": {"labels_foreign", "labels_twice"}}


def coco_of_a_labelling_tool_whose_users_keep_the_photos(tree):
    for number in range(8):
        tree.photo(f"photos/{number}.jpg")
    tree.coco("result.json", [f"../../data/media/upload/1/{number:x}1b2c3d4-{number}.jpg" for number in range(8)])
    return {"images": 8}


@pytest.mark.parametrize("layout", layouts_of(globals()), ids=lambda layout: layout.__name__)
def test_a_layout_is_imported_whole(tmp_path, layout):
    assert_imported(tmp_path, layout)
