"""What should be labelled next, by detections and features that are made up."""

import numpy as np
import pytest

from autodet.evaluation.label_order import MAX_SPREAD, NO_EVIDENCE, Evidence, Look, find_evidence, order_photos
from autodet.messages.labels import reason_text
from autodet.records import LabelReason, Prediction

CLASSES = ("apple", "banana")
THRESHOLDS = np.array([0.5, 0.4], np.float32)
EVEN = np.array([10, 10])
HERE, THERE = (0, 0, 10, 10), (50, 50, 70, 70)


def seen(*detections):
    """A prediction of (box, class id, score)."""
    return Prediction.of(*(list(column) for column in zip(*detections, strict=True))) if detections else nothing()


def nothing():
    return Prediction.of([], [], [])


def look(*angles, groups=None):
    """Photos on a circle; the angle in degrees tells how far apart they are."""
    turned = np.radians(np.array(angles, float))
    vectors = np.stack([np.cos(turned), np.sin(turned)], 1).astype(np.float32).reshape(-1, 2)
    return Look(vectors, np.arange(len(angles)) if groups is None else np.array(groups))


def labelled(*angles, groups=None):
    return look(*angles, groups=[-1 - place for place in range(len(angles))] if groups is None else groups)


def doubt(*values):
    return Evidence(np.array(values, np.float32))


def kinds(reasons):
    return [reason.kind for reason in reasons]


def test_a_score_at_the_threshold_is_the_greatest_doubt():
    found = find_evidence(seen((HERE, 0, 0.5), (THERE, 1, 0.4)), CLASSES, THRESHOLDS, EVEN)
    assert found.doubts.tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize("score", [0.02, 0.2, 0.8, 0.99])
def test_scores_far_from_the_threshold_are_no_doubt(score):
    assert not len(find_evidence(seen((HERE, 0, score)), CLASSES, THRESHOLDS, EVEN).doubts)


def test_doubt_falls_on_both_sides_of_the_threshold():
    of = [find_evidence(seen((HERE, 0, score)), CLASSES, THRESHOLDS, EVEN).parts[0] for score in (0.3, 0.45, 0.55, 0.7)]
    assert of[0] < of[1] and of[2] > of[3] > 0


def test_two_detections_of_one_object_are_one_doubt():
    twice = find_evidence(seen((HERE, 0, 0.5), ((0, 0, 10, 11), 1, 0.4)), CLASSES, THRESHOLDS, EVEN)
    assert len(twice.doubts) == 1


def test_a_sure_detection_settles_its_object():
    assert not len(find_evidence(seen((HERE, 0, 0.95), (HERE, 1, 0.4)), CLASSES, THRESHOLDS, EVEN).doubts)


def test_models_that_find_the_same_do_not_disagree():
    one, other = seen((HERE, 0, 0.9)), seen(((0, 0, 10, 9), 0, 0.6))
    assert find_evidence(one, CLASSES, THRESHOLDS, EVEN, (other, THRESHOLDS)).disputed == 0


@pytest.mark.parametrize(
    "other",
    [
        nothing(),
        seen((HERE, 0, 0.1)),
        seen((HERE, 1, 0.9)),
        seen(((4, 4, 14, 14), 0, 0.9)).above(1.0),
    ],
    ids=["nothing", "below its threshold", "another class", "no detection"],
)
def test_models_disagree_about_what_only_one_shows(other):
    one = seen((HERE, 0, 0.9))
    assert find_evidence(one, CLASSES, THRESHOLDS, EVEN, (other, THRESHOLDS)).disputed == 1
    assert find_evidence(other, CLASSES, THRESHOLDS, EVEN, (one, THRESHOLDS)).disputed == 1


def test_models_are_compared_in_the_classes_that_both_know():
    only_bananas = np.array([np.inf, 0.4], np.float32)
    one, other = seen((HERE, 0, 0.9)), seen((THERE, 1, 0.9))
    assert find_evidence(one, CLASSES, THRESHOLDS, EVEN, (nothing(), only_bananas)).disputed == 0
    assert find_evidence(other, CLASSES, THRESHOLDS, EVEN, (nothing(), only_bananas)).disputed == 1
    assert find_evidence(nothing(), CLASSES, only_bananas, EVEN, (one, THRESHOLDS)).disputed == 0


def test_a_class_with_few_labels_is_rare():
    both = seen((HERE, 0, 0.9), (THERE, 1, 0.3))
    found = find_evidence(both, CLASSES, THRESHOLDS, np.array([30, 2]))
    assert (found.rare_class, round(found.rare_value, 3)) == ("banana", round(0.3 * (1 - 2 / 16), 3))


@pytest.mark.parametrize("counts", [(0, 0), (10, 10), (12, 8)])
def test_without_a_rare_class_none_is_named(counts):
    found = find_evidence(seen((HERE, 1, 0.9)), CLASSES, THRESHOLDS, np.array(counts))
    assert (found.rare_class, found.rare_value) == ("", 0)


def test_the_only_class_is_not_rare():
    found = find_evidence(seen((HERE, 0, 0.9)), ("raccoon",), np.array([0.5], np.float32), np.array([1]))
    assert found.rare_value == 0


def test_more_doubt_comes_first():
    order, reasons = order_photos([doubt(), doubt(1, 1), doubt(0.5)], look(0, 0, 0), labelled(0))
    assert order == [1, 2, 0]
    assert reasons[0] == LabelReason("unsure", 2, value=0.75)


def test_a_dispute_and_a_rare_class_come_before_nothing():
    none = np.zeros(0, np.float32)
    evidence = [NO_EVIDENCE, Evidence(none, 2), Evidence(none, 0, "banana", 0.9)]
    order, reasons = order_photos(evidence, look(0, 0, 0), labelled(0))
    assert order == [2, 1, 0]
    assert (reasons[0].class_name, reasons[1].count) == ("banana", 2)


def test_unlike_photos_come_first():
    order, reasons = order_photos([NO_EVIDENCE] * 3, look(5, 90, 40), labelled(0))
    assert order == [1, 2, 0]
    assert kinds(reasons) == ["unlike"] * 3


def test_each_photo_is_unlike_those_before_it():
    order, _ = order_photos([NO_EVIDENCE] * 4, look(90, 88, 40, 5), labelled(0))
    assert order == [0, 2, 3, 1]


def test_a_photo_that_stands_for_many_comes_before_an_outlier():
    order, reasons = order_photos([NO_EVIDENCE] * 6, look(300, 60, 62, 64, 66, 68), labelled(0))
    assert order[0] != 0 == order[1]
    assert [reason.count for reason in reasons[:2]] == [4, 0]


def test_copies_of_labelled_photos_are_last_however_doubtful():
    evidence = [doubt(1, 1, 1), doubt()]
    order, reasons = order_photos(evidence, look(90, 0, groups=[7, 8]), labelled(0, groups=[7]))
    assert order == [1, 0]
    assert kinds(reasons) == ["unlike", "copy"]


def test_one_of_two_copies_comes_with_the_others():
    evidence = [doubt(1), doubt(1, 1), NO_EVIDENCE]
    order, reasons = order_photos(evidence, look(10, 10, 0, groups=[1, 1, 2]), labelled(0))
    assert order == [1, 2, 0]
    assert kinds(reasons)[-1] == "copy"


def test_without_labels_the_most_typical_photo_is_first():
    order, reasons = order_photos([NO_EVIDENCE] * 4, look(0, 40, 45, 90), labelled())
    assert order[0] in (1, 2) and set(order[1:3]) == {0, 3}
    assert (reasons[0].kind, reasons[0].count) == ("unlike", 3)


def test_equal_photos_stay_in_their_order():
    order, _ = order_photos([NO_EVIDENCE] * 5, look(*[30] * 5), labelled(30))
    assert order == [0, 1, 2, 3, 4]


def test_nothing_to_order():
    assert order_photos([], look(), labelled(0)) == ([], [])


def test_every_photo_has_one_place_and_a_reason():
    random = np.random.default_rng(0)
    count = MAX_SPREAD + 200
    evidence = [doubt(*random.uniform(0.5, 1, random.integers(0, 3))) for _ in range(count)]
    photos = look(*random.uniform(0, 360, count), groups=random.integers(0, count, count))
    order, reasons = order_photos(evidence, photos, labelled(0, 90))
    assert sorted(order) == list(range(count)) and len(reasons) == count
    again = order_photos(evidence, photos, labelled(0, 90))
    assert again == (order, reasons)


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (LabelReason("unsure", 3), "The model is unsure about 3 objects."),
        (LabelReason("disputed", 1), "Two models disagree about 1 object."),
        (LabelReason("rare", class_name="<b>"), "May show '<b>', which has few labels."),
        (LabelReason("unlike"), "Looks unlike any photo that is labelled or comes before."),
        (LabelReason("unlike", 2), "Looks unlike any photo that is labelled or comes before, and like 2 others."),
        (LabelReason("copy"), "Looks nearly the same as a photo that is labelled or comes before."),
        (LabelReason("proposal", value=0.314), "Has a proposal with a score of 31%."),
    ],
)
def test_sentences(reason, text):
    assert reason_text(reason) == text
