import pytest

from autodet.datasets.importing import import_dataset
from autodet.search.facts import Facts, facts_of
from tests.helpers import APPLE, write_voc


def test_the_facts_of_a_data_set(workspace, tmp_path):
    write_voc(tmp_path / "fruit" / "train", 6, marks=[("apple", (0, 0, 32, 32)), ("seed", (50, 40, 54, 44))])
    write_voc(tmp_path / "fruit" / "val", 3, marks=[APPLE])
    facts = facts_of(import_dataset(tmp_path / "fruit", "fruit", workspace=workspace))
    assert facts == Facts(6, 3, pytest.approx(18 / 64), pytest.approx(4 / 64), photo_side=64)
