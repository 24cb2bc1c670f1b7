from dataclasses import replace

import pytest

from autodet.messages.cautions import caution_text
from autodet.messages.tiles import tile_gain_text
from autodet.records import Notice, TileGain


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


def test_small_objects_on_large_photos_are_offered_tiles_and_their_limits_are_told():
    small = caution_text(Notice.of("objects_too_small", large=1, photos=1, side=4000, photo_side=640))
    assert small.endswith("turn on tiles (on the page, tiles=True in Python, --tiles on the command line).")
    full = caution_text(Notice.of("tiles_truncated", truncated=1, photos=3, limit=100))
    assert full == "On 1 of 3 photos the model reached its limit of 100 objects on a tile; there may be more."
    limited = caution_text(Notice.of("tiles_limited", limited=1, photos=1, most=64))
    assert limited.startswith(
        "On the photo the tiles are larger than the training photos, because a photo has at most 64"
    )


def test_the_gain_of_tiles_is_told_whether_it_is_one():
    gain = TileGain("fruit", 6, (0.25, 0.75), (0.1, 0.4), (0.8, 0.75), (0.2, 0.9))
    assert tile_gain_text(gain) == (
        "On 6 large validation photos of fruit, tiles raise mAP50 from 0.250 to 0.750; precision changes from 80% to "
        "75%, recall from 20% to 90%."
    )
    assert "tiles lower mAP50 from 0.750 to 0.250" in tile_gain_text(replace(gain, map50=(0.75, 0.25)))
    assert "tiles keep mAP50 at 0.750" in tile_gain_text(replace(gain, map50=(0.75, 0.75)))
