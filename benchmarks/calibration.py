"""Expected calibration error before and after calibration, on photos that neither training nor calibration used.

AUTODET_REAL_DATA=FOLDER python -m benchmarks.calibration RESULTS [--epochs 5] [--threads 1]
"""

import os
import sys
from pathlib import Path

import torch

import autodet
from autodet.records import Hyperparameters
from autodet.training.loop import train
from autodet.training.train_job import TrainJob
from autodet.workspace import open_workspace

SETS = ("fruit", "raccoon")
EPOCHS = {"nanodet_g": 5, "fasterrcnn_efficientnet_lite0": 4}
SHARES = (0.5, 0.25, 0.25)


def main() -> None:
    home = Path(sys.argv[1])
    torch.set_num_threads(1)
    workspace = open_workspace(home)
    for name in SETS:
        if not (workspace.datasets / f"{name}-split").exists():
            whole = autodet.import_dataset(Path(os.environ["AUTODET_REAL_DATA"]) / name, name=name, workspace=workspace)
            autodet.derive_dataset(whole, f"{name} split", resplit=SHARES, workspace=workspace)
    for architecture, epochs in EPOCHS.items():
        for name in SETS:
            data = autodet.load_dataset(f"{name}-split", workspace=workspace)
            folder = home / "trained" / f"{name} {architecture}"
            job = TrainJob(data.folder, folder, Hyperparameters(architecture=architecture), epochs, name, threads=1)
            for result in train(job):
                print(name, architecture, result.epoch, result.map50, result.map50_95, result.seconds, flush=True)


if __name__ == "__main__":
    main()
