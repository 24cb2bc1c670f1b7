from pathlib import Path

import pytest

from autodet.datasets.formats.yolo_lines import parse_row
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError
from autodet.messages.findings import action_sentence, problem_sentence
from tests.helpers import draw_photo, workspace_in

YAML = "path: C:\\\\gone\\\\set\ntrain: ../train/images\nval: ../valid/images\nnc: 2\nnames: [apple, red pear]\n"
LINE = "1 0.5 0.5 0.25 0.5\n"


def write(folder, photo, labels, text, seed=0):
    """One 64 x 48 photo and its label file; no label file where ``text`` is None."""
    (folder / photo).parent.mkdir(parents=True, exist_ok=True)
    draw_photo(seed=seed).save(folder / photo)
    if text is not None:
        (folder / labels).parent.mkdir(parents=True, exist_ok=True)
        (folder / labels).write_text(text)


@pytest.mark.parametrize(
    ("line", "label", "values"),
    [
        ("0 0.5 0.5 1 1", 0, (0.5, 0.5, 1, 1)),
        ("1.0\t.25 .5  .1 .2", 1, (0.25, 0.5, 0.1, 0.2)),
        ("0,0.5,0.5,0.1,0.2", 0, (0.5, 0.5, 0.1, 0.2)),
        ("0, 0.5, 0.5, 0.1, 0.2,", 0, (0.5, 0.5, 0.1, 0.2)),
        ("0;0.5;0.5;0.1;0.2", 0, (0.5, 0.5, 0.1, 0.2)),
        ("0;0,5;0,5;0,1;0,2", 0, (0.5, 0.5, 0.1, 0.2)),
        ("0 0,5 0,5 0,1 0,2", 0, (0.5, 0.5, 0.1, 0.2)),
        ("0 .5 .5 .1 .2 # a cat", 0, (0.5, 0.5, 0.1, 0.2)),
        ("red pear 0.5 0.5 0.1 0.2", "red pear", (0.5, 0.5, 0.1, 0.2)),
        ("cat, 0.5, 0.5, 0.1, 0.2", "cat", (0.5, 0.5, 0.1, 0.2)),
        ("1 0.1 0.2 0.5 0.2 0.3 0.6", 1, (0.1, 0.2, 0.5, 0.2, 0.3, 0.6)),
    ],
)
def test_reads_rows_however_their_columns_are_separated(line, label, values):
    row, numbers = parse_row(line)
    assert numbers == values and row.head == values[:4]
    assert (row.label if row.number < 0 else row.number) == label


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("0 0.5 0.5 1", "neither the four numbers"),
        ("0", "neither"),
        ("apple", "neither"),
        ("0 nan 0.5 1 1", "not positions"),
        ("0 1e308 0.5 1 1", "not positions"),
        ("0 1e999 0.5 1 1", "not positions"),
        ("inf 1 1 1 1", "not a class number"),
        ("0.7 0.5 0.5 0.1 0.1", "not a class number"),
        ("-1 0.5 0.5 0.1 0.1", "not a class number"),
        ("0 0.5 0.5 0.1 0.1 difficult", "not a class number"),
    ],
)
def test_says_what_is_wrong_with_a_row(line, problem):
    with pytest.raises(DatasetError, match=problem):
        parse_row(line)


@pytest.mark.parametrize(
    ("photos", "labels"),
    [("{}/images", "{}/labels"), ("images/{}", "labels/{}"), ("{}", "{}"), ("{}/image", "{}/label")],
)
def test_layouts_of_split_folders(tmp_path, photos, labels):
    for seed, split in enumerate(("train", "valid")):
        for stem in ("a", "b"):
            where = photos.format(split), labels.format(split)
            write(tmp_path / "set", f"{where[0]}/{stem}.png", f"{where[1]}/{stem}.txt", LINE, 10 * seed + ord(stem))
    (tmp_path / "set" / "data.yaml").write_text(YAML)
    dataset = import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))
    assert (dataset.format, dataset.classes, dataset.splits) == ("yolo", ("red pear",), {"train": 2, "val": 2})
    assert dataset.images[0].annotations.boxes_xyxy.tolist() == [[24, 12, 40, 36]]


def test_splits_come_from_the_settings_where_folders_do_not_tell(tmp_path):
    for number in range(4):
        write(tmp_path / "set", f"images/{number}.png", f"labels/{number}.txt", LINE, number)
    (tmp_path / "set" / "first.txt").write_text("./images/0.png\nC:\\gone\\images\\1.png\n")
    (tmp_path / "set" / "second.txt").write_text("/gone/images/2.png\n/gone/images/3.png\n")
    (tmp_path / "set" / "my.yml").write_text("train: first.txt\nval: [second.txt]\nnames: {0: apple, 1: pear}\n")
    dataset = import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))
    assert dataset.splits == {"train": 2, "val": 2}
    assert [record.file for record in dataset.split("val")] == ["val/2.png", "val/3.png"]


def test_photos_without_objects_are_data_and_bad_lines_are_listed(tmp_path):
    write(tmp_path / "set", "a.png", "a.txt", LINE, 1)
    write(tmp_path / "set", "b.png", "b.txt", "", 2)
    write(tmp_path / "set", "c.png", "c.txt", None, 3)
    write(tmp_path / "set", "d.png", "d.txt", "9 0.5 0.5 0.1 0.1\n\n0 0.9 0.5 0.4 0.2\n", 4)
    (tmp_path / "set" / "classes.txt").write_text("apple\nred pear\n")
    dataset = import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path))
    assert len(dataset.images) == 4
    assert dataset.boxes == 2
    said = {problem.file: problem_sentence(problem) for problem in dataset.findings}
    assert "Line 1" in said["d.txt"] or "class number 9" in " ".join(problem_sentence(p) for p in dataset.findings)
    assert any("cut to the photo" in action_sentence(problem) for problem in dataset.findings)


def test_a_hostile_yaml_is_no_yaml(tmp_path):
    write(tmp_path / "set", "a.png", "a.txt", LINE)
    (tmp_path / "set" / "data.yaml").write_text("names: !!python/object/apply:os.system ['touch owned', fig]\n")
    assert import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path)).classes == ("fig",)
    assert not Path("owned").exists()
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{new}: &{new} [{','.join(['*' + old] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    (tmp_path / "set" / "data.yaml").write_text(bomb + "names: [apple, pear]\n")
    assert import_dataset(tmp_path / "set", workspace=workspace_in(tmp_path)).classes == ("pear",)
