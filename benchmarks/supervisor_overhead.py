"""Overhead of a search on one slot: its wall time over the bare sum of its trials' training loops.

    python -m benchmarks.supervisor_overhead [--trials 3] [--epochs 6] [--epoch-seconds 10 | --real]

The setup is the usual one: a supervisor started from here, a study in SQLite, and a process per trial that imports
torch. A training loop is timed in its worker, from the first step of the generator to its end: it takes
``--epoch-seconds`` per epoch and does nothing or, with ``--real``, trains on the sample data set.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.models.bundle import write_bundle
from autodet.models.model_card import ModelCard
from autodet.records import EpochResult
from autodet.search.launch import launch
from autodet.search.start import start_search
from autodet.training.loop import train  # simulated trials import it too, to include the cost
from autodet.training.train_job import BEST_BUNDLE, Pulse, TrainJob
from autodet.workspace import open_workspace

LOOP, EPOCH_SECONDS = "loop_seconds", "AUTODET_BENCHMARK_EPOCH_SECONDS"
Train = Callable[[TrainJob, Pulse], Iterator[EpochResult]]


def pretend(job: TrainJob, pulse: Pulse) -> Iterator[EpochResult]:
    """Simulate a trial that only takes time."""
    yield from _timed(_pretended, job, pulse)


def real(job: TrainJob, pulse: Pulse) -> Iterator[EpochResult]:
    """Train a real trial."""
    yield from _timed(train, job, pulse)


def _timed(trainer: Train, job: TrainJob, pulse: Pulse) -> Iterator[EpochResult]:
    started = time.monotonic()
    for result in trainer(job, pulse):
        (job.folder / LOOP).write_text(str(time.monotonic() - started))
        yield result


def _pretended(job: TrainJob, pulse: Pulse) -> Iterator[EpochResult]:
    seconds = float(os.environ[EPOCH_SECONDS])
    for epoch in range(1, job.epochs + 1):
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, 0.5))
            pulse()
        metrics = {"map50": 0.1 + epoch / 1000}
        card = ModelCard("overhead", ("apple",), job.hyperparameters.architecture, 320, "d", "f", metrics, epoch=epoch)
        write_bundle(job.folder / BEST_BUNDLE, card, b"weights")
        yield EpochResult(epoch, 1.0, metrics["map50"], 0.0, seconds)


def main() -> None:
    """Run one search in its own workspace and print its timings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--epoch-seconds", type=float, default=10.0)
    how.add_argument("--real", action="store_true")
    arguments = parser.parse_args()
    trainer = f"benchmarks.supervisor_overhead:{'real' if arguments.real else 'pretend'}"
    os.environ[EPOCH_SECONDS] = str(arguments.epoch_seconds)
    launcher = partial(launch, train=trainer)
    with tempfile.TemporaryDirectory() as home:
        workspace = open_workspace(Path(home))
        dataset = import_dataset("sample", "sample", workspace=workspace)
        started = time.monotonic()
        options = {"trials": arguments.trials, "epochs": arguments.epochs, "device": "cpu"}
        search = start_search(dataset, **options, launcher=launcher)
        status = search.wait()
        wall = time.monotonic() - started
        if status.state != "finished":
            sys.exit(status.message)
        loops = [float(path.read_text()) for path in (workspace.searches / search.id).glob(f"trials/*/{LOOP}")]
        startups = [attempt.startup_seconds or 0.0 for trial in status.trials for attempt in trial.attempts]
        print(f"{len(loops)} trials, training loops of {', '.join(f'{loop:.1f}' for loop in sorted(loops))} s")
        print(f"start of a trial until its first epoch: {', '.join(f'{seconds:.1f}' for seconds in startups)} s")
        print(f"wall time {wall:.1f} s over {sum(loops):.1f} s: ratio {wall / sum(loops):.3f}")


if __name__ == "__main__":
    main()
