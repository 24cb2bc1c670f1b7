"""Sizes of the training photos and objects, and photos that exceed them."""

import json
from dataclasses import asdict

import pytest

from autodet.records import Annotations, ImageRecord, Prediction, TrainedSizes

USUAL = TrainedSizes(photo_side=400, object_side=100.0, small_object=0.1)


def photo(width, height, sides, difficult=None):
    boxes = [[0, 0, side, side] for side in sides]
    return ImageRecord("a.jpg", width, height, "train", Annotations.of(boxes, [0] * len(boxes), difficult))


def test_sizes_are_medians_and_the_share_of_a_small_object():
    records = [photo(300, 200, [30]), photo(300, 400, [40, 80]), photo(500, 100, [])]
    assert TrainedSizes.of(records) == TrainedSizes(photo_side=400, object_side=40.0, small_object=0.1)


def test_the_side_of_an_object_is_the_root_of_its_area():
    record = ImageRecord("a.jpg", 200, 100, "train", Annotations.of([[10, 10, 100, 50]], [0]))
    assert TrainedSizes.of([record]) == TrainedSizes(photo_side=200, object_side=60.0, small_object=0.3)


def test_difficult_objects_do_not_count():
    assert TrainedSizes.of([photo(100, 100, [50, 5], [False, True])]).object_side == 50.0


@pytest.mark.parametrize(
    ("size_wh", "found", "exceeds"),
    [
        ((900, 300), [], False),  # less than 2.5 times the median photo
        ((1000, 300), [], False),  # a median object is as large as a small one of training
        ((2000, 300), [], True),
        ((300, 2000), [], True),
        ((2000, 300), [(30, 0.9), (300, 0.9), (30, 0.8)], True),
        ((2000, 300), [(30, 0.9)], False),  # one object is not enough to tell
        ((2000, 300), [(300, 0.9)], False),  # objects of a usual size were found
        ((2000, 300), [(300, 0.4)], True),  # but with a low confidence
    ],
)
def test_photos_exceed_the_sizes_if_their_objects_are_probably_small(size_wh, found, exceeds):
    boxes = [[0, 0, side, side] for side, _ in found]
    seen = Prediction.of(boxes, [0] * len(found), [score for _, score in found], size_wh=size_wh)
    assert USUAL.exceed(seen) is exceeds


def test_sizes_survive_json():
    document = json.loads(json.dumps(asdict(USUAL)))
    assert TrainedSizes.from_json(document | {"tiles": 4}) == USUAL
    assert TrainedSizes.from_json(None) is None
    with pytest.raises(TypeError):
        TrainedSizes.from_json({"photo_side": 400})
