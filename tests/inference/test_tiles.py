"""Small objects on large photos: tiles cover the photo, and each object is found once."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from autodet.evaluation.overlap import iou_matrix
from autodet.inference.detector import load_detector, load_detector_apart
from autodet.inference.evaluations import kept_report
from autodet.inference.tile_gain import measure_tile_gain, tile_gain
from autodet.inference.tile_merge import MAX_MERGED, merge_tiles
from autodet.inference.tiles import MAX_TILES, Tiling
from autodet.models.bundle import read_bundle, read_card, write_bundle
from autodet.models.store import add_model, find_model
from autodet.records import Prediction, TrainedSizes
from autodet.workspace import Workspace

WHOLE_WH = (1000, 400)
LEFT, RIGHT = (0, 0, 600, 400), (400, 0, 1000, 400)


# Where the tiles are


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 60_000), st.integers(1, 60_000), st.integers(32, 4000), st.floats(0.2, 0.5))
def test_tiles_cover_a_large_photo_with_overlap_and_are_few(width, height, side, overlap):
    tiling = Tiling(side, overlap, 1.5 * side)
    tiles = tiling.tiles(width, height)
    assert bool(tiles) == (max(width, height) >= 1.5 * side)
    assert len(tiles) <= MAX_TILES
    for axis, length in ((0, width), (1, height)):
        spans = sorted({(tile[axis], tile[axis + 2]) for tile in tiles})
        if not tiles:
            continue
        assert (spans[0][0], spans[-1][1]) == (0, length)
        for (start, end), (following, _) in pairwise(spans):
            assert end - following >= overlap * (end - start) - 2
    sides = {max(tile[2] - tile[0], tile[3] - tile[1]) for tile in tiles}
    assert len(sides) <= 1
    if tiles and not tiling.is_capped(width, height):
        assert sides == {side}


def test_tiles_are_as_large_as_the_training_photos(trained_bundle):
    card = read_card(trained_bundle)
    assert card.trained_sizes
    tiling = Tiling.of(card)
    assert (tiling.side, tiling.tiles(599, 400)) == (400, ())
    x1, y1, x2, y2 = tiling.tiles(2000, 300)[1]
    assert (x2 - x1, y1, y2) == (400, 0, 300)
    crowded = Tiling.of(replace(card, trained_sizes=TrainedSizes(400, 300.0, 0.1)))
    sparse = Tiling.of(replace(card, trained_sizes=TrainedSizes(400, 8.0, 0.01)))
    assert len(crowded.tiles(2000, 400)) > len(sparse.tiles(2000, 400))
    assert Tiling.of(replace(card, trained_sizes=None)).side == card.image_size


# How their detections are merged


def seen(*found, size_wh=WHOLE_WH, truncated=False):
    """A prediction of boxes with scores, and a class id other than 0 as a third value."""
    boxes = [one[0] for one in found]
    ids = [one[2] if len(one) > 2 else 0 for one in found]
    return Prediction.of(boxes, ids, [one[1] for one in found], size_wh=size_wh, truncated=truncated)


def merged(whole, left=(), right=(), small_object=0.0):
    tiles = [(LEFT, seen(*left, size_wh=(600, 400))), (RIGHT, seen(*right, size_wh=(600, 400)))]
    result = merge_tiles(whole, tiles, small_object)
    return [
        (tuple(box), pytest.approx(score), class_id)
        for box, score, class_id in zip(
            result.boxes_xyxy.tolist(), result.scores.tolist(), result.class_ids.tolist(), strict=True
        )
    ]


def test_an_object_on_both_tiles_is_found_once_in_pixels_of_the_photo():
    found = merged(seen(), [((450, 100, 550, 200), 0.8)], [((52, 101, 149, 199), 0.9)])
    assert found == [((452, 101, 549, 199), 0.9, 0)]


def test_classes_and_neighbours_of_one_tile_are_not_merged():
    neighbours = [((100, 100, 200, 200), 0.9), ((110, 100, 205, 200), 0.8), ((100, 100, 200, 200), 0.7, 1)]
    assert [score for _, score, _ in merged(seen(), neighbours)] == [0.9, 0.8, 0.7]


def test_a_part_that_a_tile_cuts_off_gives_way_to_the_whole_object_of_lower_score():
    whole_object = ((380, 100, 700, 300), 0.6)
    found = merged(seen(whole_object), [((380, 100, 599, 300), 0.8)], [((1, 100, 300, 300), 0.9)])
    assert found == [((380, 100, 700, 300), 0.6, 0)]
    found = merged(seen(((380, 100, 700, 300), 0.1)), [((380, 100, 599, 300), 0.8)])
    assert found == [((380, 100, 599, 300), 0.8, 0)]  # the whole object is too uncertain


def test_an_object_larger_than_a_tile_is_left_to_the_whole_photo():
    parts = [((100, 50, 560, 350), 0.9)], [((80, 60, 500, 340), 0.9)]
    assert merged(seen(((90, 0, 1000, 400), 0.5)), *parts) == [((90, 0, 1000, 400), 0.5, 0)]
    assert len(merged(seen(((90, 0, 1000, 400), 0.3)), *parts)) == 2


def test_an_edge_of_the_photo_cuts_nothing_off():
    at_the_edge = ((0, 100, 90, 200), 0.8)
    found = merged(seen(((0, 90, 100, 220), 0.7)), [at_the_edge])
    assert found == [((0, 100, 90, 200), 0.8, 0)]


def test_a_box_of_the_whole_photo_around_small_objects_gives_way_to_them():
    group = seen(((100, 100, 160, 130), 0.9))
    small = [((100, 100, 130, 130), 0.7), ((130, 100, 160, 130), 0.6)]
    assert [score for _, score, _ in merged(group, small, small_object=0.1)] == [0.7, 0.6]
    assert [score for _, score, _ in merged(group, small)] == [0.9]


def test_missing_detections_are_told_where_one_tile_is_full():
    full = seen(((1, 1, 20, 20), 0.9), ((50, 50, 70, 70), 0.4), size_wh=(600, 400), truncated=True)
    low = seen(((300, 300, 320, 320), 0.05), size_wh=(600, 400))
    result = merge_tiles(seen(), [(LEFT, full), (RIGHT, low)])
    assert (result.truncated, result.tiles, len(result)) == (True, 2, 3)
    assert [result.above(threshold).truncated for threshold in (0, 0.3, 0.4, 0.41)] == [True, True, True, False]
    assert result.above(np.array([0.3, 0.9], np.float32)).truncated
    assert not merge_tiles(seen(), [(LEFT, replace(full, truncated=False)), (RIGHT, low)]).truncated


def test_many_detections_are_limited_to_the_best():
    boxes = [((x, y, x + 4, y + 4), 0.3 + (x + y) / 10_000) for x in range(0, 590, 10) for y in range(0, 390, 10)]
    result = merge_tiles(seen(), [(LEFT, seen(*boxes, size_wh=(600, 400)))])
    assert (len(result), result.truncated) == (MAX_MERGED, True)
    assert result.scores.min() > sorted(score for _, score in boxes)[-MAX_MERGED] - 1e-6
    assert not result.above(float(result.scores[10])).truncated


# Predictions


@pytest.fixture(scope="module")
def detector(trained_bundle):
    return load_detector(trained_bundle, device="cpu", runtime="torch")


@pytest.fixture(scope="module")
def large_photo(sample_dataset):
    """Four photos with objects, far apart on a canvas of four times their size, and the boxes there."""
    canvas = Image.new("RGB", (1600, 1600), (120, 130, 110))
    truth = []
    places = ((20, 30), (1150, 90), (200, 1180), (1170, 1160))
    for record, place in zip(sample_dataset.split("val"), places, strict=False):
        canvas.paste(Image.open(sample_dataset.photo(record)).convert("RGB"), place)
        truth.append(record.annotations.boxes_xyxy + np.array(place * 2, np.float32))
    return canvas, np.concatenate(truth)


def found_share(truth, prediction):
    return (iou_matrix(truth, prediction.boxes_xyxy).max(axis=1, initial=0) >= 0.5).mean()


def test_tiles_find_small_objects_of_a_large_photo(detector, large_photo):
    canvas, truth = large_photo
    (plain,), (tiled,) = (detector.predict_many([canvas], 0.3, tiles=tiles) for tiles in (False, True))
    assert (plain.tiles, tiled.size_wh) == (0, canvas.size)
    assert tiled.tiles == len(Tiling.of(detector.card).tiles(*canvas.size)) > 15
    assert found_share(truth, plain) < 0.3
    assert found_share(truth, tiled) > 0.7
    ids, scores, boxes = detector.predict(canvas, 0.3, tiles=True)
    assert (ids.tolist(), scores.tolist()) == (tiled.class_ids.tolist(), tiled.scores.tolist())
    assert boxes.tolist() == tiled.boxes_xyxy.tolist()


def test_photos_that_are_not_large_are_predicted_as_without_tiles(detector, sample_dataset):
    photos = [sample_dataset.photo(record) for record in sample_dataset.split("val")]
    for photo in photos[:3]:
        for plain, tiled in zip(detector.predict(photo, 0), detector.predict(photo, 0, tiles=True), strict=True):
            np.testing.assert_array_equal(plain, tiled)
    for plain, tiled in zip(*(detector.predict_many(photos, 0.1, tiles=one) for one in (False, True)), strict=True):
        np.testing.assert_allclose(plain.boxes_xyxy, tiled.boxes_xyxy, atol=0.05)


def test_large_photos_among_others_keep_their_order_and_errors(detector, large_photo, sample_dataset, tmp_path):
    canvas, _ = large_photo
    path = tmp_path / "large.png"
    canvas.save(path)
    small = sample_dataset.photo(sample_dataset.split("val")[0])
    several = detector.predict_many([small, path, tmp_path / "gone.jpg", np.asarray(canvas), small], 0.3, tiles=True)
    assert [seen.tiles > 0 for seen in several] == [False, True, False, True, False]
    assert [bool(seen.error) for seen in several] == [False, False, True, False, False]
    assert several[1].scores.tolist() == several[3].scores.tolist()


@pytest.mark.process
def test_the_prediction_process_predicts_on_tiles_too(trained_bundle, large_photo, tmp_path):
    path = tmp_path / "large.png"
    large_photo[0].save(path)
    apart = load_detector_apart(find_model(trained_bundle))
    local = load_detector(trained_bundle, device="cpu")
    (expected,), (found,) = (one.predict_many([path], 0.3, tiles=True) for one in (local, apart))
    assert found.tiles == expected.tiles > 0
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-3)


def test_the_gain_on_large_validation_photos_comes_from_kept_evaluations(trained_bundle, sample_dataset, tmp_path):
    home = Workspace(tmp_path / "home")
    home.datasets.mkdir(parents=True, exist_ok=True)
    (home.datasets / "sample").symlink_to(sample_dataset.folder)
    card, weights = read_bundle(trained_bundle)
    large, small = (tmp_path / f"{side}.autodet" for side in (150, 400))
    for path, side in ((large, 150), (small, 400)):
        write_bundle(path, replace(card, trained_sizes=TrainedSizes(side, 60.0, 0.1)), weights)
    model = add_model(large, "mine", home)
    assert tile_gain(model, home) is None
    measured = measure_tile_gain(model, home)
    assert measured == tile_gain(model, home)
    assert measured.photos == len(sample_dataset.split("val"))
    whole, tiled = (kept_report(model, sample_dataset, "val", tiles=tiles) for tiles in (False, True))
    assert measured.map50 == (pytest.approx(whole.map50), pytest.approx(tiled.map50))
    assert measured.map50[0] != measured.map50[1]
    assert measure_tile_gain(add_model(small, "other", home), home) is None  # no photo is large
    assert measure_tile_gain(model, Workspace(tmp_path / "empty")) is None
