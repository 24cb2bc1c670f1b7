from dataclasses import replace

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import SearchError
from autodet.records import Annotations
from autodet.search.planning.dataset_profile import Facts, facts_of, unjudged_classes
from tests.helpers import APPLE, write_voc


def test_the_facts_of_a_data_set(workspace, tmp_path):
    write_voc(tmp_path / "fruit" / "train", 6, marks=[("apple", (0, 0, 32, 32)), ("seed", (50, 40, 54, 44))])
    write_voc(tmp_path / "fruit" / "val", 3, marks=[APPLE])
    facts = facts_of(import_dataset(tmp_path / "fruit", "fruit", workspace=workspace))
    assert facts == Facts(6, 3, pytest.approx(18 / 64), pytest.approx(4 / 64), 64, "apple", 6, 6, ("apple", "seed"))


def test_nothing_is_invented_of_a_data_set_without_boxes(workspace, tmp_path):
    dataset = import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    empty = tuple(replace(record, annotations=Annotations.of([], [])) for record in dataset.images)
    with pytest.raises(SearchError, match="has no labels, so there is nothing to learn from"):
        facts_of(replace(dataset, images=empty, fingerprint="0" * 64))


def test_small_boxes_are_told_class_by_class_for_map_counts_classes_not_boxes(workspace, tmp_path):
    marks = [("cell", (10 * x, 10 * y, 10 * x + 8, 10 * y + 8)) for x in range(6) for y in range(4)]
    many = [*marks, ("platelet", (60, 44, 62, 46))]
    write_voc(tmp_path / "blood" / "train", 12, marks=many)
    write_voc(tmp_path / "blood" / "train" / "more", 2, marks=[*marks, ("speck", (60, 44, 61, 45))])
    write_voc(tmp_path / "blood" / "val", 3, marks=many)
    facts = facts_of(import_dataset(tmp_path / "blood", "blood", workspace=workspace))
    assert facts.median_box == pytest.approx(8 / 64)
    assert facts.small_box == pytest.approx(2 / 64)  # one box in 25 is a platelet, and specks are too few to count


def test_the_class_that_the_fewest_training_photos_show(workspace, tmp_path):
    pear, plum = ("pear", (40, 20, 60, 40)), ("plum", (0, 20, 20, 40))
    write_voc(tmp_path / "fruit" / "train", 6, marks=[APPLE, APPLE])
    write_voc(tmp_path / "fruit" / "train" / "more", 2, marks=[APPLE, pear, pear, pear, pear])
    write_voc(tmp_path / "fruit" / "val", 3, marks=[APPLE, plum])
    fruit = import_dataset(tmp_path / "fruit", "fruit", workspace=workspace, decisions={"splits_disagree": "keep"})
    facts = facts_of(fruit)
    assert (facts.rare_class, facts.rare_photos, facts.most_photos) == ("pear", 2, 8)


def test_classes_on_no_validation_photo_are_told(workspace, tmp_path):
    write_voc(tmp_path / "fruit" / "train", 6, marks=[APPLE, ("pear", (40, 20, 60, 40))])
    write_voc(tmp_path / "fruit" / "val", 3, marks=[APPLE])
    fruit = import_dataset(tmp_path / "fruit", "fruit", workspace=workspace, decisions={"splits_disagree": "keep"})
    assert unjudged_classes(fruit) == ("pear",)
