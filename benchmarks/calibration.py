"""Calibration error and thresholds before and after calibration, on photos that took no part in either.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.calibration HOME [--threads 1]

The folder holds ``fruit`` and ``raccoon``. Half of each is for training, a quarter for validation, a quarter for the
test. Each network is trained once on a data set, with the defaults and few epochs; calibration and thresholds are
fitted on validation and measured on the test photos. HOME keeps the models, and a second run only measures them.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

import autodet
from autodet.evaluation.calibration import calibrated_matches, calibration_error, reliability
from autodet.evaluation.matches import Matches, match_detections
from autodet.evaluation.report import evaluate_predictions
from autodet.evaluation.thresholds import fit_scores
from autodet.models.bundle import read_bundle, write_bundle
from autodet.records import DEFAULT_THRESHOLD, Hyperparameters, Prediction, calibrate
from autodet.training.loop import train
from autodet.training.train_job import BEST_BUNDLE, TrainJob
from autodet.workspace import Workspace, open_workspace

SETS = ("fruit", "raccoon")
EPOCHS = {"nanodet_g": 5, "fasterrcnn_efficientnet_lite0": 4}
SHARES = (0.5, 0.25, 0.25)
SHOWN = 0.1  # lowest score of the second error


def main() -> None:
    """Train missing models, measure, and print two Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path, help="workspace to use and keep")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if "AUTODET_REAL_DATA" not in os.environ:
        sys.exit("Set AUTODET_REAL_DATA to the folder that holds fruit and raccoon.")
    workspace = open_workspace(arguments.home)
    rows, curves = [], []
    for name in SETS:
        data = _split_set(name, workspace)
        for architecture, epochs in EPOCHS.items():
            bundle = _trained(data, name, architecture, epochs, arguments.threads)
            before, after, thresholds = _measured(data, bundle)
            for title, matches, limits in (("as they are", *before), ("calibrated", *after)):
                rows.append(_row((name, architecture, title), matches, limits, data.classes))
                curves.append(_curve((name, architecture, title), matches))
            print(f"{name} {architecture}: {dict(thresholds)}", file=sys.stderr)
    head = "| data set | network | scores | ECE | ECE of scores from 0.1 | precision | recall | F1 |"
    print("\n".join([head, "|---" * 8 + "|", *rows, ""]))
    tenths = " | ".join(f"{tenth / 10:.1f}" for tenth in range(10))
    print("\n".join([f"| data set | network | scores | {tenths} |", "|---" * 13 + "|", *curves]))


def _split_set(name: str, workspace: Workspace) -> autodet.Dataset:
    if not (workspace.datasets / f"{name}-split").exists():
        whole = autodet.import_dataset(Path(os.environ["AUTODET_REAL_DATA"]) / name, name=name, workspace=workspace)
        autodet.derive_dataset(whole, f"{name} split", resplit=SHARES, workspace=workspace)
    return autodet.load_dataset(f"{name}-split", workspace=workspace)


def _trained(data: autodet.Dataset, name: str, architecture: str, epochs: int, threads: int) -> Path:
    folder = data.folder.parents[1] / "trained" / f"{name} {architecture}"
    chosen = Hyperparameters(architecture=architecture)
    for result in train(TrainJob(data.folder, folder, chosen, epochs, name, threads=threads)):
        print(f"{name} {architecture} epoch {result.epoch}: {result.map50:.3f}", file=sys.stderr)
    return folder / BEST_BUNDLE


Scored = tuple[Matches, Mapping[str, float]]


def _measured(data: autodet.Dataset, bundle: Path) -> tuple[Scored, Scored, Mapping[str, float]]:
    """Return the test detections with both scores, each with its thresholds."""
    card, weights = read_bundle(bundle)
    raw = bundle.with_name("raw.autodet")
    write_bundle(raw, replace(card, calibration=None, thresholds={}), weights)
    detector = autodet.load_detector(raw, device="cpu")
    validation, test = (
        (records, detector.predict_dataset(data, records)) for records in (data.split("val"), data.split("test"))
    )
    matches = match_detections(*test, len(data.classes))
    calibration, thresholds = fit_scores(match_detections(*validation, len(data.classes)), data.classes)
    if calibration is None:
        return (matches, dict.fromkeys(data.classes, DEFAULT_THRESHOLD)), (matches, thresholds), thresholds
    function = calibration.function(data.classes)
    _check_map(data, test, [calibrate(seen, function) for seen in test[1]])
    default = dict.fromkeys(data.classes, DEFAULT_THRESHOLD)
    return (matches, default), (calibrated_matches(matches, function), thresholds), thresholds


def _check_map(data: autodet.Dataset, test: tuple[object, list[Prediction]], calibrated: list[Prediction]) -> None:
    raw, after = (evaluate_predictions(data.split("test"), seen, data.classes) for seen in (test[1], calibrated))
    print(f"mAP50-95 {raw.map50_95!r} before, {after.map50_95!r} after", file=sys.stderr)


def _row(facts: tuple[str, ...], matches: Matches, thresholds: Mapping[str, float], classes: tuple[str, ...]) -> str:
    limits = np.array([thresholds[name] for name in classes], np.float32)
    shown = matches.scores >= limits[matches.class_ids]
    found, detections, boxes = int(matches.right[shown].sum()), int(shown.sum()), int(matches.boxes.sum())
    figures = (
        calibration_error(matches),
        calibration_error(matches, min_score=SHOWN),
        found / max(1, detections),
        found / boxes,
        2 * found / (detections + boxes),
    )
    return "| " + " | ".join([*facts, *(f"{figure:.3f}" for figure in figures)]) + " |"


def _curve(facts: tuple[str, ...], matches: Matches) -> str:
    """Return the share of right detections and their number for each tenth of the scores."""
    cells = [f"{row.right:.2f} ({row.detections})" if row.detections else "" for row in reliability(matches)]
    return "| " + " | ".join([*facts, *cells]) + " |"


if __name__ == "__main__":
    main()
