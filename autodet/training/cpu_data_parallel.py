"""Data parallelism on CPU cores: each core runs its own photos through the whole network.

If cores share each operation instead, they synchronize a thousand times per step, and any other load on one core
delays all of them.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from autodet.training.transforms import generator_of

Item = TypeVar("Item")
Result = TypeVar("Result")
Targets = list[dict[str, Tensor]]
Learn = Callable[[nn.Module, Tensor, Targets], Tensor]


class Replicas:
    """Networks that share their weights, but have their own gradients and other state.

    Args:
        network: The network to replicate, which owns the weights.
        count: Number of replicas.
        threads: Number of CPU cores for all replicas together.
    """

    def __init__(self, network: nn.Module, count: int, threads: int) -> None:
        self.network = network
        self.replicas = [_replica(network) for _ in range(count)]
        for_each = max(1, threads // count)
        self.pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(for_each,))

    def __len__(self) -> int:
        """Return the number of replicas."""
        return len(self.replicas)

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Switch to training mode; random draws depend only on the trial's seed and the epoch."""
        for number, replica in enumerate(self.replicas, start=1):
            _draw_from(replica.train(), generator_of(seed, epoch, -number))

    def learn(self, learn: Learn, parts: Sequence[tuple[Tensor, Targets]]) -> list[Tensor]:
        """Train on parts of a batch in parallel, and add up the gradients in the network.

        Args:
            learn: Adds the gradient of a part to the network it is given, and returns the loss of the part.
            parts: Photos and their targets; at most one part per replica.

        Returns:
            The losses.
        """
        used = self.replicas[: len(parts)]
        losses = list(self.pool.map(learn, used, *zip(*parts, strict=True)))
        for parameter, *replicated in zip(self.network.parameters(), *map(nn.Module.parameters, used), strict=True):
            parameter.grad = _sum([replica.grad for replica in replicated if replica.grad is not None])
            for replica in replicated:
                replica.grad = None
        return losses

    def each(self, use: Callable[[nn.Module, Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Yield the result for each item in order, computed in parallel, one item per replica.

        Args:
            use: Processes an item with a replica.
            items: The items.
        """
        for at in range(0, len(items), len(self)):
            yield from self.pool.map(use, self.replicas, items[at : at + len(self)])


def _replica(network: nn.Module) -> nn.Module:
    shared = {
        id(parameter): nn.Parameter(parameter.detach(), requires_grad=parameter.requires_grad)
        for parameter in network.parameters()
    }
    return copy.deepcopy(network, shared)


def _sum(gradients: Sequence[Tensor]) -> Tensor | None:
    """Add gradients to the first one, always in the same order, so that a trial is reproducible."""
    for other in gradients[1:]:
        gradients[0].add_(other)
    return gradients[0] if gradients else None


@dataclass(frozen=True)
class _Sampler:
    """Samples the anchors or regions to train on, as torchvision's detectors do.

    Attributes:
        batch_size_per_image: Number of samples per photo.
        positive_fraction: Maximum share of objects among them, 0 to 1.
        generator: The random generator.
    """

    batch_size_per_image: int
    positive_fraction: float
    generator: torch.Generator

    def __call__(self, matched: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Return masks, uint8, of the sampled objects and of the sampled background.

        Args:
            matched: For each photo, the labels of its anchors or regions, shape (N,): 1 or more for objects, 0 for the
                background; other values are ignored.
        """
        most = int(self.batch_size_per_image * self.positive_fraction)
        objects, background = [], []
        for marks in matched:
            objects.append(self._drawn(marks >= 1, most))
            background.append(self._drawn(marks == 0, self.batch_size_per_image - int(objects[-1].sum())))
        return objects, background

    def _drawn(self, among: Tensor, most: int) -> Tensor:
        places = torch.where(among)[0]
        drawn = torch.zeros_like(among, dtype=torch.uint8)
        drawn[places[torch.randperm(len(places), generator=self.generator)[:most]]] = 1
        return drawn


def _draw_from(network: nn.Module, generator: torch.Generator) -> None:
    """Make all random draws of a two-stage detector use one generator; other detectors draw nothing."""
    modules: Iterable[Any] = network.modules()
    for module in modules:
        if sampler := getattr(module, "fg_bg_sampler", None):
            module.fg_bg_sampler = _Sampler(sampler.batch_size_per_image, sampler.positive_fraction, generator)


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items; prepare the next one in a thread while the current one is used."""
    iterator = iter(items)

    def take() -> list[Item]:
        return list(islice(iterator, 1))

    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        following = pool.submit(take)
        while taken := following.result():
            following = pool.submit(take)
            yield from taken
