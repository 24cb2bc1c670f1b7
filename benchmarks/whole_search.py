"""Wall time of a whole search, and of the same one without pruning, cached squares and folded norms.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.whole_search [--seeds 5] [--trials 3] [--epochs 4] [--float32]

The folder holds ``fruit/train`` and ``fruit/val``. For each seed both searches run in turn with the same trials: first
with the defaults, then without pruning and with a trainer that decodes every photo in every epoch and keeps each
BatchNorm of the backbone as a separate frozen layer. With ``--float32`` the second one also computes in float32
throughout, takes each batch as a whole, and leaves the gradients of the backbone to torch. Prints a Markdown table:
wall time of each from request to end, their ratio, and the best validation mAP.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import autodet
from autodet.records import EpochResult
from autodet.search import launch
from autodet.training import loop
from autodet.training.device_profile import DeviceTraits
from autodet.training.train_job import TrainJob
from autodet.workspace import open_workspace
from benchmarks.train_step import with_frozen_norms

FLOAT32 = "AUTODET_BENCHMARK_FLOAT32"
HERE, PLAIN = "as it is", "without"


class NoCache(loop.SquareCache):
    """A cache that stores nothing."""

    def get(self, file: str) -> Tensor | None:
        """Return None, because nothing is cached."""

    def put(self, file: str, square: Tensor) -> None:
        """Discard the square."""


def train_plainly(job: TrainJob, pulse: Callable[[], None]) -> Iterator[EpochResult]:
    """Train as the search's own trainer does, without its optimisations."""
    build = loop.build_network

    def unfolded(*arguments: Any, **options: Any) -> nn.Module:
        return with_frozen_norms(build(*arguments, **options), torchs_backward=FLOAT32 in os.environ)

    loop.build_network, loop.SquareCache = unfolded, NoCache
    if FLOAT32 in os.environ:
        loop.traits_of = lambda device, _threads: DeviceTraits(device)
    yield from loop.train(job, pulse)


def main() -> None:
    """Run the searches in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--float32", action="store_true", help="the search without computes in float32 throughout")
    arguments = parser.parse_args()
    if "AUTODET_REAL_DATA" not in os.environ:
        sys.exit("Set AUTODET_REAL_DATA to the folder that holds fruit/train and fruit/val.")
    if arguments.float32:
        os.environ[FLOAT32] = "1"
    command = launch._command
    commands = {
        HERE: command,
        PLAIN: lambda folder: [*command(folder), f"benchmarks.whole_search:{train_plainly.__name__}"],
    }
    rows = []
    with tempfile.TemporaryDirectory() as home:
        source = Path(os.environ["AUTODET_REAL_DATA"]) / "fruit"
        data = autodet.import_dataset(source, name="fruit", workspace=open_workspace(Path(home)))
        print("| seed | as it is | without | ratio | mAP50, mAP50-95 | without |")
        print("|---|---|---|---|---|---|")
        for seed in range(arguments.seeds):
            row = {}
            for how in (HERE, PLAIN):
                launch._command = commands[how]
                row[how] = _search(data, seed, arguments, "median" if how == HERE else "none")
            rows.append(row)
            (ours, best), (plain, plain_best) = row[HERE], row[PLAIN]
            print(
                f"| {seed} | {ours:.0f} s | {plain:.0f} s | {plain / ours:.2f} | {_said(best)} | {_said(plain_best)} |"
            )
            sys.stdout.flush()
    ours, plain = (sum(row[how][0] for row in rows) for how in (HERE, PLAIN))
    means = [_said([statistics.mean(row[how][1][at] for row in rows) for at in (0, 1)]) for how in (HERE, PLAIN)]
    print(f"| all | {ours:.0f} s | {plain:.0f} s | {plain / ours:.2f} | {means[0]} | {means[1]} |")
    print(f"\n{torch.get_num_threads()} threads, torch {torch.__version__}")


def _search(data: autodet.Dataset, seed: int, arguments: argparse.Namespace, pruner: str) -> tuple[float, list[float]]:
    """Run a search; return its wall time in seconds, and the best trial's mAP50 and mAP50-95."""
    began = time.monotonic()
    search = autodet.start_search(
        data, trials=arguments.trials, epochs=arguments.epochs, seed=seed, device="cpu", pruner=pruner
    )
    status = search.wait()
    seconds = time.monotonic() - began
    best = status.best_trial and status.best_trial.best_epoch
    if not best or any(trial.state not in ("finished", "pruned") for trial in status.trials):
        raise SystemExit(f"The search did not end well: {status.message}")
    return seconds, [best.map50, best.map50_95]


def _said(figures: list[float]) -> str:
    return ", ".join(f"{figure:.3f}" for figure in figures)


if __name__ == "__main__":
    main()
