"""Speed of a training step here, and of the same network trained as in torchvision's reference scripts.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.train_step [--rounds 3] [--steps 24] [--threads 2] [--float32]

The folder holds ``fruit/train``. Both train Faster R-CNN on EfficientNet-Lite0 at 320 px with a batch size of 4 and
the same frozen layers, each in its own process, and are timed in turns, from photos on disk to updated weights. The
reference reads each photo on every access, in loader processes, flips it, resizes it to the same square with
torchvision's own transform, and keeps each BatchNorm as a separate frozen layer; it uses SGD, torch's default wait
policy of threads, and float32 (``--float32`` makes both do so). Prints a Markdown table, the losses of both networks
on the same batch, and a profile of a step here, on one core.
"""

import argparse
import copy
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign
from torchvision.transforms import v2

import autodet
from autodet.datasets.photos import open_photo, read_photo
from autodet.models.efficientnet_lite import SamePaddedConv
from autodet.models.registry import build_network
from autodet.records import Hyperparameters
from autodet.training import loop
from autodet.training.checkpoint import load_checkpoint
from autodet.training.cpu_data_parallel import ahead
from autodet.training.device_profile import DeviceTraits
from autodet.training.train_job import TrainJob
from autodet.workspace import open_workspace

SEED, LOADERS = 0, 2
PAUSE = 2.0  # seconds
HERE, REFERENCE = "here", "reference"
CHOSEN = Hyperparameters("fasterrcnn_efficientnet_lite0")
WAITING = "OMP_WAIT_POLICY"  # of idle threads
Sample = tuple[Tensor, dict[str, Tensor]]
Batch = tuple[list[Tensor], list[dict[str, Tensor]]]


class Photos(TorchDataset[Sample]):
    """Photos as in the reference's data set: read on every access and flipped at random."""

    def __init__(self, dataset: autodet.Dataset) -> None:
        self.dataset, self.records = dataset, dataset.split("train")
        self.flip = v2.RandomHorizontalFlip()

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        """Return a photo, float32 (3, H, W) from 0 to 1, and its boxes and labels; label 0 is the background."""
        record = self.records[index]
        photo = open_photo(read_photo(str(self.dataset.photo(record)), record.file), record.file)
        pixels = torch.from_numpy(np.array(photo.convert("RGB"))).permute(2, 0, 1)
        marked = record.annotations
        boxes = torch.from_numpy(marked.boxes_xyxy.astype(np.float32))
        return pixels.float() / 255, {"boxes": boxes, "labels": torch.from_numpy(marked.class_ids) + 1}


class PlainConv(SamePaddedConv):
    """``SamePaddedConv`` with torch's own backward pass."""

    _conv_forward = nn.Conv2d._conv_forward


def with_frozen_norms(network: nn.Module, *, torchs_backward: bool = True) -> nn.Module:
    """Add a frozen BatchNorm after each convolution of the backbone, in place, as if none had been folded."""
    for name, child in network.named_children():
        if isinstance(child, SamePaddedConv):
            setattr(network, name, _unfolded(child, PlainConv if torchs_backward else SamePaddedConv))
        else:
            with_frozen_norms(child, torchs_backward=torchs_backward)
    return network


def _unfolded(folded: SamePaddedConv, kind: type[SamePaddedConv]) -> nn.Module:
    """Return a convolution without bias and a frozen norm that together are equivalent to ``folded``."""
    norm = FrozenBatchNorm2d(folded.out_channels)
    norm.weight.copy_(torch.linspace(0.5, 2, folded.out_channels))
    norm.bias.copy_(folded.bias.detach())
    convolution = copy.deepcopy(folded)
    convolution.__class__ = kind
    convolution.weight.data /= (norm.weight / torch.sqrt(norm.running_var + norm.eps)).view(-1, 1, 1, 1)
    convolution.bias = None
    return nn.Sequential(convolution, norm)


class Reference:
    """The same architecture, trained as in torchvision's ``references/detection``."""

    def __init__(self, dataset: autodet.Dataset, network: nn.Module, batch_size: int, side: int) -> None:
        self.network = with_frozen_norms(copy.deepcopy(network)).to(memory_format=torch.contiguous_format)
        mean, std = (self.network.transform.mean / 255).flatten(), (self.network.transform.std / 255).flatten()
        self.network.transform = GeneralizedRCNNTransform(
            side, side, mean.tolist(), std.tolist(), fixed_size=(side, side)
        )
        self.network.roi_heads.box_roi_pool = MultiScaleRoIAlign(["0", "1", "2"], output_size=7, sampling_ratio=2)
        learning = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.SGD(learning, lr=1e-3, momentum=0.9, weight_decay=1e-4)
        self.loader = DataLoader(
            Photos(dataset),
            batch_size,
            shuffle=True,
            num_workers=LOADERS,
            collate_fn=lambda samples: tuple(zip(*samples, strict=True)),
        )

    def steps(self) -> Iterator[float]:
        """Train step by step; yield the loss of each step."""
        self.network.train()
        while True:
            for images, targets in self.loader:
                loss = sum(self.network(list(images), list(targets)).values())
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                yield loss.item()


class Ours:
    """A trial as autodet trains it, with all photos decoded in advance."""

    def __init__(self, job: TrainJob, dataset: autodet.Dataset) -> None:
        self.trial = loop._Trial(job, dataset, load_checkpoint(job, dataset.fingerprint), lambda: None)
        for _ in self.trial.train_squares.decode(LOADERS):
            pass

    def steps(self) -> Iterator[Tensor]:
        """Train step by step; yield the loss of each step."""
        self.trial.network.train()
        if self.trial.replicas:
            self.trial.replicas.begin_epoch(SEED, 1)
        loop.set_learning_rates(self.trial.optimizer, 0.05, "cosine")
        for step in range(sys.maxsize):
            for images, targets in ahead(self.trial._loader()):
                yield self.trial._step(images, targets)
                self.trial._average(step)


def losses_at_step_1(ours: nn.Module, reference: nn.Module, batch: Batch, traits: DeviceTraits) -> list[float]:
    """Return the losses of both on one batch of squares with the same seed; ours with and without mixed precision."""
    reference = copy.deepcopy(reference)
    reference.transform = copy.deepcopy(ours.transform)
    images, targets = batch
    losses = []
    for network, precision in ((ours, traits.autocast()), (ours, nullcontext()), (reference, nullcontext())):
        torch.manual_seed(SEED)
        with torch.no_grad(), precision:
            losses.append(float(sum(network.train()(images, targets).values())))
    return losses


def where_time_goes(steps: Iterator[object], count: int) -> str:
    """Profile some steps; return a table of the most expensive operations."""
    with profile(activities=[ProfilerActivity.CPU]) as measured:
        for _ in range(count):
            next(steps)
    return str(measured.key_averages().table(sort_by="self_cpu_time_total", row_limit=15, max_name_column_width=40))


def serve(steps: Iterator[object]) -> None:
    """For each line of standard input, run that number of steps and print the seconds they took."""
    for line in sys.stdin:
        started = time.perf_counter()
        for _ in range(int(line)):
            next(steps)
        print(time.perf_counter() - started, flush=True)


class Side:
    """A process that runs steps on request, with the wait policy of its side."""

    def __init__(self, name: str, arguments: argparse.Namespace, home: Path) -> None:
        given = {key: value for key, value in os.environ.items() if key != WAITING}
        command = [sys.executable, "-m", "benchmarks.train_step", "--side", name, "--home", str(home)]
        command += ["--threads", str(arguments.threads), *["--float32"] * arguments.float32]
        self.process = subprocess.Popen(
            command,
            env=given | ({WAITING: "PASSIVE"} if name == HERE else {}),  # as set by ``import autodet``; torch default
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def photos_a_second(self, steps: int) -> float:
        """Return the speed over ``steps`` steps, after a pause in which the other side ends its prefetching."""
        time.sleep(PAUSE)
        assert self.process.stdin and self.process.stdout
        print(steps, file=self.process.stdin, flush=True)
        return steps * CHOSEN.batch_size / float(self.process.stdout.readline())


def main() -> None:
    """Time both sides and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--warm-up", type=int, default=16, help="steps of both that are not timed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--float32", action="store_true", help="no mixed precision here either")
    parser.add_argument("--side", choices=(HERE, REFERENCE), help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if "AUTODET_REAL_DATA" not in os.environ:
        sys.exit("Set AUTODET_REAL_DATA to the folder that holds fruit/train.")
    if arguments.side:
        serve(_side(arguments).steps())
        return
    with tempfile.TemporaryDirectory() as home:
        source = Path(os.environ["AUTODET_REAL_DATA"]) / "fruit"
        autodet.import_dataset(source, name="fruit", workspace=open_workspace(Path(home)))
        arguments.home = Path(home)
        _compare(arguments)
        _explain(arguments)


def _side(arguments: argparse.Namespace) -> Ours | Reference:
    torch.set_num_threads(arguments.threads)
    chosen, workspace = CHOSEN, open_workspace(arguments.home)
    data = autodet.load_dataset("fruit", workspace=workspace)
    if arguments.side == REFERENCE:
        network = build_network(chosen.architecture, len(data.classes), pretrained=True)
        return Reference(data, network, chosen.batch_size, chosen.image_size)
    job = TrainJob(data.folder, arguments.home / "trial", chosen, 20, "fruit", threads=arguments.threads)
    ours = Ours(job, data)
    if arguments.float32:
        ours.trial.traits = replace(ours.trial.traits, dtype=None)
    return ours


def _compare(arguments: argparse.Namespace) -> None:
    sides = [Side(name, arguments, arguments.home) for name in (HERE, REFERENCE)]
    for side in sides:
        side.photos_a_second(arguments.warm_up)
    print("| round | here, photos a second | reference | ratio |", "|---|---|---|---|", sep="\n")
    for number in range(1, arguments.rounds + 1):
        here, reference = (side.photos_a_second(arguments.steps) for side in sides)
        print(f"| {number} | {here:.1f} | {reference:.1f} | {here / reference:.2f} |", flush=True)
    for side in sides:
        side.process.kill()
        side.process.wait()


def _explain(arguments: argparse.Namespace) -> None:
    """Print the losses of both on one batch, and a profile of a step on one core."""
    arguments.threads, arguments.side = 1, HERE
    ours = _side(arguments)
    assert isinstance(ours, Ours)
    network = build_network(CHOSEN.architecture, len(ours.trial.dataset.classes), pretrained=True)
    reference = Reference(ours.trial.dataset, network, 1, CHOSEN.image_size)
    batch = next(iter(ours.trial._loader()))
    losses = losses_at_step_1(network, reference.network, batch, ours.trial.traits)
    print("\nloss on one batch: here {:.6f}, in float32 {:.6f}, reference {:.6f}\n".format(*losses))
    steps = ours.steps()
    for _ in range(arguments.warm_up):
        next(steps)
    print(where_time_goes(steps, arguments.steps))


if __name__ == "__main__":
    main()
