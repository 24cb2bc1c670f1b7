"""Several COCO files about the same photos, through the import: what joins, what counts, what is lost."""

import json
from collections import Counter

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from autodet.messages.findings import action_sentence, problem_sentence
from tests.datasets.formats.layouts import Tree
from tests.helpers import workspace_in

LEFT, RIGHT, SHIFTED = (4, 5, 20, 30), (36, 5, 20, 30), (5, 6, 20, 30)  # x, y, width, height


def write(tree, name, marks, photos=8):
    """A COCO file; ``marks`` are photo numbers, class and box. Classes are numbered differently in every file."""
    names = sorted({class_ for _, class_, _ in marks}, reverse="sheep" in name)
    images = [{"id": number, "file_name": f"{number}.jpg", "width": 64, "height": 48} for number in range(photos)]
    annotations = [
        {"id": id, "image_id": number, "category_id": names.index(class_), "bbox": list(box)}
        for id, (number, class_, box) in enumerate(
            (number, class_, box) for numbers, class_, box in marks for number in numbers
        )
    ]
    categories = [{"id": id, "name": class_} for id, class_ in enumerate(names)]
    tree.text(
        f"annotations/{name}", json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )


def tree_of(tmp_path, files, photos=8):
    tree = Tree(tmp_path / "set")
    for number in range(photos):
        tree.photo(f"images/{number}.jpg")
    for name, marks in files.items():
        write(tree, name, marks)
    return tree.root


def boxes_of(dataset):
    """Boxes per class."""
    return Counter(dataset.classes[id] for record in dataset.images for id in record.annotations.class_ids)


def told(dataset, kind="labels_twice"):
    return {(one.file, problem_sentence(one), action_sentence(one)) for one in dataset.findings if one.kind == kind}


ALL, SOME, REST = range(8), range(4), range(4, 8)


@pytest.mark.parametrize(
    ("files", "boxes"),
    [
        # a file for each class
        ({"cow.json": [(ALL, "cow", LEFT)], "sheep.json": [(ALL, "sheep", RIGHT)]}, {"cow": 8, "sheep": 8}),
        # boxes of two classes at one place: a helmet on a head
        ({"head.json": [(ALL, "head", LEFT)], "helmet.json": [(ALL, "helmet", SHIFTED)]}, {"head": 8, "helmet": 8}),
        # one of them with some of the other's boxes, written alike or not
        (
            {"cow.json": [(ALL, "cow", LEFT)], "sheep.json": [(ALL, "sheep", RIGHT), ([0, 1], "cow", SHIFTED)]},
            {"cow": 8, "sheep": 8},
        ),
        # two people, each of whom labelled a part, and lists all
        ({"ann.json": [(SOME, "cow", LEFT)], "bob.json": [(REST, "cow", LEFT)]}, {"cow": 8}),
        # the same with one photo in common
        ({"ann.json": [(range(5), "cow", LEFT)], "bob.json": [(REST, "cow", SHIFTED)]}, {"cow": 8}),
    ],
)
def test_files_that_mark_other_objects_are_joined(tmp_path, files, boxes):
    root = tree_of(tmp_path, files)
    dataset = import_dataset(root, workspace=workspace_in(tmp_path))
    assert boxes_of(dataset) == boxes
    assert {one.kind for one in dataset.findings} <= {"labels_twice", "class_rare", "class_missing"}
    ((file, problem, action),) = told(dataset)
    named = {name for name in files if name in file + problem}
    assert named == set(files) and action == "Their boxes were joined."


def test_files_that_contradict_each_other_need_a_decision(tmp_path):
    root = tree_of(tmp_path, {"near.json": [(ALL, "cow", LEFT)], "far.json": [(ALL, "cow", RIGHT)]})
    workspace = workspace_in(tmp_path)
    with pytest.raises(DatasetError, match=r"far\.json and annotations/near\.json mark different boxes on 8 photos"):
        import_dataset(root, workspace=workspace)
    for action, boxes in (("fix", {"cow": 16}), ("keep", {"cow": 8})):
        assert boxes_of(import_dataset(root, decisions={"labels_disagree": action}, workspace=workspace)) == boxes


def test_files_of_classes_and_of_splits_are_joined(tmp_path):
    root = tree_of(tmp_path, {})
    tree = Tree(root)
    for name, class_, box in (("cow", "cow", LEFT), ("sheep", "sheep", RIGHT)):
        for split, names in (("train", range(6)), ("val", (6, 7))):
            images = [{"id": n, "file_name": f"{n}.jpg", "width": 64, "height": 48} for n in names]
            marks = [{"image_id": n, "category_id": 1, "bbox": list(box)} for n in names]
            document = {"images": images, "annotations": marks, "categories": [{"id": 1, "name": class_}]}
            tree.text(f"annotations/{name}_{split}.json", json.dumps(document))
    dataset = import_dataset(root, workspace=workspace_in(tmp_path))
    assert boxes_of(dataset) == {"cow": 8, "sheep": 8} and dataset.splits == {"train": 6, "val": 2}


@pytest.mark.parametrize(
    ("files", "counts", "boxes"),
    [
        # boxes that were moved a little: the one with more of them counts, whatever it is called
        ({"a.json": [(SOME, "cow", LEFT)], "b.json": [(ALL, "cow", SHIFTED)]}, "b.json", {"cow": 8}),
        ({"a.json": [(ALL, "cow", LEFT)], "b.json": [(SOME, "cow", SHIFTED)]}, "a.json", {"cow": 8}),
        ({"a.json": [(ALL, "cow", LEFT)], "b.json": [(ALL, "COW", SHIFTED)]}, "a.json", {"cow": 8}),
        # copies
        ({"a.json": [(ALL, "cow", LEFT)], "b.json": [(ALL, "cow", LEFT)]}, "a.json", {"cow": 8}),
    ],
)
def test_of_versions_one_counts_for_all_photos(tmp_path, files, counts, boxes):
    dataset = import_dataset(tree_of(tmp_path, files), workspace=workspace_in(tmp_path))
    assert boxes_of(dataset) == boxes
    box = next(box for _, _, box in files[counts])
    assert {tuple(record.annotations.boxes_xyxy[0][:2]) for record in dataset.images} == {tuple(map(float, box[:2]))}
    ((file, _, action),) = told(dataset)
    (other,) = files.keys() - {counts}
    assert file == f"annotations/{other}" and action == f"For these, annotations/{counts} counts."
    assert not told(dataset, "class_empty")


def test_a_file_of_everything_beside_one_for_each_class(tmp_path):
    cows, sheep = (ALL, "cow", LEFT), (ALL, "sheep", RIGHT)
    root = tree_of(tmp_path, {"cow.json": [cows], "merged.json": [cows, sheep], "sheep.json": [sheep]})
    dataset = import_dataset(root, workspace=workspace_in(tmp_path))
    assert boxes_of(dataset) == {"cow": 8, "sheep": 8}
    assert {action for _, _, action in told(dataset)} == {"For these, annotations/merged.json counts."}


def test_versions_of_different_photos_are_not_mixed(tmp_path):
    tree = Tree(tree_of(tmp_path, {}))
    write(tree, "11-13-combined.json", [(SOME, "cow", LEFT)], photos=4)
    write(tree, "combined.json", [(range(6), "cow", SHIFTED)], photos=6)
    write(tree, "merged_dataset.json", [(ALL, "cow", (6, 7, 20, 30))])
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert {tuple(record.annotations.boxes_xyxy[0].tolist()) for record in dataset.images} == {(6, 7, 26, 37)}


def test_what_only_the_version_that_does_not_count_has_is_weighed_as_lost(tmp_path):
    old = [(ALL, "cow", LEFT), ([0, 1, 2], "horse", RIGHT)]
    new = [(ALL, "cow", SHIFTED), (ALL, "sheep", (30, 5, 8, 8))]
    root = tree_of(tmp_path, {"old.json": old, "new.json": new})
    workspace = workspace_in(tmp_path)
    with pytest.raises(DatasetError, match=r"lose 3 of 19 boxes.*'horse' at .*old\.json only; .*new\.json"):
        import_dataset(root, workspace=workspace)
    dataset = import_dataset(root, decisions={"large_loss": "keep"}, workspace=workspace)
    assert boxes_of(dataset) == {"cow": 8, "sheep": 8}
    assert len(told(dataset, "box_set_aside")) == 3
    assert not told(dataset, "class_empty"), "horses have boxes, only not in what counts"


def test_files_of_splits_count_before_one_of_everything_with_more_boxes(tmp_path):
    tree = Tree(tree_of(tmp_path, {"all.json": [(ALL, "cow", LEFT), ([0], "cow", RIGHT)]}))
    write(tree, "train.json", [(range(6), "cow", SHIFTED)], photos=6)
    write(tree, "val.json", [([6, 7], "cow", SHIFTED)])
    document = json.loads((tree.root / "annotations/val.json").read_text())
    document["images"] = document["images"][6:]
    tree.text("annotations/val.json", json.dumps(document))
    dataset = import_dataset(tree.root, workspace=workspace_in(tmp_path))
    assert boxes_of(dataset) == {"cow": 8} and dataset.splits == {"train": 6, "val": 2}
    both = "annotations/train.json and annotations/val.json"
    assert {action for _, _, action in told(dataset)} == {f"For these, {both} count."}
    assert len(told(dataset, "box_set_aside")) == 1, "told, but too little to stop for"


def test_more_marks_than_any_photo_has_are_not_compared(tmp_path):
    spots = [(x % 60, x // 60 % 44, 2, 2 + x / 1800) for x in range(1800)]
    files = {f"{name}.json": [([0], name, box) for box in spots] + [(ALL, name, LEFT)] for name in ("a", "b", "c")}
    dataset = import_dataset(
        tree_of(tmp_path, files), decisions={"large_loss": "keep"}, workspace=workspace_in(tmp_path)
    )
    assert set(dataset.classes) == {"a", "b", "c"}
    assert max(len(record.annotations.class_ids) for record in dataset.images) == 3602
    ((file, problem, _),) = told(dataset, "labels_damaged")
    assert file == "images/0.jpg" and "annotations/c.json it has 5403 annotations" in problem
