import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import autodet
from autodet import cli
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import list_datasets, load_dataset, read_dataset
from autodet.datasets.versions import derive
from autodet.datasets.versions.derive import Changes, ancestors, derive_dataset, plan_version
from autodet.datasets.versions.diff import differences_to_json
from autodet.datasets.versions.resplit import Resplit
from autodet.errors import DatasetError, NotFoundError
from autodet.messages.findings import problem_sentence
from autodet.messages.versions import change_sentence
from autodet.workspace import hidden_folder
from tests.datasets.checks.test_duplicates import write_scene
from tests.helpers import APPLE, BANANA, workspace_in, write_labelled, write_voc

PEAR = ("pear", (2, 2, 30, 30))


def changes(version):
    return tuple(map(change_sentence, version.parent.changes))


@pytest.fixture
def workspace(tmp_path):
    return workspace_in(tmp_path)


@pytest.fixture
def fruit(tmp_path, workspace):
    """20 photos with an apple and a banana each, 4 with a pear alone and 2 without anything."""
    folder = write_voc(tmp_path / "fruit", 20)
    for number in range(4):
        write_labelled(folder, f"pear_{number}", [PEAR], seed=100 + number)
    for number in range(2):
        write_labelled(folder, f"empty_{number}", [], seed=200 + number)
    return import_dataset(folder, "fruit", workspace=workspace)


def boxes_of(dataset):
    """Every photo's marks by its bytes."""
    return {
        record.sha256: sorted(
            (dataset.classes[number], *box)
            for number, box in zip(
                record.annotations.class_ids.tolist(), record.annotations.boxes_xyxy.tolist(), strict=True
            )
        )
        for record in dataset.images
    }


def counts(dataset, changes, what="boxes"):
    return differences_to_json(plan_version(dataset, changes).differences())[what]


def photos_are_whole(dataset):
    return all(dataset.photo(record).stat().st_size for record in dataset.images)


# Classes


def test_classes_are_renamed_and_the_parent_stays_as_it_was(fruit, workspace):
    before = (fruit.folder / "manifest.json").read_bytes()
    version = derive_dataset(fruit, "renamed", rename={"banana": "Cavendish"}, workspace=workspace)
    assert version.classes == ("Cavendish", "apple", "pear")
    assert boxes_of(version) == {
        photo: sorted((name.replace("banana", "Cavendish"), *box) for name, *box in marks)
        for photo, marks in boxes_of(fruit).items()
    }
    assert version.splits == fruit.splits and version.boxes == fruit.boxes
    assert version.parent.id == "fruit" and version.parent.fingerprint == fruit.fingerprint
    assert changes(version) == ("Renamed 'banana' to 'Cavendish' (20 boxes).",)
    assert (fruit.folder / "manifest.json").read_bytes() == before
    assert [one.parent for one in list_datasets(workspace)] == ["fruit", ""]


def test_two_classes_swap_their_names(fruit, workspace):
    version = derive_dataset(fruit, rename={"apple": "banana", "banana": "apple"}, workspace=workspace)
    swapped = {"apple": "banana", "banana": "apple"}
    assert boxes_of(version) == {
        photo: sorted((swapped.get(name, name), *box) for name, *box in marks)
        for photo, marks in boxes_of(fruit).items()
    }


@pytest.mark.parametrize("rename", [{"pear": "apple"}, {"pear": "pome", "apple": "pome"}])
def test_classes_are_merged_into_one_that_is_there_or_a_new_one(fruit, workspace, rename):
    version = derive_dataset(fruit, rename=rename, workspace=workspace)
    merged = rename["pear"]
    assert version.classes == tuple(sorted(["banana", merged]))
    assert changes(version) == (f"Merged 'apple' and 'pear' into {merged!r} (24 boxes).",)


def test_a_box_that_a_merge_marks_twice_is_left_once(tmp_path, workspace):
    folder = write_voc(tmp_path / "set", 4, [APPLE, ("fruit", APPLE[1]), BANANA])
    dataset = import_dataset(folder, workspace=workspace)
    version = derive_dataset(dataset, rename={"apple": "fruit"}, workspace=workspace)
    assert version.boxes == 8
    assert changes(version)[1] == "Left out 4 boxes that the merge duplicated."


def test_what_else_was_marked_is_kept(tmp_path, workspace):
    path = write_labelled(tmp_path / "set", "a", [APPLE, BANANA])
    path.write_text(path.read_text().replace("</name>", "</name><difficult>1</difficult>", 1))
    dataset = import_dataset(tmp_path / "set", workspace=workspace)
    (record,) = derive_dataset(dataset, rename={"apple": "zapple"}, workspace=workspace).images
    assert record.annotations.class_ids.tolist() == [1, 0]
    assert record.annotations.difficult.tolist() == [True, False]


def test_photos_without_boxes_stay_as_photos_without_objects(fruit, workspace):
    version = derive_dataset(fruit, drop=["pear"], workspace=workspace)
    assert version.classes == ("apple", "banana") and len(version.images) == len(fruit.images)
    assert changes(version) == ("Dropped 'pear' (4 boxes).", "Kept 4 photos that lost every box.")
    unmarked = counts(fruit, Changes(drop=["pear"]), "photos_without_boxes")
    assert unmarked["all"] == [2, 6]


def test_or_they_are_left_out_but_not_those_that_never_had_any(fruit, workspace):
    version = derive_dataset(fruit, drop=["pear"], emptied="drop", workspace=workspace)
    assert len(version.images) == len(fruit.images) - 4
    assert sum(not len(record.annotations) for record in version.images) == 2
    assert changes(version)[1] == "Left out 4 photos that lost every box."
    assert len([path for path in version.folder.rglob("*") if path.parent.parent.name == "images"]) == 22


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"rename": {"plum": "apple"}}, r"no class 'plum' to change; there is apple, banana, pear\."),
        ({"drop": ["plum"]}, r"no class 'plum' to change; there is apple"),
        ({"rename": {"apple": " \n"}}, r"'apple' needs a name that is not blank"),
        ({"rename": {"apple": "Banana"}}, r"'Banana' differs from the class 'banana' only by capital letters"),
        ({"rename": {"apple": "ba nana"}}, r"write 'banana' to merge"),
        ({"rename": {"apple": "Fig", "pear": "fig"}}, r"'Fig' differs from the class 'fig'"),
        ({"rename": {"apple": "fig"}, "drop": ["apple"]}, r"both renamed and dropped"),
        ({"drop": ["apple", "banana", "pear"]}, r"No class would be left"),
        ({}, r"Nothing would change.*'fruit'"),
        ({"rename": {"apple": "apple"}}, r"Nothing would change"),
        ({"resplit": (70, 15)}, r"70, 15 cannot be the shares.*add up to 1 or to 100"),
        ({"resplit": (0.7, 0.2, 0.2)}, r"add up"),
        ({"resplit": (90, 20, -10)}, r"add up"),
        ({"resplit": (100,)}, r"two or three numbers"),
        ({"resplit": (25, 25, 25, 25)}, r"two or three numbers"),
        ({"resplit": (float("nan"), 50, 50)}, r"add up"),
        ({"resplit": (0, 50, 50)}, r"share for train"),
        ({"resplit": Resplit(group_by="(")}, r"'\(' is not a rule for groups; give folder, number, prefix"),
        ({"resplit": Resplit(group_by="clip")}, r"with one group in parentheses"),
        ({"resplit": Resplit(group_by="(.)" + "a" * 300)}, r"up to 200 characters"),
        pytest.param(
            {"resplit": Resplit(group_by="([.]png)")},
            r"With the rule '\(\[\.\]png\)' all photos are one group, '\.png'",
            marks=pytest.mark.process,
        ),
    ],
)
@pytest.mark.slow
def test_what_makes_no_sense_is_a_sentence_and_leaves_nothing(fruit, workspace, changes, match):
    with pytest.raises(DatasetError, match=match):
        derive_dataset(fruit, workspace=workspace, **changes)
    assert [path.name for path in workspace.datasets.iterdir()] == ["fruit"]


def test_photos_are_left_out_with_their_boxes(fruit, workspace, monkeypatch, capsys):
    gone = fruit.images[1:4]
    files = [record.file for record in gone]
    version = derive_dataset(fruit, "fewer", leave_out=files, workspace=workspace)
    assert {record.sha256 for record in version.images} == {one.sha256 for one in fruit.images if one not in gone}
    assert boxes_of(version).items() <= boxes_of(fruit).items()
    boxes = sum(len(record.annotations) for record in gone)
    assert changes(version) == (f"Left out 3 chosen photos ({boxes} boxes).",)
    assert photos_are_whole(version)
    monkeypatch.setenv("AUTODET_HOME", str(workspace.home))
    assert cli.main(["derive", "fruit", "--leave-out", *files, "--dry-run"]) == 0
    assert f"Left out 3 chosen photos ({boxes} boxes)." in capsys.readouterr().out
    assert cli.main(["derive", "fruit", "--leave-out", "nothing.jpg"]) == 2
    assert "has no photo 'nothing.jpg'" in capsys.readouterr().err
    with pytest.raises(DatasetError, match="No photo would be left"):
        plan_version(fruit, Changes(leave_out=[record.file for record in fruit.images]))


def test_another_case_of_the_same_name_is_a_name(fruit, workspace):
    assert "Apple" in derive_dataset(fruit, rename={"apple": "Apple"}, workspace=workspace).classes


# Splits


def splits_of(dataset):
    return {record.sha256: record.split for record in dataset.images}


def test_splits_are_drawn_anew_and_photos_move(fruit, workspace):
    version = derive_dataset(fruit, "half", resplit=(50, 25, 25), workspace=workspace)
    assert version.splits == {"train": 13, "val": 7, "test": 6}
    assert boxes_of(version) == boxes_of(fruit)
    assert all(record.file.startswith(f"{record.split}/") and record.origin for record in version.images)
    assert photos_are_whole(version)
    for record in version.images:
        before = next(one for one in fruit.images if one.sha256 == record.sha256)
        assert version.photo(record).samefile(fruit.photo(before)), "the photo was copied"
        assert record.origin == before.origin
    (said,) = changes(version)
    assert said.startswith("Drew new splits, train 13, val 7, test 6 instead of train")
    assert "The class 'pear' has only 4 boxes." in {problem_sentence(problem) for problem in version.findings}


def test_the_seed_alone_decides_whatever_the_splits_were(fruit, workspace):
    once = derive_dataset(fruit, resplit=Resplit(seed=1), workspace=workspace)
    other = derive_dataset(fruit, resplit=Resplit(seed=2), workspace=workspace)
    again = derive_dataset(other, resplit=Resplit(seed=1), workspace=workspace)
    assert splits_of(once) == splits_of(again) != splits_of(other)
    with pytest.raises(DatasetError, match="Nothing would change"):
        derive_dataset(once, resplit=Resplit(seed=1), workspace=workspace)


@pytest.mark.parametrize("shares", [(80, 20), (80, 20, 0), (0.8, 0.2), (0.8, 0.2, 0)])
def test_test_may_have_no_share(fruit, workspace, shares):
    assert derive_dataset(fruit, resplit=shares, workspace=workspace).splits == {"train": 21, "val": 5}


def test_without_a_share_for_val_it_is_said_that_nothing_can_be_searched(fruit, workspace):
    version = derive_dataset(fruit, resplit=(80, 0, 20), workspace=workspace)
    assert ("no_validation", "There are no photos for validation.") in {
        (p.kind, problem_sentence(p)) for p in version.findings
    }


def test_unstratified_it_is_drawn_by_chance_but_never_so_that_a_class_is_untaught(tmp_path, workspace):
    folder = write_voc(tmp_path / "set", 20, [APPLE])
    write_labelled(folder, "pear", [PEAR], seed=99)
    dataset = import_dataset(folder, workspace=workspace)
    refused = 0
    for seed in range(8):
        try:
            plan = plan_version(dataset, Changes(resplit=Resplit((40, 30, 30), seed, stratified=False)))
        except DatasetError as error:
            assert "'pear' would be on no photo of train" in str(error)
            refused += 1
        else:
            assert plan.tally.boxes["pear"]["train"]
    assert 0 < refused < 8


def write_clips(folder):
    """Frames of films, in folders and in names, with a copy of one in another."""
    for film in range(8):
        for frame in range(3):
            write_labelled(folder / "train" / f"day {film // 2}", f"film{film}_{frame:04}", seed=10 * film + frame)
    write_labelled(folder / "train" / "day 9", "copy", seed=0)
    write_labelled(folder / "val", "alone", seed=999)
    return folder


@pytest.mark.parametrize(
    ("rule", "group", "groups"),
    [
        ("number", lambda origin: origin.rpartition("_")[0].rpartition("/")[2] or origin, 9),
        ("prefix", lambda origin: origin.rpartition("_")[0].rpartition("/")[2] or origin, 9),
        ("folder", lambda origin: origin.rpartition("/")[0].removeprefix("train/"), 5),
        ("(film[0-3])_", lambda origin: origin.partition("_")[0] if "film" in origin else origin, 17),
        ("", lambda origin: origin, 25),
    ],
)
@pytest.mark.process
def test_what_belongs_together_stays_together(tmp_path, workspace, rule, group, groups):
    dataset = import_dataset(write_clips(tmp_path / "films"), workspace=workspace)
    plan = plan_version(dataset, Changes(resplit=Resplit((50, 25, 25), 3, group_by=rule)))
    assert len(plan.groups) == groups and sum(map(len, plan.groups.values())) == 26
    if rule != "(film[0-3])_":
        found = {(group(record.origin), record.split) for record in plan.images}
        assert len(found) == len({name for name, _ in found})
    copies = {record.split for record in plan.images if record.origin.endswith(("film0_0000.png", "copy.png"))}
    assert len(copies) == 1
    assert {record.split for record in plan.images} == {"train", "val", "test"}


@pytest.mark.process
def test_a_pattern_that_would_never_end_is_given_up(tmp_path, workspace, monkeypatch):
    write_labelled(tmp_path / "set", "a" * 60)
    dataset = import_dataset(tmp_path / "set", workspace=workspace)
    monkeypatch.setattr("autodet.datasets.versions.photo_groups.PATTERN_SECONDS", 1.0)
    with pytest.raises(DatasetError, match="takes too long on these names"):
        plan_version(dataset, Changes(resplit=Resplit(group_by="(?:a+)+(!)")))


def test_photos_of_one_name_meet_in_one_split(tmp_path, workspace):
    for number, split in enumerate(("train", "val", "test") * 3):
        write_labelled(tmp_path / "set" / split / f"{number}", "photo", seed=number)
    dataset = import_dataset(tmp_path / "set", workspace=workspace)
    version = derive_dataset(dataset, resplit=(100, 0), workspace=workspace)
    assert len({record.file.casefold() for record in version.images}) == 9
    assert splits_of(version).keys() == splits_of(dataset).keys() and photos_are_whole(version)
    back = derive_dataset(version, resplit=(40, 30, 30), workspace=workspace)
    assert len({record.file.casefold() for record in back.images}) == 9


# What was found on import


def test_problems_go_with_their_photos(tmp_path, workspace):
    folder = write_voc(tmp_path / "set", 20, [APPLE, BANANA])
    write_labelled(folder, "outside", [("pear", (2, 2, 80, 30))])
    write_labelled(folder, "past", [("apple", (2, 2, 80, 30))], seed=77)
    (folder / "lonely.txt").write_text("no label")
    dataset = import_dataset(folder, workspace=workspace)
    cut = {problem.file for problem in dataset.findings if problem.kind == "box_outside"}
    assert cut == {"outside.xml", "past.xml"}
    version = derive_dataset(dataset, drop=["pear"], emptied="drop", resplit=(40, 30, 30), workspace=workspace)
    (problem,) = [problem for problem in version.findings if problem.kind == "box_outside"]
    assert problem.file == "past.xml"
    (record,) = [record for record in version.images if record.origin == "past.png"]
    assert problem.photos == (record.file,)
    assert not any("pear" in problem_sentence(problem) for problem in version.findings)


@pytest.fixture
def scenes(tmp_path, workspace):
    """15 scenes of two photos each, in train and val, and a copy of the first photo."""
    for number in range(30):
        folder = tmp_path / "scenes" / ("train" if number % 3 else "val")
        write_scene(folder, f"a{number:02}.jpg", number // 2, size_wh=(320 - number % 2 * 80, 240))
    write_scene(tmp_path / "scenes" / "train", "copy.jpg", 0)
    return import_dataset(tmp_path / "scenes", workspace=workspace)


@pytest.mark.parametrize("seed", range(3))
def test_scenes_and_copies_meet_in_one_split_and_are_no_leaks_any_more(scenes, workspace, seed):
    assert {problem.kind for problem in scenes.findings} >= {"photo_alike", "photo_copies"}
    version = derive_dataset(scenes, resplit=Resplit((60, 20, 20), seed), workspace=workspace)
    split_of = {Path(record.origin).stem: record.split for record in version.images}
    assert all(split_of[f"a{n:02}"] == split_of[f"a{n + 1:02}"] for n in range(0, 30, 2))
    assert split_of["copy"] == split_of["a00"]
    (copy,) = [problem for problem in version.findings if problem.kind.startswith("photo_")]
    assert copy.kind == "photo_copies" and "but is in" not in problem_sentence(copy)
    assert {record.origin for record in version.images if record.file in copy.photos} == {
        "val/a00.jpg",
        "train/copy.jpg",
    }


def test_leaks_are_told_of_a_version_with_the_same_splits(scenes, workspace):
    version = derive_dataset(scenes, rename={"apple": "pome"}, workspace=workspace)
    pairs = [{problem.photos for problem in one.findings if problem.kind == "photo_alike"} for one in (scenes, version)]
    assert pairs[0] == pairs[1] != set()


# Stored for good


def test_either_can_be_deleted_and_the_other_is_whole(fruit, workspace):
    version = derive_dataset(fruit, "kept", resplit=(50, 25, 25), workspace=workspace)
    other = derive_dataset(fruit, "gone", resplit=(60, 20, 20), workspace=workspace)
    content = {record.sha256: fruit.photo(record).read_bytes() for record in fruit.images}
    shutil.rmtree(other.folder)
    assert photos_are_whole(fruit) and photos_are_whole(version)
    shutil.rmtree(fruit.folder)
    loaded = load_dataset("kept", workspace)
    assert {record.sha256: loaded.photo(record).read_bytes() for record in loaded.images} == content


def test_where_files_cannot_have_two_names_they_are_copied(fruit, workspace, monkeypatch):
    def refuse(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    version = derive_dataset(fruit, resplit=(50, 25, 25), workspace=workspace)
    assert photos_are_whole(version)
    assert all(version.photo(record).stat().st_nlink == 1 for record in version.images)


def test_a_full_disk_is_a_sentence_and_leaves_nothing(fruit, workspace, monkeypatch):
    def refuse(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(shutil, "copyfile", refuse)
    with pytest.raises(DatasetError, match="could not be stored: No space left on device; check that the disk"):
        derive_dataset(fruit, resplit=(50, 25, 25), workspace=workspace)
    assert [path.name for path in workspace.datasets.iterdir()] == ["fruit"]


def test_a_parent_that_is_deleted_meanwhile_is_a_sentence(fruit, workspace):
    plan = plan_version(fruit, Changes(drop=["pear"]))
    shutil.rmtree(fruit.folder)
    with pytest.raises(DatasetError, match="'fruit' has lost photos, or was deleted"):
        derive.store_version(plan, workspace=workspace)
    assert list(workspace.datasets.iterdir()) == []
    with pytest.raises(NotFoundError, match="no data set called 'fruit'"):
        derive_dataset("fruit", drop=["pear"], workspace=workspace)


def test_a_version_that_is_killed_leaves_nothing_that_counts(fruit, workspace):
    code = """
import os, sys, time
from autodet.datasets.versions.derive import derive_dataset
link = os.link
def slow(source, target):
    link(source, target)
    print("linked", flush=True)
    time.sleep(60)
os.link = slow
derive_dataset("fruit", drop=["pear"])
"""
    environment = os.environ | {
        "AUTODET_HOME": str(workspace.home),
        "PYTHONPATH": str(Path(autodet.__file__).parents[1]),
    }
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    assert process.stdout.readline() == b"linked\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [summary.id for summary in list_datasets(workspace)] == ["fruit"]
    (hidden,) = workspace.datasets.glob(".new-*")
    os.utime(hidden, (time.time() - 999,) * 2)
    with hidden_folder(workspace.datasets):
        assert not hidden.exists()
    assert photos_are_whole(fruit)


def test_a_version_that_leaves_a_split_without_boxes_says_so_once(workspace, tmp_path):
    write_voc(tmp_path / "set" / "train", 12, [APPLE, BANANA])
    write_voc(tmp_path / "set" / "val", 12, [APPLE])
    dataset = import_dataset(tmp_path / "set", workspace=workspace)
    version = derive_dataset(dataset, drop=["apple"], workspace=workspace)
    said = "The split val has 12 photos and no boxes, so a search cannot compare its trials."
    assert changes(version).count(said) == 1
    assert [problem_sentence(problem) for problem in version.findings if problem.kind == "split_unmarked"] == [said]
    other = derive_dataset(version, rename={"banana": "b"}, workspace=workspace)
    assert said not in changes(other)  # that is no change
    assert [problem_sentence(problem) for problem in other.findings if problem.kind == "split_unmarked"] == [said]
    mended = derive_dataset(dataset, resplit=(50, 25, 25), workspace=workspace)
    assert "split_unmarked" not in {problem.kind for problem in mended.findings}
    assert len(repr(plan_version(dataset, Changes(drop=("apple",))))) < 200


# Names and descent


def test_versions_get_the_next_free_name_and_may_share_one(fruit, workspace):
    second = derive_dataset("fruit", rename={"apple": "a"}, workspace=workspace)
    third = derive_dataset(second, " \n ", rename={"banana": "b"}, workspace=workspace)
    assert (second.name, second.id, third.name, third.id) == ("fruit 2", "fruit-2", "fruit 3", "fruit-3")
    one, other = (derive_dataset(fruit, "Same", drop=[name], workspace=workspace) for name in ("apple", "pear"))
    assert (one.id, other.id, other.name) == ("same", "same-2", "Same")
    assert load_dataset("same-2", workspace).classes == ("apple", "banana")


def test_a_version_of_a_version_knows_its_ancestors(fruit, workspace, tmp_path):
    second = derive_dataset(fruit, rename={"apple": "a"}, workspace=workspace)
    third = derive_dataset(second, rename={"banana": "b"}, workspace=workspace)
    assert [(parent.id, found.name) for parent, found in ancestors(third, workspace)] == [
        ("fruit-2", "fruit 2"),
        ("fruit", "fruit"),
    ]
    assert list(ancestors(fruit, workspace)) == []
    shutil.rmtree(fruit.folder)
    assert [found is None for _, found in ancestors(third, workspace)] == [False, True]
    import_dataset(write_voc(tmp_path / "other", 3), "fruit", workspace=workspace)
    assert [found is None for _, found in ancestors(third, workspace)] == [False, True], "another one of that name"
    shutil.rmtree(second.folder)
    ((parent, found),) = ancestors(third, workspace)
    assert parent.id == "fruit-2" and found is None
    assert read_dataset(third.folder).parent == third.parent


def test_the_result_depends_on_no_hash_seed(fruit, workspace):
    code = """
from autodet.datasets.manifest import load_dataset
from autodet.datasets.versions.resplit import Resplit
from autodet.datasets.versions.derive import Changes, plan_version
changes = Changes({"apple": "x", "banana": "x"}, {"pear"}, "drop", Resplit(seed=4, group_by="number"))
print(plan_version(load_dataset("fruit"), changes).fingerprint)
"""
    environment = os.environ | {
        "AUTODET_HOME": str(workspace.home),
        "PYTHONPATH": str(Path(autodet.__file__).parents[1]),
    }
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env=environment | {"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
