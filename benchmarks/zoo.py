"""Training and inference time per photo of every architecture, as in the registry and docs/models.md.

    python -m benchmarks.zoo [--cores 1] [--repeats 3] [NAME...]

Networks have random weights, which are as fast as trained ones, except in the second stage of Faster R-CNN on
EfficientNet-Lite: a trained network refines only a few regions there. Training is an optimizer step on a batch of two
squares with three boxes each; inference is one square at a time. The minimum of the repeats counts, because other
processes only add time.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import nn

from autodet.models.registry import ARCHITECTURES, build_network

BATCH = 2
BOXES = torch.tensor([[0.1, 0.1, 0.5, 0.5], [0.4, 0.3, 0.9, 0.8], [0.6, 0.6, 0.8, 0.9]])


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.cores)
    print("| network | pixels | learning, s a photo | finding, s a photo |\n|---|---|---|---|")
    for name in arguments.names or ARCHITECTURES:
        network = build_network(name, class_count=3, pretrained=False)
        side = ARCHITECTURES[name].image_size
        learning = _best(_learning(network.train(), side), arguments.repeats) / BATCH
        finding = _best(_finding(network.eval(), side), arguments.repeats)
        print(f"| `{name}` | {side} | {learning:.3f} | {finding:.3f} |", flush=True)


def _learning(network: nn.Module, side: int) -> Callable[[], object]:
    squares = torch.randint(0, 255, (BATCH, 3, side, side), dtype=torch.uint8)
    targets = [{"boxes": BOXES * side, "labels": torch.tensor([0, 1, 2])} for _ in range(BATCH)]
    optimizer = torch.optim.AdamW([one for one in network.parameters() if one.requires_grad], lr=1e-6)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(network(squares, targets).values())).sum().backward()
        optimizer.step()

    return step


def _finding(network: nn.Module, side: int) -> Callable[[], object]:
    square = torch.randint(0, 255, (1, 3, side, side), dtype=torch.uint8)

    def find() -> object:
        with torch.inference_mode():
            return network(square)

    return find


def _best(work: Callable[[], object], repeats: int) -> float:
    work()  # warm-up
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


if __name__ == "__main__":
    main()
