"""Parts of the training photos."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.sources.sample import write_sample
from autodet.datasets.splits import nested_order
from autodet.errors import TrainingError
from autodet.models.bundle import read_card
from autodet.records import Annotations, Hyperparameters, ImageRecord
from autodet.training.loop import train
from autodet.training.photo_share import training_part
from autodet.training.train_job import BEST_BUNDLE, TrainJob
from autodet.workspace import Workspace


def record(number, class_ids):
    boxes = np.tile([0.0, 0.0, 4.0, 4.0], (len(class_ids), 1))
    return ImageRecord(f"train/{number}.jpg", "train", 8, 8, Annotations.of(boxes, class_ids))


@pytest.fixture(scope="module")
def records():
    """100 photos: 60 apples, 30 with an apple and a banana, 2 cherries, 8 without objects."""
    kinds = [[0]] * 60 + [[0, 1]] * 30 + [[2]] * 2 + [[]] * 8
    return [record(number, class_ids) for number, class_ids in enumerate(kinds)]


def files(records):
    return {one.file for one in records}


def shown(records, class_id):
    return sum(class_id in one.annotations.class_ids for one in records)


def test_smaller_parts_are_parts_of_larger_ones_and_repeat_with_the_seed(records):
    for seed in range(5):
        parts = [training_part(records, share, seed) for share in (0.1, 0.25, 0.5, 1.0)]
        assert [len(part) for part in parts] == [10, 25, 50, 100]
        assert all(files(small) < files(large) for small, large in pairwise(parts))
        assert parts[1] == training_part(records, 0.25, seed)
    assert files(training_part(records, 0.25, 0)) != files(training_part(records, 0.25, 1))


def test_parts_are_stratified_and_keep_rare_classes(records):
    for seed in range(20):
        quarter = training_part(records, 0.25, seed)
        assert shown(quarter, 2) == 1
        assert shown(quarter, 1) >= 7 and shown(quarter, 0) >= 21
        assert 1 <= sum(not len(one.annotations) for one in quarter) <= 3
        assert shown(training_part(records, 0.03, seed), 0) >= 1


def test_every_photo_has_one_place():
    assert sorted(nested_order([frozenset("ab"), frozenset(), frozenset("b"), frozenset("a")], 3)) == [0, 1, 2, 3]
    assert nested_order([], 0) == []


@pytest.mark.trains
def test_training_reads_its_part_alone_and_knows_it_again(tmp_path):
    write_sample(tmp_path / "sample", images=16)
    dataset = import_dataset(tmp_path / "sample", "sample", workspace=Workspace(tmp_path / "home"))
    small = Hyperparameters(image_size=96)
    job = TrainJob(dataset.folder, tmp_path / "trial", small, 1, "sample", threads=1, seed=5, train_share=0.5)
    for left_out in files(dataset.split("train")) - files(training_part(dataset.split("train"), 0.5, 5)):
        next(dataset.photo(one) for one in dataset.images if one.file == left_out).unlink()
    beats = []
    (epoch,) = train(job, lambda progress=None: beats.append(progress))
    steps = sum(progress is not None for progress in beats) - 1  # one batch of validation photos
    assert steps == math.ceil(len(dataset.split("train")) / small.batch_size)  # as many as with all photos
    card = read_card(job.folder / BEST_BUNDLE)
    assert card.measured_photos == len(dataset.split("val"))
    assert np.mean(list(card.class_ap50.values())) == pytest.approx(epoch.map50)
    assert list(train(job)) == [epoch]
    with pytest.raises(TrainingError, match="belongs to other parameters"):
        next(train(replace(job, train_share=0.75)))
