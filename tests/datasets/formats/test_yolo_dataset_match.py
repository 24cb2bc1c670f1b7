"""Sources with several files of settings: which of them counts for which photos, each tree imported whole."""

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from autodet.messages.findings import action_sentence, problem_sentence
from tests.datasets.formats.layouts import LINE, Tree, assert_imported, layouts_of
from tests.helpers import workspace_in


def fill(tree, *folders, labels=None, count=3):
    for folder in folders:
        for number in range(count):
            name = f"{folder.replace('/', '-')}{number}"
            tree.yolo(f"{folder}/{name}.jpg", f"{labels or folder.replace('images', 'labels')}/{name}.txt")


def with_stock_settings(tree, folder):
    """The settings of well-known data sets, which clones of YOLO's programs bring along."""
    tree.text(f"{folder}/Argoverse.yaml", "path: ../datasets/A\ntrain: A-1.1/images/train/\nnames: [a, person]\n")
    tree.text(f"{folder}/coco.yaml", "train: ./coco/train2017.txt\nval: ./coco/val2017.txt\nnames: [b, bicycle]\n")
    tree.text(f"{folder}/Objects365.yaml", "path: ../datasets/O\ntrain: images/train\nval: images/val\nnames: [c, d]\n")
    tree.text(f"{folder}/SKU.yaml", "path: ../datasets/SKU\ntrain: train.txt\nval: val.txt\nnames: [e, object]\n")
    tree.text(f"{folder}/voc.yaml", "train: ../VOC/images/train/\nval: ../VOC/images/val/\nnames: [f, boat]\n")


def yolo_in_a_clone(tree):
    fill(tree, "data/images/train", "data/images/val")
    with_stock_settings(tree, "yolov5/data")
    places = "train: /content/data/images/train\nval: /content/data/images/val\n"
    tree.text("yolov5/data/custom.yaml", f"{places}nc: 2\nnames: ['cat', 'dog']\n")
    return {"splits": {"train": 3, "val": 3}}


def yolo_in_a_clone_at_the_root(tree):
    fill(tree, "images/train", "images/val")
    with_stock_settings(tree, "data")
    tree.text("data/team.yaml", "train: ../images/train\nval: ../images/val\nnames: [cat, dog]\n")
    return {"splits": {"train": 3, "val": 3}}


def yolo_lists_in_a_clone(tree):
    fill(tree, "photos", count=8)
    with_stock_settings(tree, "data")
    tree.text("train.txt", "".join(f"/home/me/set/photos/photos{number}.jpg\n" for number in range(6)))
    tree.text("val.txt", "".join(f"/home/me/set/photos/photos{number}.jpg\n" for number in (6, 7)))
    tree.text("data/team.yaml", "train: /home/me/set/train.txt\nval: /home/me/set/val.txt\nnames: [cat, dog]\n")
    return {"splits": {"train": 6, "val": 2}}


def yolo_in_a_clone_with_a_test_that_no_settings_name(tree):
    fill(tree, "data/images/train", "data/images/val", "data/images/test")
    with_stock_settings(tree, "yolov5/data")
    tree.text("yolov5/data/team.yaml", "train: ../data/images/train\nval: ../data/images/val\nnames: [cat, dog]\n")
    return {"splits": {"train": 3, "val": 3, "test": 3}}


def yolo_settings_of_another_export_at_the_root(tree):
    fill(tree, "Img/Entrenamiento", count=8)
    places = "train: Img/Entrenamiento\nval: Img/Entrenamiento\n"
    tree.text("mine.yaml", f"path: /D:/Felipe/Model\n{places}names: {{0: cat, 1: dog}}\n")
    tree.text("data.yaml", "path: /content/drive/export\ntrain: images\nval: images\nnames: {0: dog, 1: cat}\n")
    return {"images": 8, "kinds": {"split_twice"}}


def yolo_names_that_a_darknet_file_speaks_of(tree):
    fill(tree, "data/labelled", count=8)
    tree.text("cfg/voc.data", "train = /home/x/data/voc/train.txt\nvalid = /home/x/2007_test.txt\nnames = voc.names\n")
    home = "/home/w/data"
    lists = f"train = {home}/labelled/train.txt\nvalid = {home}/labelled/valid.txt\n"
    tree.text("cfg/bird.data", f"classes = 2\n{lists}names = {home}/names/bird-dog.names\n")
    tree.text("data/voc.names", "aeroplane\nbicycle\n")
    tree.text("data/coco.names", "person\nbicycle\n")
    tree.text("data/names/bird-dog.names", "bird\ndog\n")
    tree.text("data/labelled/train.txt", "".join(f"{home}/labelled/data-labelled{n}.jpg\n" for n in range(6)))
    tree.text("data/labelled/valid.txt", "".join(f"{home}/labelled/data-labelled{n}.jpg\n" for n in (6, 7)))
    return {"splits": {"train": 6, "val": 2}}


def yolo_names_in_a_file_that_the_settings_speak_of(tree):
    fill(tree, "images/train", "images/val")
    tree.text("old/classes.txt", "dog\ncat\n")
    tree.text("z/my_names.names", "cat\ndog\n")
    tree.text("data.yaml", "train: images/train\nval: images/val\nnames: z/my_names.names\n")
    return {"splits": {"train": 3, "val": 3}}


def yolo_settings_for_three_sets_of_which_two_are_here(tree):
    fill(tree, "droplet/images/train", "droplet/images/val", "floors/images/train", "floors/images/val")
    for name, folder, second in (
        ("a_third", "third", "wall"),
        ("droplet", "droplet", "dog"),
        ("only", "floors", "cow"),
    ):
        places = f"path: ./{folder}\ntrain: images/train\nval: images/val\n"
        tree.text(f"data/{name}.yaml", f"{places}names: [none, {second}]\n")
    return {"splits": {"train": 6, "val": 6}, "classes": ("cow", "dog")}


def yolo_two_exports_of_which_one_has_no_test(tree):
    fill(tree, "a/train/images", "a/valid/images", "b/train/images", "b/valid/images", "b/test/images")
    places = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n"
    tree.text("a/data.yaml", f"{places}names: [dog, wolf]\n")
    tree.text("b/data.yaml", f"{places}names: [cat, dog]\n")
    return {"splits": {"train": 6, "val": 6, "test": 3}, "classes": ("dog", "wolf")}


def yolo_names_nearer_than_settings_about_other_photos(tree):
    fill(tree, "a/images/train", "a/images/val", "more/images", count=6)
    tree.text("a.yaml", "path: a\ntrain: images/train\nval: images/val\nnames: [cat, dog]\n")
    tree.text("more/labels/classes.txt", "dog\ncow\n")
    tree.text("more/obj.data", "train = all.txt\n")
    tree.text("more/all.txt", "".join(f"images/more-images{number}.jpg\n" for number in range(6)))
    return {"splits": {"train": 12, "val": 6}, "classes": ("cow", "dog")}


def yolo_files_that_agree(tree):
    fill(tree, "images/train", "images/val")
    tree.text("a.yaml", "train: images/train\nval: images/val\nnames: [Cat, dog]\n")
    tree.text("b.yaml", "train: /x/images/train\nval: /x/images/val\nnames: [cat, dog, cow]\n")
    return {"splits": {"train": 3, "val": 3}}


def yolo_settings_for_a_test_of_its_own(tree):
    fill(tree, "train/images", "val/images", "test/images")
    tree.text("custom_data.yaml", "train: /x/train/images\nval: /x/val/images\nnames: [cat, dog]\n")
    tree.text(
        "test_data.yaml", "train: /x/train/images\nval: /x/test/images\ntest: /x/test/images\nnames: [cat, dog]\n"
    )
    return {"splits": {"train": 3, "val": 3, "test": 3}, "kinds": {"split_twice"}}


def yolo_without_the_list_of_train(tree):
    fill(tree, "data/obj", count=8)
    tree.text("data/obj.data", "train = data/train.txt\nvalid = data/test.txt\nnames = data/obj.names\n")
    tree.text("data/obj.names", "cat\ndog\n")
    tree.text("data/test.txt", "data/obj/data-obj0.jpg\ndata/obj/data-obj1.jpg\n")
    return {"splits": {"train": 6, "val": 2}, "kinds": {"train_unnamed"}}


@pytest.mark.parametrize("layout", layouts_of(globals()), ids=lambda layout: layout.__name__)
def test_settings_count_for_the_photos_that_they_are_about(tmp_path, layout):
    assert_imported(tmp_path, layout)


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "set")


def test_two_files_with_other_names_for_the_same_photos_need_somebody_who_agrees(tree, tmp_path):
    fill(tree, "images/train", "images/val")
    tree.text("b.yaml", "train: images/train\nval: images/val\nnames: [dog, cat]\n")
    tree.text("data.yaml", "train: /content/images/train\nval: /content/images/val\nnames: [cat, dog]\n")
    told = (
        r"'data.yaml' and 'b.yaml' are both about 6 photos, but class 0 is 'cat' in the first and 'dog' in the second"
    )
    with pytest.raises(DatasetError, match=rf"{told}.*--decide names_differ=keep"):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))
    agreed = import_dataset(tree.root, decisions={"names_differ": "keep"}, workspace=workspace_in(tmp_path))
    assert agreed.classes == ("dog",)
    assert [action_sentence(one) for one in agreed.findings if one.kind == "names_differ"] == ["Its names were used."]


@pytest.mark.parametrize("place", ["", "labels/val/"])
def test_a_list_of_names_beside_settings_or_labels_that_says_otherwise_is_no_silent_loser(tree, tmp_path, place):
    fill(tree, "images/train", "images/val")
    tree.text("data.yaml", "train: images/train\nval: images/val\nnames: [cat, dog]\n")
    tree.text(f"{place}classes.txt", "dog\ncat\n")
    told = rf"'data.yaml' and '{place}classes.txt' are about the same labels, but class 0 is 'cat' in the first"
    with pytest.raises(DatasetError, match=told):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))
    agreed = import_dataset(tree.root, decisions={"names_differ": "keep"}, workspace=workspace_in(tmp_path))
    assert agreed.classes == ("dog",)
    tree.text(f"{place}classes.txt", "Cat\ndog\ncow\n")
    again = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert "names_differ" not in {problem.kind for problem in again.findings}


def test_labels_that_only_settings_of_other_sets_could_name_are_not_guessed(tree, tmp_path):
    fill(tree, "a/images", "b/images", "c/images", count=4)
    for name, names in (("a", "[cat, dog]"), ("b", "[cow, hen]")):
        tree.text(f"cfg/{name}.yaml", f"train: {name}/images\nnames: {names}\n")
    told = r"Neither 'cfg/a.yaml' nor 'cfg/b.yaml' is about this photo.*import the folder of each data set separately"
    with pytest.raises(DatasetError, match=rf"would lose 4 of 12 labelled photos.*{told}"):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))


def test_many_labelled_photos_that_no_list_names_are_a_loss(tree, tmp_path):
    fill(tree, "data/obj", count=12)
    tree.text("classes.txt", "cat\ndog\n")
    tree.text("train.txt", "data/obj/data-obj1.jpg\ndata/obj/data-obj2.jpg\n")
    tree.text("test.txt", "data/obj/data-obj0.jpg\n")
    with pytest.raises(DatasetError, match=r"lose 9 of 12 labelled photos and 9 of 12 boxes.*photo_unlisted=keep"):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))
    for decisions, photos in (({"photo_unlisted": "keep"}, 12), ({"large_loss": "keep"}, 3)):
        assert len(import_dataset(tree.root, decisions=decisions, workspace=workspace_in(tmp_path)).images) == photos


def said(tree, tmp_path, kind):
    problems = import_dataset(tree.root, workspace=workspace_in(tmp_path)).findings
    return [(one.file, problem_sentence(one), action_sentence(one)) for one in problems if one.kind == kind]


def test_photos_of_one_folder_for_train_and_val_are_said_to_be_drawn_from(tree, tmp_path):
    fill(tree, "images", count=6)
    tree.text("data.yaml", "train: images\nval: images\nnames: [cat, dog]\n")
    [(_, _, action)] = said(tree, tmp_path, "split_twice")
    assert action == "They were taken for train; if that leaves no photo for val, splits are drawn from it."


def test_predictions_and_missing_label_files_are_counted(tree, tmp_path):
    fill(tree, "images", count=6)
    tree.photo("images/nothing.jpg")
    tree.text("classes.txt", "cat\ndog\n")
    fill(tree, "yolo/runs/detect/predict", labels="yolo/runs/detect/predict/labels")
    [(folder, problem, _)] = said(tree, tmp_path, "labels_foreign")
    assert folder == "yolo/runs" and "3 photos and 3 text files" in problem
    assert said(tree, tmp_path, "photo_unlabelled") == []
    told = ("", "1 photo has no label file.", "They were kept as photos without objects.")
    assert said(tree, tmp_path, "label_file_missing") == [told]


def test_nothing_but_predictions_is_a_sentence(tree, tmp_path):
    tree.yolo("runs/detect/predict/a.jpg", "runs/detect/predict/labels/a.txt", LINE)
    with pytest.raises(DatasetError, match="predictions are not ground truth"):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))
