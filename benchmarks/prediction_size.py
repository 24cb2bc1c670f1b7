"""Predict with NanoDet-g at sizes other than its training size, and choose the size on some of the photos.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.prediction_size train MODELS [--epochs 8]
    AUTODET_REAL_DATA=FOLDER python -m benchmarks.prediction_size judge MODELS

``train`` writes one model for each line of ``RUNS`` into the folder, after its last epoch. The other command predicts
at each size on the photos that a model was not trained on, and prints the figures as Markdown. Then it halves these
photos at random, chooses the size with the highest mAP50-95 on one half, and evaluates it on the other.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch

import autodet
from autodet.datasets.versions.resplit import Resplit
from autodet.evaluation.coco_metrics import measure
from autodet.evaluation.objective import Objective
from autodet.inference.photo_batches import draw_photo
from autodet.models.bundle_network import load_network
from autodet.models.detection import detect
from autodet.models.registry import find_architecture
from autodet.records import Hyperparameters, ImageRecord, Prediction
from autodet.training import loop
from autodet.training.checkpoint import Progress
from autodet.training.train_job import BEST_BUNDLE, TrainJob, no_pulse
from autodet.workspace import open_workspace
from benchmarks.nanodet_ablation import SHARES

RUNS = (("fruit", 0, 416), ("raccoon", 0, 416), ("fruit", 1, 320), ("raccoon", 1, 320))  # data set, split, side
FACTORS = (0.77, 0.85, 0.92, 1.0, 1.08)
STEP = 32
HALVINGS = 20


def splits(name: str, seed: int, home: Path) -> autodet.Dataset:
    """Import a data set, and split it as ``benchmarks.nanodet_ablation`` does."""
    workspace = open_workspace(home)
    whole = autodet.import_dataset(Path(os.environ["AUTODET_REAL_DATA"]) / name, name=name, workspace=workspace)
    return autodet.derive_dataset(whole, "split", resplit=Resplit(SHARES[name], seed=seed), workspace=workspace)


def train(data: autodet.Dataset, side: int, epochs: int, seed: int, path: Path, **changed: Any) -> None:
    """Train on one core with the default hyperparameters, apart from changed ones, and keep the last epoch."""
    network = find_architecture("nanodet_g")
    chosen = replace(Hyperparameters(network.name, **network.default_values), image_size=side, **changed)
    loop.save_checkpoint = lambda *_: None
    with tempfile.TemporaryDirectory() as folder:
        job = TrainJob(data.folder, Path(folder), chosen, epochs, path.stem, threads=1, seed=seed)
        trial = loop._Trial(job, data, Progress(), no_pulse)
        trial._is_kept = lambda _score: True
        for epoch in range(1, epochs + 1):
            result = trial.run_epoch(epoch)
            print(path.stem, epoch, f"{result.map50:.3f} {result.map50_95:.3f} {result.seconds:.0f} s", flush=True)
        path.write_bytes((Path(folder) / BEST_BUNDLE).read_bytes())


def sizes(side: int) -> list[int]:
    """Return the sizes to try for a network trained at this side."""
    return sorted({round(side * factor / STEP) * STEP for factor in FACTORS})


@torch.inference_mode()
def predictions(data: autodet.Dataset, records: list[ImageRecord], model: Path, side: int) -> list[Prediction]:
    """Predict on photos at a size."""
    _, network = load_network(model)
    seen = []
    for record in records:
        square, letterbox = draw_photo(data.photo(record), record.file, side)
        seen += detect(network, torch.from_numpy(square.copy()).permute(2, 0, 1)[None].contiguous(), [letterbox])
    return seen


def halves(count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield random halvings of photos; each half is first once."""
    for seed in range(HALVINGS // 2):
        order = np.random.default_rng(seed).permutation(count)
        yield order[: count // 2], order[count // 2 :]
        yield order[count // 2 :], order[: count // 2]


def judge(data: autodet.Dataset, model: Path, trained: int) -> None:
    """Print the figures of every size, and of the size chosen on half of the photos."""
    records = list(data.split("val"))
    seen = {side: predictions(data, records, model, side) for side in sizes(trained)}

    def figures(side: int, photos: np.ndarray) -> tuple[float, float]:
        metrics = measure(
            [records[at] for at in photos], [seen[side][at] for at in photos], len(data.classes), Objective()
        )
        return 100 * metrics.map50, 100 * metrics.map50_95

    everything = {side: figures(side, np.arange(len(records))) for side in seen}
    cells = " | ".join(f"{side}: {one:.1f}, {other:.1f}" for side, (one, other) in everything.items())
    print(f"| {model.stem} | {cells} |", flush=True)
    gains, chosen_sides = {side: [] for side in (*seen, "chosen")}, []
    for choosing, judging in halves(len(records)):
        chosen = max(seen, key=lambda side: figures(side, choosing)[1])
        judged = {side: figures(side, judging) for side in seen}
        chosen_sides.append(chosen)
        for name, side in (*zip(seen, seen, strict=True), ("chosen", chosen)):
            gains[name].append(np.subtract(judged[side], judged[trained]))
    told = " | ".join(
        f"{name}: {mean(g[0] for g in all):+.1f}, {mean(g[1] for g in all):+.1f}" for name, all in gains.items()
    )
    print(f"| against {trained} | {told} | mean side {mean(chosen_sides):.0f} |", flush=True)


def main() -> None:
    """Train the models, or evaluate them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "judge"))
    parser.add_argument("models", type=Path)
    parser.add_argument("--epochs", type=int, default=8)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name, seed, side in RUNS:
        model = arguments.models / f"{name}-{seed}-{side}.autodet"
        with tempfile.TemporaryDirectory() as home:
            data = splits(name, seed, Path(home))
            if arguments.what == "judge":
                judge(data, model, side)
            elif not model.exists():
                train(data, side, arguments.epochs, seed, model)


if __name__ == "__main__":
    main()
