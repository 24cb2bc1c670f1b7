"""The tutorial's task: detect apples, bananas and oranges in 3 trials of 20 epochs, then time predictions.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.fruit [--trials 3] [--epochs 20] [--home FOLDER]

The folder holds ``fruit/train`` and ``fruit/val``. Prints a Markdown table for the README.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import autodet
from autodet.records import SearchStatus
from autodet.workspace import open_workspace


def main() -> None:
    """Run the benchmark in its own workspace and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--home", type=Path, help="workspace to use and keep; a temporary one if not given")
    arguments = parser.parse_args()
    if "AUTODET_REAL_DATA" not in os.environ:
        sys.exit("Set AUTODET_REAL_DATA to the folder that holds fruit/train and fruit/val.")
    source = Path(os.environ["AUTODET_REAL_DATA"]) / "fruit"
    with tempfile.TemporaryDirectory() as temporary:
        workspace = open_workspace(arguments.home or Path(temporary))
        data = autodet.import_dataset(source, name="fruit", workspace=workspace)
        search = autodet.start_search(
            data, trials=arguments.trials, epochs=arguments.epochs, seed=arguments.seed, workspace=workspace
        )
        status = search.wait(on_change=_print_progress)
        detector = search.best_detector()
        report = detector.evaluate(data, split="val")
        seconds = _seconds_per_prediction(detector, [data.photo(record) for record in data.split("val")])
        print(_table(status, report, seconds))


def _print_progress(status: SearchStatus) -> None:
    for trial in status.trials:
        best = trial.best_epoch
        if trial.state == "running" and best:
            print(f"trial {trial.number} epoch {len(trial.epochs)} best {best.map50:.3f}", file=sys.stderr)


def _seconds_per_prediction(detector: autodet.Detector, photos: list[Path]) -> list[float]:
    """Return the wall time per photo, from file to boxes, without the first photo, which is the warm-up."""
    seconds = []
    for photo in photos:
        started = time.perf_counter()
        detector.predict(photo)
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def _table(status: SearchStatus, report: autodet.EvaluationReport, seconds: list[float]) -> str:
    best = status.best_trial
    epoch = best.best_epoch if best else None
    figures = {
        "best validation mAP@0.5": f"{epoch.map50:.3f} (trial {best.number}, epoch {epoch.epoch})" if epoch else "none",
        "the same model, evaluated again": f"mAP50 {report.map50:.3f}, mAP50-95 {report.map50_95:.3f}, "
        f"VOC07 {report.map50_voc07:.3f}",
        "best of each trial": ", ".join(
            f"{trial.best_epoch.map50:.3f} ({trial.state}, {len(trial.epochs)} epochs)"
            for trial in status.trials
            if trial.best_epoch
        ),
        "wall time of the search": f"{status.seconds / 60:.1f} min",
        "one prediction, file to boxes": f"median {statistics.median(seconds):.3f} s, "
        f"longest {max(seconds):.3f} s over {len(seconds)} photos",
        "when and where": f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPU cores ({platform.machine()}), "
        f"Python {platform.python_version()}",
    }
    return "\n".join(
        ["| figure | measured |", "|---|---|", *(f"| {key} | {value} |" for key, value in figures.items())]
    )


if __name__ == "__main__":
    main()
