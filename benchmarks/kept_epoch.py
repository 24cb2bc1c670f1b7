"""Which epoch of a trial to keep if there are few validation photos.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.kept_epoch train RUNS raccoon [--seed 2] [--labelled 20]
    python -m benchmarks.kept_epoch compare RUNS [--stopped 0.4]

``train`` trains trial 0 of a quick look on labelled photos, as ``benchmarks.label_loop`` draws them, and evaluates its
epochs on the photos that are held back. Some of these photos, drawn at random, serve as validation photos, and all but
the first 25 of a draw evaluate the epochs. The folder keeps the figures. ``compare`` lets every rule choose an epoch by
the validation photos, and prints the mean differences from the rule ``about the highest`` on the other photos.
"""

import argparse
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from autodet.datasets.drafts.version import derive_labels
from autodet.datasets.manifest import Dataset
from autodet.evaluation.intervals import Draws, drawn_precisions
from autodet.evaluation.outcomes import find_outcomes
from autodet.records import FloatArray, Prediction
from autodet.search.planning.presets import Facts, plan_search
from autodet.settings import load_settings
from autodet.training import loop
from autodet.training.checkpoint import Progress
from autodet.training.hardware import find_hardware
from autodet.training.train_job import TrainJob, no_pulse
from benchmarks import label_loop
from benchmarks.label_order import NETWORK, first_trial

SIZES = (3, 6, 9, 12, 15, 20, 25)  # validation photos
DRAWS = 100
Run = Mapping[str, np.ndarray]
Rule = Callable[[FloatArray, int], int]  # scores of the epochs, shape (epochs, 2), validation photos -> index


@dataclass(frozen=True, eq=False, kw_only=True)
class Parts(Draws):
    """Parts of the photos: which photos are in each, shape (parts, photos)."""

    chosen: FloatArray

    def weights(self, size: int) -> Iterator[FloatArray]:
        """Yield the parts in blocks."""
        for begin in range(0, len(self.chosen), size):
            yield self.chosen[begin : begin + size]


def train(options: argparse.Namespace, path: Path) -> None:
    """Train, and write the figures of every evaluated epoch."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AUTODET_HOME"] = str(Path(folder) / "home")
        stage = label_loop._import(options, Path(folder))
        photos = np.random.default_rng(options.seed + 1).permutation(len(stage.pool.images))
        label_loop._label(stage, [stage.pool.images[number] for number in photos[: options.labelled].tolist()])
        data = derive_labels(stage.pool)
        facts = Facts(len(data.split("train")), len(data.split("val")), classes=data.classes)
        hardware = find_hardware(load_settings(), "cpu")
        epochs = options.epochs or plan_search("quick", facts, hardware, (NETWORK,)).epochs
        job = TrainJob(data.folder, Path(folder) / "trial", first_trial(), epochs, "kept", threads=1, seed=options.seed)
        job.folder.mkdir()
        loop.save_checkpoint = lambda *_: None
        trial = loop._Trial(job, data, Progress(), no_pulse)
        trial._is_kept = lambda _score: False
        validation = trial.val_squares
        held_back = loop.Squares(stage.held_back, stage.held_back.images, job.hyperparameters.image_size)
        curve, seen = [], []
        for epoch in range(epochs + 1):
            result = trial.run_epoch(epoch) if epoch else None
            if epoch % options.every:
                continue
            trial.val_squares = held_back
            seen.append(trial._evaluate(epoch))
            trial.val_squares = validation
            if result:
                curve.append((result.map50, result.map50_95))
                print(path.stem, epoch, f"{result.map50:.3f} {result.map50_95:.3f}", flush=True)
        np.savez(path, curve=curve, validation=len(validation), **figures(stage.held_back, seen))


def figures(held_back: Dataset, seen: Sequence[Sequence[Prediction]]) -> dict[str, np.ndarray]:
    """Return mAP50 and mAP50-95 of each epoch on the photos and on drawn parts of them.

    Returns:
        ``all``, shape (epochs, 2); ``others``, shape (draws, epochs, 2); ``drawn``, shape (sizes, draws, epochs, 2).
    """
    count = len(held_back.images)
    place = np.array([np.random.default_rng(draw).permutation(count).argsort() for draw in range(DRAWS)])
    parts = np.concatenate([np.ones((1, count)), place >= SIZES[-1], *(place < size for size in SIZES)])
    draws = Parts(count, len(parts), chosen=parts.astype(np.float32))
    found = []
    for predictions in seen:
        precisions = drawn_precisions(find_outcomes(held_back.images, predictions, held_back.classes), draws)
        found.append(np.stack([np.nanmean(precisions[..., 0], 1), np.nanmean(precisions, (1, 2))], axis=1))
    every = np.array(found).swapaxes(0, 1)
    others, *drawn = np.split(every[1:], 1 + len(SIZES))
    return {"all": every[0], "others": others, "drawn": np.array(drawn)}


# Comparison


def latest(scores: FloatArray, margin: float = 0.0) -> int:
    """Return the latest epoch whose score is at most a margin below the highest."""
    return int(np.flatnonzero(scores >= scores.max() - margin)[-1])


def about(scores: FloatArray, photos: int) -> int:
    """Return the latest epoch with about the highest score, as with many photos."""
    return latest(scores, loop.KEEP_MARGIN / math.sqrt(photos))


def of_last(scores: FloatArray, photos: int, share: float) -> int:
    """Return the latest epoch with about the highest score among the last ones."""
    first = int(len(scores) * (1 - share))
    return first + about(scores[first:], photos)


def smooth(scores: FloatArray, width: int) -> FloatArray:
    """Return the running mean over an epoch and those before it."""
    return np.array([scores[max(0, end - width) : end].mean() for end in range(1, len(scores) + 1)])


RULES: dict[str, Rule] = {
    "about the highest mAP50": lambda one, photos: about(one[:, 0], photos),
    "the highest mAP50": lambda one, _: latest(one[:, 0]),
    "about the highest mAP50-95": lambda one, photos: about(one[:, 1], photos),
    "about the highest mean of both": lambda one, photos: about(one.mean(1), photos),
    "about the highest running mean of 3 epochs": lambda one, photos: about(smooth(one[:, 0], 3), photos),
    "the same of 5": lambda one, photos: about(smooth(one[:, 0], 5), photos),
    "margin four times as large": lambda one, photos: latest(one[:, 0], 4 * loop.KEEP_MARGIN / math.sqrt(photos)),
    "about the highest of the last half": lambda one, photos: of_last(one[:, 0], photos, 1 / 2),
    "about the highest of the last third": lambda one, photos: of_last(one[:, 0], photos, 1 / 3),
    "the last epoch": lambda one, _: len(one) - 1,
}


def chosen_by(rule: Rule, run: Run, photos: int, epochs: int) -> np.ndarray:
    """Return the figures of the epochs that a rule chooses, mean over the draws; with 0 photos, by the own ones."""
    if not photos:
        return run["all"][1 + rule(run["curve"][:epochs], int(run["validation"]))]
    pairs = zip(run["drawn"][SIZES.index(photos)], run["others"], strict=True)
    return np.mean([judged[1 + rule(scores[1 : epochs + 1], photos)] for scores, judged in pairs], axis=0)


def compare(runs: Mapping[str, Run], stopped: float) -> Iterator[str]:
    """Yield tables of the runs, in per cent, and of the rules and the last epoch in each run, in points."""
    ends = {name: max(1, round(stopped * len(run["curve"]))) for name, run in runs.items()}
    yield "| run | untrained | kept | epoch | last | highest of each |\n|---|---|---|---|---|---|"
    for name, run in runs.items():
        kept = about(run["curve"][: ends[name], 0], int(run["validation"]))
        held = 100 * run["all"][: ends[name] + 1]
        cells = [_told(held[0]), _told(held[kept + 1]), str(kept + 1), _told(held[-1]), _told(held.max(0))]
        yield f"| {name} | {' | '.join(cells)} |"
    yield f"\n| kept | own | {' | '.join(map(str, SIZES))} |\n|---{'|---' * (1 + len(SIZES))}|"
    found = {
        title: 100 * np.array([[chosen_by(rule, run, n, ends[key]) for n in (0, *SIZES)] for key, run in runs.items()])
        for title, rule in RULES.items()
    }  # by rule: runs, sizes, figures
    first, *others = found
    yield f"| {first} | {' | '.join(map(_told, found[first].mean(0)))} |"
    for title in others:
        gain = found[title] - found[first]
        yield f"| {title} | {' | '.join(_told(one, '+') for one in gain.mean(0))} |"
    for name, gains in zip(runs, gain, strict=True):
        yield f"| {title}: {name} | {' | '.join(_told(one, '+') for one in gains)} |"


def _told(pair: FloatArray, sign: str = "") -> str:
    return ", ".join(f"{value:{sign}.1f}" for value in pair)


def main() -> None:
    """Train one run, or compare the rules on all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "compare"))
    parser.add_argument("runs", type=Path)
    parser.add_argument("photos", nargs="?", choices=sorted(label_loop.SOURCES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--labelled", type=int, default=20, help="photos that are labelled")
    parser.add_argument("--held-back", type=int, default=50, help="photos that evaluate")
    parser.add_argument("--epochs", type=int, help="epochs to train (default: as a quick look plans)")
    parser.add_argument("--every", type=int, default=1, help="epochs from one evaluation to the next")
    parser.add_argument("--only", default="*", help="compare the runs whose names match this pattern")
    parser.add_argument("--stopped", type=float, default=1.0, help="share of the epochs after which trials end")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.what == "train":
        options.runs.mkdir(exist_ok=True)
        name = f"{options.photos}-{options.seed}-{options.labelled}" + f"-{options.epochs}" * bool(options.epochs)
        train(options, options.runs / f"{name}.npz")
    else:
        runs = {path.stem: dict(np.load(path)) for path in sorted(options.runs.glob(f"{options.only}.npz"))}
        print(", ".join(runs))
        for line in compare(runs, options.stopped):
            print(line)


if __name__ == "__main__":
    main()
