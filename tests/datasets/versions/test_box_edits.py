import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.versions.box_edits import BoxEdit, edit_of
from autodet.datasets.versions.derive import derive_dataset
from autodet.errors import DatasetError
from autodet.messages.versions import change_sentence
from autodet.records import LabelIssue
from tests.helpers import write_voc

FILE = "train/photo_00.png"


@pytest.fixture
def fruit(workspace, tmp_path):
    return import_dataset(write_voc(tmp_path / "fruit", 4), "fruit", workspace=workspace)


@pytest.fixture
def file(fruit):
    return fruit.images[0].file


def labels_of(data, file):
    """Class and box of every label of a photo."""
    (marked,) = [record.annotations for record in data.images if record.file == file]
    return [
        (data.classes[class_id], tuple(box))
        for class_id, box in zip(marked.class_ids, marked.boxes_xyxy.tolist(), strict=True)
    ]


def test_labels_are_added_removed_moved_and_renamed(fruit, file, workspace):
    (_, box), (banana, other) = labels_of(fruit, file)
    edits = [
        BoxEdit(file, 0, "banana"),
        BoxEdit(file, 1, None, (-5, 10, 30, 999)),
        BoxEdit(file, None, "apple", (1, 2, 20, 30)),
        BoxEdit(fruit.images[1].file, 0),
    ]
    made = derive_dataset(fruit, edits=edits, workspace=workspace)
    assert labels_of(made, file) == [("banana", box), ("banana", (0, 10, 30, 48)), ("apple", (1, 2, 20, 30))]
    assert labels_of(made, fruit.images[1].file) == [(banana, other)]
    for record in fruit.images[2:]:
        assert labels_of(made, record.file) == labels_of(fruit, record.file)
    (change,) = [change for change in made.parent.changes if change.kind == "boxes_edited"]
    assert change_sentence(change) == (
        "Corrected 4 labels on 2 photos: 1 added, 1 removed, 1 given another class and 1 moved."
    )


def test_edits_come_before_other_changes(fruit, file, workspace):
    made = derive_dataset(fruit, rename={"banana": "plantain"}, edits=[BoxEdit(file, 0, "banana")], workspace=workspace)
    assert [name for name, _ in labels_of(made, file)] == ["plantain", "plantain"]


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ([("nowhere.png", 0)], "no photo 'nowhere.png'"),
        ([(FILE, 7)], "does not exist"),
        ([(FILE, 0), (FILE, 0, "banana")], "named twice"),
        ([(FILE, 0, "kiwi")], "no class 'kiwi'"),
        ([(FILE, 0, None, (90, 90, 99, 99))], "not on the photo"),
        ([(FILE, None, "apple")], "needs a class and a box"),
    ],
)
def test_an_edit_that_cannot_be_made_says_why(fruit, file, workspace, edits, words):
    given = [BoxEdit(file if name == FILE else name, *rest) for name, *rest in edits]
    with pytest.raises(DatasetError, match=words):
        derive_dataset(fruit, edits=given, workspace=workspace)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("missing", BoxEdit("a.jpg", None, "apple", (1, 2, 3, 4))),
        ("wrong_class", BoxEdit("a.jpg", 3, "banana")),
        ("poor_box", BoxEdit("a.jpg", 3, None, (1, 2, 30, 40))),
        ("spurious", BoxEdit("a.jpg", 3)),
    ],
)
def test_a_suggestion_becomes_an_edit(kind, expected):
    issue = LabelIssue("a.jpg", kind, "apple", (1, 2, 3, 4), 0.1, 3, "banana", (1, 2, 30, 40))
    assert edit_of(issue) == expected
