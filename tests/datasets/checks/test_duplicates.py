import json

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.messages.findings import action_sentence, problem_sentence
from tests.datasets.test_perceptual_hash import scene
from tests.helpers import APPLE, BANANA, voc_xml, workspace_in


def write_scene(folder, name, seed, marks=(APPLE, BANANA), **saved):
    folder.mkdir(parents=True, exist_ok=True)
    photo = scene(seed, saved.pop("size_wh", (320, 240)))
    photo.save(folder / name, **saved)
    (folder / name).with_suffix(".xml").write_text(voc_xml(name, photo.size, marks))


@pytest.fixture
def leaky(tmp_path):
    """Three splits: a photo of train is also in val, one is in test at half its size, one is there twice in train."""
    for split, start, count in (("train", 0, 14), ("val", 20, 4), ("test", 30, 4)):
        for number in range(start, start + count):
            write_scene(tmp_path / "leaky" / split, f"{number:02}.jpg", number)
    write_scene(tmp_path / "leaky" / "val", "same.jpg", 3)
    write_scene(tmp_path / "leaky" / "test", "smaller.jpg", 5, size_wh=(160, 120), quality=60)
    write_scene(tmp_path / "leaky" / "train", "again.jpg", 7, marks=(APPLE,))
    return tmp_path / "leaky"


def found(dataset, kind):
    return [problem for problem in dataset.findings if problem.kind == kind]


def test_leaks_and_copies_are_named_with_both_photos(leaky, tmp_path):
    dataset = import_dataset(leaky, decisions={"copies_disagree": "keep"}, workspace=workspace_in(tmp_path))
    (leak,) = found(dataset, "photo_alike")
    assert problem_sentence(leak) == "It is in train; 'test/smaller.jpg' in test looks the same."
    assert leak.photos == ("train/05.jpg", "test/smaller.jpg") and action_sentence(leak) == "Both were kept."
    twice = {problem.photos: problem_sentence(problem) for problem in found(dataset, "photo_copies")}
    assert twice == {
        ("train/03.jpg", "val/same.jpg"): "It is in train; 'val/same.jpg' in val is the same photo.",
        ("train/again.jpg", "train/07.jpg"): "'train/07.jpg' is the same photo, with other labels.",
    }
    assert len(dataset.images) == 25


def test_the_one_in_train_can_be_left_out(leaky, tmp_path):
    decisions = {"photo_alike": "drop", "photo_copies": "drop", "copies_disagree": "keep"}
    dataset = import_dataset(leaky, decisions=decisions, workspace=workspace_in(tmp_path))
    files = {record.file for record in dataset.images}
    assert dataset.splits == {"train": 12, "val": 5, "test": 5}
    assert files.isdisjoint({"train/03.jpg", "train/05.jpg", "train/again.jpg"})


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.slow
def test_a_split_that_is_drawn_keeps_scenes_together(tmp_path, seed):
    for number in range(30):
        write_scene(tmp_path / "clips", f"a{number:02}.jpg", number // 2, size_wh=(320 - number % 2 * 80, 240))
    dataset = import_dataset(tmp_path / "clips", seed=seed, workspace=workspace_in(tmp_path))
    split_of = {record.file.rpartition("/")[2]: record.split for record in dataset.images}
    assert all(split_of[f"a{n:02}.jpg"] == split_of[f"a{n + 1:02}.jpg"] for n in range(0, 30, 2))
    assert set(dataset.splits) == {"train", "val", "test"} and not found(dataset, "photo_alike")


def test_a_camera_that_never_moves_still_gives_something_to_measure_with(tmp_path):
    for number in range(20):
        write_scene(tmp_path / "yard", f"{number:02}.jpg", 0, quality=60 + number)
    dataset = import_dataset(tmp_path / "yard", workspace=workspace_in(tmp_path))
    assert set(dataset.splits) == {"train", "val", "test"}
    assert len(found(dataset, "photo_alike")) >= dataset.splits["train"]


def test_what_was_found_is_part_of_the_answer_of_the_command_line(leaky, workspace, capsys):
    from autodet.cli import main

    decisions = ["--decide", "photo_alike=drop", "--decide", "copies_disagree=fix"]
    assert main(["import", str(leaky), "--name", "leaky", "--json", *decisions]) == 0
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert [p["action"] for p in problems if p["kind"] == "photo_alike"] == ["The photo was left out."]
