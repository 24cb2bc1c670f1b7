import numpy as np
import pytest

from autodet.evaluation.outcomes import find_outcomes
from autodet.evaluation.photo_errors import photo_differences, photo_errors, photos_where_one_errs
from autodet.evaluation.prediction_file import read_predictions, write_predictions
from autodet.records import Prediction
from tests.evaluation.scenes import random_scene


def shown(scene, threshold):
    outcomes = find_outcomes(scene.records, scene.predictions, scene.classes)
    return outcomes.at(dict.fromkeys(scene.classes, threshold))


def test_the_errors_of_a_photo_are_counted_by_kind():
    for seed in range(5):
        seen = shown(random_scene(seed), 0.3)
        assert np.array_equal(photo_errors(seen).sum(axis=0), seen.errors_by_photo())


def test_photos_where_exactly_one_errs_come_with_most_errors_first():
    scene = random_scene(3, photos=40, boxes=3, detections=6)
    a, b = shown(scene, 0.2), shown(scene, 0.8)
    only = photos_where_one_errs(a, b)
    errors = {"a": a.errors_by_photo(), "b": b.errors_by_photo()}
    assert len(only["a"]) and len(only["b"])
    for side, other in (("a", "b"), ("b", "a")):
        photos = range(len(scene.records))
        assert set(only[side].tolist()) == {one for one in photos if errors[side][one] and not errors[other][one]}
        assert (np.diff(errors[side][only[side]]) <= 0).all()


def test_objects_that_only_one_of_two_models_shows_are_counted():
    left, right, near = [0, 0, 10, 10], [20, 0, 30, 10], [1, 0, 11, 10]
    a = [Prediction.of([left, right], [0, 1], [0.9, 0.8]), Prediction.of([left], [0], [0.9]), Prediction.of([], [], [])]
    b = [Prediction.of([near], [0], [0.3]), Prediction.of([near], [1], [0.3]), Prediction.of([], [], [])]
    assert photo_differences(a, b, ("x", "y")).tolist() == [1, 1, 0]  # one is missing, one has another class
    assert photo_differences(b, a, ("x", "y")).tolist() == [1, 1, 0]


@pytest.mark.parametrize("compressed", [False, True])
def test_predictions_are_read_as_they_were_written(tmp_path, compressed):
    scene = random_scene(1)
    path = tmp_path / "val.npz"
    write_predictions(path, scene.records, scene.predictions, "a" * 64, compressed=compressed)
    for one, other in zip(read_predictions(path, scene.records, "a" * 64), scene.predictions, strict=True):
        assert np.array_equal(one.boxes_xyxy, other.boxes_xyxy)
        assert np.array_equal(one.class_ids, other.class_ids)
        assert np.array_equal(one.scores, other.scores)
    with pytest.raises(ValueError, match="other weights"):
        read_predictions(path, scene.records, "b" * 64)
    with pytest.raises(ValueError, match="other photos"):
        read_predictions(path, scene.records[::-1])
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match="damaged"):
        read_predictions(path, scene.records)
