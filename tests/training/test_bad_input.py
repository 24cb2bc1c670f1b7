"""What nobody should train with: it ends with a model whose figures are numbers, or with a sentence."""

import contextlib
import json
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import safetensors.torch

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import read_dataset, write_dataset
from autodet.errors import AutodetError, TrainingError
from autodet.evaluation.objective import Objective
from autodet.models.bundle import read_bundle
from autodet.records import Annotations, Hyperparameters
from autodet.training.loop import train
from autodet.training.train_job import BEST_BUNDLE, TrainJob
from autodet.workspace import Workspace
from tests.helpers import APPLE, BANANA, Mark, write_labelled

SMALL = Hyperparameters(image_size=64)
AGREED = {"splits_disagree": "keep", "box_duplicate": "keep"}


def grid(count: int, side: float, names: Sequence[str] = ("apple",), columns: int = 30) -> list[Mark]:
    """Boxes side by side, with a pixel in between."""
    steps = [(1 + index % columns * (side + 1), 1 + index // columns * (side + 1)) for index in range(count)]
    return [(names[index % len(names)], (x, y, x + side, y + side)) for index, (x, y) in enumerate(steps)]


NAMES = [f"class {number:03}" for number in range(400)]
PANORAMA = [("apple", (4000.0, 50.0, 4001.0, 51.0)), ("apple", (9000.0, 10.0, 11900.0, 290.0))]

NOTHING_SHOWN = "a core whose photos show nothing, and a last photo alone"

# What is marked on each photo to learn from, and to judge by; their size.
LEARNABLE = {
    "a photo each": ([[APPLE]], [[APPLE]], (64, 48)),
    "a class that train lacks": ([[APPLE]] * 2, [[APPLE, BANANA]], (64, 48)),
    "no class in common": ([[APPLE]] * 2, [[BANANA]], (64, 48)),
    "400 classes": ([grid(400, 7, NAMES)], [grid(400, 7, NAMES)], (320, 240)),
    "boxes of 2 pixels": ([grid(20, 2)], [grid(20, 2)], (640, 480)),
    "a panorama": ([PANORAMA], [PANORAMA], (12_000, 300)),
    "500 boxes": ([grid(500, 7)], [grid(500, 7)], (320, 240)),
    "the same box again and again": ([[APPLE] * 20], [[APPLE] * 20], (64, 48)),
    "one box, 20 classes": ([[(name, APPLE[1]) for name in NAMES[:20]]] * 2, [[(NAMES[0], APPLE[1])]], (64, 48)),
    NOTHING_SHOWN: ([[APPLE], [], [], [], []], [[], [APPLE], []], (64, 48)),
    "a box as large as its photo": ([[("wall", (0, 0, 64, 48))]], [[("wall", (0, 0, 64, 48))]], (64, 48)),
}


@pytest.fixture
def job(tmp_path):
    """Import photos with these marks, and what to do with them."""

    def job(train_marks, val_marks, size_wh=(64, 48), **hyperparameters) -> TrainJob:
        for split, photos in (("train", train_marks), ("val", val_marks)):
            for number, marks in enumerate(photos):
                seed = 100 * len(split) + number
                write_labelled(tmp_path / "source" / split, f"{split}_{number}", marks, size_wh, seed)
        workspace = Workspace(tmp_path / "home")
        dataset = import_dataset(tmp_path / "source", "odd", workspace=workspace, decisions=AGREED)
        small = replace(SMALL, **hyperparameters)
        return TrainJob(dataset.folder, tmp_path / "trial", small, epochs=2, name="odd", threads=2)

    return job


def check_model(job, results):
    assert [result.epoch for result in results] == [1, 2]
    json.dumps([result.to_json() for result in results], allow_nan=False)
    card, weights = read_bundle(job.folder / BEST_BUNDLE)
    json.dumps(card.metrics, allow_nan=False)
    assert all(tensor.isfinite().all() for tensor in safetensors.torch.load(weights).values())


@pytest.mark.parametrize("case", LEARNABLE)
def test_what_can_be_learnt_from_ends_with_a_model(job, case):
    odd = job(*LEARNABLE[case])
    check_model(odd, list(train(odd)))


@pytest.mark.parametrize("architecture", ["onestage_efficientnet_lite0", "fasterrcnn_efficientnet_lite0"])
@pytest.mark.parametrize("case", ["400 classes", "boxes of 2 pixels", "500 boxes", NOTHING_SHOWN])
def test_what_can_be_learnt_from_by_another_network_ends_with_a_model(job, case, architecture):
    odd = job(*LEARNABLE[case], architecture=architecture)
    check_model(odd, list(train(odd)))


@pytest.mark.parametrize(("batch_size", "threads", "accumulation"), [(1, 2, 1), (3, 2, 2), (5, 8, 1)])
def test_batches_end_with_a_model_however_they_are_shared_out(job, batch_size, threads, accumulation):
    odd = job([[APPLE, BANANA]] * 6 + [[]], [[APPLE]] * 3, batch_size=batch_size)
    odd = replace(odd, threads=threads, accumulation=accumulation)
    check_model(odd, list(train(odd)))


@pytest.mark.parametrize("case", ["boxes of 2 pixels", "a panorama"])
def test_boxes_of_a_fraction_of_a_pixel_are_learnt_from_where_no_augmentation_leaves_them_out(job, case):
    odd = job(*LEARNABLE[case], augmentation=0.0)
    check_model(odd, list(train(odd)))


@pytest.mark.parametrize("objective", ["map50", "recall@0.9"])
def test_a_learning_rate_of_10_ends_with_figures_that_are_numbers(job, objective):
    hot = replace(job([[APPLE, BANANA]] * 2, [[APPLE]], lr=10.0), objective=Objective.parse(objective))
    results = list(train(hot))
    check_model(hot, results)
    assert results[1].loss > 100 * results[0].loss


@pytest.mark.parametrize("architecture", ["nanodet_g", "fasterrcnn_efficientnet_lite0"])
def test_an_absurd_learning_rate_ends_with_figures_that_are_numbers_or_with_a_sentence(job, architecture):
    absurd = job([[APPLE, BANANA]] * 2, [[APPLE]], lr=1e30, architecture=architecture)
    with contextlib.suppress(AutodetError):
        check_model(absurd, list(train(absurd)))


def test_weights_that_the_last_step_has_broken_are_no_model(job):
    broken = job([[APPLE]], [[APPLE]], lr=math.inf, ema_decay=0.0)
    with pytest.raises(TrainingError, match="epoch 1; a lower learning rate than inf"):
        list(train(replace(broken, epochs=1)))
    assert not (broken.folder / BEST_BUNDLE).exists()


@pytest.mark.parametrize(
    ("train_marks", "val_marks", "word"),
    [([[APPLE]], [], "validation"), ([[], []], [[APPLE]], "training"), ([[APPLE]], [[]], "validation")],
    ids=["one photo", "no boxes in train", "no boxes in val"],
)
def test_what_cannot_be_learnt_from_ends_with_a_sentence(job, train_marks, val_marks, word):
    with pytest.raises(TrainingError, match=f"has no boxes among its {word} photos"):
        list(train(job(train_marks, val_marks)))


@pytest.mark.parametrize(("split", "word"), [("train", "training"), ("val", "validation")])
def test_boxes_that_are_all_difficult_are_nothing_to_learn_from_or_to_judge_by(job, split, word):
    odd = job([[APPLE]] * 2, [[APPLE]])
    dataset = read_dataset(odd.dataset_folder)
    difficult = Annotations.of([APPLE[1]], [0], difficult=[True])
    images = [replace(one, annotations=difficult) if one.split == split else one for one in dataset.images]
    write_dataset(replace(dataset, images=tuple(images)))
    with pytest.raises(TrainingError, match=f"has no boxes among its {word} photos"):
        list(train(odd))
