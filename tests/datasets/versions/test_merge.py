import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import autodet
from autodet import workspace as workspace_module
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import load_dataset
from autodet.datasets.versions.derive import ancestors, derive_dataset
from autodet.datasets.versions.diff import differences_to_json
from autodet.datasets.versions.merge import MergeSettings, merge_datasets, plan_merge, store_merge
from autodet.datasets.versions.resplit import Resplit
from autodet.errors import DatasetError, NotFoundError
from autodet.messages.versions import change_sentence
from autodet.search.delete_assets import delete_dataset, plan_dataset_deletion
from tests.datasets.checks.test_duplicates import write_scene
from tests.helpers import APPLE, BANANA, workspace_in, write_labelled

OTHER_APPLE = ("apple", (30, 5, 50, 20))
PEAR = ("pear", (2, 2, 30, 30))
AGREED = {"class_partial": "keep"}


@pytest.fixture
def workspace(tmp_path):
    return workspace_in(tmp_path)


@pytest.fixture
def data(tmp_path, workspace):
    """Import photos: per split a list of (seed, marks); equal seeds make equal photos."""

    def data(name, **splits):
        for split, photos in splits.items():
            for number, (seed, marks) in enumerate(photos):
                write_labelled(tmp_path / name / split, f"photo_{number:02}", marks, seed=seed)
        return import_dataset(tmp_path / name, name, workspace=workspace)

    return data


def series(first, count, marks):
    return [(seed, marks) for seed in range(first, first + count)]


def named(name, mark=APPLE):
    return (name, mark[1])


def boxes_of(dataset):
    """Every photo's boxes by its bytes."""
    return {
        record.sha256: sorted(
            (dataset.classes[number], *box)
            for number, box in zip(
                record.annotations.class_ids.tolist(), record.annotations.boxes_xyxy.tolist(), strict=True
            )
        )
        for record in dataset.images
    }


def splits_of(dataset):
    return {record.sha256: record.split for record in dataset.images}


def kinds(plan):
    return {(finding.kind, finding.action) for finding in plan.settled}


def plan(*datasets, **settings):
    return plan_merge(datasets, MergeSettings(**settings))


def changes(made):
    return list(map(change_sentence, made.changes))


def merged(data, **marks):
    """Two data sets of six photos in train and two in val, with the marks of each."""
    return [
        data(name, train=series(100 * number, 6, of_one), val=series(100 * number + 50, 2, of_one))
        for number, (name, of_one) in enumerate(marks.items(), 1)
    ]


# Classes


def test_photos_keep_their_splits_boxes_and_bytes_and_names_occur_once(data, workspace):
    a, b = merged(data, a=[APPLE], b=[APPLE, OTHER_APPLE])
    made = merge_datasets([a, "b"], workspace=workspace)
    assert (made.name, made.id, made.classes) == ("a and b", "a-and-b", ("apple",))
    assert boxes_of(made) == boxes_of(a) | boxes_of(b) and splits_of(made) == splits_of(a) | splits_of(b)
    assert len({record.file.casefold() for record in made.images}) == 16
    for record in made.images:
        parent = a if record.sha256 in boxes_of(a) else b
        before = next(one for one in parent.images if one.sha256 == record.sha256)
        assert made.photo(record).samefile(parent.photo(before)), "the photo was copied"
    assert [parent.id for parent in made.parents] == ["a", "b"]
    assert changes(made.parents[0]) == ["Joined 'a' (8 photos, 8 boxes) and 'b' (8 photos, 16 boxes)."]
    assert load_dataset("a and b", workspace).fingerprint == made.fingerprint


def test_equal_spelling_joins_under_the_name_of_the_first(data, workspace):
    a, b = merged(data, a=[named("red apple")], b=[named("Red Apple")])
    plan_of_both = plan(a, b)
    assert plan_of_both.classes == ("red apple",) and not plan_of_both.refusals
    assert "Renamed 'Red Apple' of 'b' to 'red apple' (8 boxes)." in changes(plan_of_both)
    assert plan(b, a).classes == ("Red Apple",)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("apple", "Apples"),
        ("berry", "berries"),
        ("box", "Boxes"),
        ("bus", "buses"),
        ("traffic_light", "traffic light"),
        ("stop-sign", "stop_signs"),
        ("piña", "pina"),
        ("mangoes", "mango"),
    ],
)
def test_similar_names_are_asked_about_and_never_joined_silently(data, workspace, one, other):
    a, b = merged(data, a=[named(one)], b=[named(other)])
    asked = plan(a, b)
    assert kinds(asked) == {("class_similar", "stop")} and len(asked.classes) == 2
    with pytest.raises(DatasetError, match=r"is probably .*--decide class_similar=fix or --decide class_similar=keep"):
        merge_datasets([a, b], workspace=workspace)
    joined = plan(a, b, decisions={"class_similar": "fix"})
    assert joined.classes == (one,) and not joined.refusals and len(joined.images) == 16
    apart = plan(a, b, decisions={"class_similar": "keep"} | AGREED)
    assert set(apart.classes) == {one, other} and not apart.refusals


@pytest.mark.parametrize(
    ("one", "other"), [("apple", "pineapple"), ("class_1", "class_11"), ("as", "a"), ("car", "cat")]
)
def test_other_words_are_not_similar(data, one, other):
    a, b = merged(data, a=[named(one)], b=[named(other)])
    assert "class_similar" not in {kind for kind, _ in kinds(plan(a, b))}


def test_two_classes_of_one_data_set_are_told_apart(data):
    a, b = merged(data, a=[named("glass"), named("glasses", BANANA)], b=[named("glasses")])
    assert ("class_similar", "stop") not in kinds(plan(a, b))


def test_a_table_maps_class_names_and_leaves_classes_out(data, workspace):
    a, b = merged(data, a=[APPLE], b=[named("Äpfel"), named("crate", BANANA)])
    made = merge_datasets([a, b], "all", classes={"b": {"Äpfel": "apple", "crate": None}}, workspace=workspace)
    assert (made.classes, made.boxes) == (("apple",), 16)
    assert changes(made.parents[0])[1:] == [
        "Dropped 'crate' of 'b' (8 boxes).",
        "Renamed 'Äpfel' of 'b' to 'apple' (8 boxes).",
    ]


def test_classes_of_one_data_set_become_one_and_doubles_are_left_out(data, workspace):
    a, b = merged(data, a=[APPLE], b=[APPLE, ("pome", APPLE[1])])
    plan_of_both = plan(a, b, classes=[{}, {"pome": "apple"}])
    assert plan_of_both.tally.all_boxes["all"] == 16
    assert "Left out 8 boxes that the merge duplicated." in changes(plan_of_both)


@pytest.mark.parametrize(
    ("classes", "match"),
    [
        ({"b": {"plum": "apple"}}, r"'b' cannot be mapped .*no class 'plum' to change; there is banana"),
        ({"b": {"banana": " "}}, "name that is not blank"),
        ({"b": {"banana": "Apple"}}, "'Apple' differs from the class 'apple' only by capital letters"),
        ({"b": {"banana": None}}, "No class would be left"),
        ({"c": {"banana": "apple"}}, r"'c' is not one of the data sets to merge; give names for a, b\."),
    ],
)
def test_a_table_that_makes_no_sense_is_a_sentence(data, workspace, classes, match):
    a, b = merged(data, a=[APPLE], b=[BANANA])
    with pytest.raises(DatasetError, match=match):
        merge_datasets([a, b], classes=classes, workspace=workspace)
    assert {path.name for path in workspace.datasets.iterdir()} == {"a", "b"}


# Classes that only some label


def test_classes_that_most_photos_lack_stop_the_merge(data, workspace):
    a, b = merged(data, a=[APPLE], b=[BANANA])
    c = data("c", train=series(900, 1, [PEAR]))
    found = {f.values["name"]: (f.action, f.values["photos"]) for f in plan(a, c).settled if f.kind == "class_partial"}
    assert found == {"apple": ("keep", 1), "pear": ("stop", 8)}
    with pytest.raises(DatasetError, match=r"Only 'c' labels 'pear': 8 of 9 photos are labelled without it \('a'\)"):
        merge_datasets([a, c], workspace=workspace)
    assert plan(a, b).refusals == ()  # half of the photos are not most
    made = merge_datasets([a, c], decisions=AGREED, workspace=workspace)
    assert made.classes == ("apple", "pear")
    assert {f.values["name"] for f in made.findings if f.kind == "class_partial"} == {"apple", "pear"}


def test_a_class_left_out_of_one_data_set_counts_as_unlabelled_there(data):
    a, b = merged(data, a=[APPLE, BANANA], b=[APPLE, BANANA])
    found = [f for f in plan(a, b, classes=[{}, {"banana": None}]).settled if f.kind == "class_partial"]
    assert [(f.values["name"], f.values["photos"], f.values["lacking"]) for f in found] == [("banana", 8, ["b"])]


def test_photos_that_both_label_lack_nothing_once_their_boxes_are_joined(data, workspace):
    a = data("a", train=series(0, 8, [APPLE]))
    b = data("b", train=series(0, 8, [BANANA]))
    made = merge_datasets([a, b], decisions={"datasets_disagree": "fix"}, workspace=workspace)
    assert (len(made.images), made.boxes) == (8, 16)
    assert not any(finding.kind == "class_partial" for finding in made.findings)


# Photos in several data sets


def test_a_photo_with_equal_labels_is_kept_once_in_its_last_split(data, workspace):
    a = data("a", train=series(0, 6, [APPLE]), val=series(50, 2, [APPLE]))
    b = data("b", train=series(50, 1, [APPLE]) + series(70, 4, [APPLE]), val=series(3, 1, [APPLE]))
    made = merge_datasets([a, b], workspace=workspace)
    assert len(made.images) == 12 == len(splits_of(made))
    both = splits_of(a).keys() & splits_of(b).keys()
    assert {splits_of(made)[photo] for photo in both} == {"val"}
    assert "Kept 2 photos once that more than one data set has." in changes(made.parents[0])


def test_labels_that_differ_by_rounding_agree(data):
    a = data("a", train=series(0, 6, [("apple", (4.4, 6.2, 30.3, 40.1)), BANANA]))
    b = data("b", train=series(0, 6, [BANANA, ("Apple", (4, 6, 30, 40))]))
    assert plan(a, b).settled == () and plan(a, b).tally.all_boxes["all"] == 12


@pytest.mark.parametrize("action", ["fix", "keep", "drop"])
def test_labels_that_differ_need_a_decision(data, workspace, action):
    near = ("apple", (5, 7, 31, 41))  # the object of APPLE, drawn again
    a = data("a", train=series(0, 6, [APPLE]))
    b = data("b", train=[(0, [near, ("apple", (40, 4, 60, 20))]), *series(50, 1, [APPLE])])
    asked = plan(a, b)
    assert kinds(asked) == {("datasets_disagree", "stop")}
    with pytest.raises(DatasetError, match=r"1 photo is in both 'a' and 'b', with different boxes"):
        merge_datasets([a, b], workspace=workspace)
    made = merge_datasets([a, b], decisions={"datasets_disagree": action}, workspace=workspace)
    shared = next(iter(boxes_of(a).keys() & boxes_of(b).keys()))
    expected = {
        "fix": [("apple", 4, 6, 30, 40), ("apple", 40, 4, 60, 20)],
        "keep": [("apple", 4, 6, 30, 40)],
        "drop": None,
    }
    assert boxes_of(made).get(shared) == expected[action]
    assert len(made.images) == 7 - (action == "drop")


def test_copies_within_one_data_set_stay_as_they_were(data, workspace):
    a = data("a", train=series(0, 4, [APPLE]) + series(0, 1, [APPLE]))
    b = data("b", train=series(50, 4, [APPLE]))
    made = merge_datasets([a, b], workspace=workspace)
    assert len(made.images) == 9
    assert [finding.kind for finding in made.findings].count("photo_copies") == 1


def test_a_class_whose_boxes_do_not_count_is_left_out(data):
    a = data("a", train=series(0, 6, [APPLE]))
    b = data("b", train=series(0, 6, [BANANA]))
    made = plan(a, b, decisions={"datasets_disagree": "keep"} | AGREED)
    assert made.classes == ("apple",) and ("class_empty", "drop") in kinds(made)
    assert len(differences_to_json(made.differences())["classes"]) == 2


# Data leakage


@pytest.fixture
def scenes(tmp_path, workspace):
    """Data set a with 40 scenes in train, and b with photos of the first ones in val."""

    def scenes(shared):
        for number in range(40):
            write_scene(tmp_path / "a" / "train", f"a{number:02}.jpg", number)
        for number in range(4):
            write_scene(tmp_path / "a" / "val", f"v{number:02}.jpg", 200 + number)
        for number in range(shared):
            write_scene(tmp_path / "b" / "val", f"b{number:02}.jpg", number, size_wh=(240, 180))
        for number in range(6):
            write_scene(tmp_path / "b" / "train", f"c{number:02}.jpg", 100 + number)
        return [import_dataset(tmp_path / name, name, workspace=workspace) for name in ("a", "b")]

    return scenes


def test_a_training_photo_that_looks_like_one_of_another_sets_val_is_left_out(scenes, workspace):
    a, b = scenes(2)
    made = merge_datasets([a, b], workspace=workspace)
    origins = {record.origin.rpartition("/")[2] for record in made.images}
    lost = {record.origin.rpartition("/")[2] for record in (*a.images, *b.images)} - origins
    assert lost == {"a00.jpg", "a01.jpg"}
    assert "Left out 2 photos that look like photos of another split." in changes(made.parents[0])
    assert ("photo_leak", "drop") in {(finding.kind, finding.action) for finding in made.findings}
    kept = merge_datasets([a, b], decisions={"photo_leak": "keep"}, workspace=workspace)
    assert len(kept.images) == len(a.images) + len(b.images)
    assert [finding.kind for finding in kept.findings].count("photo_alike") == 2


def test_many_such_photos_stop_the_merge_unless_splits_are_drawn(scenes, workspace):
    a, b = scenes(12)
    with pytest.raises(DatasetError, match=r"12 of 62 photos look like a photo of another data set"):
        merge_datasets([a, b], workspace=workspace)
    made = merge_datasets([a, b], resplit=Resplit((60, 40), seed=1), workspace=workspace)
    splits = {}
    for record in made.images:
        splits.setdefault(record.origin.rpartition("/")[2][1:], set()).add(record.split)
    assert all(len(splits[f"{number:02}.jpg"]) == 1 for number in range(6, 12))
    assert not any(finding.kind in ("photo_leak", "photo_alike") for finding in made.findings)


# Several, and none


def test_more_than_two_are_merged_and_the_history_names_all(data, workspace, tmp_path):
    a, b = merged(data, a=[APPLE], b=[APPLE, OTHER_APPLE])
    c = derive_dataset(data("c", train=series(800, 4, [BANANA])), "d", rename={"banana": "apple"}, workspace=workspace)
    made = merge_datasets([a, b, c], workspace=workspace)
    assert made.name == "a, b and d" and len(made.images) == 20
    assert [(parent.id, found.name) for parent, found in ancestors(made, workspace)] == [
        *(("a", "a"), ("b", "b"), ("d", "d"), ("c", "c"))
    ]
    assert plan_dataset_deletion("b", workspace).versions == (made.id,)
    assert set(plan_dataset_deletion("c", workspace).versions) == {made.id, "d"}
    shutil.rmtree(b.folder)
    assert [found is None for _, found in ancestors(made, workspace)] == [False, True, False, False]
    assert all(made.photo(record).stat().st_size for record in made.images)


@pytest.mark.parametrize(
    ("given", "match"),
    [(["a"], "two data sets or more"), (["a", "a"], "'a' is given twice"), ([], "two data sets or more")],
)
def test_too_few_are_a_sentence(data, workspace, given, match):
    data("a", train=series(0, 4, [APPLE]))
    with pytest.raises(DatasetError, match=match):
        merge_datasets(given, workspace=workspace)
    with pytest.raises(NotFoundError, match="no data set called 'x'"):
        merge_datasets(["a", "x"], workspace=workspace)


def test_nothing_new_is_a_sentence(data, workspace):
    a = data("a", train=series(0, 6, [APPLE]))
    b = data("b", train=series(0, 2, [APPLE]))
    resplit = derive_dataset(a, "a 2", resplit=(100, 0), workspace=workspace)
    with pytest.raises(DatasetError, match=r"Nothing would change: 'a 2' already has all"):
        merge_datasets([resplit, b], workspace=workspace)


def test_a_data_set_that_is_deleted_meanwhile_is_a_sentence(data, workspace):
    a, b = merged(data, a=[APPLE], b=[APPLE, OTHER_APPLE])
    made = plan(a, b)
    delete_dataset(b)
    with pytest.raises(DatasetError, match=r"The data set 'b' has lost photos, or was deleted"):
        store_merge(made, workspace=workspace)
    assert [path.name for path in workspace.datasets.iterdir()] == ["a"]


# Merge in forked processes, each of which kills itself before one change to the disk more than the last one; print the
# data sets after each death. The last process runs to its end.
KILLED_BEFORE_EACH_CHANGE = """
import json, os, signal, sys
from autodet import list_datasets, load_dataset, merge_datasets
from autodet.search.delete_assets import delete_dataset

def changes_the_disk(event, args):
    return event in ("os.mkdir", "os.link", "os.rename") or event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR)

def merge(changes):
    def hook(event, args):
        nonlocal changes
        if changes_the_disk(event, args):
            changes -= 1
            if changes < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    merge_datasets(["a", "b"])

killed, changes = True, 0
while killed:
    child = os.fork()
    if not child:
        merge(changes)
        os._exit(0)
    killed, changes = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, changes + 1
    there = [load_dataset(found.id) for found in list_datasets()]
    whole = {one.id: sum(one.photo(record).stat().st_size > 0 for record in one.images) for one in there}
    print(json.dumps([killed, whole]), flush=True)
    for name in whole.keys() - {"a", "b"} if killed else ():
        delete_dataset(name)
"""


@pytest.mark.process
def test_a_merge_that_is_killed_at_any_moment_leaves_nothing_half_and_can_be_repeated(data, workspace, monkeypatch):
    a, b = merged(data, a=[APPLE], b=[APPLE, OTHER_APPLE])
    paths = {"AUTODET_HOME": str(workspace.home), "PYTHONPATH": str(Path(autodet.__file__).parents[1])}
    command = [sys.executable, "-c", KILLED_BEFORE_EACH_CHANGE]
    told = subprocess.run(command, stdout=subprocess.PIPE, env=os.environ | paths, timeout=60, check=True).stdout
    *deaths, end = map(json.loads, told.splitlines())
    assert len(deaths) > len(a.images) + len(b.images)
    before, whole = {"a": 8, "b": 8}, {"a": 8, "b": 8, "a-and-b": 16}
    assert all(killed and found in (before, whole) for killed, found in deaths)
    assert deaths[0] == [True, before] and end == [False, whole]
    monkeypatch.setattr(workspace_module, "SWEEP_SECONDS", 0.0)  # hidden folders of today's deaths are old
    made = merge_datasets([a, b], "again", workspace=workspace)
    assert boxes_of(made) == boxes_of(a) | boxes_of(b)
    assert {path.name for path in workspace.datasets.iterdir() if path.is_dir()} == {"a", "b", "a-and-b", "again"}


def test_a_class_that_train_lacks_afterwards_is_reported(data, workspace):
    a = data("a", train=series(0, 6, [APPLE]))
    b = data("b", train=series(60, 6, [APPLE]), val=[*series(80, 8, [APPLE]), *series(90, 1, [BANANA])])
    made = merge_datasets([a, b], workspace=workspace)
    assert "class_untaught" in {finding.kind for finding in made.findings}
