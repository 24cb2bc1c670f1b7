"""Time that a pruned search needs to match an unpruned random search of equal length, on the sample data set.

    python -m benchmarks.pruning [--seeds 5] [--trials 6] [--epochs 8] [--seconds 600] [--first 0]
                                [--image-size 320] [--photos 240]

For each seed, runs a random search without pruning and then a default search, with the same time limit, trials and
seed, on one CPU slot. Prints both curves (best mAP@0.5 over time) and the time that each search took to reach the
random search's final best.
"""

import argparse
import tempfile
from datetime import datetime
from pathlib import Path

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import Dataset
from autodet.datasets.sources.sample import write_sample
from autodet.records import SearchStatus
from autodet.search.start import start_search
from autodet.workspace import open_workspace

Curve = list[tuple[float, float]]
RANDOM, DEFAULT = {"sampler": "random", "pruner": "none"}, {"sampler": "tpe", "pruner": "median"}


def curve_of(status: SearchStatus) -> Curve:
    """Return the best mAP@0.5 at each improvement, with the seconds since the search was requested.

    Epochs are placed one after another from the start of their trial's first attempt, which is exact on one slot.
    """
    rises: Curve = []
    asked = datetime.fromisoformat(status.created)
    for trial in status.trials:
        attempt = trial.attempts[0]
        seconds = (datetime.fromisoformat(attempt.started) - asked).total_seconds() + (attempt.startup_seconds or 0.0)
        for epoch in trial.epochs:
            seconds += epoch.seconds
            if not rises or epoch.map50 > rises[-1][1]:
                rises.append((seconds, epoch.map50))
    return rises


def seconds_to(curve: Curve, map50: float) -> float | None:
    """Return the time at which a curve reached a score, or None."""
    return next((seconds for seconds, reached in curve if reached >= map50), None)


def main() -> None:
    """Run the searches and print their results, seed by seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=600.0, help="time limit of each search")
    parser.add_argument("--first", type=int, default=0, help="the first seed, so that machines can share them")
    parser.add_argument("--photos", type=int, default=240, help="how many the sample is drawn with")
    parser.add_argument("--image-size", type=int, default=320, help="smaller photos train faster")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        write_sample(Path(home) / "photos", images=arguments.photos)
        dataset = import_dataset(Path(home) / "photos", "sample", workspace=open_workspace(Path(home)))
        for seed in range(arguments.first, arguments.first + arguments.seeds):
            random = _search(dataset, seed, arguments, RANDOM)
            pruned = _search(dataset, seed, arguments, DEFAULT)
            goal = random[-1][1]
            print(f"seed {seed}: random's best {goal:.3f} after {_said(seconds_to(random, goal))}", end=", ")
            print(f"pruned {_said(seconds_to(pruned, goal))}, its best {pruned[-1][1]:.3f}", flush=True)


def _search(dataset: Dataset, seed: int, arguments: argparse.Namespace, how: dict[str, str]) -> Curve:
    search = start_search(
        dataset,
        trials=arguments.trials,
        epochs=arguments.epochs,
        time_limit=arguments.seconds,
        device="cpu",
        seed=seed,
        space={"image_size": arguments.image_size},
        sampler=how["sampler"],
        pruner=how["pruner"],
    )
    status = search.wait()
    curve = curve_of(status)
    if not curve:
        raise SystemExit(f"No epoch was done: {status.message}")
    trials = ", ".join(f"{len(trial.epochs)} ({trial.state})" for trial in status.trials)
    print(f"seed {seed}, {how['sampler']}, pruner {how['pruner']}: {status.seconds:.0f} s, epochs by trial: {trials}")
    print("  " + "  ".join(f"{seconds:.0f}s {map50:.3f}" for seconds, map50 in curve), flush=True)
    return curve


def _said(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s"


if __name__ == "__main__":
    main()
