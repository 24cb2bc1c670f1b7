"""Train NanoDet-g with changes to its defaults, and compare.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.nanodet_ablation screen RESULTS.jsonl [--screening 2]
    AUTODET_REAL_DATA=FOLDER python -m benchmarks.nanodet_ablation confirm RESULTS.jsonl size416 size416+half_rate
    python -m benchmarks.nanodet_ablation table RESULTS.jsonl

The folder holds ``fruit`` and ``raccoon``. Each is split in three ways (``SHARES``), and seed s trains on split s
modulo three, so that results do not hang on one choice of validation photos. ``screen`` tests all changes of a table at
once, in the twelve runs of a Plackett-Burman design (see ``benchmarks.ablation``); ``table`` fits their effects by
least squares, with a mean for each split. ``confirm`` trains the defaults and combinations with the same seeds. Figures
are those of the last epoch, not of the best: to choose among epochs on the photos that judge them flatters noisy
curves. Runs are appended to the file as they end, and never repeated.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import autodet
from autodet.datasets.versions.resplit import Resplit
from autodet.models import dense_cells, nanodet
from autodet.models.registry import find_architecture
from autodet.records import Hyperparameters
from autodet.training import letterbox_dataset, loop
from autodet.training.checkpoint import Progress
from autodet.training.train_job import TrainJob, no_pulse
from autodet.workspace import open_workspace
from benchmarks.ablation import FIRST_ROW
from benchmarks.changes import Change

SHARES = {"fruit": (0.78, 0.22), "raccoon": (0.69, 0.31)}
SPLITS = 3
CONFIRMING_SEED = 100
RIDGE = 0.7  # keeps the effects finite while runs are missing
JUDGED = (0, 2, 6, -1)  # epochs in the tables
Run = dict[str, Any]


def _set(module: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(module, name, value)


def _plain_cross_entropy() -> None:
    nanodet.quality_focal_loss = lambda logits, quality: functional.binary_cross_entropy_with_logits(
        logits, quality, reduction="sum"
    )


def _end_mosaics(done: float) -> None:
    letterbox_dataset.MOSAICS = 0.0 if done >= 0.75 else 0.5


def _freeze(*parts: str) -> Callable[[], None]:
    def freeze(network: nn.Module, _hyperparameters: Hyperparameters) -> None:
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(not name.startswith(tuple(f"backbone.body.{part}" for part in parts)))

    return _set(loop, "freeze", freeze)


def _vary_sides() -> None:
    """Resize each batch to 0.8 to 1.2 of its side (multi-scale training)."""
    before = loop._Trial._learn

    def learn(self: Any, network: nn.Module, images: Tensor, targets: list[dict[str, Tensor]], of: int) -> Tensor:
        usual = images.shape[-1]
        side = round(usual * (0.8 + 0.4 * float(torch.rand(()))) / 32) * 32
        resized = functional.interpolate(images.float(), size=(side, side), mode="bilinear", antialias=True)
        scaled = [{**target, "boxes": target["boxes"] * (side / usual)} for target in targets]
        return before(self, network, resized, scaled, of)

    loop._Trial._learn = learn


def _learn_new_rows_faster() -> None:
    """Train the rows of the classes at three times the rate of the rest."""
    usual = loop._optimizer

    def optimizer(network: nn.Module, hyperparameters: Any) -> torch.optim.AdamW:
        made = usual(network, hyperparameters)
        rows = [parameter for name, parameter in network.named_parameters() if ".class_score." in name]
        first = made.param_groups[0]
        first["params"] = [one for one in first["params"] if all(one is not row for row in rows)]
        made.add_param_group({"params": rows, "lr": 3 * first["peak"], "peak": 3 * first["peak"]})
        return made

    loop._optimizer = optimizer


FIRST = Hyperparameters("nanodet_g", lr=1e-3, backbone_lr_factor=1.0, batch_size=4, image_size=320)
CHANGES = {
    "lr2": Change("all learning rates doubled", {"lr": 2e-3}),
    "body.3": Change("the backbone learns 0.3 times as fast as the rest, not as fast", {"backbone_lr_factor": 0.3}),
    "frozen": Change("stem and first stage frozen, not trained", before=_freeze("stem", "stage1")),
    "batch8": Change("batches of 8, not 4", {"batch_size": 8}),
    "size416": Change("squares of 416 px, not 320", {"image_size": 416}),
    "boxes5": Change("GIoU loss with a weight of 5, not 2", before=_set(nanodet, "BOX_WEIGHT", 5.0)),
    "bce": Change("binary cross entropy, not the quality focal loss", before=_plain_cross_entropy),
    "calm": Change("no mosaics in the last quarter of the epochs", during=_end_mosaics),
    "strong": Change("augmentation half as strong again", {"augmentation": 1.5}),
    "ema.998": Change("averaged weights with a decay of 0.998, not 0.99", {"ema_decay": 0.998}),
    "giou_only": Change("GIoU alone, without the distribution focal loss", before=_set(nanodet, "BIN_WEIGHT", 0.0)),
}
SECOND = replace(FIRST, backbone_lr_factor=0.3, batch_size=8)
CHANGES_2 = {
    "body.1": Change("the backbone learns 0.1 times as fast as the rest, not 0.3", {"backbone_lr_factor": 0.1}),
    "frozen2": Change("the second stage frozen too", before=_freeze("stem", "stage1", "stage2")),
    "boxes8": Change("GIoU loss with a weight of 8, not 5", before=_set(nanodet, "BOX_WEIGHT", 8.0)),
    "mosaics.75": Change("three quarters of the squares are mosaics, not half", before=lambda: _mix(0.75)),
    "weak": Change("augmentation 0.6 times as strong", {"augmentation": 0.6}),
    "sides": Change("batches of 0.8 to 1.2 of the side (multi-scale)", before=_vary_sides),
    "lr2": CHANGES["lr2"],
    "rows3": Change("the rows of the classes learn three times as fast", before=_learn_new_rows_faster),
    "power4": Change("IoU to the power of 4 in the assignment, not 6", before=_set(dense_cells, "IOU_POWER", 4.0)),
    "cells6": Change("6 cells per object, not 10", before=_set(dense_cells, "CELLS_PER_OBJECT", 6)),
    "decay.05": Change("weight decay 0.05, not 0.0001", {"weight_decay": 0.05}),
}
SCREENINGS = {
    1: (FIRST, ("boxes2", "unfrozen"), CHANGES),
    2: (SECOND, (), CHANGES_2),
}
MORE_CHANGES = {
    "boxes2": Change("GIoU loss with a weight of 2", before=_set(nanodet, "BOX_WEIGHT", 2.0)),
    "unfrozen": Change("nothing frozen", before=_freeze("nothing")),
    "two_scales": Change("predictions at two scales", {"architecture": "nanodet_g_two_scales"}),
    "half_rate": Change("half of the learning rate", {"lr": 5e-4}),
}
ALL_CHANGES = MORE_CHANGES | CHANGES_2 | CHANGES  # those of the screenings come last, and win


def _mix(share: float) -> None:
    letterbox_dataset.MOSAICS = share


# Single run


def train_once(data: autodet.Dataset, run: Run) -> Run:
    """Train with some changes on one core, in a process of its own."""
    torch.set_num_threads(1)
    changes = [ALL_CHANGES[name] for name in (*run["base"], *run["changes"])]
    chosen = Hyperparameters(**run["hyperparameters"])
    for change in changes:
        chosen = replace(chosen, **change.hyperparameters)
        change.before()
    loop.save_checkpoint = lambda *_: None
    curve, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        job = TrainJob(data.folder, Path(folder), chosen, run["epochs"], "ablation", threads=1, seed=run["seed"])
        trial = loop._Trial(job, data, Progress(), no_pulse)
        for epoch in range(1, run["epochs"] + 1):
            for change in changes:
                change.during((epoch - 1) / run["epochs"])
            begun = time.process_time()
            result = trial.run_epoch(epoch)
            seconds.append(time.process_time() - begun)
            curve.append([round(result.map50, 4), round(result.map50_95, 4)])
    return run | {"curve": curve, "cpu_seconds": statistics.median(seconds)}


# Series of runs


def screening(number: int, epochs: int) -> Iterator[Run]:
    """Yield the twelve runs of a screening, on both data sets."""
    base, first, changes = SCREENINGS[number]
    rows = [FIRST_ROW[-shift:] + FIRST_ROW[:-shift] for shift in range(len(changes))] + [(0,) * len(changes)]
    for index, row in enumerate(rows):
        names = [name for name, on in zip(changes, row, strict=True) if on]
        seed = (number - 1) * 20 + index
        yield from _both(seed, epochs, base, first, names, screening=number)


def confirming(combinations: Sequence[str], seeds: int, epochs: int) -> Iterator[Run]:
    """Yield the defaults and combinations (``a+b``) with the same seeds."""
    network = find_architecture("nanodet_g")
    usual = Hyperparameters(network.name, **network.default_values)
    for seed in range(CONFIRMING_SEED, CONFIRMING_SEED + seeds):
        for names in ([], *(combination.split("+") for combination in combinations)):
            yield from _both(seed, epochs, usual, (), names)


def _both(
    seed: int, epochs: int, base: Hyperparameters, first: Sequence[str], names: Sequence[str], **more: Any
) -> Iterator[Run]:
    facts = {"seed": seed, "epochs": epochs, "base": list(first), "changes": list(names), **more}
    for data in SHARES:
        yield {"data": data, **facts, "hyperparameters": base.to_json()}


def make_runs(runs: Sequence[Run], results: Path, processes: int) -> None:
    """Execute the runs that are missing from the file, ``processes`` at a time."""
    done = {_key(run) for run in _read(results)}
    with tempfile.TemporaryDirectory() as home:
        workspace = open_workspace(Path(home))
        for name, shares in SHARES.items():
            whole = autodet.import_dataset(Path(os.environ["AUTODET_REAL_DATA"]) / name, name=name, workspace=workspace)
            for split in range(SPLITS):
                resplit = Resplit(shares, seed=split)
                autodet.derive_dataset(whole, f"{name} s{split}", resplit=resplit, workspace=workspace)

        def make(run: Run) -> None:
            command = [sys.executable, "-m", "benchmarks.nanodet_ablation", "one", str(results), json.dumps(run)]
            ended = subprocess.run([*command, "--home", home], check=False, stdout=subprocess.PIPE, text=True)
            print(run["data"], run["changes"], "done" if ended.returncode == 0 else "FAILED", flush=True)
            if ended.returncode == 0:
                with results.open("a") as file:
                    file.write(ended.stdout)

        with ThreadPoolExecutor(processes) as pool:
            list(pool.map(make, [run for run in runs if _key(run) not in done]))


def _read(results: Path) -> list[Run]:
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def _key(run: Run) -> str:
    return json.dumps([run[name] for name in ("data", "seed", "epochs", "base", "changes", "hyperparameters")])


# Results


def print_tables(runs: Sequence[Run]) -> None:
    """Print the effects of the screenings and the means of the confirming runs as Markdown."""
    for number, (_, _, changes) in SCREENINGS.items():
        screened = [run for run in runs if run.get("screening") == number]
        if screened:
            print(f"Screening {number}, {len(screened)} runs")
            for name, change in changes.items():
                effects = [_effects(screened, list(changes), data)[name] for data in (*SHARES, "")]
                print(f"| {change.what} | {' | '.join(f'{effect:+.1f}' for effect in effects)} |")
    confirmed = [run for run in runs if "screening" not in run]
    for names in sorted({tuple(run["changes"]) for run in confirmed}):
        for data in SHARES:
            chosen = [run for run in confirmed if tuple(run["changes"]) == names and run["data"] == data]
            figures = [
                _spread([100 * run["curve"][epoch][at] for run in chosen if epoch < len(run["curve"])])
                for epoch in JUDGED
                for at in (0, 1)
            ]
            seconds = statistics.mean(run["cpu_seconds"] for run in chosen)
            print(f"| {'+'.join(names) or 'defaults'} | {data} | {' | '.join(figures)} | {seconds:.1f} |")


def _effects(runs: Sequence[Run], changes: Sequence[str], data: str) -> dict[str, float]:
    """Fit the effects of changes on mAP50-95, the mean of the last five epochs, in points."""
    chosen = [run for run in runs if run["data"].startswith(data)]
    splits = sorted({(run["data"], run["seed"] % SPLITS) for run in chosen})
    design = np.array(
        [
            [float(name in run["changes"]) for name in changes]
            + [float((run["data"], run["seed"] % SPLITS) == split) for split in splits]
            for run in chosen
        ]
    )
    values = [100 * statistics.mean(at[1] for at in run["curve"][-5:]) for run in chosen]
    penalty = np.diag([RIDGE] * len(changes) + [1e-3] * len(splits))
    fitted = np.linalg.solve(design.T @ design + penalty, design.T @ values)
    return dict(zip(changes, fitted.tolist(), strict=False))


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    return f"{statistics.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def main() -> None:
    """Execute runs, or print the results of earlier ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("screen", "confirm", "table", "one"))
    parser.add_argument("results", type=Path)
    parser.add_argument("combinations", nargs="*")
    parser.add_argument("--screening", type=int, default=1, choices=SCREENINGS)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.what == "table":
        print_tables(_read(arguments.results))
    elif arguments.what == "one":
        run = json.loads(arguments.combinations[0])
        workspace = open_workspace(arguments.home)
        data = autodet.load_dataset(f"{run['data']} s{run['seed'] % SPLITS}", workspace=workspace)
        print(json.dumps(train_once(data, run)))
    else:
        screens = arguments.what == "screen"
        runs = (
            screening(arguments.screening, arguments.epochs or 12)
            if screens
            else confirming(arguments.combinations, arguments.seeds, arguments.epochs or 20)
        )
        make_runs(list(runs), arguments.results, arguments.processes)
        print_tables(_read(arguments.results))


if __name__ == "__main__":
    main()
