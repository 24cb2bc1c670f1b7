"""Photos predicted per second, against a plain loop that calls the network photo by photo.

    AUTODET_REAL_DATA=FOLDER python -m benchmarks.predict MODEL... [--photos 100] [--rounds 5] [--threads 2]

Each model is an ``.autodet`` file. The photos are those of ``fruit`` in the given folder. Two tasks: ``predict_many``
on all of them, and ``predict`` on one after another. The loop opens each photo with Pillow. For a two-stage detector,
it then converts it to a tensor of fractions and calls the same architecture built from torchvision's own parts:
unfolded norms, its transform and its RoI align. For another one, it resizes and pads the photo and calls the network.

Each side runs in its own process, so that the loop waits for its threads as torch does by default. The sides take
turns. Prints a Markdown table: photos per second of both, and the ratio of each round with their median.
"""

import argparse
import copy
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops import MultiScaleRoIAlign
from torchvision.transforms.functional import pad, pil_to_tensor

import autodet
from autodet.models.bundle_network import load_network
from autodet.models.letterbox import PAD_GREY
from benchmarks.train_step import HERE, REFERENCE, WAITING, with_frozen_norms

Task = Callable[[list[Path]], object]
TASKS = ("many", "one")


def here(model: Path) -> dict[str, Task]:
    """Return what autodet does."""
    detector = autodet.load_detector(model, device="cpu")
    return {"many": detector.predict_many, "one": lambda photos: [detector.predict(photo) for photo in photos]}


def reference(model: Path) -> dict[str, Task]:
    """Return the loop over photos."""
    card, network = load_network(model)
    network = network.to(memory_format=torch.contiguous_format)
    see = _torchvisions(network, card.image_size) if isinstance(network, GeneralizedRCNN) else None
    call = see or (lambda photo: network(_padded(photo, card.image_size)))

    @torch.inference_mode()
    def loop(photos: list[Path]) -> object:
        return [call(Image.open(photo).convert("RGB")) for photo in photos]

    return {"many": loop, "one": loop}


def _torchvisions(network: nn.Module, side: int) -> Callable[[Image.Image], object]:
    """Rebuild a two-stage detector from torchvision's parts; return a function that calls it on a photo."""
    network = with_frozen_norms(copy.deepcopy(network)).eval()
    mean, std = (network.transform.mean / 255).flatten(), (network.transform.std / 255).flatten()
    network.transform = GeneralizedRCNNTransform(side, side, mean.tolist(), std.tolist(), fixed_size=(side, side))
    network.roi_heads.box_roi_pool = MultiScaleRoIAlign(["0", "1", "2"], output_size=7, sampling_ratio=2)
    return lambda photo: network([pil_to_tensor(photo).float() / 255])


def _padded(photo: Image.Image, side: int) -> Tensor:
    scale = side / max(photo.size)
    width, height = (round(length * scale) for length in photo.size)
    inner = pil_to_tensor(photo.resize((width, height), Image.Resampling.BILINEAR))
    return pad(inner, [0, 0, side - width, side - height], PAD_GREY)[None]


class Side:
    """A process that does a task on request, with the wait policy of its side."""

    def __init__(self, name: str, model: Path, arguments: argparse.Namespace) -> None:
        given = {key: value for key, value in os.environ.items() if key != WAITING}
        command = [sys.executable, "-m", "benchmarks.predict", str(model), "--side", name]
        command += ["--threads", str(arguments.threads), "--photos", str(arguments.photos)]
        self.process = subprocess.Popen(
            command,
            env=given | ({WAITING: "PASSIVE"} if name == HERE else {}),  # as set by ``import autodet``; torch default
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def photos_a_second(self, task: str) -> float:
        """Return the speed of a task on all photos."""
        assert self.process.stdin and self.process.stdout
        print(task, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def serve(tasks: dict[str, Task], photos: list[Path]) -> None:
    """For each task on standard input, do it and print the photos per second."""
    for line in sys.stdin:
        started = time.perf_counter()
        tasks[line.strip()](photos)
        print(len(photos) / (time.perf_counter() - started), flush=True)


def compare(model: Path, arguments: argparse.Namespace) -> None:
    """Time both sides on both tasks, and print a row for each task."""
    sides = {name: Side(name, model, arguments) for name in (HERE, REFERENCE)}
    for side in sides.values():
        side.photos_a_second("many")  # warm-up
    for task in TASKS:
        rounds = [[side.photos_a_second(task) for side in sides.values()] for _ in range(arguments.rounds)]
        ours, loop = (median(speeds) for speeds in zip(*rounds, strict=True))
        ratios = sorted(one / other for one, other in rounds)
        spread = f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(f"| {model.stem} | {task} | {ours:.1f} | {loop:.1f} | {spread} |", flush=True)
    for side in sides.values():
        side.process.kill()
        side.process.wait()


def main() -> None:
    """Compare both sides for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", choices=(HERE, REFERENCE), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if "AUTODET_REAL_DATA" not in os.environ:
        sys.exit("Set AUTODET_REAL_DATA to the folder that holds fruit/train.")
    if arguments.side:
        torch.set_num_threads(arguments.threads)
        folder = Path(os.environ["AUTODET_REAL_DATA"]) / "fruit"
        photos = sorted(folder.rglob("*.jpg"))[: arguments.photos]
        serve((here if arguments.side == HERE else reference)(arguments.models[0]), photos)
        return
    print("| model | photos | here, photos a second | loop | ratio |", "|---|---|---|---|---|", sep="\n")
    for model in arguments.models:
        compare(model, arguments)


if __name__ == "__main__":
    main()
