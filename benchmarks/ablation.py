"""Effect of changes to training and network, on two small data sets of real photos.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.ablation screen RESULTS.jsonl [--screening 2]
    AUTODET_REAL_DATA=FOLDER python -m benchmarks.ablation confirm RESULTS.jsonl giou roi112+regions64 [--seeds 3]
    python -m benchmarks.ablation table RESULTS.jsonl

The folder holds ``fruit`` and ``raccoon``. Two thirds of each are for training, one third for validation; the split is
the same for every run. ``screen`` tests all changes of one table of ``benchmarks.changes`` at once, in the twelve runs
of a Plackett-Burman design (Biometrika 33, 1946): each run has its own seed and about half of the changes, each change
is in six of the runs, and any two of them are together in three. The effect of a change is the mean of the runs with
it minus the mean of the others, as precise as from six pairs of separate runs. ``confirm`` compares the defaults with
combinations, seed by seed; with ``--sets``, also on photos composed of many fruit photos each, so that objects are
small. Runs are appended to the file as they end; a run that is already in it is skipped.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.ops import batched_nms

import autodet
from autodet.evaluation.coco_metrics import measure
from autodet.evaluation.objective import MAP50
from autodet.models.detection import detect
from autodet.records import Hyperparameters, Prediction
from autodet.training import loop
from autodet.training.checkpoint import Progress
from autodet.training.train_job import BEST_BUNDLE, TrainJob, no_pulse
from autodet.workspace import open_workspace
from benchmarks.ablation_sets import HALF, REAL, SETS, import_sets
from benchmarks.changes import ALL_CHANGES, SCREENINGS, SOURCE

FIRST_ROW = (1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0)  # of the design; the next ten are its rotations, the last has no changes
CONFIRMING_SEED = 100
DEFAULTS = Hyperparameters("fasterrcnn_efficientnet_lite0")
REGIONS = tuple((count, overlap) for overlap in (0.4, 0.5, 0.55, 0.6) for count in (75, 150, 300))
JUDGED = 4  # evaluated epochs, the last ones; the best counts
SOURCE_EPOCHS = 20
SOURCE_FOLDER = "source"
FIGURES = ("map50", "map50_95", "seconds")
Run = dict[str, Any]


# Single run


def train_once(data: autodet.Dataset, names: Sequence[str], seed: int, epochs: int) -> Run:
    """Train the defaults with some changes on one core, in a dedicated process."""
    torch.set_num_threads(1)
    changes = [ALL_CHANGES[name] for name in names]
    chosen = replace(DEFAULTS, **{key: value for one in changes for key, value in one.hyperparameters.items()})
    for change in changes:
        change.before()
    build = loop.build_network

    def changed(*arguments: Any, **options: Any) -> nn.Module:
        network = build(*arguments, **options)
        for change in changes:
            change.network(network, data)
        return network.to(memory_format=torch.channels_last)

    loop.build_network = changed
    with tempfile.TemporaryDirectory() as folder:
        job = TrainJob(data.folder, Path(folder), chosen, epochs, "ablation", threads=1, seed=seed)
        trial = loop._Trial(job, data, Progress(), no_pulse)
        results, weights, evaluate = [], [], trial._evaluate
        unseen = [Prediction.of([], [], [])] * len(trial.val_squares)
        for epoch in range(1, epochs + 1):
            for change in changes:
                change.during((epoch - 1) / epochs)
            trial._evaluate = evaluate if epoch > epochs - JUDGED else lambda _epoch: unseen
            results.append(trial.run_epoch(epoch))
            weights.append({name: tensor.clone() for name, tensor in trial.average.state_dict().items()})
    order = sorted(range(epochs), key=lambda index: -results[index].map50)
    best, last = results[order[0]], results[-1]
    trial.average.load_state_dict(weights[order[0]])
    flipped = _measured(trial, data, flip=True)
    has_regions = hasattr(trial.average, "roi_heads")
    regions = [[*choice, *_measured_with(trial, data, *choice)] for choice in REGIONS] if has_regions else []
    trial.average.load_state_dict(_mean([weights[index] for index in order[:3]]))
    averaged = _measured(trial, data, flip=False)
    return {
        "map50": best.map50,
        "map50_95": best.map50_95,
        "last": [last.map50, last.map50_95],
        "flip": flipped,
        "mean3": averaged,
        "regions": regions,
        "seconds": statistics.median(result.seconds for result in results[1:-JUDGED]),
    }


def _mean(weights: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack([one[name] for one in weights]).mean(0) for name in weights[0]}


def _measured(trial: Any, data: autodet.Dataset, *, flip: bool) -> list[float]:
    """Return mAP50 and mAP50-95 of the averaged weights; ``flip`` merges the detections on mirrored photos."""
    trial.average.eval()
    predictions = []
    for index, letterbox in enumerate(trial.val_squares.letterboxes):
        square = trial.val_squares.square(index)[None]
        (seen,) = detect(trial.average, square, [letterbox])
        if flip:
            (mirrored,) = detect(trial.average, square.flip(3), [letterbox])
            seen = _joined(seen, mirrored, letterbox.width)
        predictions.append(seen)
    map50, map50_95, *_ = measure(trial.val_squares.records, predictions, len(data.classes), MAP50)
    return [map50, map50_95]


def _measured_with(trial: Any, data: autodet.Dataset, count: int, overlap: float) -> list[float]:
    """Return mAP50 and mAP50-95 with ``count`` regions per photo and ``overlap`` as the IoU threshold of NMS."""
    network = trial.average
    before = network.rpn._post_nms_top_n["testing"], network.roi_heads.nms_thresh
    network.rpn._post_nms_top_n["testing"], network.roi_heads.nms_thresh = count, overlap
    figures = _measured(trial, data, flip=False)
    network.rpn._post_nms_top_n["testing"], network.roi_heads.nms_thresh = before
    return figures


def _joined(seen: Prediction, mirrored: Prediction, width: int) -> Prediction:
    back = mirrored.boxes_xyxy.copy()
    back[:, [0, 2]] = width - mirrored.boxes_xyxy[:, [2, 0]]
    boxes = np.concatenate([seen.boxes_xyxy, back])
    classes = np.concatenate([seen.class_ids, mirrored.class_ids])
    scores = np.concatenate([seen.scores, mirrored.scores])
    kept = batched_nms(torch.from_numpy(boxes), torch.from_numpy(scores), torch.from_numpy(classes), 0.5).numpy()
    return Prediction.of(boxes[kept], classes[kept], scores[kept])


# Series of runs


def screening(number: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the changes and the seed of each of the twelve runs."""
    names = list(SCREENINGS[number])
    rows = [FIRST_ROW[-shift:] + FIRST_ROW[:-shift] for shift in range(len(names))] + [(0,) * len(names)]
    for seed, row in enumerate(rows, start=len(rows) * (number - 1)):
        yield tuple(name for name, on in zip(names, row, strict=True) if on), seed


def confirming(combinations: Sequence[str], seeds: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the defaults and some combinations (``a+b``), each with the same seeds."""
    for seed in range(CONFIRMING_SEED, CONFIRMING_SEED + seeds):
        yield (), seed
        for combination in combinations:
            yield tuple(combination.split("+")), seed


def make_runs(
    plans: Iterable[tuple[tuple[str, ...], int]], sets: Sequence[str], results: Path, epochs: int, processes: int
) -> None:
    """Execute the runs that are missing from the file, ``processes`` at a time, each in its own process."""
    done = {_key(run) for run in _read(results)}
    with tempfile.TemporaryDirectory() as home:
        import_sets(open_workspace(Path(home)))
        wanted = [
            {"data": data, "changes": list(names), "seed": seed, "epochs": epochs}
            for names, seed in plans
            for data in sets
        ]
        missing = [run for run in wanted if _key(run) not in done]
        if any(name.endswith("rows") for run in missing for name in run["changes"]):
            _train_source(Path(home))

        def make(run: Run) -> None:
            command = [
                sys.executable,
                "-m",
                "benchmarks.ablation",
                "one",
                str(results),
                json.dumps(run),
                "--home",
                home,
            ]
            ended = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
            made = run | json.loads(ended.stdout) if ended.returncode == 0 else None
            print(time.strftime("%H:%M:%S"), json.dumps(made or {"failed": run}), flush=True)
            if made:
                with results.open("a") as file:
                    file.write(json.dumps(made) + "\n")

        with ThreadPoolExecutor(processes) as pool:
            list(pool.map(make, missing))


def _train_source(home: Path) -> None:
    """Train the model with the starting weights, on photos that ``other fruit`` does not train on."""
    data = autodet.load_dataset(f"{HALF} 2", workspace=open_workspace(home))
    job = TrainJob(data.folder, home / SOURCE_FOLDER, DEFAULTS, SOURCE_EPOCHS, "source", seed=0)
    print(f"the model to begin with: {max(result.map50 for result in loop.train(job)):.3f}", flush=True)


def _read(results: Path) -> list[Run]:
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def _key(run: Run) -> str:
    return json.dumps([run["data"], sorted(run["changes"]), run["seed"], run["epochs"]])


# Results


def print_tables(runs: Sequence[Run]) -> None:
    """Print the results of the screening and the confirming runs as Markdown."""
    for number, changes in SCREENINGS.items():
        screened = [run for run in runs if run["seed"] // 12 == number - 1]
        if not screened:
            continue
        print("| change | " + " | ".join(f"{data}: mAP50 | mAP50-95 | time of an epoch" for data in REAL) + " |")
        print("|---" * (1 + 3 * len(REAL)) + "|")
        for name, change in changes.items():
            print(f"| {change.what} | " + " | ".join(_effect(screened, data, name) for data in REAL) + " |")
        for data in REAL:
            _print_error(screened, data)
    print_regions(runs)
    for data in REAL:
        _print_confirmed([run for run in runs if run["data"] == data and run["seed"] >= CONFIRMING_SEED], data)


def _effect(runs: Sequence[Run], data: str, name: str) -> str:
    halves: dict[bool, list[Run]] = {True: [], False: []}
    for run in runs:
        if run["data"] == data:
            halves[name in run["changes"]].append(run)
    if not halves[True] or not halves[False]:
        return " | | "
    means = {figure: [statistics.mean(run[figure] for run in halves[on]) for on in (True, False)] for figure in FIGURES}
    points = [f"{100 * (means[figure][0] - means[figure][1]):+.1f}" for figure in FIGURES[:2]]
    return f"{points[0]} | {points[1]} | {means['seconds'][0] / means['seconds'][1]:.2f}"


def _print_error(runs: Sequence[Run], data: str) -> None:
    """Print the spread of runs; about half of it is the standard error of a difference of two means of six runs."""
    chosen = [run for run in runs if run["data"] == data]
    spread = statistics.stdev(run["map50"] for run in chosen) if len(chosen) > 1 else 0.0
    extra = " ".join(
        f"{kind} {100 * statistics.mean(run[kind][at] - run[figure] for run in chosen):+.2f}"
        for kind in ("flip", "mean3")
        for at, figure in enumerate(FIGURES[:2])
    )
    mean = statistics.mean(run["map50"] for run in chosen)
    print(f"{data}: {len(chosen)} runs, mAP50 {mean:.3f}, spread {spread:.3f}; {extra}")


def print_regions(runs: Sequence[Run]) -> None:
    """Print the effect of region counts and NMS thresholds on the same weights, the best of each run."""
    for data in REAL:
        chosen = [run["regions"] for run in runs if run["data"] == data and run.get("regions")]
        for index, (count, overlap) in enumerate(REGIONS if chosen else ()):
            means = [100 * statistics.mean(one[index][at] for one in chosen) for at in (2, 3)]
            print(f"{data}, {count} regions, IoU {overlap}: {means[0]:.1f}, {means[1]:.1f} ({len(chosen)} runs)")


def _print_confirmed(runs: Sequence[Run], data: str) -> None:
    plain = {run["seed"]: run for run in runs if not run["changes"]}
    for names in sorted({tuple(run["changes"]) for run in runs}):
        chosen = [run for run in runs if tuple(run["changes"]) == names]
        figures = [[run[figure] for run in chosen] for figure in FIGURES]
        pairs = [
            [100 * (run[figure] - plain[run["seed"]][figure]) for run in chosen if run["seed"] in plain]
            for figure in FIGURES[:2]
        ]
        said = "; ".join(
            f"{figure} {statistics.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"
            for figure, values in zip(FIGURES[:2], figures, strict=False)
        )
        differences = "; ".join(
            f"{statistics.mean(pair):+.1f} ({', '.join(f'{one:+.1f}' for one in pair)})" for pair in pairs
        )
        name, seconds = "+".join(names) or "defaults", statistics.mean(figures[2])
        print(f"{data}, {name}: {said}; {seconds:.1f} s an epoch; {differences}")


def main() -> None:
    """Execute runs, or print the results of earlier ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("screen", "confirm", "table", "one"))
    parser.add_argument("results", type=Path)
    parser.add_argument("combinations", nargs="*")
    parser.add_argument("--screening", type=int, default=1, choices=SCREENINGS)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--sets", nargs="+", default=REAL, choices=SETS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.what == "table":
        print_tables(_read(arguments.results))
    elif arguments.what == "one":
        run = json.loads(arguments.combinations[0])
        SOURCE.append(arguments.home / SOURCE_FOLDER / BEST_BUNDLE)
        data = autodet.load_dataset(f"{run['data']} 2", workspace=open_workspace(arguments.home))
        print(json.dumps(train_once(data, run["changes"], run["seed"], run["epochs"])))
    else:
        plans = (
            screening(arguments.screening)
            if arguments.what == "screen"
            else confirming(arguments.combinations, arguments.seeds)
        )
        make_runs(plans, arguments.sets, arguments.results, arguments.epochs, arguments.processes)
        print_tables(_read(arguments.results))


if __name__ == "__main__":
    main()
