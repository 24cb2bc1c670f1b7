"""Train NanoDet-g with a further level, at stride 4 or 64, and compare.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.nanodet_levels train RESULTS.jsonl --sets fruit tiny --levels none 4
    python -m benchmarks.nanodet_levels table RESULTS.jsonl

``fruit`` and ``raccoon`` are split as in ``benchmarks.nanodet_ablation``; ``tiny`` has photos composed of 36 fruit
photos each, ``close`` crops that one fruit fills. A new level starts as a copy of its neighbour: resized features, the
neighbour's head and its unit of distances. So its first predictions are the neighbour's, at other places. Figures are
those of the last epoch. ``train`` runs one training at a time, on one core; runs in the file are not repeated.
"""

import argparse
import contextlib
import copy
import io
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

import autodet
from autodet.datasets.photos import open_photo, read_photo
from autodet.datasets.versions.resplit import Resplit
from autodet.evaluation import coco_metrics
from autodet.evaluation.coco_metrics import measure
from autodet.evaluation.objective import MAP50
from autodet.models import dense_cells, nanodet
from autodet.models.cpu_kernels.depthwise import quicken
from autodet.models.nanodet import CHANNELS, NanoDet
from autodet.models.registry import find_architecture
from autodet.records import Hyperparameters, ImageRecord, Prediction
from autodet.training import loop
from autodet.training.checkpoint import Progress
from autodet.training.train_job import TrainJob, no_pulse
from autodet.workspace import Workspace, open_workspace
from benchmarks import ablation_sets
from benchmarks.nanodet_ablation import SHARES, SPLITS

SIDES = {"fruit": 320, "raccoon": 320, "tiny": 416, "close": 416}
TILES = 6  # fruit photos along a side of a photo of ``tiny``
CLOSE_PHOTOS, MARGIN = 120, 0.04  # of ``close``: maximum photos of a split, border around the box
LEAST_VISIBLE = 0.5  # of a box in a crop
FINE = 64  # channels of the backbone at stride 4
SMALL, LARGE = 32.0, 0.6  # side of small boxes in pixels of the square, and of large ones as a share of its side
TIMED = 15  # predictions
CANDIDATES = (400, 2500)  # before non-maximum suppression, instead of the usual number
LEVELS = ("none", "4", "4 light", "64")
Run = dict[str, Any]


class Wider(NanoDet):
    """NanoDet-g with a further level.

    Args:
        network: The network to extend; its weights are kept.
        level: ``64``: a depthwise convolution of stride 2 on the coarsest level. ``4``: the finest level twice as
            large, with a lateral convolution of the backbone's map, and a tower of its own. ``4 light``: the same on
            the output of the finest level's tower, with 1 x 1 convolutions only.
    """

    def __init__(self, network: NanoDet, level: str) -> None:
        super().__init__(network.head[0].class_score.out_channels)
        self.load_state_dict(network.state_dict())
        self.reused_classes, self.similar_classes = network.reused_classes, network.similar_classes
        self.level = level
        neighbour = self.head[-1] if level == "64" else self.head[0]
        self.more = copy.deepcopy(neighbour)
        if level == "64":
            self.joint: nn.Module = nn.Conv2d(CHANNELS, CHANNELS, 3, 2, padding=1, groups=CHANNELS)
            nn.init.zeros_(self.joint.weight)
            self.joint.weight.data[:, :, 1:, 1:] = 0.25
        else:
            self.joint = nn.Conv2d(FINE, CHANNELS, 1)
            nn.init.zeros_(self.joint.weight)
            if level == "4 light":
                self.more.tower = nn.Identity()
        nn.init.zeros_(self.joint.bias)
        for part in (self.backbone.body.stem, self.backbone.body.stage1):
            part.requires_grad_(False)
        quicken(self)
        self.to(memory_format=torch.channels_last)

    def _outputs(self, squares: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        images, _ = self.transform(squares)
        kept: list[Tensor] = []
        hook = self.backbone.body.stage1.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
        maps = list(self.backbone(images.tensors).values())
        hook.remove()
        strides, units = list(nanodet.STRIDES), list(nanodet.STRIDES)
        if self.level == "64":
            made = [head(features) for head, features in zip(self.head, maps, strict=True)]
            maps.append(self.joint(maps[-1]))
            made.append(self.more(maps[-1]))
            strides, units = [*strides, 64], [*units, 32]
        else:
            light = self.level == "4 light"
            towers = [nanodet._activate(head.tower(features)) for head, features in zip(self.head, maps, strict=True)]
            made = [_rows(head, around) for head, around in zip(self.head, towers, strict=True)]
            finest = functional.interpolate(towers[0] if light else maps[0], scale_factor=2, mode="bilinear")
            maps.insert(0, finest + self.joint(kept[0]))
            around = maps[0] if light else nanodet._activate(self.more.tower(maps[0]))
            made.insert(0, _rows(self.more, around))
            strides, units = [4, *strides], [8, *units]
        classes, bins = (torch.cat(parts, 1) for parts in zip(*made, strict=True))
        points, _ = nanodet.cell_grid(maps, strides)
        lengths = torch.cat([points.new_full((one.shape[1], 1), u) for (one, _), u in zip(made, units, strict=True)])
        return classes, bins, points, lengths


def _rows(head: Any, around: Tensor) -> tuple[Tensor, Tensor]:
    """Apply the last layers of a head to the output of its tower."""
    classes = head.class_score(around).flatten(2).transpose(1, 2)
    bins = head.box_bins(around).flatten(2).transpose(1, 2)
    return classes.float(), bins.unflatten(2, (4, nanodet.BINS)).float()


# Data sets


def load_set(name: str, seed: int, workspace: Workspace) -> autodet.Dataset:
    """Import a data set, and draw its split."""
    source = name if name in SHARES else "fruit"
    whole = autodet.import_dataset(Path(os.environ["AUTODET_REAL_DATA"]) / source, name=source, workspace=workspace)
    resplit = Resplit(SHARES[source], seed=seed % SPLITS)
    data = autodet.derive_dataset(whole, f"{source} split", resplit=resplit, workspace=workspace)
    if name == source:
        return data
    with tempfile.TemporaryDirectory() as folder:
        write = ablation_sets._write_far if name == "tiny" else _write_close
        write(data, TILES, Path(folder))
        return autodet.import_dataset(Path(folder), name=name, workspace=workspace)


def _write_close(data: autodet.Dataset, _tiles: int, folder: Path) -> None:
    """Write crops of photos, each filled by its largest box, in YOLO layout."""
    for split in ablation_sets._begin_layout(data, folder):
        records = data.split(split)
        for number, record in enumerate(records[:: -(-len(records) // CLOSE_PHOTOS)]):
            boxes = record.annotations.boxes_xyxy
            sizes = boxes[:, 2:] - boxes[:, :2]
            largest = sizes.prod(1).argmax()
            border = MARGIN * np.tile(sizes[largest], 2) * (-1, -1, 1, 1)
            x1, y1, x2, y2 = (boxes[largest] + border).clip(0, [record.width, record.height] * 2).round().astype(int)
            photo = open_photo(read_photo(str(data.photo(record)), record.file), record.file)
            file = Path(f"{number}.png")
            photo.convert("RGB").crop((x1, y1, x2, y2)).resize((416, 416), Image.Resampling.BICUBIC).save(
                folder / "images" / split / file
            )
            inside = boxes.clip((x1, y1, x1, y1), (x2, y2, x2, y2))
            visible = (inside[:, 2:] - inside[:, :2]).prod(1) >= LEAST_VISIBLE * sizes.prod(1)
            marked = replace(record.annotations, class_ids=record.annotations.class_ids[visible])
            shares = (inside[visible] - (x1, y1, x1, y1)) / ([x2 - x1, y2 - y1] * 2)
            ablation_sets._write_labels(folder / "labels" / split / file, replace(record, annotations=marked), shares)


# Single run


def train_once(run: Run) -> Run:
    """Train with a level on one core; return the figures of the last epoch."""
    data = load_set(run["data"], run["seed"], open_workspace(Path(run["home"])))
    _extend(run["level"])
    side = SIDES[run["data"]]
    network = find_architecture("nanodet_g")
    chosen = replace(Hyperparameters(network.name, **network.default_values), image_size=side)
    loop.save_checkpoint = lambda *_: None
    curve, seconds, seen, more = [], [], [], []
    usual = dense_cells.MAX_CANDIDATES
    with tempfile.TemporaryDirectory() as folder:
        job = TrainJob(data.folder, Path(folder), chosen, run["epochs"], "levels", threads=1, seed=run["seed"])
        trial = loop._Trial(job, data, Progress(), no_pulse)
        trial._is_kept = lambda _score: False
        evaluate = trial._evaluate
        trial._evaluate = lambda epoch: seen.append(evaluate(epoch)) or seen[-1]
        for epoch in range(1, run["epochs"] + 1):
            begun = time.process_time()
            result = trial.run_epoch(epoch)
            seconds.append(time.process_time() - begun)
            curve.append([round(result.map50, 4), round(result.map50_95, 4)])
        by_size = sized(trial.val_squares.records, seen[-1], len(data.classes), side)
        milliseconds = _prediction_time(trial.average, trial.val_squares.square(0)[None])
        for count in CANDIDATES:
            dense_cells.MAX_CANDIDATES = nanodet.MAX_CANDIDATES = count
            found = measure(trial.val_squares.records, evaluate(run["epochs"]), len(data.classes), MAP50)
            more.append([count, round(found.map50, 4), round(found.map50_95, 4)])
        dense_cells.MAX_CANDIDATES = nanodet.MAX_CANDIDATES = usual
    return run | {
        "curve": curve,
        "by_size": by_size,
        "by_candidates": more,
        "epoch_seconds": statistics.median(seconds),
        "milliseconds": milliseconds,
    }


def _extend(level: str) -> None:
    """Let training build the network with a further level."""
    build = loop.build_network
    if level != "none":
        loop.build_network = lambda *names, **options: Wider(build(*names, **options), level)


@torch.inference_mode()
def _prediction_time(network: nn.Module, square: Tensor) -> float:
    """Return the median CPU time of a prediction in milliseconds."""
    times = []
    for _ in range(TIMED):
        begun = time.process_time()
        network(square)
        times.append(1000 * (time.process_time() - begun))
    return statistics.median(times)


def sized(records: Sequence[ImageRecord], seen: Sequence[Prediction], class_count: int, side: int) -> list[float]:
    """Return mAP50-95 of small, medium and large boxes, by their size in the square; NaN without such a box."""
    scales = [side / max(record.width, record.height) for record in records]
    truth = [
        replace(one, annotations=replace(one.annotations, boxes_xyxy=one.annotations.boxes_xyxy * scale))
        for one, scale in zip(records, scales, strict=True)
    ]
    found = [replace(one, boxes_xyxy=one.boxes_xyxy * scale) for one, scale in zip(seen, scales, strict=True)]
    with contextlib.redirect_stdout(io.StringIO()):
        marked = coco_metrics.COCO()
        marked.dataset = coco_metrics._truth(truth, class_count)
        marked.createIndex()
        detected = coco_metrics._detected(marked, found)
        evaluation = coco_metrics.DifficultAwareEvaluation(marked, detected, "bbox")
        evaluation.params.areaRng = [[0, SMALL**2], [SMALL**2, (LARGE * side) ** 2], [(LARGE * side) ** 2, 1e10]]
        evaluation.params.areaRngLbl = ["small", "medium", "large"]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][..., -1]  # IoU, recall, class, area
    precision = np.where(precision < 0, np.nan, precision)
    return [round(float(np.nanmean(area)), 4) if not np.isnan(area).all() else float("nan") for area in precision.T]


# Series of runs


def make_runs(runs: Sequence[Run], results: Path) -> None:
    """Execute the runs that are missing from the file, one after the other."""
    done = {_key(run) for run in _read(results)}
    build = loop.build_network
    for run in runs:
        if _key(run) in done:
            continue
        with tempfile.TemporaryDirectory() as home:
            made = train_once(run | {"home": home})
        loop.build_network = build
        del made["home"]
        print(json.dumps(made), flush=True)
        with results.open("a") as file:
            file.write(json.dumps(made) + "\n")


def _read(results: Path) -> list[Run]:
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def _key(run: Run) -> str:
    return json.dumps([run[name] for name in ("data", "level", "seed", "epochs")])


def print_table(runs: Sequence[Run]) -> None:
    """Print the mean figures, and the mean differences from the network without a further level."""
    plain = {(run["data"], run["seed"], run["epochs"]): run for run in runs if run["level"] == "none"}
    for data, level in sorted({(run["data"], run["level"]) for run in runs}):
        chosen = [run for run in runs if (run["data"], run["level"]) == (data, level)]
        figures = [[100 * value for value in (*run["curve"][-1], *run["by_size"])] for run in chosen]
        means = " | ".join(f"{value:.1f}" for value in np.mean(figures, 0))
        costs = [statistics.mean(run[key] for run in chosen) for key in ("epoch_seconds", "milliseconds")]
        pairs = [
            np.subtract(run["curve"][-1], plain[key]["curve"][-1]) * 100
            for run in chosen
            if (key := (data, run["seed"], run["epochs"])) in plain
        ]
        apart = ", ".join(f"{one:+.1f}/{other:+.1f}" for one, other in pairs)
        print(f"| {data} | {level} | {len(chosen)} | {means} | {costs[0]:.1f} | {costs[1]:.0f} | {apart} |")


def main() -> None:
    """Execute runs, or print the results of earlier ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("train", "table"))
    parser.add_argument("results", type=Path)
    parser.add_argument("--sets", nargs="+", default=list(SIDES), choices=SIDES)
    parser.add_argument("--levels", nargs="+", default=LEVELS, choices=LEVELS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=8)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.what == "table":
        print_table(_read(arguments.results))
    else:
        facts = {"epochs": arguments.epochs}
        make_runs(
            [
                {"data": data, "level": level, "seed": seed, **facts}
                for seed in arguments.seeds
                for data in arguments.sets
                for level in arguments.levels
            ],
            arguments.results,
        )


if __name__ == "__main__":
    main()
