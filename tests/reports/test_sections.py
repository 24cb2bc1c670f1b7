"""Parts of a report."""

from types import SimpleNamespace

from autodet.evaluation.subsets import SubsetReport
from autodet.reports.sections.figures import subset_section


def text_of(*groups):
    return "".join(map(str, subset_section(SimpleNamespace(subsets={"size": list(groups)}))))


def test_a_group_is_weak_by_the_rule_of_the_page():
    small, large = SubsetReport("small", 4, 15, 4, 0, 0.5), SubsetReport("large", 40, 100, 6, 0, 0.9)
    assert "Small objects, below 32 × 32 pixels: 4 of 15 missed." in text_of(small, large)
    assert "No group is missed clearly more often" in text_of(SubsetReport("small", 4, 15, 1, 0, 0.5), large)
