"""How the cores of a CPU share a step: each takes photos of its own through the whole network.

Cores that share each operation instead wait for one another at its end, a thousand times a step, and where something
else runs on one of them as well, all of them wait for that.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor, nn
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler

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


class _Sampler(BalancedPositiveNegativeSampler):  # type: ignore[misc]
    """torchvision's, which draws anchors and regions to learn from, with a generator of its own."""

    def __init__(self, like: BalancedPositiveNegativeSampler, generator: torch.Generator) -> None:
        super().__init__(like.batch_size_per_image, like.positive_fraction)
        self.generator = generator

    def __call__(self, matched_idxs: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        positive, negative = [], []
        for matched in matched_idxs:
            most = int(self.batch_size_per_image * self.positive_fraction)
            positive.append(self._drawn(matched >= 1, most))
            negative.append(self._drawn(matched == 0, self.batch_size_per_image - int(positive[-1].sum())))
        return positive, negative

    def _drawn(self, among: Tensor, most: int) -> Tensor:
        places = torch.where(among)[0]
        drawn = torch.zeros_like(among, dtype=torch.uint8)
        drawn[places[torch.randperm(len(places), generator=self.generator)[:most]]] = 1
        return drawn


def _draw_from(network: nn.Module, generator: torch.Generator) -> None:
    for module in network.modules():
        sampler = getattr(module, "fg_bg_sampler", None)
        if isinstance(sampler, BalancedPositiveNegativeSampler):
            module.fg_bg_sampler = _Sampler(sampler, generator)


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
