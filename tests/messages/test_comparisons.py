import pytest

from autodet.messages.comparisons import improvement_cautions, improvement_sentence
from autodet.records import Comparison, Difference, Improvement, PhotoErrors


def improvement(photos=24, significant=True, split="test", **facts):
    interval = (0.05, 0.28) if significant else (-0.03, 0.3)
    figure = Difference(0.612, 0.781, 0.169, interval, significant)
    errors = tuple(PhotoErrors(str(number), 0, 0) for number in range(photos))
    comparison = Comparison({"a": "first", "b": "second"}, "pool-3", split, figure, figure, {}, errors, {})
    return Improvement(comparison, "second", {"a": "raccoon 2", "b": "raccoon 3"}, split, **facts)


def test_a_gain_on_enough_test_photos_needs_no_caution():
    sentence = improvement_sentence(improvement(), "page")
    assert sentence.startswith("raccoon 3 against raccoon 2, which it started from, on 24 test photos")
    assert "mAP@0.5 0.612 before, 0.781 now, a difference of +0.169 (95 % interval +0.050 to +0.280)" in sentence
    assert sentence.endswith("more than chance.")
    assert improvement_cautions(improvement()) == []
    assert improvement_sentence(improvement(significant=False)).endswith("within noise.")


def test_too_few_photos_tell_nothing_even_if_the_interval_leaves_out_0():
    few = improvement(photos=9)
    assert improvement_sentence(few).endswith("mAP50 0.612 before, 0.781 now; too few photos to tell.")
    (caution,) = improvement_cautions(few)
    assert caution.startswith("9 photos cannot tell two models apart. More test photos help")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"split": "val"}, "raccoon 3 was chosen on these validation photos"),
        ({"proposed": 3}, "3 of these 24 photos have labels that raccoon 2 proposed, which favours it."),
        ({"set_aside": 1}, "1 test photo does not count: raccoon 2 proposed labels there"),
        ({"unknown": ("gone",)}, "was deleted (gone)"),
        ({"left_out": ("cat", "dog")}, "Boxes of cat and dog do not count, because raccoon 2 does not know"),
    ],
)
def test_what_may_flatter_a_model_is_said(facts, words):
    (caution,) = improvement_cautions(improvement(**facts))
    assert words in caution
