"""Choose hyperparameters by one small validation split or by three folds, and evaluate the choice on other photos.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.nanodet_folds train RUNS
    AUTODET_REAL_DATA=FOLDER python -m benchmarks.nanodet_folds evaluate RUNS

For each pool, 90 photos of ``fruit`` train and validate, the other 180 test. The candidates are the
defaults and random draws from the search space; each trains on two thirds of the pool and is validated on the last
third, for each of the three thirds. ``evaluate`` takes the thirds on which all candidates were trained. It prints the
figures on the 180 photos of the candidate that each rule chooses. It repeats this with validation photos drawn from the
180; the rest are test photos. The folder keeps the predictions; runs in it are not repeated. It trains on one core.
"""

import argparse
import itertools
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch

import autodet
from autodet.datasets.versions.resplit import Resplit
from autodet.evaluation.coco_metrics import measure
from autodet.evaluation.objective import MAP50
from autodet.models.registry import find_architecture
from autodet.records import Hyperparameters, ImageRecord, Prediction
from autodet.search.order.space import make_space, suggest_values
from autodet.training import loop
from autodet.training.checkpoint import Progress
from autodet.training.train_job import TrainJob, no_pulse
from autodet.workspace import open_workspace

POOLS, FOLDS, CANDIDATES = 1, 3, 4
SHARES = (2 / 9, 1 / 9, 2 / 3)
SIDE, EPOCHS, SMOOTHED = 224, 4, 2
DRAWS, DRAWN = 20, 30  # repetitions, validation photos
SPACE = {"augmentation": True, "batch_size": [4, 8]}  # beside the parameters that are tuned by default
CLASSES = 3
Figures = tuple[float, ...]
Records = Sequence[ImageRecord]
Seen = Sequence[Sequence[Sequence[Prediction]]]  # by candidate, fold and photo


def candidates(pool: int) -> list[Hyperparameters]:
    """Return the defaults and random draws from the search space."""
    network = find_architecture("nanodet_g")
    usual = replace(Hyperparameters(network.name, **network.default_values), image_size=SIDE)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=pool))
    space = make_space(SPACE)
    return [usual, *(replace(usual, **suggest_values(study.ask(), space)) for _ in range(CANDIDATES - 1))]


def load_pool(pool: int, home: Path) -> autodet.Dataset:
    """Import the photos and draw the pool; its test photos are the split ``test``."""
    workspace = open_workspace(home)
    whole = autodet.import_dataset(Path(os.environ["AUTODET_REAL_DATA"]) / "fruit", name="fruit", workspace=workspace)
    return autodet.derive_dataset(whole, f"pool {pool}", resplit=Resplit(SHARES, seed=pool), workspace=workspace)


def folded(data: autodet.Dataset, fold: int) -> autodet.Dataset:
    """Return the data set with a third of the pool, evenly spread over the classes, as validation photos."""
    pool = sorted((*data.split("train"), *data.split("val")), key=lambda record: record.file)
    split = [replace(one, split="val" if at % FOLDS == fold else "train") for at, one in enumerate(pool)]
    return replace(data, images=(*split, *data.split("test")))


def train(data: autodet.Dataset, chosen: Hyperparameters, seed: int) -> dict[str, Any]:
    """Train on one core; return validation figures of every epoch, and predictions on the test photos."""
    loop.save_checkpoint = lambda *_: None
    records = list(data.split("test"))
    with tempfile.TemporaryDirectory() as folder:
        job = TrainJob(data.folder, Path(folder), chosen, EPOCHS, "folds", threads=1, seed=seed)
        trial = loop._Trial(job, data, Progress(), no_pulse)
        trial._is_kept = lambda _score: False
        results = [trial.run_epoch(epoch) for epoch in range(1, EPOCHS + 1)]
        trial.val_squares = loop.Squares(data, records, chosen.image_size, None)
        seen = trial._evaluate(EPOCHS)
    return {
        "curve": [(one.map50, one.map50_95) for one in results],
        "files": [record.file for record in records],
        "seen": [[one.boxes_xyxy.tolist(), one.class_ids.tolist(), one.scores.tolist()] for one in seen],
    }


def make_runs(folder: Path) -> None:
    """Train every candidate of every pool on each of its folds, unless the folder has the run."""
    folder.mkdir(exist_ok=True)
    for pool in range(POOLS):
        with tempfile.TemporaryDirectory() as home:
            data = load_pool(pool, Path(home))
            for fold, (number, chosen) in itertools.product(range(FOLDS), enumerate(candidates(pool))):
                path = folder / f"{pool}-{number}-{fold}.json"
                if path.exists():
                    continue
                made = train(folded(data, fold), chosen, 100 * pool + 10 * number + fold)
                path.write_text(json.dumps(made))
                print(path.stem, made["curve"][-1], flush=True)


# Evaluation


def evaluate(folder: Path) -> None:
    """Print the figures of the candidates that the rules choose."""
    tables: dict[str, dict[str, list[Figures]]] = {"folds of the pool": {}, "drawn": {}}
    actual, drawn = tables.values()
    for pool in range(POOLS):
        with tempfile.TemporaryDirectory() as home:
            records = list(load_pool(pool, Path(home)).split("test"))
        files = [[folder / f"{pool}-{number}-{fold}.json" for fold in range(FOLDS)] for number in range(CANDIDATES)]
        complete = [fold for fold in range(FOLDS) if all(each[fold].exists() for each in files)]
        runs = [[json.loads(each[fold].read_text()) for fold in complete] for each in files]
        seen = [[[Prediction.of(*one) for one in run["seen"]] for run in each] for each in runs]
        curves = 100 * np.array([[run["curve"] for run in each] for each in runs])  # candidate, fold, epoch, figure
        _evaluate_folds(records, seen, curves, actual)
        _evaluate_draws(records, seen, drawn)
    for title, table in tables.items():
        print(title)
        for rule, found in table.items():
            means, spreads = np.mean(found, 0), np.std(found, 0)
            pairs = (f"{one[0]:.2f}, {one[1]:.2f}" for one in (means, spreads))
            print(f"| {rule} | {len(found)} | {' | '.join(pairs)} |")


def _scores(records: Records, seen: Seen, photos: Sequence[np.ndarray]) -> np.ndarray:
    """Return the figures of each candidate and fold, shape (C, F, 2), on the photos of each fold, in per cent."""
    return 100 * np.array(
        [
            [
                measure([records[at] for at in chosen], [run[at] for at in chosen], CLASSES, MAP50)[:2]
                for run, chosen in zip(each, photos, strict=True)
            ]
            for each in seen
        ]
    )


def _add(table: dict[str, list[Figures]], quality: np.ndarray, rules: Mapping[str, np.ndarray]) -> None:
    """Add the figures of the candidates with the highest score by each rule."""
    chosen = {"the defaults": 0, **{rule: scores.argmax() for rule, scores in rules.items()}}
    for rule, number in {**chosen, "the best": quality[:, 0].argmax()}.items():
        table.setdefault(rule, []).append(tuple(quality[number]))
    table.setdefault("any", []).append(tuple(quality.mean(0)))


def _evaluate_folds(records: Records, seen: Seen, curves: np.ndarray, table: dict[str, list[Figures]]) -> None:
    """Choose by the pool's own folds."""
    truth = _scores(records, seen, [np.arange(len(records))] * len(seen[0]))
    last, smooth = curves[:, :, -1], curves[:, :, -SMOOTHED:].mean(2)
    print("test", np.round(truth[..., 0], 1).tolist(), "validated", np.round(last[..., 0], 1).tolist())
    for fold in range(len(seen[0])):
        rules = {
            "one split": last[:, fold, 0],
            "the same, by mAP50-95": last[:, fold, 1],
            "one split, mean of two epochs": smooth[:, fold, 0],
            "folds": last[..., 0].mean(1),
            "folds, by mAP50-95": last[..., 1].mean(1),
        }
        _add(table, truth.mean(1), rules)


def _evaluate_draws(records: Records, seen: Seen, table: dict[str, list[Figures]]) -> None:
    """Choose on photos drawn from the test photos; the others are test photos."""
    for seed in range(DRAWS):
        order = np.random.default_rng(seed).permutation(len(records))
        choosing, others = order[: len(seen[0]) * DRAWN], order[len(seen[0]) * DRAWN :]
        parts = np.split(choosing, len(seen[0]))
        quality = _scores(records, seen, [others] * len(seen[0])).mean(1)
        own, same, all_of_them = (
            _scores(records, seen, photos) for photos in (parts, [parts[0]] * len(parts), [choosing] * len(parts))
        )
        for fold in range(len(seen[0])):
            rules = {
                "one run, 30 photos": own[:, fold, 0],
                "the same, by mAP50-95": own[:, fold, 1],
                "one run, all of these photos": all_of_them[:, fold, 0],
                "a run for each fold, the same 30 photos": same[..., 0].mean(1),
                "folds, 30 photos each": own[..., 0].mean(1),
                "folds, by mAP50-95": own[..., 1].mean(1),
            }
            _add(table, quality, rules)


def main() -> None:
    """Train the candidates, or evaluate the choices."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "evaluate"))
    parser.add_argument("runs", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if arguments.what == "train":
        make_runs(arguments.runs)
    else:
        evaluate(arguments.runs)


if __name__ == "__main__":
    main()
