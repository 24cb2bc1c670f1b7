import pytest

from autodet.messages.cautions import caution_text
from autodet.records import Notice


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        (["orange"], "orange is not evaluated: no validation photo shows it."),
        (["kiwi", "orange"], "kiwi and orange are not evaluated: no validation photo shows them."),
        ([*"abcdefg"], "a, b, c, d, e and 2 more are not evaluated: no validation photo shows them."),
    ],
)
def test_classes_that_were_not_measured_are_named(classes, sentence):
    assert caution_text(Notice.of("classes_unmeasured", classes=classes, split="val")) == sentence


def test_leakage_names_the_photos_that_the_model_knows():
    start = Notice.of("start_leakage", model="fruit", photos={"val": [2, 8], "test": [1, 1]})
    assert "trained on 2 of 8 validation photos and 1 of 1 test photo of this data set" in caution_text(start)
    every, some = (Notice.of("evaluation_leakage", known=known, photos=1200) for known in (1200, 3))
    assert "trained on all 1,200 of these photos" in caution_text(every)
    assert "trained on 3 of these 1,200 photos" in caution_text(some)


def test_few_combinations_cap_the_trials():
    capped = caution_text(Notice.of("trials_capped", trials=9, combinations=1))
    assert capped.startswith("There is only 1 combination of parameters, so the search plans 1 trial instead of 9;")


def test_predictions_that_may_lack_objects():
    unread = Notice.of("photos_unread", unread=2, photos=3, detail="It is {damaged}.")
    assert caution_text(unread) == "2 of 3 photos could not be read; the first: It is {damaged}."
    assert caution_text(Notice.of("detections_truncated", truncated=1, photos=1, limit=100)).startswith(
        "On the photo the model found 100 objects, its limit"
    )
    assert "On 2 of 5 photos objects may be too small for the model: the longer side has up to 4,000" in caution_text(
        Notice.of("objects_too_small", large=2, photos=5, side=4000, photo_side=640)
    )
