"""The average of trained networks: the choice of members, the mean of weights, and the model made of them."""

from dataclasses import replace

import pytest

from autodet.errors import BundleError
from autodet.evaluation.prediction_file import read_predictions
from autodet.models.bundle import read_bundle
from autodet.records import Hyperparameters
from autodet.training.train_job import BEST_BUNDLE, VAL_PREDICTIONS, TrainJob
from tests.helpers import untrained_bundle

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        ({(0, 1): 0.5, (0, 1, 2): 0.6}, (0, 1, 2)),  # as high as the first is enough
        ({(0, 1): 0.4, (0, 2): 0.7, (0, 2, 3): 0.6}, (0, 2)),
        ({(0, 1): 0.4, (0, 2): 0.3}, (0,)),
        ({(0, 1): float("nan")}, (0,)),
        ({}, (0,)),
    ],
)
def test_each_member_joins_unless_the_score_falls(scores, chosen):
    from autodet.training.average import choose

    assert choose(1 + max((numbers[-1] for numbers in scores), default=0), 0.5, scores.__getitem__) == chosen


def test_a_mean_keeps_equal_tensors_types_and_the_whole_numbers_of_the_first():
    import torch

    from autodet.training.average import mean_weights

    third = torch.tensor([1 / 3, 0.1])
    states = [
        {
            "equal": third,
            "float": torch.tensor([number]),
            "half": torch.tensor([number]).half(),
            "count": torch.tensor(7),
        }
        for number in (1.0, 2.0, 6.0)
    ]
    states[1]["count"] = torch.tensor(9)
    mean = mean_weights(states)
    assert torch.equal(mean["equal"], third)
    assert (mean["float"].item(), mean["half"].item(), mean["count"].item()) == (3.0, 3.0, 7)
    assert [mean[name].dtype for name in ("float", "half", "count")] == [torch.float32, torch.float16, torch.int64]


@pytest.fixture
def job(sample_dataset, tmp_path):
    facts = {"classes": sample_dataset.classes, "metrics": {"map50": 0.0}, "epoch": 3, "latency_ms": 5.0}
    members = {number: untrained_bundle(tmp_path / f"{number}.autodet", seed=number, **facts) for number in (4, 0, 2)}
    return TrainJob(sample_dataset.folder, tmp_path / "average", Hyperparameters(), 1, "fruit", members=members)


def test_the_mean_is_a_model_with_its_own_figures_and_the_same_bit_for_bit(job, sample_dataset, tmp_path):
    import safetensors.torch
    import torch

    from autodet.training.loop import train

    (result,) = train(job)
    card, weights = read_bundle(job.folder / BEST_BUNDLE)
    mean = safetensors.torch.load(weights)
    states = [safetensors.torch.load(read_bundle(job.members[number])[1]) for number in card.averaged]
    for name, tensor in mean.items():
        torch.testing.assert_close(tensor, torch.stack([state[name] for state in states]).mean(0))
    assert card.averaged[:2] == (4, 0)  # the first two score at least 0, which no network falls below
    assert (card.epoch, card.latency_ms, card.measured_photos) == (3, 5.0, len(sample_dataset.split("val")))
    assert (card.metrics["map50"], card.metrics["map50_95"]) == (result.map50, result.map50_95)
    seen = read_predictions(job.folder / VAL_PREDICTIONS, sample_dataset.split("val"), card.weights_sha256)
    assert len(seen) == card.measured_photos

    again = replace(job, folder=tmp_path / "again", threads=1, accumulation=2)
    (other,) = train(again)
    assert read_bundle(again.folder / BEST_BUNDLE)[1] == weights
    assert replace(other, seconds=0) == replace(result, seconds=0)


def test_a_mean_that_is_worse_than_the_best_alone_makes_no_model(job):
    from autodet.training.loop import train

    best = untrained_bundle(job.members[4], classes=("apple", "banana", "orange"), metrics={"map50": 0.9})
    assert list(train(replace(job, members=job.members | {4: best}))) == []
    assert not (job.folder / BEST_BUNDLE).exists()


def test_a_damaged_member_is_refused(job):
    from autodet.training.loop import train

    job.members[2].write_bytes(job.members[2].read_bytes()[:-100])
    with pytest.raises(BundleError, match=r"2\.autodet cannot be used"):
        list(train(job))
