"""What changes to training and network are worth, on two small data sets of real photos.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.ablation screen RESULTS.jsonl [--screening 2]
    AUTODET_REAL_DATA=FOLDER python -m benchmarks.ablation confirm RESULTS.jsonl giou roi112+regions64 [--seeds 3]
    python -m benchmarks.ablation table RESULTS.jsonl

The folder holds ``fruit`` and ``raccoon``. Two thirds of each are learnt from, one third judges; the draw is the same
for every run. ``screen`` tries all changes of one of the tables below at once, in the twelve runs of Plackett and
Burman's design (Biometrika 33, 1946): each run has a seed of its own and about half of the changes, each change is in
six of the runs, and any two of them are together in three. What a change is worth is the mean of the runs with it less
the mean of the others, and so known as well as from six pairs of runs of its own. ``confirm`` compares the defaults
with combinations, seed by seed; with ``--sets``, also on photos that are made of many fruit photos each, so that
objects are small. Runs are appended to the file as they end, and one that is in it is not made again.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection import roi_heads
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import FeaturePyramidNetwork, batched_nms, generalized_box_iou_loss
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

import autodet
from autodet.datasets.photos import open_photo, read_photo
from autodet.evaluation.coco import measure
from autodet.models import pyramid, two_looks
from autodet.models.detection import detect
from autodet.models.letterbox import Letterbox
from autodet.models.precision import answer_in_float32
from autodet.records import Hyperparameters, Prediction
from autodet.training import loop, schedule, squares, transforms
from autodet.training.checkpoint import Progress
from autodet.training.job import TrainJob
from autodet.training.traits import DeviceTraits
from autodet.training.transforms import MOSAICS
from autodet.workspace import Workspace, open_workspace

SETS = ("fruit", "raccoon")
FAR = {"fruit from afar": 3, "fruit from far away": 6}  # so many photos along each side of one
FAR_PHOTOS, FAR_SIDE = (60, 24), 960
SHARES = (2 / 3, 1 / 3)
FIRST_ROW = (1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0)  # of the design; the next ten are its rotations, the last has nothing
CONFIRMING_SEED = 100
CALM = 0.75  # of the epochs, after which there are no mosaics
REGIONS = tuple((count, overlap) for overlap in (0.4, 0.5, 0.55, 0.6) for count in (75, 150, 300))
JUDGED = 4  # the last epochs, of which the best counts
FIGURES = ("map50", "map50_95", "seconds")
Run = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """Something other than the defaults.

    Attributes:
        what: In words.
        hyperparameters: What the trial is trained with instead.
        before: Called before the network is built.
        network: Called with the network and the data set.
        during: Called before each epoch with the share of all epochs that are done.
    """

    what: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    network: Callable[[nn.Module, autodet.Dataset], None] = lambda _network, _data: None
    during: Callable[[float], None] = lambda _done: None


# What can be changed


def _train_in_float32() -> None:
    loop.traits_of = lambda device, _threads: DeviceTraits(device)


def _keep_float32(*modules: nn.Module) -> None:
    """Let modules compute in float32 what they get in any type."""
    for module in modules:
        kind = type(module)

        def forward(self: nn.Module, features: Any, kind: Any = kind) -> Any:
            with torch.autocast("cpu", enabled=False):
                many = isinstance(features, list)
                return kind.forward(self, [one.float() for one in features] if many else features.float())

        module.__class__ = type(kind.__name__, (kind,), {"forward": forward})


def _heads_in_float32(network: nn.Module, _data: autodet.Dataset) -> None:
    answer_in_float32(network.backbone)
    _keep_float32(network.rpn.head, network.roi_heads.box_head, network.roi_heads.box_predictor)


def _body_in_float32(network: nn.Module, _data: autodet.Dataset) -> None:
    _keep_float32(network.backbone)


def _set_canonical_scale(network: nn.Module, _data: autodet.Dataset) -> None:
    network.roi_heads.box_roi_pool.canonical_scale = 112


def _set_regions(network: nn.Module, _data: autodet.Dataset) -> None:
    network.roi_heads.fg_bg_sampler.batch_size_per_image = 64


def _narrow_head(network: nn.Module, data: autodet.Dataset) -> None:
    network.roi_heads.box_head = TwoMLPHead(network.backbone.out_channels * 49, 512)
    network.roi_heads.box_predictor = FastRCNNPredictor(512, len(data.classes) + 1)
    answer_in_float32(network.roi_heads.box_predictor)


def _fit_ratios(network: nn.Module, data: autodet.Dataset) -> None:
    boxes = np.concatenate([record.annotations.boxes_xyxy for record in data.split("train")])
    height_by_width = (boxes[:, 3] - boxes[:, 1]) / (boxes[:, 2] - boxes[:, 0])
    ratios = tuple(np.quantile(height_by_width, (1 / 6, 1 / 2, 5 / 6)).tolist())
    sizes = network.rpn.anchor_generator.sizes
    network.rpn.anchor_generator = AnchorGenerator(sizes, (ratios,) * len(sizes))


def _double_anchors(network: nn.Module, _data: autodet.Dataset) -> None:
    generator = network.rpn.anchor_generator
    sizes = tuple(tuple(2 * size for size in level) for level in generator.sizes)
    network.rpn.anchor_generator = AnchorGenerator(sizes, generator.aspect_ratios)


def _widen_pyramid() -> None:
    pyramid.FPN_CHANNELS = 128


def _smooth_labels() -> None:
    unsmoothed = functional.cross_entropy
    roi_heads.F = _Functional(lambda logits, labels: unsmoothed(logits, labels, label_smoothing=0.1))


class _Functional:
    """``torch.nn.functional`` with another cross entropy."""

    def __init__(self, cross_entropy: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.cross_entropy = cross_entropy

    def __getattr__(self, name: str) -> Any:
        return getattr(functional, name)


def _judge_boxes_by_giou() -> None:
    before = roi_heads.fastrcnn_loss

    def loss(logits: Tensor, deltas: Tensor, labels: list[Tensor], targets: list[Tensor]) -> tuple[Tensor, Tensor]:
        classes, _ = before(logits, deltas, labels, targets)
        joined = torch.cat(labels)
        positive = torch.where(joined > 0)[0]
        chosen = deltas.reshape(len(deltas), -1, 4)[positive, joined[positive]]
        # IoU does not change when both axes are scaled, so the proposal may as well be the unit square.
        boxes = generalized_box_iou_loss(_decoded(chosen), _decoded(torch.cat(targets)[positive]), reduction="sum")
        return classes, 10 * boxes / len(joined)

    roi_heads.fastrcnn_loss = loss


def _decoded(deltas: Tensor) -> Tensor:
    centres, sides = deltas[:, :2] / 10 + 0.5, torch.exp((deltas[:, 2:] / 5).clamp(max=4))
    return torch.cat([centres - sides / 2, centres + sides / 2], dim=1)


class _Stretched(Letterbox):
    """A photo that fills its square, whatever its shape."""

    @classmethod
    def fit(cls, width: int, height: int, side: int) -> "Letterbox":
        return cls(1.0, 0, 0, width, height, side)

    def draw(self, photo: Image.Image) -> Any:
        return np.asarray(photo.resize((self.side, self.side), Image.Resampling.BILINEAR, reducing_gap=2.0))

    def to_square(self, boxes_xyxy: Any) -> Any:
        return (boxes_xyxy * self._factors).astype(np.float32)

    def to_photo(self, boxes_xyxy: Any) -> Any:
        limits = np.array([self.width, self.height, self.width, self.height], np.float32)
        return np.clip(boxes_xyxy / self._factors, 0, limits).astype(np.float32)

    @property
    def _factors(self) -> Any:
        return np.array([self.side / self.width, self.side / self.height] * 2, np.float32)


def _stretch() -> None:
    squares.Letterbox = _Stretched


def _draw_no_mosaics() -> None:
    squares.MOSAICS = 0.0


def _draw_no_mosaics_in_the_end(done: float) -> None:
    squares.MOSAICS = 0.0 if done >= CALM else MOSAICS


def _normalise_pyramid(network: nn.Module, _data: autodet.Dataset) -> None:
    backbone = network.backbone
    backbone.fpn = FeaturePyramidNetwork(
        list(backbone.body.channels),
        backbone.out_channels,
        extra_blocks=LastLevelMaxPool(),
        norm_layer=lambda channels: nn.GroupNorm(8, channels),
    )


def _normalise_head(network: nn.Module, _data: autodet.Dataset) -> None:
    head = network.roi_heads.box_head
    layers = (nn.Flatten(), head.fc6, nn.LayerNorm(1024), nn.ReLU(), head.fc7, nn.LayerNorm(1024), nn.ReLU())
    network.roi_heads.box_head = nn.Sequential(*layers)


def _share_boxes(network: nn.Module, data: autodet.Dataset) -> None:
    predictor = network.roi_heads.box_predictor
    predictor.bbox_pred = nn.Sequential(nn.Linear(1024, 4), _Repeated(len(data.classes) + 1))


class _Repeated(nn.Module):
    """The same box for every class."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, boxes: Tensor) -> Tensor:
        return boxes.repeat(1, self.times)


def _weigh_boxes_twice() -> None:
    before = roi_heads.fastrcnn_loss

    def loss(*arguments: Any) -> tuple[Tensor, Tensor]:
        classes, boxes = before(*arguments)
        return classes, 2 * boxes

    roi_heads.fastrcnn_loss = loss


def _warm_up_longer() -> None:
    schedule.WARM_UP = 0.15


def _clip_closer() -> None:
    loop.GRADIENT_NORM = 1.0


def _look_once(network: nn.Module, _data: autodet.Dataset) -> None:
    network.roi_heads.__class__ = RoIHeads


def _agree_by_half() -> None:
    two_looks.CLOSE = 0.5


def _turn_nothing() -> None:
    transforms.DEGREES = 0.0


def _mark_halves_only() -> None:
    transforms.MINIMUM_VISIBLE = 0.5


def _propose_fewer(network: nn.Module, _data: autodet.Dataset) -> None:
    network.rpn._pre_nms_top_n["training"] = 300
    network.rpn._post_nms_top_n["training"] = 150


CHANGES = {
    "roi112": Change("regions of 112 px, not 224, are pooled from stride 16", network=_set_canonical_scale),
    "regions64": Change("64 regions a photo teach the head, not 128", network=_set_regions),
    "unmixed": Change("no mosaics, where half of the squares are some", before=_draw_no_mosaics),
    "giou": Change("GIoU loss for the head's boxes", before=_judge_boxes_by_giou),
    "smoothing": Change("labels smoothed by 0.1", before=_smooth_labels),
    "fpn128": Change("a pyramid of 128 channels, not 64", before=_widen_pyramid),
    "batch2": Change("batches of 2, not 4", {"batch_size": 2}),
    "stretch": Change("photos stretched to squares, not letterboxed", before=_stretch),
    "size384": Change("squares of 384 px, not 320", {"image_size": 384}),
    "ratios": Change("aspect ratios of anchors fitted to the boxes", network=_fit_ratios),
    "head512": Change("two layers of 512 in the head, not 1024", network=_narrow_head),
}
CHANGES_2 = {
    "lr2e-3": Change("learning rate 0.002, not 0.001", {"lr": 2e-3}),
    "body1": Change("the body learns as fast as the rest, not 0.3 times that", {"backbone_lr_factor": 1.0}),
    "thawed": Change("no layer of the body is frozen", {"frozen_depth": "none"}),
    "decay": Change("weight decay 0.05, not 0.0001", {"weight_decay": 0.05}),
    "strong": Change("augmentation half as strong again", {"augmentation": 1.5}),
    "calm": Change("no mosaics in the last quarter of the epochs", during=_draw_no_mosaics_in_the_end),
    "fpn_norm": Change("group normalisation in the pyramid", network=_normalise_pyramid),
    "head_norm": Change("layer normalisation in the head", network=_normalise_head),
    "shared_boxes": Change("the head predicts one box for all classes", network=_share_boxes),
    "boxes2": Change("the loss of the head's boxes counts twice", before=_weigh_boxes_twice),
    "proposals150": Change("150 proposals of 300 anchors in training, not 300 of 600", network=_propose_fewer),
}
CHANGES_3 = {
    "lr5e-4": Change("learning rate 0.0005, not 0.001", {"lr": 5e-4}),
    "body0.1": Change("the body learns 0.1 times as fast as the rest, not 0.3", {"backbone_lr_factor": 0.1}),
    "decay": CHANGES_2["decay"],
    "fpn_norm": CHANGES_2["fpn_norm"],
    "head_norm": CHANGES_2["head_norm"],
    "proposals150": CHANGES_2["proposals150"],
    "calm": CHANGES_2["calm"],
    "strong": CHANGES_2["strong"],
    "ema0.995": Change("weights are averaged with a decay of 0.995, not 0.99", {"ema_decay": 0.995}),
    "warm": Change("the learning rate rises for 15 % of the steps, not 5 %", before=_warm_up_longer),
    "clip1": Change("gradients have a norm of 1 at most, not 10", before=_clip_closer),
}
SCREENINGS = {1: CHANGES, 2: CHANGES_2, 3: CHANGES_3}
MORE_CHANGES = {
    "float32": Change("float32 throughout, not mixed precision", before=_train_in_float32),
    "heads32": Change("the heads in float32, the body in mixed precision", network=_heads_in_float32),
    "body32": Change("the body in float32, the heads in mixed precision", network=_body_in_float32),
    "lite1": Change("EfficientNet-Lite1", {"architecture": "fasterrcnn_efficientnet_lite1"}),
    "lite2": Change("EfficientNet-Lite2", {"architecture": "fasterrcnn_efficientnet_lite2"}),
    "size256": Change("squares of 256 px, not 320", {"image_size": 256}),
    "size512": Change("squares of 512 px, not 320", {"image_size": 512}),
    "size640": Change("squares of 640 px, not 320", {"image_size": 640}),
    "one_look": Change("the head looks once, not twice", network=_look_once),
    "close5": Change("a second look's region is an object's from an IoU of 0.5 on, not 0.6", before=_agree_by_half),
    "frozen_half": Change("half of the body's layers are frozen, not the first four", {"frozen_depth": "half"}),
    "unturned": Change("photos are not turned by up to 5 degrees", before=_turn_nothing),
    "halves": Change("boxes are marked from a half visible, not a quarter", before=_mark_halves_only),
    "anchors2": Change("anchors twice as large", network=_double_anchors),
    "unaveraged": Change("no averaged weights", {"ema_decay": 0.0}),
    "unaugmented": Change("no augmentation", {"augmentation": 0.0}),
}
ALL_CHANGES = CHANGES | CHANGES_2 | CHANGES_3 | MORE_CHANGES


# A run


def train_once(data: autodet.Dataset, names: Sequence[str], seed: int, epochs: int) -> Run:
    """Train the defaults with some changes, in a process that does nothing else, on one core."""
    torch.set_num_threads(1)
    changes = [ALL_CHANGES[name] for name in names]
    chosen = replace(Hyperparameters(), **{key: value for one in changes for key, value in one.hyperparameters.items()})
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
        trial = loop._Trial(job, data, Progress(), lambda: None)
        results, weights, evaluate = [], [], trial._evaluate
        for epoch in range(1, epochs + 1):
            for change in changes:
                change.during((epoch - 1) / epochs)
            trial._evaluate = evaluate if epoch > epochs - JUDGED else lambda: (0.0, 0.0, None)
            results.append(trial.run_epoch(epoch))
            weights.append({name: tensor.clone() for name, tensor in trial.average.state_dict().items()})
    order = sorted(range(epochs), key=lambda index: -results[index].map50)
    best, last = results[order[0]], results[-1]
    trial.average.load_state_dict(weights[order[0]])
    flipped = _measured(trial, data, flip=True)
    regions = [[*choice, *_measured_with(trial, data, *choice)] for choice in REGIONS]
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
    """mAP50 and mAP50-95 of the averaged weights, of photos as they are or of those and their mirror images."""
    trial.average.eval()
    predictions = []
    for index, letterbox in enumerate(trial.val_squares.letterboxes):
        square = trial.val_squares.square(index)[None]
        (seen,) = detect(trial.average, square, [letterbox])
        if flip:
            (mirrored,) = detect(trial.average, square.flip(3), [letterbox])
            seen = _joined(seen, mirrored, letterbox.width)
        predictions.append(seen)
    map50, map50_95, _ = measure(trial.val_squares.records, predictions, len(data.classes), "map50")
    return [map50, map50_95]


def _measured_with(trial: Any, data: autodet.Dataset, count: int, overlap: float) -> list[float]:
    """mAP50 and mAP50-95 if so many regions of a photo are looked at, and boxes may overlap by so much, as an IoU."""
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


# Many runs


def screening(number: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """The changes and the seed of each of the twelve runs."""
    names = list(SCREENINGS[number])
    rows = [FIRST_ROW[-shift:] + FIRST_ROW[:-shift] for shift in range(len(names))] + [(0,) * len(names)]
    for seed, row in enumerate(rows, start=len(rows) * (number - 1)):
        yield tuple(name for name, on in zip(names, row, strict=True) if on), seed


def confirming(combinations: Sequence[str], seeds: int) -> Iterator[tuple[tuple[str, ...], int]]:
    """The defaults and some combinations (``a+b``), each with the same seeds."""
    for seed in range(CONFIRMING_SEED, CONFIRMING_SEED + seeds):
        yield (), seed
        for combination in combinations:
            yield tuple(combination.split("+")), seed


def make_runs(
    plans: Iterable[tuple[tuple[str, ...], int]], sets: Sequence[str], results: Path, epochs: int, processes: int
) -> None:
    """Make the runs that the file does not have yet, some at a time, each in a process of its own."""
    done = {_key(run) for run in _read(results)}
    with tempfile.TemporaryDirectory() as home:
        _import(open_workspace(Path(home)))
        wanted = [
            {"data": data, "changes": list(names), "seed": seed, "epochs": epochs}
            for names, seed in plans
            for data in sets
        ]
        missing = [run for run in wanted if _key(run) not in done]

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


def _import(workspace: Workspace) -> None:
    for name in SETS:
        whole = autodet.import_dataset(Path(os.environ["AUTODET_REAL_DATA"]) / name, name=name, workspace=workspace)
        autodet.derive_dataset(whole, f"{name} 2", resplit=SHARES, workspace=workspace)
    for name, tiles in FAR.items():
        with tempfile.TemporaryDirectory() as folder:
            _write_far(autodet.load_dataset("fruit 2", workspace=workspace), tiles, Path(folder))
            autodet.import_dataset(Path(folder), name=f"{name} 2", workspace=workspace)


def _write_far(data: autodet.Dataset, tiles: int, folder: Path) -> None:
    """Photos made of a data set's photos, so many along each side, in YOLO's layout."""
    random = np.random.default_rng(0)
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(data.classes))
    (folder / "data.yaml").write_text(f"train: images/train\nval: images/val\nnames:\n{names}")
    tile = FAR_SIDE // tiles
    for split, count in zip(("train", "val"), FAR_PHOTOS, strict=True):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for number in range(count):
            photo, lines = Image.new("RGB", (FAR_SIDE, FAR_SIDE)), []
            for place, index in enumerate(random.choice(len(data.split(split)), tiles**2, replace=False)):
                record = data.split(split)[index]
                letterbox = Letterbox.fit(record.width, record.height, tile)
                corner = place % tiles * tile, place // tiles * tile
                shown = letterbox.draw(open_photo(read_photo(str(data.photo(record)), record.file), record.file))
                photo.paste(Image.fromarray(shown), corner)
                boxes = (letterbox.to_square(record.annotations.boxes_xyxy) + np.array(corner * 2)) / FAR_SIDE
                for class_id, (x1, y1, x2, y2) in zip(record.annotations.class_ids, boxes, strict=True):
                    lines.append(f"{class_id} {(x1 + x2) / 2} {(y1 + y2) / 2} {x2 - x1} {y2 - y1}\n")
            photo.save(folder / "images" / split / f"{number}.jpg", quality=95)
            (folder / "labels" / split / f"{number}.txt").write_text("".join(lines))


def _read(results: Path) -> list[Run]:
    return [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []


def _key(run: Run) -> str:
    return json.dumps([run["data"], sorted(run["changes"]), run["seed"], run["epochs"]])


# What they say


def print_tables(runs: Sequence[Run]) -> None:
    """What the screening and the confirming runs say, as Markdown."""
    for number, changes in SCREENINGS.items():
        screened = [run for run in runs if run["seed"] // 12 == number - 1]
        if not screened:
            continue
        print("| change | " + " | ".join(f"{data}: mAP50 | mAP50-95 | time of an epoch" for data in SETS) + " |")
        print("|---" * (1 + 3 * len(SETS)) + "|")
        for name, change in changes.items():
            print(f"| {change.what} | " + " | ".join(_effect(screened, data, name) for data in SETS) + " |")
        for data in SETS:
            _print_error(screened, data)
    print_regions(runs)
    for data in (*SETS, *FAR):
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
    """How far figures of runs scatter; half of that is about what a difference of two means of six is known to."""
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
    """What more regions and closer boxes are worth to the same weights, those that were best in each run."""
    for data in SETS:
        chosen = [run["regions"] for run in runs if run["data"] == data and "regions" in run]
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
    """Make runs, or say what those that were made say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("screen", "confirm", "table", "one"))
    parser.add_argument("results", type=Path)
    parser.add_argument("combinations", nargs="*")
    parser.add_argument("--screening", type=int, default=1, choices=SCREENINGS)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--sets", nargs="+", default=SETS, choices=(*SETS, *FAR))
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.what == "table":
        print_tables(_read(arguments.results))
    elif arguments.what == "one":
        run = json.loads(arguments.combinations[0])
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
