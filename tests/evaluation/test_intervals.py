"""Bootstrap intervals, held against evaluations of photos that are really drawn."""

import numpy as np
import pytest

from autodet.evaluation.coco_numbers import class_precisions
from autodet.evaluation.intervals import Draws, class_intervals, drawn_counts, drawn_precisions, mean_intervals
from autodet.evaluation.outcomes import find_outcomes
from autodet.evaluation.paired_bootstrap import compare_outcomes
from autodet.evaluation.report import figures_at_threshold
from autodet.records import Prediction
from tests.evaluation.scenes import random_scene

PHOTOS = 16


def drawn_outcomes(scene, weights):
    chosen = np.repeat(np.arange(PHOTOS), weights.astype(int))
    records, predictions = ([photos[index] for index in chosen] for photos in (scene.records, scene.predictions))
    return find_outcomes(records, predictions, scene.classes)


@pytest.mark.parametrize("options", [{}, {"difficult": 0.3}, {"boxes": 130, "detections": 260}])
def test_a_draw_has_the_figures_of_the_photos_in_it(options):
    scene = random_scene(3, photos=PHOTOS, **options)
    outcomes, draws = find_outcomes(scene.records, scene.predictions, scene.classes), Draws(PHOTOS, 4)
    thresholds = dict.fromkeys(scene.classes, 0.4)
    precisions, counts = drawn_precisions(outcomes, draws), drawn_counts(outcomes.at(thresholds), draws)
    weights = next(draws.weights(4))
    assert (weights.sum(axis=1) == PHOTOS).all()
    for number in range(4):
        again = drawn_outcomes(scene, weights[number])
        np.testing.assert_allclose(precisions[number], class_precisions(again.detections, again.matches), atol=1e-6)
        found, shown, boxes = counts[:, number, 0]
        figures = figures_at_threshold(again.at(thresholds), 0)
        assert (figures["precision"], figures["recall"]) == (pytest.approx(found / shown), pytest.approx(found / boxes))


def test_an_interval_holds_the_figure_and_narrows_with_photos():
    widths = []
    for photos in (20, 320):
        scene = random_scene(1, photos=photos, boxes=6, detections=12)
        outcomes = find_outcomes(scene.records, scene.predictions, scene.classes)
        precisions = drawn_precisions(outcomes, Draws(photos, 200))
        low, high = mean_intervals(precisions)["map50"]
        assert low < np.nanmean(class_precisions(outcomes.detections, outcomes.matches)[:, 0]) < high
        widths.append(high - low)
    assert widths[0] > 2 * widths[1]


def test_what_is_not_defined_has_no_interval():
    scene = random_scene(2, photos=5, detections=0)
    outcomes, draws = find_outcomes(scene.records, scene.predictions, scene.classes), Draws(5, 20)
    shown = outcomes.at(dict.fromkeys(scene.classes, 0.5))
    precisions, counts = drawn_precisions(outcomes, draws), drawn_counts(shown, draws)
    assert class_intervals(precisions, counts, 0) == {"ap50": (0, 0), "recall": (0, 0), "f1": (0, 0)}
    assert class_intervals(precisions, counts, 3) == {}  # no box of the last class


def test_a_model_that_finds_less_is_significantly_worse_and_chance_is_not():
    scene = random_scene(5, photos=80, boxes=6, detections=20)
    classes = scene.classes
    whole = find_outcomes(scene.records, scene.predictions, classes)
    halved = [prediction.above(0.6) for prediction in scene.predictions]
    fewer = find_outcomes(scene.records, halved, classes)
    differences = compare_outcomes(whole, fewer)
    assert differences.map50.significant
    assert differences.map50.interval[1] < 0
    assert differences.map50.difference == pytest.approx(differences.map50.b - differences.map50.a)
    assert set(differences.per_class) == set(classes[:-1])
    same = compare_outcomes(whole, whole)
    assert (same.map50.difference, same.map50.interval, same.map50.significant) == (0, (0, 0), False)
    swapped = [*scene.predictions[1:], scene.predictions[0]]
    random = np.random.default_rng(0)
    noisy = [
        Prediction.of(
            seen.boxes_xyxy, seen.class_ids, np.clip(seen.scores + random.normal(0, 0.02, len(seen)), 0.01, 1)
        )
        for seen in scene.predictions
    ]
    assert not compare_outcomes(whole, find_outcomes(scene.records, noisy, classes)).map50.significant
    assert compare_outcomes(whole, find_outcomes(scene.records, swapped, classes)).map50.significant
