"""Latency of one prediction, measured so that networks and image sizes compare on a busy machine too.

The measurement covers ``Detector.predict`` on a photo in memory: letterbox it, run the network on this one square,
suppress overlapping boxes, and convert the rest to pixels of the photo. It excludes reading and decoding the file,
which do not depend on the parameters of a search.

On a CPU the network gets one core, and the measure is that core's CPU time, so that neither other load nor the number
of cores of the trial affects it. On a GPU it is wall-clock time. Take the minimum per photo, because noise only adds
time, and the median over photos. The result has two significant digits; further digits are noise, and trials that
differ only by noise should be equal.
"""

import time
from collections.abc import Callable, Iterable
from statistics import median

import torch
from PIL import Image
from torch import nn

from autodet.models.detection import detect, square_tensor
from autodet.models.letterbox import Letterbox

PHOTOS, WARM_UPS, REPEATS = 5, 2, 3


def measure_latency(
    network: nn.Module, photos: Iterable[Image.Image], side: int, device: torch.device, pulse: Callable[[], None]
) -> float:
    """Return the milliseconds of one prediction, to two significant digits.

    Args:
        network: A network from ``autodet.models.registry.build_network``, in evaluation mode, on the device.
        photos: ``PHOTOS`` representative photos, RGB; opened one after another, so that only one is in memory.
        side: Side of the letterboxed square in pixels.
        device: Device of the network.
        pulse: Called after every photo.
    """
    on_cpu = device.type == "cpu"
    clock = time.thread_time if on_cpu else time.perf_counter
    threads = torch.get_num_threads()
    if on_cpu:
        torch.set_num_threads(1)  # thread_time only counts the work of this thread
    try:
        fastest: list[float] = []
        for photo in photos:
            for _ in range(WARM_UPS if not fastest else 0):
                _predict(network, photo, side, device)
            fastest.append(min(_seconds(clock, network, photo, side, device) for _ in range(REPEATS)))
            pulse()
        return float(f"{1000 * median(fastest):.2g}")
    finally:
        torch.set_num_threads(threads)


def _seconds(
    clock: Callable[[], float], network: nn.Module, photo: Image.Image, side: int, device: torch.device
) -> float:
    started = clock()
    _predict(network, photo, side, device)
    return clock() - started


def _predict(network: nn.Module, photo: Image.Image, side: int, device: torch.device) -> None:
    letterbox = Letterbox.fit(photo.width, photo.height, side)
    square = square_tensor(letterbox.draw(photo)).to(device)
    detect(network, square[None], [letterbox])  # returns CPU results, so the GPU is synchronized
