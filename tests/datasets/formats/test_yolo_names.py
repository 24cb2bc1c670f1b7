"""Class names in all notations, and rows that number classes otherwise than the names."""

import json

import pytest

from autodet.datasets.formats import yolo
from autodet.datasets.formats.source_files import Listing
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from autodet.messages.findings import problem_sentence
from tests.datasets.formats.layouts import Tree
from tests.helpers import workspace_in

ROWS = "0 .3 .5 .2 .2\n1 .7 .5 .2 .2\n"


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "set")


def read(tree):
    root = tree.root
    return yolo.read(Listing(root, tuple(sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*")))))


def names_in(reading):
    return [mark.name for photo in reading.photos for mark in photo.marks]


def fill(tree, rows=ROWS, count=3):
    for number in range(count):
        tree.yolo(f"images/{number}.png", f"labels/{number}.txt", rows)


PLAIN = [
    "nc: 2\nnames: [cat, dog]\n",
    "names: ['cat', 'dog']\n",
    "names:\n- cat\n- dog\n",
    "names:\n  '0': cat\n  '1': dog\n",
    "names: {0: 'cat', 1: 'dog'}  # two\n",
    "names: {cat: 0, dog: 1}\n",
    "# a comment\nnames:\n  - cat # one\n  # another\n  - dog\n",
]
LENIENT = [
    "nc: 2\nnames: [{0: cat}, {1: dog}]\n",
    "nc: 2\nnames:\n- 0: cat\n- 1: dog\n",
    "nc: 2\nnames:\n- {id: 1, name: dog}\n- {id: 0, name: cat}\n",
    "nc: 2\nnames:\n- name: cat\n- name: dog\n",
    "names: cat, dog\n",
    "nc: 2\nnames: cat dog\n",
    'nc: 2\nnames: "cat dog"\n',
    "names:\n  0:cat\n  1:dog\n",
    "names:\n0: cat\n1: dog\ntrain: images\n",
    "names:\n0:cat\n1:dog\nval: images\n",
    "nc: 2\nnames:\n  cat\n  dog\n",
    "nc: 2\nnames:\ncat\ndog\n",
    "names: |\n  cat\n  dog\n",
    "names: ('cat', 'dog')\n",
    "names: \"['cat', 'dog']\"\n",
    "names: {0:'cat', 1:'dog'}\n".replace("names", "train: images\nnames"),
    "nc: 2\nnames: ['cat', 'dog'\nval: images\n",
    "names: 0: cat, 1: dog\n",
    "names:\n\t- cat\n\t- dog\n",
    "nc: 2\nnames:\n - cat\n  - dog\n",
    'path: "C:\\Users\\me"\nnames: [cat, dog]\n',
]
NESTED = ["dataset:\n  nc: 2\n  names: [cat, dog]\n", "train: images\nclasses: [cat, dog]\n", "Names: [cat, dog]\n"]


@pytest.mark.parametrize("settings", PLAIN + LENIENT + NESTED)
def test_names_in_yaml(tree, settings):
    fill(tree)
    tree.text("data.yaml", settings)
    reading = read(tree)
    assert names_in(reading) == ["cat", "dog"] * 3
    said = [problem_sentence(one) for one in reading.findings if one.kind == "names_read"]
    if settings in PLAIN:
        assert not said
    if settings in LENIENT and "{0:'" not in settings:
        assert said and "'cat', 'dog'" in said[0]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("classes.txt", "cat\ndog\n"),
        ("classes.txt", "\ufeffcat\r\ndog\r\n"),
        ("classes.txt", "0 cat\n1 dog\n"),
        ("classes.txt", "'cat',\n'dog',\n"),
        ("classes.txt", "cat,dog"),
        ("classes.txt", "cat: 0\ndog: 1\n"),
        ("class_list.txt", "cat\ndog\n"),
        ("labels/class_list.txt", "cat\ndog\n"),
        ("labelmap.txt", "# label:color_rgb:parts:actions\ncat:0,0,0::\ndog:1,1,1::\n"),
        ("obj.names", "cat\ndog\n"),
        ("data/custom.names", "cat\ndog\n"),
        ("_darknet.labels", "cat\ndog\n"),
        ("predefined_classes.txt", "cat\ndog\n"),
        ("notes.json", json.dumps({"categories": [{"id": 1, "name": "dog"}, {"id": 0, "name": "cat"}], "info": {}})),
        ("notes.json", json.dumps({"categories": [{"name": "cat"}, {"name": "dog"}]})),
        ("classes.json", '["cat", "dog"]'),
        ("classes.json", '{"0": "cat", "1": "dog"}'),
        ("classes.json", '{"cat": 0, "dog": 1}'),
        ("dataset.json", '{"classes": [{"title": "cat"}, {"title": "dog"}]}'),
        ("labels.json", '{"labels": ["cat", "dog"]}'),
        ("classes.csv", "id,name\n1,dog\n0,cat\n"),
        ("classes.csv", "cat,0\ndog,1\n"),
        ("classes.csv", "name\ncat\ndog\n"),
        ("label_map.pbtxt", "item {\n  id: 1\n  name: 'cat'\n}\nitem {\n  id: 2\n  name: 'dog'\n}\n"),
        ("my_label_map.pbtxt", 'item { name: "/m/1" id: 1 display_name: "cat" }\nitem{id:2 name:"dog"}'),
        ("classes.txt", "1 cat\n2 dog\n"),
    ],
)
def test_names_in_other_files(tree, file, content):
    fill(tree)
    tree.text(file, content)
    assert names_in(read(tree)) == ["cat", "dog"] * 3


def test_a_label_map_that_numbers_from_one_is_compared_with_the_rows(tree):
    tree.text("label_map.pbtxt", "item { id: 1 name: 'cat' } item { id: 2 name: 'dog' }")
    for rows, names in ((ROWS, ["cat", "dog"]), ("1 .3 .5 .2 .2\n2 .7 .5 .2 .2\n", ["cat", "dog"])):
        fill(tree, rows, count=1)
        assert names_in(read(tree)) == names
    fill(tree, "1 .3 .5 .2 .2\n", count=1)
    assert "classes_shifted" in {finding.kind for finding in read(tree).findings}


@pytest.mark.parametrize(
    ("names", "numbers", "told", "kept", "fixed"),
    [
        ("[cat, dog]", (1, 2), "numbered from 1", ("class_2", "dog"), ("cat", "dog")),
        ("{1: cat, 2: dog}", (0, 1), "numbers its 2 names from 1", ("cat", "class_0"), ("cat", "dog")),
        ("[background, cat, dog]", (0, 1), "background", ("background", "cat"), ("cat", "dog")),
    ],
)
def test_numbers_that_do_not_count_like_the_names_are_asked_about(tree, tmp_path, names, numbers, told, kept, fixed):
    fill(tree, "".join(f"{number} .3 {0.3 + number / 5} .2 .2\n" for number in numbers), count=6)
    tree.text("data.yaml", f"names: {names}\n")
    with pytest.raises(DatasetError, match=f"{told}.*classes_shifted=fix or --decide classes_shifted=keep"):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))
    for action, classes in (("keep", kept), ("fix", fixed)):
        decided = import_dataset(tree.root, decisions={"classes_shifted": action}, workspace=workspace_in(tmp_path))
        assert (decided.classes, decided.boxes) == (classes, 12)


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        ("[__background__, cat, dog]", (1, 2)),
        ("[cat, dog, cow]", (1, 2)),
        ("{1: cat, 2: dog}", (1, 2)),
        ("[cat, dog, cow]", (0, 2)),
    ],
)
def test_numbers_that_may_be_right_are_not_asked_about(tree, names, numbers):
    fill(tree, "".join(f"{number} .3 .5 .2 .2\n" for number in numbers))
    tree.text("data.yaml", f"names: {names}\n")
    assert not read(tree).findings


def test_rows_may_name_their_classes(tree):
    fill(tree, "cat 0.3 0.5 0.2 0.2\nred pear 0.7 0.5 0.2 0.2\n")
    reading = read(tree)
    assert names_in(reading) == ["cat", "red pear"] * 3 and not reading.findings
    tree.text("labels/0.txt", "0 .3 .5 .2 .2\nDog .3 .5 .2 .2\ncow .3 .5 .2 .2\n")
    tree.text("labels/1.txt", "")
    tree.text("labels/2.txt", "")
    tree.text("classes.txt", "cat\ndog\n")
    reading = read(tree)
    assert names_in(reading) == ["cat", "dog"]
    assert [(one.kind, one.values["name"]) for one in reading.findings] == [("class_unknown", "cow")]


def test_a_header_is_no_damage(tree):
    fill(tree, f"class,x_center,y_center,width,height\n{ROWS}")
    tree.text("classes.txt", "cat\ndog\n")
    assert names_in(read(tree)) == ["cat", "dog"] * 3 and not read(tree).findings


LISTS = [
    ("labels/train/classes.txt", "labels/val/classes.txt"),
    ("labels/first/classes.txt", "labels/second/obj.names"),
]


@pytest.mark.parametrize(("first", "second"), LISTS)
def test_lists_of_other_orders_that_count_for_different_labels_are_asked_about(tree, tmp_path, first, second):
    for path in (first, second):
        folder = path.rpartition("/")[0]
        for number in range(4):
            name = f"{folder.rpartition('/')[2]}{number}"
            tree.yolo(f"{folder.replace('labels', 'images')}/{name}.png", f"{folder}/{name}.txt", ROWS)
    tree.text(first, "cat\ndog\n")
    tree.text(second, "dog\ncat\n")
    told = rf"'{first}' and '{second}' count for different labels.*class 0 is 'cat' in the first and 'dog'"
    with pytest.raises(DatasetError, match=told):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))
    agreed = import_dataset(tree.root, decisions={"names_differ": "keep"}, workspace=workspace_in(tmp_path))
    assert agreed.classes == ("cat", "dog")
    tree.text(second, "cat\ndog\ncow\n")
    import_dataset(tree.root, workspace=workspace_in(tmp_path))


def test_two_lists_about_the_same_labels_are_asked_about(tree, tmp_path):
    fill(tree)
    tree.text("classes.txt", "cat\ndog\n")
    tree.text("notes.json", json.dumps({"categories": [{"id": 0, "name": "dog"}, {"id": 1, "name": "cat"}]}))
    with pytest.raises(DatasetError, match=r"'classes.txt' and 'notes.json' are about the same labels"):
        import_dataset(tree.root, workspace=workspace_in(tmp_path))


def test_lists_of_separate_data_sets_count_each_for_its_own(tree):
    for name, names in (("a", "cat\ndog\n"), ("b", "cow\nhen\n")):
        for number in range(3):
            tree.yolo(f"{name}/images/{name}{number}.png", f"{name}/labels/{name}{number}.txt", ROWS)
        tree.text(f"{name}/classes.txt", names)
    reading = read(tree)
    assert names_in(reading) == ["cat", "dog"] * 3 + ["cow", "hen"] * 3 and not reading.findings
