"""Train NanoDet-g with changes to its defaults, and compare.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.nanodet_ablation screen RESULTS.jsonl
    AUTODET_REAL_DATA=FOLDER python -m benchmarks.nanodet_ablation confirm RESULTS.jsonl size416 size416+lr2 [--seeds 3]
    python -m benchmarks.nanodet_ablation table RESULTS.jsonl

The folder holds ``fruit`` and ``raccoon``. Each is split in three ways (``SHARES``), and seed s trains on split s modulo
three, so that results do not hang on one choice of validation photos. ``screen`` tests all ``CHANGES`` at once in the
twelve runs of a Plackett-Burman design (see ``benchmarks.ablation``); ``confirm`` compares combinations with the
defaults, seed by seed. Figures are those of the last epoch, not of the best, because choosing among epochs on the
photos that judge them flatters noisy curves. Runs are appended to the file as they end, and never repeated.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import autodet
from autodet.datasets.versions.resplit import Resplit
from autodet.models import dense_cells, nanodet
from autodet.records import Hyperparameters
from autodet.training import letterbox_dataset, loop
from autodet.training.checkpoint import Progress
from autodet.training.train_job import TrainJob
from autodet.workspace import open_workspace
from benchmarks.ablation import FIRST_ROW

SHARES = {"fruit": (0.78, 0.22), "raccoon": (0.69, 0.31)}
SPLITS = 3
CONFIRMING_SEED = 100
Run = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """A deviation from the defaults.

    Attributes:
        what: Description.
        hyperparameters: Hyperparameters that replace the defaults.
        before: Called before the network is built.
        during: Called before each epoch with the completed share of all epochs.
    """

    what: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    during: Callable[[float], None] = lambda _done: None


def _set(module: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(module, name, value)


def _plain_cross_entropy() -> None:
    nanodet.quality_focal_loss = lambda logits, quality: functional.binary_cross_entropy_with_logits(
        logits, quality, reduction="sum"
    )


def _end_mosaics(done: float) -> None:
    letterbox_dataset.MOSAICS = 0.0 if done >= 0.75 else 0.5


def _vary_sides() -> None:
    """Resize each batch to 0.75 to 1.25 of its side (multi-scale training)."""
    before = loop._Trial._learn

    def learn(self: Any, network: nn.Module, images: Tensor, targets: list[dict[str, Tensor]], of: int) -> Tensor:
        usual = images.shape[-1]
        side = round(usual * (0.75 + float(torch.rand(())) / 2) / 32) * 32
        resized = functional.interpolate(images.float(), size=(side, side), mode="bilinear", antialias=True)
        scaled = [{**target, "boxes": target["boxes"] * (side / usual)} for target in targets]
        return before(self, network, resized, scaled, of)

    loop._Trial._learn = learn


def _learn_in_groups(**factors: float) -> Callable[[], None]:
    """Multiply the learning rates of parts of the network: ``body``, ``fpn``, ``tower``, ``box_bins``, ``class_score``."""

    def before() -> None:
        usual = loop._optimizer

        def optimizer(network: nn.Module, hyperparameters: Any) -> torch.optim.AdamW:
            made = usual(network, hyperparameters)
            peaks = {id(one): group["peak"] for group in made.param_groups for one in group["params"]}
            made.param_groups.clear()
            for name, one in network.named_parameters():
                if id(one) in peaks:
                    factor = next((value for part, value in factors.items() if part in name), 1.0)
                    peak = peaks[id(one)] * factor
                    made.add_param_group({"params": [one], "lr": peak, "peak": peak})
            return made

        loop._optimizer = optimizer

    return before


CHANGES = {
    "lr2": Change("all learning rates doubled", {"lr": 2e-3}),
    "body.3": Change("the backbone learns 0.3 times as fast as the rest, not as fast", {"backbone_lr_factor": 0.3}),
    "frozen": Change("stem and first stage frozen, not trained", {"frozen_depth": "early"}),
    "batch8": Change("batches of 8, not 4", {"batch_size": 8}),
    "size416": Change("squares of 416 px, not 320", {"image_size": 416}),
    "boxes5": Change("weight of the GIoU loss 5, not 2", before=_set(nanodet, "BOX_WEIGHT", 5.0)),
    "bce": Change("binary cross entropy, not the quality focal loss", before=_plain_cross_entropy),
    "calm": Change("no mosaics in the last quarter of the epochs", during=_end_mosaics),
    "strong": Change("augmentation half as strong again", {"augmentation": 1.5}),
    "ema.998": Change("decay of the averaged weights 0.998, not 0.99", {"ema_decay": 0.998}),
    "giou_only": Change("GIoU alone, without the distribution focal loss", before=_set(nanodet, "BIN_WEIGHT", 0.0)),
}
SCREENED = Hyperparameters(
    "nanodet_g", image_size=320, frozen_depth="none", backbone_lr_factor=1.0
)  # screen's defaults
MORE_CHANGES = {
    "size320": Change("squares of 320 px, not 416", {"image_size": 320}),
    "sides": Change("batches of 0.75 to 1.25 of the side, in turns", before=_vary_sides),
}
ALL_CHANGES = CHANGES | MORE_CHANGES
