"""Calibration of scores with a known distortion, on photos where each right detection lies on its box."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from autodet.evaluation.calibration import calibrated_matches, calibration_error, fit_calibration, reliability
from autodet.evaluation.matches import match_detections
from autodet.evaluation.report import evaluate_predictions
from autodet.evaluation.thresholds import choose_thresholds, fit_scores
from autodet.records import Annotations, Calibration, ImageRecord, Prediction, ScoreMap, calibrate
from autodet.records.calibration import MAX_OWN_MAPS

SIDE, FAR = 10.0, 5000.0
SCORES = np.linspace(0.02, 0.98, 49, dtype=np.float32)


def chance_of(logit):
    return 1 / (1 + np.exp(-logit))


def logit_of(chance):
    return np.log(chance / (1 - chance))


def line(slope, offset):
    """A network whose score s is right with the chance of the logit ``slope * logit(s) + offset``."""
    return lambda chances: chance_of((logit_of(chances) - offset) / slope)


def stairs(chances):
    """No line on the logit: two narrow ranges of scores, for chances below and above 0.5."""
    return np.where(chances < 0.5, 0.1 + 0.2 * chances, 0.8 + 0.2 * (chances - 0.5))


def drawn(photos, score_of, seed=0, class_of=lambda random, count: np.zeros(count, int), per_photo=8):
    """Photos, and predictions whose scores say too much or too little.

    Args:
        photos: Number of photos.
        score_of: The network's score for a chance to be right; one for each class, or one for all.
        seed: Of the chances.
        class_of: The class of each detection.
        per_photo: Number of detections on a photo.
    """
    random = np.random.default_rng(seed)
    records, predictions = [], []
    for number in range(photos):
        chances = random.uniform(0.02, 0.98, per_photo)
        class_ids = class_of(random, per_photo)
        right = random.random(per_photo) < chances
        lefts = 100 * np.arange(per_photo)
        boxes = np.stack([lefts, lefts * 0, lefts + SIDE, lefts * 0 + SIDE], axis=1)
        found = boxes + np.where(right, 0, FAR)[:, None]
        functions = score_of if isinstance(score_of, tuple) else (score_of,) * 9
        scores = [functions[class_id](chance) for class_id, chance in zip(class_ids, chances, strict=True)]
        records.append(ImageRecord(f"{number}.jpg", 1000, 1000, "val", Annotations.of(boxes[right], class_ids[right])))
        predictions.append(Prediction.of(found, class_ids, scores))
    return records, predictions


def matched(*arguments, classes=1, **options):
    return match_detections(*drawn(*arguments, **options), classes)


def calibrated(calibration, scores, classes=("apple",), class_id=0):
    return calibration.function(classes)(np.asarray(scores, np.float32), np.full(len(scores), class_id))


@pytest.mark.parametrize(("slope", "offset"), [(3.0, 1.0), (0.4, -1.0), (1.0, 2.0)])
def test_a_line_on_the_logit_is_recovered(slope, offset):
    calibration = fit_calibration(matched(150, line(slope, offset)), ["apple"])
    expected = chance_of(slope * logit_of(SCORES) + offset)
    np.testing.assert_allclose(calibrated(calibration, SCORES), expected, atol=0.07)


@pytest.mark.parametrize("score_of", [line(3.0, 1.0), line(0.4, -1.0), stairs])
def test_the_error_falls_on_photos_that_the_fit_has_not_seen(score_of):
    calibration = fit_calibration(matched(200, score_of), ["apple"])
    unseen = matched(400, score_of, seed=1)
    before, after = (
        calibration_error(unseen),
        calibration_error(calibrated_matches(unseen, calibration.function(["apple"]))),
    )
    assert before > 0.08
    assert after < 0.04


def test_a_curve_that_is_no_line_gets_bins_where_there_are_enough_detections():
    few = fit_calibration(matched(40, line(3.0, 1.0)), ["apple"])
    many = fit_calibration(matched(300, stairs), ["apple"])
    assert len(many.shared.raw) > 2 + len(few.shared.raw)
    np.testing.assert_allclose(calibrated(many, stairs(np.linspace(0.1, 0.9, 9))), np.linspace(0.1, 0.9, 9), atol=0.08)


def test_scores_that_are_right_stay_as_they_are():
    assert fit_calibration(matched(100, lambda chance: chance), ["apple"]) is None


def halves(random, count):
    return random.integers(0, 2, count)


def test_classes_with_scores_of_their_own_kind_get_their_own_maps():
    functions = line(3.0, 1.0), line(0.5, -1.0)
    classes = ("apple", "banana")
    calibration = fit_calibration(matched(200, functions, class_of=halves, classes=2), classes)
    assert calibration.per_class
    for class_id, (slope, offset) in enumerate([(3.0, 1.0), (0.5, -1.0)]):
        expected = chance_of(slope * logit_of(SCORES) + offset)
        assert np.abs(calibrated(calibration, SCORES, classes, class_id) - expected).mean() < 0.04


def test_equal_classes_and_rare_ones_share_one_map():
    def rarely(random, count):
        return (random.random(count) < 0.02).astype(int)

    for class_of in (halves, rarely):
        found = matched(100, line(3.0, 1.0), class_of=class_of, classes=3)
        assert fit_calibration(found, ["apple", "banana", "absent"]).per_class == {}


@pytest.mark.parametrize(
    ("photos", "per_photo", "score_of"),
    [
        (0, 8, line(3.0, 1.0)),
        (1, 60, line(3.0, 1.0)),
        (30, 0, line(3.0, 1.0)),
        (3, 3, line(3.0, 1.0)),
    ],
)
def test_photos_that_show_too_little_change_nothing(photos, per_photo, score_of):
    found = matched(photos, score_of, per_photo=per_photo)
    calibration, thresholds = fit_scores(found, ["apple"])
    assert calibration is None
    assert 0.2 < thresholds["apple"] < 0.8


def test_a_network_that_finds_nothing_right_stays_as_it_is():
    records, predictions = drawn(30, lambda chance: chance)
    nowhere = [Prediction.of(seen.boxes_xyxy + 3 * FAR, seen.class_ids, seen.scores) for seen in predictions]
    assert fit_scores(match_detections(records, nowhere, 1), ["apple"]) == (None, {"apple": 0.5})


def test_a_fitted_calibration_is_small_and_is_read_from_its_json():
    classes = [f"class {number}" for number in range(300)]

    def many(random, count):
        return random.integers(0, 300, count)

    alternating = tuple(line(3.0, 1.0) if number % 2 else line(0.5, -1.0) for number in range(300))
    calibration = fit_calibration(matched(1000, alternating, class_of=many, classes=300, per_photo=30), classes)
    assert calibration.problem(classes) == ""
    assert 50 < len(calibration.per_class) <= MAX_OWN_MAPS
    text = json.dumps(asdict(calibration))
    assert len(text) < 200_000
    assert Calibration.from_json(json.loads(text)) == calibration


def random_map(random):
    count = random.integers(2, 9)
    return ScoreMap(*(tuple(np.sort(random.uniform(-5, 5, count)).tolist()) for _ in range(2)))


@pytest.mark.parametrize("seed", range(6))
def test_map_does_not_change(seed):
    """With ties, several classes, difficult boxes, and more detections than COCO counts."""
    random, classes = np.random.default_rng(seed), ("apple", "banana", "orange")
    calibration = Calibration(random_map(random), {"banana": random_map(random), "orange": random_map(random)})
    records, predictions = [], []
    for _ in range(25):
        count = int(random.integers(0, 150))
        boxes = np.tile(random.uniform(0, 900, (count, 2)), 2) + np.array([0, 0, 60, 60])
        class_ids = random.integers(0, 3, count)
        marked = slice(0, count // 3)
        truth = Annotations.of(boxes[marked], class_ids[marked], random.random(count // 3) < 0.1)
        records.append(ImageRecord("a.jpg", 1000, 1000, "val", truth))
        found = boxes + random.normal(0, 8, (count, 1))
        predictions.append(Prediction.of(found, class_ids, random.integers(1, 80, count) / 80))
    after = [calibrate(seen, calibration.function(classes)) for seen in predictions]
    assert all((np.diff(seen.scores) <= 0).all() for seen in after)
    raw, measured = (evaluate_predictions(records, seen, classes) for seen in (predictions, after))
    figures = [
        (one.map50, one.map50_95, one.map50_voc07, [(own.ap50, own.ap50_95) for own in one.per_class.values()])
        for one in (raw, measured)
    ]
    assert figures[0] == figures[1]
    assert 0.1 < raw.map50 < 1


def test_a_fitted_map_keeps_every_order():
    calibration = fit_calibration(matched(200, stairs), ["apple"])
    scores = np.concatenate([np.geomspace(1e-7, 0.0099, 500), np.linspace(0.01, 0.9999, 20_000), [1.0]])
    values = calibrated(calibration, scores)
    assert (np.diff(values) > 0).all()
    assert 0 < values[0] < values[-1] <= 1
    ends = calibrated(calibration, [0.0, 1.0])
    assert (np.isfinite(ends) & (ends > 0) & (ends <= 1)).all()


def test_error_and_reliability_by_hand():
    boxes = [[0, 0, 10, 10], [100, 0, 110, 10]]
    record = ImageRecord("a.jpg", 1000, 1000, "val", Annotations.of(boxes, [0, 0]))
    wrong = [[FAR, 0, FAR + 10, 10]]
    seen = Prediction.of([*boxes, *wrong * 2], [0] * 4, [1.0, 0.85, 0.82, 0.02])
    found = match_detections([record], [seen], 1)
    rows = {row.low: row for row in reliability(found) if row.detections}
    assert [(low, row.detections, row.right) for low, row in rows.items()] == [(0.0, 1, 0), (0.8, 2, 0.5), (0.9, 1, 1)]
    assert rows[0.8].score == pytest.approx(0.835)
    assert calibration_error(found) == pytest.approx((0.02 + 2 * 0.335 + 0) / 4)
    assert calibration_error(found, min_score=0.5) == pytest.approx(2 * 0.335 / 3)
    assert calibration_error(found.where(found.scores > 2)) == 0
    assert np.isnan(reliability(found)[3].right)


# Thresholds


def placed(scores, right, boxes, class_count=1):
    """One photo with detections of class 0, and so many boxes."""
    lefts = 100.0 * np.arange(max(boxes, len(scores)))
    squares = np.stack([lefts, lefts * 0, lefts + SIDE, lefts * 0 + SIDE], axis=1)
    record = ImageRecord("a.jpg", 1000, 1000, "val", Annotations.of(squares[:boxes], [0] * boxes))
    order = [*np.flatnonzero(right), *np.flatnonzero(~np.array(right))]
    found = squares[: len(scores)].copy()
    found[sum(right) :] += FAR
    return match_detections([record], [Prediction.of(found, [0] * len(scores), np.array(scores)[order])], class_count)


def test_with_many_boxes_the_threshold_is_that_of_the_best_f1():
    scores = [*np.linspace(0.3, 0.9, 1000), *np.linspace(0.01, 0.2, 3000)]
    assert choose_thresholds(placed(scores, [True] * 1000 + [False] * 3000, 1000), ["apple"])["apple"] == pytest.approx(
        0.25, abs=0.01
    )


def test_three_boxes_do_not_move_a_threshold_far():
    sure = placed([0.99, 0.985, 0.98, 0.97, 0.9, 0.85], [True] * 3 + [False] * 3, 3)
    assert choose_thresholds(sure, ["apple"])["apple"] == pytest.approx((3 * 0.975 + 20 * 0.5) / 23, abs=1e-3)


def test_a_class_with_few_boxes_is_near_all_classes_and_an_absent_one_is_there():
    records, predictions = drawn(
        150, lambda chance: chance, class_of=lambda random, count: (random.random(count) < 0.01).astype(int)
    )
    thresholds = choose_thresholds(match_detections(records, predictions, 3), ["apple", "rare", "absent"])
    assert thresholds["absent"] == pytest.approx(thresholds["apple"], abs=0.05)
    assert thresholds["rare"] == pytest.approx(thresholds["absent"], abs=0.2)


def test_a_stated_precision_is_reached_at_the_lowest_threshold():
    found = matched(400, lambda chance: chance)
    loose, strict = (choose_thresholds(found, ["apple"], precision)["apple"] for precision in (0.7, 0.95))
    for threshold, precision in ((loose, 0.7), (strict, 0.95)):
        shown = found.scores >= threshold
        assert found.right[shown].mean() == pytest.approx(precision, abs=0.02)
    assert loose < strict


def test_a_precision_that_is_out_of_reach_takes_the_nearest():
    found = placed([0.9, 0.8, 0.7, 0.6], [False, True, False, False], 1)
    assert 0.05 <= choose_thresholds(found, ["apple"], 0.9)["apple"] <= 0.95
