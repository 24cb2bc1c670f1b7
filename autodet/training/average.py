"""The average of trained networks: one network whose weights are the mean of theirs ("model soup").

Networks that were trained from the same weights lie in one basin of the loss; their mean often generalises better than
any of them and costs nothing in a prediction (Wortsman et al., arXiv 2203.05482). Every buffer of autodet's networks is
constant in training (BatchNorm is folded or frozen), so a mean needs no new statistics.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import torch
from torch import Tensor

from autodet.datasets.manifest import Dataset
from autodet.evaluation.coco_metrics import measure
from autodet.models.bundle_network import load_network
from autodet.records import EpochResult
from autodet.training.device_profile import prepare, traits_of
from autodet.training.image_cache import MEMORY_BYTES, SquareCache
from autodet.training.letterbox_dataset import Squares
from autodet.training.train_job import Pulse, TrainJob
from autodet.training.validation import Validator, write_validated

Weights = Mapping[str, Tensor]


def average(job: TrainJob, dataset: Dataset, pulse: Pulse) -> Iterator[EpochResult]:
    """Average the weights of trials, and write the mean like the model of a trial.

    The first member alone is the start; each further one joins if the objective does not fall.

    Args:
        job: The job, with its members.
        dataset: Its data set.
        pulse: Called after every batch.

    Yields:
        The result of the mean as that of one epoch; nothing if no other member joined the first one.

    Raises:
        BundleError: The bundle of a member is damaged.
        PhotoError: A photo can no longer be read.
    """
    began = time.monotonic()
    device = torch.device(job.device)
    traits = traits_of(device, job.threads)
    prepare(device)
    (best, network), *others = (load_network(path) for path in job.members.values())
    numbers, states = list(job.members), [network.state_dict(), *(other.state_dict() for _, other in others)]
    states[0] = {name: tensor.clone() for name, tensor in states[0].items()}  # the network takes other weights
    network = network.to(device).to(memory_format=torch.channels_last)
    validator = Validator(network, traits, job.accumulation)
    records = dataset.split("val")
    job.folder.mkdir(parents=True, exist_ok=True)
    files, memory_bytes = (record.file for record in records), MEMORY_BYTES // job.accumulation
    cache = SquareCache(files, best.image_size, job.folder, memory_bytes)
    squares = Squares(dataset, records, best.image_size, cache=cache)
    measured = {}

    def score_of(chosen: tuple[int, ...]) -> float:
        network.load_state_dict(mean_weights([states[index] for index in chosen]))
        predictions = validator.predict(squares, lambda _done: pulse())
        metrics = measure(records, predictions, len(dataset.classes), job.objective)
        measured[chosen] = predictions, metrics
        return metrics.score

    chosen = choose(len(states), best.score, score_of)
    if len(chosen) == 1:
        return
    predictions, metrics = measured[chosen]
    network.load_state_dict(mean_weights([states[index] for index in chosen]))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    card = replace(best, averaged=tuple(numbers[index] for index in chosen), created=now)
    write_validated(job, dataset, network, card, predictions, metrics)
    seconds = time.monotonic() - began
    yield EpochResult(1, 0.0, metrics.map50, metrics.map50_95, seconds, metrics.value, best.latency_ms, kept=True)


def choose(count: int, score: float, score_of: Callable[[tuple[int, ...]], float]) -> tuple[int, ...]:
    """Choose members greedily: each one joins in turn if the mean with it scores at least as high as without it.

    Args:
        count: Number of members, at least one.
        score: Score of the first member.
        score_of: Returns the score of the mean of these members.

    Returns:
        The chosen members by index, always with the first.
    """
    chosen: tuple[int, ...] = (0,)
    for index in range(1, count):
        joined = score_of((*chosen, index))
        if joined >= score:
            chosen, score = (*chosen, index), joined
    return chosen


def mean_weights(states: Sequence[Weights]) -> dict[str, Tensor]:
    """Return the mean of networks with the same shapes; tensors of whole numbers come from the first one.

    The sum has 64 bits, so that equal tensors keep their values exactly.
    """
    return {
        name: torch.stack([state[name].double() for state in states]).mean(0).to(first.dtype)
        if first.is_floating_point()
        else first
        for name, first in states[0].items()
    }
