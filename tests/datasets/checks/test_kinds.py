from pathlib import Path

import pytest

from autodet.datasets.checks.kinds import KINDS, decide, how_many
from autodet.errors import DatasetError
from autodet.messages.finding_kinds import KIND_TEXTS
from autodet.records import Finding


def test_every_kind_says_why_and_has_a_default():
    for name, kind in KINDS.items():
        text = KIND_TEXTS[name]
        assert text.title and text.why.endswith("."), name
        assert set(text.actions) == set(kind.actions) and decide()[name] == kind.default == kind.actions[0]
    assert set(KIND_TEXTS) == set(KINDS)


def test_what_names_no_file_is_counted_by_its_photos():
    pair = Finding("photo_copies", "a.png", "keep", photos=("a.png", "b.png"))
    some = Finding("label_file_missing", "", "keep", photos=("a.png", "b.png", "c.png"))
    assert how_many([pair]) == 1
    assert how_many([some, some]) == 6
    assert how_many([Finding("no_boxes", "", "stop")]) == 1


def test_a_decision_replaces_the_default_of_its_kind_alone():
    decisions = decide({"box_outside": "drop"})
    assert decisions["box_outside"] == "drop"
    assert decisions["turned"] == "fix"


@pytest.mark.parametrize(
    ("actions", "match"),
    [
        ({"box_round": "drop"}, "'box_round' is not a kind of finding; choose one of .*box_outside"),
        ({"box_outside": "stop"}, "'stop' is not an action for 'box_outside'; choose one of fix, drop"),
    ],
)
def test_a_decision_that_makes_no_sense_is_a_sentence(actions, match):
    with pytest.raises(DatasetError, match=match):
        decide(actions)


def test_the_documentation_lists_every_kind_with_its_actions():
    text = (Path(__file__).parents[3] / "docs" / "datasets.md").read_text(encoding="utf-8")
    for name, kind in KINDS.items():
        assert f"| {KIND_TEXTS[name].title} | `{name}` | {', '.join(kind.actions)} |" in text
