import subprocess
import sys
from collections import Counter
from pathlib import PurePosixPath

import pytest

from autodet.datasets.splits import assign_splits, refuse_unknown_classes
from autodet.errors import DatasetError

FRUIT = [frozenset(names) for names in [{"apple"}] * 60 + [{"banana"}] * 30 + [{"apple", "pear"}] * 10]


def test_nothing_given_is_split_by_class():
    splits, drawn = assign_splits([None] * 100, FRUIT, seed=0)
    assert drawn
    assert Counter(splits) == {"train": 70, "val": 15, "test": 15}
    for group, share in (({"banana"}, 30), ({"apple", "pear"}, 10)):
        in_val = sum(split == "val" and names == group for split, names in zip(splits, FRUIT, strict=True))
        assert abs(in_val - 0.15 * share) <= 1


def test_the_seed_decides():
    assert assign_splits([None] * 100, FRUIT, seed=1) == assign_splits([None] * 100, FRUIT, seed=1)
    assert assign_splits([None] * 100, FRUIT, seed=1) != assign_splits([None] * 100, FRUIT, seed=2)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["train"] * 3 + ["val"] * 2, ["train"] * 3 + ["val"] * 2),
        (["train", "val", "test"], ["train", "val", "test"]),
        ([None, "val", "test"], ["train", "val", "test"]),
        (["test", "test"], ["test", "test"]),
    ],
)
def test_what_is_given_is_kept(given, expected):
    assert assign_splits(given, [frozenset({"apple"})] * len(given), seed=0) == (expected, False)


def test_val_is_taken_out_of_train_beside_test():
    splits, drawn = assign_splits(["train"] * 40 + ["test"] * 10, [frozenset({"apple"})] * 50, seed=0)
    assert drawn
    assert Counter(splits[:40]) == {"train": 34, "val": 6} and set(splits[40:]) == {"test"}


def test_train_alone_is_split_three_ways():
    splits, _ = assign_splits(["train"] * 40, [frozenset({"apple"})] * 40, seed=0)
    assert Counter(splits) == {"train": 28, "val": 6, "test": 6}


@pytest.mark.parametrize("photos", range(1, 30))
def test_however_few_photos_every_class_can_be_learnt_and_something_measured(photos):
    classes = [frozenset({"apple"} if number % 5 else {"apple", "pear"}) for number in range(photos)]
    splits, _ = assign_splits([None] * photos, classes, seed=photos)
    refuse_unknown_classes(splits, classes, [PurePosixPath("a.xml")] * photos)
    assert "train" in splits
    assert "val" in splits or photos < 3


def test_a_class_that_cannot_be_learnt_is_refused():
    with pytest.raises(DatasetError, match=r"'pear' is in val .*'val/b\.xml'.*no photo of train"):
        refuse_unknown_classes(
            ["train", "val"],
            [frozenset({"apple"}), frozenset({"apple", "pear"})],
            [PurePosixPath("train/a.xml"), PurePosixPath("val/b.xml")],
        )


def test_hash_randomisation_changes_nothing():
    script = (
        "from autodet.datasets.splits import assign_splits\n"
        "classes = [frozenset('abcdef'[i % 6] + 'xyz'[i % 3]) for i in range(60)]\n"
        "print(assign_splits([None] * 60, classes, seed=3))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
