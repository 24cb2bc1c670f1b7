"""Average the weights of trainings with other settings, as a search does with its best trials.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.weight_average train MODELS [--epochs 12] [--side 320]
    AUTODET_REAL_DATA=FOLDER python -m benchmarks.weight_average judge MODELS [--side 320]

``train`` trains NanoDet-g with the settings of ``MEMBERS`` on each data set of ``SETS`` and keeps the last epochs. The
other command evaluates every mean of them on the validation photos, at one scale and at two, and prints the figures as
Markdown.
"""

import argparse
import os
import tempfile
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import torch

import autodet
from autodet.datasets.versions.resplit import Resplit
from autodet.evaluation.coco_metrics import measure
from autodet.evaluation.objective import Objective
from autodet.inference.photo_batches import draw_photo
from autodet.models.bundle_network import load_network
from autodet.models.detection import detect
from autodet.models.registry import build_network
from autodet.training.average import mean_weights
from autodet.workspace import open_workspace
from benchmarks.nanodet_ablation import SHARES
from benchmarks.prediction_size import train

SETS = (("fruit", None), ("raccoon", 0))  # data set, seed of its splits; None for those that it has
MEMBERS: tuple[dict[str, Any], ...] = ({}, {"lr": 0.0016}, {"lr": 0.0006, "augmentation": 1.0})
NETWORKS = ("nanodet_g", "nanodet_g_two_scales")


def import_set(name: str, seed: int | None, home: Path) -> autodet.Dataset:
    """Import a data set into a workspace, with new splits if there is a seed."""
    workspace = open_workspace(home)
    whole = autodet.import_dataset(Path(os.environ["AUTODET_REAL_DATA"]) / name, name=name, workspace=workspace)
    if seed is None:
        return whole
    return autodet.derive_dataset(whole, "split", resplit=Resplit(SHARES[name], seed=seed), workspace=workspace)


@torch.inference_mode()
def judge(data: autodet.Dataset, paths: Sequence[Path], side: int) -> Iterable[str]:
    """Yield a row of the table for every mean of the members."""
    records = data.split("val")
    squares = [draw_photo(data.photo(record), record.file, side) for record in records]
    states = [load_network(path)[1].state_dict() for path in paths]
    networks = [build_network(name, len(data.classes), pretrained=False).eval() for name in NETWORKS]
    for count in range(1, len(states) + 1):
        for chosen in combinations(range(len(states)), count):
            mean = mean_weights([states[index] for index in chosen])
            figures = []
            for network in networks:
                network.load_state_dict(mean, strict=False)
                seen = []
                for square, letterbox in squares:
                    photo = torch.from_numpy(square.copy()).permute(2, 0, 1)[None].contiguous()
                    seen += detect(network, photo, [letterbox])
                metrics = measure(records, seen, len(data.classes), Objective())
                figures.append(f"{100 * metrics.map50:.1f}, {100 * metrics.map50_95:.1f}")
            yield f"| {', '.join(map(str, chosen))} | {' | '.join(figures)} |"


def main() -> None:
    """Train the members, or evaluate their means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "judge"))
    parser.add_argument("models", type=Path)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--side", type=int, default=320)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name, seed in SETS:
        paths = [arguments.models / f"{name}-{member}.autodet" for member in range(len(MEMBERS))]
        with tempfile.TemporaryDirectory() as home:
            data = import_set(name, seed, Path(home))
            if arguments.what == "judge":
                for row in judge(data, paths, arguments.side):
                    print(f"| {name} {row}", flush=True)
            for member, path in enumerate(paths):
                if arguments.what == "train" and not path.exists():
                    train(data, arguments.side, arguments.epochs, member, path, **MEMBERS[member])


if __name__ == "__main__":
    main()
