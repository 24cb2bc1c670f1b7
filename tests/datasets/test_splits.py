import random
import subprocess
import sys
from collections import Counter

import pytest

from autodet.datasets.splits import SHARES, assign_splits, draw_splits

FRUIT = [frozenset(names) for names in [{"apple"}] * 60 + [{"banana"}] * 30 + [{"apple", "pear"}] * 10]


def test_nothing_given_is_split_by_class():
    splits, drawn = assign_splits([None] * 100, FRUIT, seed=0)
    assert drawn == "drawn"
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
    assert assign_splits(given, [frozenset({"apple"})] * len(given), seed=0) == (expected, "")


def test_val_is_taken_out_of_train_beside_test():
    splits, drawn = assign_splits(["train"] * 40 + ["test"] * 10, [frozenset({"apple"})] * 50, seed=0)
    assert drawn == "val_drawn"
    assert Counter(splits[:40]) == {"train": 34, "val": 6} and set(splits[40:]) == {"test"}


def test_train_alone_is_split_three_ways():
    splits, drawn = assign_splits(["train"] * 40, [frozenset({"apple"})] * 40, seed=0)
    assert drawn == "train_only"
    assert Counter(splits) == {"train": 28, "val": 6, "test": 6}


@pytest.mark.parametrize("photos", range(1, 30))
def test_however_few_photos_every_class_can_be_learnt_and_something_measured(photos):
    classes = [frozenset({"apple"} if number % 5 else {"apple", "pear"}) for number in range(photos)]
    splits, _ = assign_splits([None] * photos, classes, seed=photos)
    assert taught(splits, classes)
    assert "train" in splits
    assert "val" in splits or photos < 3


@pytest.fixture
def clips():
    """Frames of 40 clips, a few hundred to a single one, with one to three of five classes a clip."""
    draw = random.Random(5)
    classes, groups = [], []
    for clip in range(40):
        shown = draw.sample("aaaabbbccd", draw.randint(1, 3))
        for _ in range(draw.choice([1, 4, 10, 60])):
            classes.append(frozenset(draw.sample(shown, draw.randint(0, len(shown)))))
            groups.append(f"clip {clip}")
    return classes, groups


@pytest.mark.parametrize("seed", range(5))
def test_a_group_goes_whole_into_one_split(clips, seed):
    classes, groups = clips
    splits = draw_splits(classes, SHARES, seed, groups)
    assert len(set(zip(groups, splits, strict=True))) == len(set(groups))
    assert taught(splits, classes)
    for split, share in SHARES.items():
        assert abs(splits.count(split) / len(splits) - share) < 60 / len(splits)
        for name in "abc":
            marked = [split for split, names in zip(splits, classes, strict=True) if name in names]
            assert abs(marked.count(split) / len(marked) - share) < 0.2, f"{name} in {split}"


def test_the_seed_decides_where_groups_go(clips):
    classes, groups = clips
    assert draw_splits(classes, SHARES, 1, groups) == draw_splits(classes, SHARES, 1, groups)
    assert draw_splits(classes, SHARES, 1, groups) != draw_splits(classes, SHARES, 2, groups)


def test_groups_of_one_photo_change_nothing():
    assert draw_splits(FRUIT, SHARES, 3, range(len(FRUIT))) == draw_splits(FRUIT, SHARES, 3)


def test_a_pair_among_many_leaves_the_shares_as_they_are():
    splits = draw_splits(FRUIT, SHARES, 0, [0, 0, *range(2, 100)])
    assert splits[0] == splits[1]
    assert all(abs(splits.count(split) - 100 * share) <= 1 for split, share in SHARES.items())


def test_a_group_that_is_too_large_for_a_small_split_goes_to_train():
    splits = draw_splits([frozenset("a")] * 100, SHARES, 0, [0] * 60 + list(range(1, 41)))
    assert set(splits[:60]) == {"train"}
    assert Counter(splits) == {"train": 70, "val": 15, "test": 15}


@pytest.mark.parametrize(("groups", "expected"), [([0] * 8, {"train": 8}), ([0] * 5 + [1] * 3, {"train": 5, "val": 3})])
def test_val_gets_a_group_where_there_are_two(groups, expected):
    assert Counter(draw_splits([frozenset("a")] * 8, SHARES, 0, groups)) == expected


def test_a_split_without_a_share_gets_nothing(clips):
    classes, groups = clips
    shares = {"train": 0.8, "val": 0.2, "test": 0.0}
    assert set(draw_splits(classes, shares, 0)) == set(draw_splits(classes, shares, 0, groups)) == {"train", "val"}


def taught(splits, classes):
    """Whether every class is in train."""
    train = [names for split, names in zip(splits, classes, strict=True) if split == "train"]
    return frozenset().union(*train) == frozenset().union(*classes)


def test_hash_randomisation_changes_nothing():
    script = (
        "from autodet.datasets.splits import SHARES, assign_splits, draw_splits\n"
        "classes = [frozenset('abcdef'[i % 6] + 'xyz'[i % 3]) for i in range(60)]\n"
        "print(assign_splits([None] * 60, classes, seed=3))\n"
        "print(draw_splits(classes, SHARES, 3, ['uvw'[i % 3] * (i % 11) for i in range(60)]))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
