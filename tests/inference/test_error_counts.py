import pytest

from autodet.inference.error_counts import ErrorCounts, add_up, count_errors
from autodet.records import Annotations, ImageRecord, Prediction

HERE, THERE, NOWHERE = [10, 10, 50, 50], [60, 60, 90, 90], [0, 80, 20, 100]
CLASSES = ("apple", "banana")


def counted(marked, seen, difficult=None, model_classes=CLASSES):
    boxes, names = [box for box, _ in marked], [CLASSES.index(name) for _, name in marked]
    record = ImageRecord("a.jpg", 100, 100, "val", Annotations.of(boxes, names, difficult))
    prediction = Prediction.of(
        [box for box, _, _ in seen], [model_classes.index(name) for _, name, _ in seen], [score for *_, score in seen]
    )
    mistakes = count_errors(record, prediction, CLASSES, model_classes)
    return mistakes.false_negatives, mistakes.false_positives, mistakes.wrong_class


@pytest.mark.parametrize(
    ("marked", "seen", "expected"),
    [
        ([(HERE, "apple"), (THERE, "banana")], [(HERE, "apple", 0.9), (THERE, "banana", 0.8)], (0, 0, 0)),
        ([(HERE, "apple")], [], (1, 0, 0)),
        ([], [(HERE, "apple", 0.9)], (0, 1, 0)),
        ([(HERE, "apple")], [(NOWHERE, "apple", 0.9)], (1, 1, 0)),
        ([(HERE, "apple")], [(HERE, "banana", 0.9)], (0, 0, 1)),
        ([(HERE, "apple")], [(HERE, "apple", 0.9), (HERE, "apple", 0.5)], (0, 1, 0)),
        ([(HERE, "apple"), ([12, 12, 52, 52], "banana")], [(HERE, "banana", 0.9), (HERE, "apple", 0.8)], (0, 0, 0)),
        ([], [], (0, 0, 0)),
    ],
)
def test_missed_made_up_and_wrong_class(marked, seen, expected):
    assert counted(marked, seen) == expected


def test_a_difficult_box_may_be_missed():
    assert counted([(HERE, "apple"), (THERE, "apple")], [], difficult=[False, True]) == (1, 0, 0)


def test_classes_are_compared_by_name():
    assert counted([(HERE, "apple")], [(HERE, "apple", 0.9)], model_classes=("banana", "apple")) == (0, 0, 0)


def test_mistakes_on_several_photos_add_up():
    assert add_up([ErrorCounts(1, 2, 0), ErrorCounts(3, 0, 4)]) == ErrorCounts(4, 2, 4)
    assert add_up([]).total == 0
