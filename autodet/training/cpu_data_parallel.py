"""How the cores of a CPU share a step: each takes photos of its own through the whole network.

Cores that share each operation instead wait for one another at its end, a thousand times a step, and where something
else runs on one of them as well, all of them wait for that.
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
    """Networks that have their weights in common, but gradients and everything else for themselves.

    Args:
        network: What they are replicas of; its own weights are theirs.
        count: How many.
        threads: CPU cores that they have together.
    """

    def __init__(self, network: nn.Module, count: int, threads: int) -> None:
        self.network = network
        self.replicas = [_replica(network) for _ in range(count)]
        for_each = max(1, threads // count)
        self.pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(for_each,))

    def __len__(self) -> int:
        """How many."""
        return len(self.replicas)

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Learn from now on; what is drawn by chance depends on the trial's seed and the epoch alone."""
        for number, replica in enumerate(self.replicas, start=1):
            _draw_from(replica.train(), generator_of(seed, epoch, -number))

    def learn(self, learn: Learn, parts: Sequence[tuple[Tensor, Targets]]) -> list[Tensor]:
        """Learn from parts of a batch at the same time, and add up the gradients as those of the network.

        Args:
            learn: Adds a part's gradient to those of the network that it is given, and returns the part's loss.
            parts: Photos and what they show; not more than there are replicas.

        Returns:
            The losses.
        """
        used = self.replicas[: len(parts)]
        losses = list(self.pool.map(learn, used, *zip(*parts, strict=True)))
        for parameter, *replicated in zip(self.network.parameters(), *map(nn.Module.parameters, used), strict=True):
            parameter.grad = _sum([one.grad for one in replicated if one.grad is not None])
            for one in replicated:
                one.grad = None
        return losses

    def each(self, use: Callable[[nn.Module, Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """What becomes of items, as many at a time as there are replicas, in their order.

        Args:
            use: What is done with an item, with one of the replicas.
            items: The items.
        """
        for at in range(0, len(items), len(self)):
            yield from self.pool.map(use, self.replicas, items[at : at + len(self)])


def _replica(network: nn.Module) -> nn.Module:
    shared = {id(one): nn.Parameter(one.detach(), requires_grad=one.requires_grad) for one in network.parameters()}
    return copy.deepcopy(network, shared)


def _sum(gradients: Sequence[Tensor]) -> Tensor | None:
    """In one order always, so that a trial can be repeated; the first is what they are added to."""
    for other in gradients[1:]:
        gradients[0].add_(other)
    return gradients[0] if gradients else None


@dataclass(frozen=True)
class _Sampler:
    """Which of a photo's anchors or regions to learn from, drawn as torchvision's detectors do.

    Attributes:
        batch_size_per_image: How many of each photo.
        positive_fraction: The share of them that may be objects, 0 to 1.
        generator: Who draws.
    """

    batch_size_per_image: int
    positive_fraction: float
    generator: torch.Generator

    def __call__(self, matched: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Masks, uint8, of the objects and of the background that were drawn.

        Args:
            matched: Of each photo, what its anchors or regions show, shape (N,): objects are 1 or more, the background
                is 0, what is between counts as neither.
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
    """Have everything that a detector of two stages draws come from one generator; others draw nothing."""
    modules: Iterable[Any] = network.modules()
    for module in modules:
        if sampler := getattr(module, "fg_bg_sampler", None):
            module.fg_bg_sampler = _Sampler(sampler.batch_size_per_image, sampler.positive_fraction, generator)


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The same items, each made ready while the one before it is used."""
    iterator = iter(items)

    def take() -> list[Item]:
        return list(islice(iterator, 1))

    with ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        following = pool.submit(take)
        while taken := following.result():
            following = pool.submit(take)
            yield from taken
