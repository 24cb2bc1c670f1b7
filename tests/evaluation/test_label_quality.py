"""Qualities of labels, held against cleanlab's ObjectLab."""

import numpy as np
import pytest
from cleanlab.object_detection import rank

from autodet.evaluation.boxes import Detections, GroundTruth
from autodet.evaluation.label_quality import class_quality, completeness_quality, position_quality
from tests.evaluation.scenes import fruit_scene, random_scene

CLASSES = 4
MIN_SCORE = 0.6


def of_cleanlab(scene, scores_of, **options):
    labels = [
        {"bboxes": record.annotations.boxes_xyxy.astype(float), "labels": record.annotations.class_ids}
        for record in scene.records
    ]
    found = [
        [np.column_stack([seen.boxes_xyxy, seen.scores])[seen.class_ids == class_id] for class_id in range(CLASSES)]
        for seen in scene.predictions
    ]
    return scores_of(labels=labels, predictions=found, **options)


def columns_of(scene):
    return Detections.of(scene.predictions), GroundTruth.of(scene.records)


@pytest.fixture(params=["random", "real"])
def scene(request):
    if request.param == "real":
        return _readable(fruit_scene())
    return _readable(random_scene(4, photos=10, classes=CLASSES))


def _readable(scene):
    """Leave out photos that cleanlab cannot read: without labels or detections."""
    pairs = zip(scene.records, scene.predictions, strict=True)
    pairs = [(record, seen) for record, seen in pairs if len(record.annotations) and len(seen)]
    records, predictions = map(list, zip(*pairs, strict=True))
    return type(scene)(records, predictions, scene.classes)


def test_positions_and_classes_are_scored_as_cleanlab_does(scene):
    ours = position_quality(*columns_of(scene), MIN_SCORE)
    theirs = of_cleanlab(scene, rank.compute_badloc_box_scores, low_probability_threshold=MIN_SCORE)
    np.testing.assert_allclose(ours, np.concatenate(theirs), atol=1e-6)
    assert (ours < 1).any()
    ours = class_quality(*columns_of(scene), MIN_SCORE)
    theirs = of_cleanlab(scene, rank.compute_swap_box_scores, high_probability_threshold=MIN_SCORE)
    np.testing.assert_allclose(ours, np.concatenate(theirs), atol=1e-6)


def test_missing_labels_are_scored_as_cleanlab_does(scene):
    ours = completeness_quality(*columns_of(scene), MIN_SCORE)
    theirs = of_cleanlab(scene, rank.compute_overlooked_box_scores, high_probability_threshold=MIN_SCORE)
    in_class_order = [
        index
        for begin, end in zip(columns_of(scene)[0].starts[:-1], columns_of(scene)[0].starts[1:], strict=True)
        for index in begin + np.argsort(columns_of(scene)[0].class_ids[begin:end], kind="stable")
    ]
    np.testing.assert_allclose(ours[in_class_order], np.concatenate(theirs), atol=1e-6)


def test_a_label_on_a_label_of_another_class_is_surely_wrong():
    scene = random_scene(0, photos=1, classes=2, boxes=1)
    record = scene.records[0]
    marked = type(record.annotations).of(np.tile(record.annotations.boxes_xyxy, (2, 1)), [0, 1])
    truth = GroundTruth.of([type(record)("a.jpg", 1000, 1000, "test", marked)])
    assert class_quality(Detections.of(scene.predictions), truth, 0.99).tolist() == [0, 0]
