"""The gain of an order of labelling: mAP on held-back photos after 20, 40 and 80 labelled photos.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.label_order run fruit RESULTS.jsonl [--seeds 3] [--orders ...]
    python -m benchmarks.label_order table RESULTS.jsonl

The folder holds ``fruit`` and ``raccoon``. For each seed, 30 % of the photos are held back and the rest is the pool, of
which 20 random photos are labelled first: the same ones for every order. An order then names 20 and 40 more photos, by
the model that was trained on the labelled ones. A fifth of the labelled photos validates, as in a version; the rest
trains NanoDet-g like trial 0 of a *Quick look*. The model is that of the last epoch, not of the best, because four
validation photos cannot choose one. It trains on one core. Runs are appended to the file as they end, and never
repeated.
"""

import argparse
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import autodet
from autodet.datasets.perceptual_hash import group_alike
from autodet.datasets.versions.resplit import Resplit
from autodet.evaluation.coco_metrics import measure
from autodet.evaluation.label_order import NO_EVIDENCE, Evidence, Look, find_evidence, order_photos
from autodet.evaluation.objective import MAP50
from autodet.evaluation.student_t import t_quantile
from autodet.inference.detector import Detector, load_detector
from autodet.inference.photo_features import find_features
from autodet.models.bundle import read_card
from autodet.models.registry import find_architecture
from autodet.models.store import StoredModel
from autodet.records import Hyperparameters, ImageRecord
from autodet.search.planning.dataset_profile import Facts
from autodet.search.planning.presets import plan_search
from autodet.settings import load_settings
from autodet.training import loop
from autodet.training.checkpoint import Progress
from autodet.training.hardware import find_hardware
from autodet.training.train_job import BEST_BUNDLE, TrainJob, no_pulse
from autodet.workspace import open_workspace

COUNTS = (20, 40, 80)
FIGURES = ("map50", "map50_95")
VALIDATION = 5  # every fifth labelled photo
SHARES = (0.7, 0.3)
COPY_LOSS = 10.0  # above all gains
NETWORK, SIDE = "nanodet_g", 320
Records = list[ImageRecord]
Order = Callable[[Sequence[Evidence], Look, Look], list[int]]


def _teaches(evidence: Sequence[Evidence], look: Look, labelled: Look) -> list[int]:
    return order_photos(evidence, look, labelled)[0]


def _unsure(evidence: Sequence[Evidence], look: Look, labelled: Look) -> list[int]:
    without = [replace(one, vectors=np.zeros_like(one.vectors)) for one in (look, labelled)]
    return order_photos(evidence, *without)[0]


def _unlike(evidence: Sequence[Evidence], look: Look, labelled: Look) -> list[int]:
    return order_photos([NO_EVIDENCE] * len(evidence), look, labelled)[0]


def _farthest(evidence: Sequence[Evidence], look: Look, labelled: Look) -> list[int]:
    """Put the photo first that is farthest from those that are labelled or come before (greedy k-centre).

    Near-duplicates are last.
    """
    promised = np.array([sum(one.parts) for one in evidence])
    distances = 1 - (look.vectors @ labelled.vectors.T).max(axis=1)
    farthest, order = distances.max(), list[int]()
    for _ in evidence:
        gains = promised + distances / farthest
        gains[np.isin(look.groups, [*labelled.groups, *look.groups[order]])] -= COPY_LOSS
        gains[order] = -np.inf
        order.append(int(gains.argmax()))
        distances = np.minimum(distances, 1 - look.vectors @ look.vectors[order[-1]])
    return order


def _farthest_alone(evidence: Sequence[Evidence], look: Look, labelled: Look) -> list[int]:
    return _farthest([NO_EVIDENCE] * len(evidence), look, labelled)


ORDERS: dict[str, Order | None] = {
    "random": None,
    "teaches": _teaches,
    "unlike": _unlike,
    "unsure": _unsure,
    "farthest": _farthest_alone,
    "farthest and unsure": _farthest,
}
USUAL = ("random", "teaches", "unlike", "unsure")


class Bench:
    """Trainings on one data set and seed."""

    def __init__(self, name: str, seed: int, home: Path) -> None:
        workspace = open_workspace(home)
        source = Path(os.environ["AUTODET_REAL_DATA"]) / name
        whole = autodet.import_dataset(source, name=name, workspace=workspace)
        self.data = autodet.derive_dataset(whole, f"{name} {seed}", resplit=Resplit(SHARES, seed), workspace=workspace)
        self.seed, self.home = seed, home
        self.judges = [replace(record, split="test") for record in self.data.split("val")]
        pool = list(self.data.split("train"))
        self.pool = [pool[place] for place in np.random.default_rng(seed).permutation(len(pool))]
        self.groups = group_alike([record.look for record in self.pool])

    def train(self, labelled: Records) -> Detector:
        """Train on the labelled photos."""
        parts = [
            replace(one, split="val" if at % VALIDATION == VALIDATION - 1 else "train")
            for at, one in enumerate(labelled)
        ]
        data = replace(self.data, images=(*parts, *self.judges))
        learnt = sum(one.split == "train" for one in parts)
        facts = Facts(learnt, len(parts) - learnt, classes=data.classes)
        epochs = plan_search("quick", facts, find_hardware(load_settings(), "cpu"), (NETWORK,)).epochs
        usual = first_trial()
        folder = Path(tempfile.mkdtemp(dir=self.home))
        trial = loop._Trial(
            TrainJob(data.folder, folder, usual, epochs, "order", threads=1, seed=self.seed), data, Progress(), no_pulse
        )
        for epoch in range(1, epochs + 1):
            trial._is_kept = lambda _score, last=epoch == epochs: last
            trial.run_epoch(epoch)
        path = folder / BEST_BUNDLE
        return load_detector(StoredModel("order", path, read_card(path)), "cpu", runtime="torch")

    def evaluate(self, detector: Detector) -> dict[str, float]:
        """Evaluate on the held-back photos."""
        seen = detector.predict_dataset(self.data, self.judges)
        metrics = measure(self.judges, seen, len(self.data.classes), MAP50)
        return {"map50": metrics.map50, "map50_95": metrics.map50_95}

    def next_photos(self, order: Order | None, detector: Detector, labelled: Records, count: int) -> Records:
        """Return the photos of the pool that an order names next."""
        names = {record.file for record in labelled}
        left = np.array([place for place, record in enumerate(self.pool) if record.file not in names])
        if order is None:
            return [self.pool[place] for place in left[:count]]
        known = np.array([place for place, record in enumerate(self.pool) if record.file in names])
        seen = detector.predict_dataset(self.data, self.pool)
        features = find_features(detector.stored, replace(self.data, images=tuple(self.pool)))
        look = Look(features.vectors, np.array(self.groups))
        labels = np.concatenate([record.annotations.class_ids for record in labelled])
        counts = np.bincount(labels, minlength=len(self.data.classes))
        thresholds = np.array(list(detector.card.all_thresholds.values()), np.float32)
        evidence = [find_evidence(seen[place], detector.classes, thresholds, counts) for place in left]
        return [self.pool[left[place]] for place in order(evidence, look.of(left), look.of(known))[:count]]


def first_trial() -> Hyperparameters:
    """Return the hyperparameters of trial 0."""
    return replace(Hyperparameters(NETWORK, **find_architecture(NETWORK).default_values), image_size=SIDE)


def run(name: str, results: Path, seeds: int, orders: Sequence[str]) -> None:
    """Train for every seed and order, unless the file has the run."""
    done = {(run["data"], run["seed"], run["order"], run["count"]): run for run in _runs(results)}
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as home:
            bench = Bench(name, seed, Path(home))
            first: Detector | None = None
            for order in orders:
                if all((name, seed, order, count) in done for count in COUNTS[1:]):
                    continue
                detector, labelled = first, bench.pool[: COUNTS[0]]
                for before, count in itertools.pairwise((0, *COUNTS)):
                    key = (name, seed, order if before else "first", count)
                    started = time.monotonic()
                    if before:
                        assert detector
                        labelled = [*labelled, *bench.next_photos(ORDERS[order], detector, labelled, count - before)]
                    elif first:
                        continue
                    detector = bench.train(labelled)
                    first = detector if not before else first
                    if key in done:
                        continue
                    figures = bench.evaluate(detector)
                    boxes = sum(len(record.annotations) for record in labelled)
                    facts = dict(zip(("data", "seed", "order", "count"), key, strict=True))
                    seconds = round(time.monotonic() - started, 1)
                    document = facts | figures | {"boxes": boxes, "seconds": seconds}
                    print(document, flush=True)
                    with results.open("a") as file:
                        file.write(json.dumps(document | {"files": [record.file for record in labelled]}) + "\n")


def _runs(results: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def table(results: Path) -> None:
    """Print the figures of each order, its differences to random of the same seeds, and these on all data sets."""
    runs = {(run["data"], run["order"], run["count"], run["seed"]): run for run in _runs(results)}
    gains: dict[tuple[str, int], list[list[float]]] = {}
    for data, order, count in dict.fromkeys(key[:3] for key in runs):
        own = [run for key, run in runs.items() if key[:3] == (data, order, count)]
        paired = [_gain(run, random) for run in own if (random := runs.get((data, "random", count, run["seed"])))]
        gains.setdefault((order, count), []).extend(paired)
        cells = [f"{statistics.mean(run['boxes'] for run in own):.0f}"]
        for place, figure in enumerate(FIGURES):
            values = [100 * run[figure] for run in own]
            cells.append(f"{statistics.mean(values):.1f} ({min(values):.1f} to {max(values):.1f})")
            shown = paired and order != "random"
            cells.append(f"{statistics.mean(gain[place] for gain in paired):+.1f}" if shown else "–")
        print(f"| {data} | {count} | {order} | {len(own)} | {' | '.join(cells)} |")
    for (order, count), paired in sorted(gains.items(), key=lambda gain: gain[0][1]):
        if order != "random" and len(paired) > 2:
            cells = [_with_interval([gain[place] for gain in paired]) for place in range(len(FIGURES))]
            print(f"| {count} | {order} | {len(paired)} | {' | '.join(cells)} |")


def _gain(run: dict[str, Any], random: dict[str, Any]) -> list[float]:
    return [100 * (run[figure] - random[figure]) for figure in FIGURES]


def _with_interval(values: Sequence[float]) -> str:
    """Return a mean with its 95 % interval (Student's t)."""
    half = t_quantile(len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    mean = statistics.mean(values)
    return f"{mean:+.1f} ({mean - half:+.1f} to {mean + half:+.1f})"


def main() -> None:
    """Run the benchmark on a data set, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="what", required=True)
    runs, shown = parts.add_parser("run"), parts.add_parser("table")
    runs.add_argument("data", choices=("fruit", "raccoon"))
    for part in (runs, shown):
        part.add_argument("results", type=Path)
    runs.add_argument("--seeds", type=int, default=3)
    runs.add_argument("--orders", nargs="+", choices=tuple(ORDERS), default=USUAL)
    arguments = parser.parse_args()
    if arguments.what == "table":
        table(arguments.results)
    else:
        torch.set_num_threads(1)
        loop.save_checkpoint = lambda *_: None
        run(arguments.data, arguments.results, arguments.seeds, arguments.orders)


if __name__ == "__main__":
    main()
