"""COCO's numbers, held against pycocotools and faster-coco-eval."""

import contextlib
import io

import faster_coco_eval
import numpy as np
import pytest
from pycocotools.coco import COCO

from autodet.evaluation.coco_metrics import DifficultAwareEvaluation
from autodet.evaluation.report import evaluate_predictions
from autodet.records import Prediction
from tests.evaluation.scenes import Scene, coco_documents, fruit_scene, random_scene

NAMES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")
SCENES = {
    "usual": {},
    "difficult": {"difficult": 0.25},
    "ties": {"ties": True, "difficult": 0.1},
    "crowds": {"boxes": 160, "detections": 320, "photos": 3, "classes": 2},
    "crowds of small and difficult objects": {
        "boxes": 150,
        "detections": 320,
        "photos": 3,
        "classes": 1,
        "difficult": 0.2,
        "side": 150,
    },
    "difficult objects close to others": {"difficult": 0.5, "near": 3, "classes": 2, "detections": 60},
    "nothing found": {"detections": 0},
}


def of_pycocotools(scene):
    truth, found = coco_documents(scene)
    with contextlib.redirect_stdout(io.StringIO()):
        marked = COCO()
        marked.dataset = truth
        marked.createIndex()
        detected = COCO()
        detected.dataset = {key: truth[key] for key in ("images", "categories")} | {"annotations": _numbered(found)}
        detected.createIndex()
        return _stats(DifficultAwareEvaluation(marked, detected, "bbox"))


def of_faster_coco_eval(scene):
    truth, found = coco_documents(scene)
    with contextlib.redirect_stdout(io.StringIO()):
        marked = faster_coco_eval.COCO(truth)
        return _stats(faster_coco_eval.COCOeval_faster(marked, marked.loadRes(found), "bbox"))


def _numbered(found):
    areas = ({"id": index + 1, "area": one["bbox"][2] * one["bbox"][3]} for index, one in enumerate(found))
    return [one | area for one, area in zip(found, areas, strict=True)]


def _stats(evaluation):
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return np.array(list(evaluation.stats)[: len(NAMES)])


def numbers_of(scene):
    coco = evaluate_predictions(scene.records, scene.predictions, scene.classes).coco
    assert tuple(coco) == NAMES
    return [-1 if value is None else value for value in coco.values()]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", SCENES)
def test_the_twelve_numbers_are_those_of_pycocotools(name, seed):
    scene = random_scene(seed, **SCENES[name])
    np.testing.assert_allclose(numbers_of(scene), of_pycocotools(scene), atol=1e-9)


@pytest.mark.parametrize(
    "name", [name for name in SCENES if "difficult" not in SCENES[name] and name != "nothing found"]
)
def test_the_twelve_numbers_are_those_of_faster_coco_eval(name):
    scene = random_scene(7, **SCENES[name])
    np.testing.assert_allclose(numbers_of(scene), of_faster_coco_eval(scene), atol=1e-6)


def test_the_twelve_numbers_on_real_photos_are_those_of_both():
    scene = fruit_scene()
    np.testing.assert_allclose(numbers_of(scene), of_pycocotools(scene), atol=1e-9)
    np.testing.assert_allclose(numbers_of(scene), of_faster_coco_eval(scene), atol=1e-6)


def test_photos_without_any_box_have_no_numbers():
    scene = random_scene(0, photos=2, boxes=0)
    report = evaluate_predictions(scene.records, scene.predictions, scene.classes)
    assert set(report.coco.values()) == {None}
    assert (report.map50, report.interval) == (0, {})
    nothing = Scene([], [], ["apple"])
    assert evaluate_predictions(nothing.records, nothing.predictions, nothing.classes).images == 0


def test_a_box_that_is_exactly_at_a_threshold_counts():
    scene = random_scene(0, photos=1, classes=2)
    exact = [
        Prediction.of(record.annotations.boxes_xyxy, record.annotations.class_ids, np.ones(len(record.annotations)))
        for record in scene.records
    ]
    assert numbers_of(Scene(scene.records, exact, scene.classes))[0] == pytest.approx(1)
