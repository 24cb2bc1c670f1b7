"""Error kinds, held against tidecv, and against plain loops where tidecv cannot follow."""

import numpy as np
import pytest
import tidecv

from autodet.evaluation import precision_recall
from autodet.evaluation.error_kinds import error_kinds
from autodet.evaluation.outcomes import Outcome, find_outcomes
from autodet.records import Annotations, ImageRecord, Prediction
from tests.evaluation.scenes import Scene, fruit_scene, random_scene

NAMES = {
    "Cls": "classification",
    "Loc": "localization",
    "Both": "both",
    "Dupe": "duplicate",
    "Bkg": "background",
    "Miss": "missed",
}


def of_tide(scene):
    """Return TIDE's counts and gains; its photos need a box, and its boxes are corners."""
    truth, found = tidecv.Data("truth", max_dets=10_000), tidecv.Data("found", max_dets=10_000)
    for photo, (record, prediction) in enumerate(zip(scene.records, scene.predictions, strict=True)):
        for box, class_id in zip(record.annotations.boxes_xyxy.tolist(), record.annotations.class_ids, strict=True):
            truth.add_ground_truth(photo, int(class_id), box)
        for box, class_id, score in zip(
            prediction.boxes_xyxy.tolist(), prediction.class_ids, prediction.scores.tolist(), strict=True
        ):
            found.add_detection(photo, int(class_id), score, box)
    run = tidecv.TIDE().evaluate(truth, found, mode=tidecv.TIDE.BOX)
    gains = {NAMES[kind.short_name]: gain / 100 for kind, gain in run.fix_main_errors().items()}
    return {NAMES[kind.short_name]: len(errors) for kind, errors in run.error_dict.items()}, gains


def comparable_scene(seed):
    """Return a scene without what tidecv cannot read or counts otherwise: photos and classes without a box."""
    scene = random_scene(seed, photos=14, classes=4, boxes=14, detections=40)
    pairs = [pair for pair in zip(scene.records, scene.predictions, strict=True) if len(pair[0].annotations)]
    records, predictions = zip(*pairs, strict=True)
    return Scene(list(records), [prediction.only([0, 1, 2]) for prediction in predictions], scene.classes[:3])


@pytest.mark.parametrize("seed", [*range(5), "real photos"])
def test_counts_and_gains_are_those_of_tide(seed, monkeypatch):
    monkeypatch.setattr(precision_recall, "RECALLS", np.arange(101) / 100)  # TIDE's differ from COCO's by rounding
    scene = fruit_scene() if seed == "real photos" else comparable_scene(seed)
    outcomes = find_outcomes(scene.records, scene.predictions, scene.classes)
    kinds = error_kinds(outcomes.at(dict.fromkeys(scene.classes, 0.0)))
    counts, gains = of_tide(scene)
    assert {name: kind.count for name, kind in kinds.items()} == counts
    assert {name: kind.map50_gain for name, kind in kinds.items()} == pytest.approx(gains, abs=1e-6)


def scene_of(boxes, class_ids, found, found_ids, scores, difficult=None):
    record = ImageRecord("a.jpg", 1000, 1000, "test", Annotations.of(boxes, class_ids, difficult))
    return [record], [Prediction.of(found, found_ids, scores)], ["apple", "banana"]


BOX, FAR = [100, 100, 200, 200], [600, 600, 700, 700]
CASES = {
    "wrong class": ([BOX], [0], BOX, 1, Outcome.CLASSIFICATION),
    "shifted": ([BOX], [0], [160, 100, 260, 200], 0, Outcome.LOCALIZATION),
    "shifted and of the wrong class": ([BOX], [0], [160, 100, 260, 200], 1, Outcome.BOTH),
    "nothing there": ([BOX], [0], FAR, 0, Outcome.BACKGROUND),
    "nothing on the photo": ([], [], FAR, 0, Outcome.BACKGROUND),
    "found": ([BOX], [0], BOX, 0, Outcome.TRUE_POSITIVE),
}


@pytest.mark.parametrize("name", CASES)
def test_a_detection_is_what_it_is(name):
    boxes, class_ids, found, found_id, outcome = CASES[name]
    outcomes = find_outcomes(*scene_of(boxes, class_ids, [found], [found_id], [0.9]))
    assert outcomes.kinds.tolist() == [outcome]
    assert outcomes.about.tolist() == [-1 if outcome == Outcome.BACKGROUND else 0]


def test_difficult_boxes_excuse_a_detection_and_are_not_missed():
    scene = scene_of([BOX, FAR], [0, 0], [BOX, FAR, FAR], [0, 0, 1], [0.9, 0.8, 0.7], [True, False])
    outcomes = find_outcomes(*scene)
    assert outcomes.kinds.tolist() == [Outcome.IGNORED, Outcome.TRUE_POSITIVE, Outcome.CLASSIFICATION]
    assert error_kinds(outcomes.at({"apple": 0.95, "banana": 0.95}))["missed"].count == 1


def test_counts_are_at_the_thresholds_and_gains_are_not():
    scene = scene_of([BOX, FAR], [0, 0], [BOX, [300, 300, 400, 400]], [0, 0], [0.9, 0.95])
    outcomes = find_outcomes(*scene)
    low, high = (error_kinds(outcomes.at({"apple": least, "banana": 0.5})) for least in (0.5, 0.92))
    assert (low["background"].count, high["background"].count) == (1, 1)
    assert (low["missed"].count, high["missed"].count) == (1, 2)
    assert low["background"].map50_gain == high["background"].map50_gain > 0.2
    assert low["classification"].map50_gain == 0
