from dataclasses import replace

import numpy as np
import pytest

from autodet.datasets.drafts.journal import read_drafts, save_draft
from autodet.inference.neighbour_labels import neighbour_issues
from autodet.inference.photo_features import PhotoFeatures
from autodet.inference.photo_groups import (
    MISTAKES,
    class_groups,
    measured_splits,
    mistake_groups,
    split_groups,
    state_groups,
)
from autodet.models.store import add_model
from tests.helpers import untrained_bundle
from tests.planted_errors import import_planted, predict_planted


def swap(data, places):
    """The data set with other classes for some objects, given as photo and box."""
    images = list(data.images)
    for photo, box in places:
        class_ids = images[photo].annotations.class_ids.copy()
        class_ids[box] = (class_ids[box] + 1) % len(data.classes)
        images[photo] = replace(images[photo], annotations=replace(images[photo].annotations, class_ids=class_ids))
    return replace(data, images=tuple(images))


def features_of(data):
    """Features in which objects of a class are alike."""
    counts = [len(record.annotations) for record in data.images]
    class_ids = np.concatenate([record.annotations.class_ids for record in data.images])
    vectors = np.eye(16)[class_ids] + np.random.default_rng(0).normal(0, 0.1, (len(class_ids), 16))
    return PhotoFeatures(
        files=tuple(record.file for record in data.images),
        vectors=np.zeros((len(counts), 16), np.float32),
        object_photos=np.repeat(np.arange(len(counts)), counts),
        object_boxes=np.concatenate([np.arange(count) for count in counts]),
        object_vectors=(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32),
    )


def test_swapped_labels_are_listed_with_the_class_of_similar_objects(sample_dataset):
    features = features_of(sample_dataset)
    assert neighbour_issues(sample_dataset, features) == []
    places = [(3, 0), (9, 1), (17, 2)]
    swapped = swap(sample_dataset, places)
    issues = {(issue.file, issue.annotation): issue for issue in neighbour_issues(swapped, features)}
    assert issues.keys() == {(swapped.images[photo].file, box) for photo, box in places}
    for photo, box in places:
        issue, annotations = issues[swapped.images[photo].file, box], sample_dataset.images[photo].annotations
        assert issue.kind == "wrong_class"
        assert issue.class_name != issue.suggested_class == sample_dataset.classes[annotations.class_ids[box]]
        np.testing.assert_array_equal(np.float32(issue.box), annotations.boxes_xyxy[box])
        assert issue.score < 0.5


def test_a_data_set_without_objects_has_no_doubtful_labels(sample_dataset):
    none = np.zeros(0, np.int64)
    vectors = np.zeros((len(sample_dataset.images), 4), np.float32)
    files = tuple(record.file for record in sample_dataset.images)
    assert (
        neighbour_issues(sample_dataset, PhotoFeatures(files, vectors, none, none, np.zeros((0, 4), np.float32))) == []
    )


@pytest.fixture
def planted(tmp_path, workspace):
    return import_planted(tmp_path / "fruit", workspace)


def names_of(groups):
    return [groups.names[member] for member in groups.members]


def test_photos_are_grouped_by_class_split_and_state(planted):
    assert set(names_of(class_groups(planted))) == {"apple"}  # the largest object of each photo
    assert names_of(split_groups(planted)) == [record.split for record in planted.images]
    file = planted.images[2].file
    save_draft(planted, replace(read_drafts(planted).of(file), boxes=(), reviewed=True))
    states = names_of(state_groups(read_drafts(planted)))
    assert (states[2], states.count("empty"), states.count("labelled")) == ("empty", 1, len(states) - 1)


def test_photos_are_grouped_by_the_worst_mistake_once_a_split_is_evaluated(planted, workspace, tmp_path):
    bundle = untrained_bundle(tmp_path / "fruit.autodet", dataset="fruit", dataset_fingerprint=planted.fingerprint)
    model = add_model(bundle, "fruit", workspace)
    assert measured_splits(model, planted) == []
    assert set(names_of(mistake_groups(model, planted))) == {"not_evaluated"}
    predict_planted(planted, model)
    assert measured_splits(model, planted) == ["val"]
    groups = mistake_groups(model, planted)
    assert groups.names == MISTAKES
    kinds = dict(zip((record.file for record in planted.images), names_of(groups), strict=True))
    assert {kind for file, kind in kinds.items() if file.startswith("train")} == {"not_evaluated"}
    assert {kind for file, kind in kinds.items() if "swapped" in file} == {"confused"}
    assert {kind for file, kind in kinds.items() if "surplus" in file} == {"missed"}
    assert {kind for file, kind in kinds.items() if "deleted" in file} == {"false_alarms"}
    assert {kind for file, kind in kinds.items() if "right" in file} == {"none", "false_alarms"}
