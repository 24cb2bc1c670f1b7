"""How long one prediction takes, so that networks and photo sizes can be compared however busy the machine is.

A prediction is what ``Detector.predict`` does with a photo that is in memory: letterbox it, run the network on this one
square, leave out boxes that overlap better ones, and give the rest in the photo's own pixels. Reading and decoding the
file is left out, for that depends on nothing that a search can choose.

On a CPU the network gets one core, and what counts is the time for which the core worked for it: so the figure does not
depend on who else is at work, nor on how many cores the trial has. On a GPU it is the time that passed. Of several
predictions of one photo the fastest counts, for whatever disturbs only ever adds; of several photos, the median. The
figure has two digits; what would follow is noise, and trials that differ by noise should be equal.
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
    """Milliseconds of one prediction, to two significant digits.

    Args:
        network: As ``autodet.models.registry.build_network`` makes it, in evaluation mode, on the device.
        photos: ``PHOTOS`` of those that it is meant for, RGB; opened one after another, so that one is in memory.
        side: Of the square that photos are letterboxed into, in pixels.
        device: Where the network is.
        pulse: Called after every photo.
    """
    on_cpu = device.type == "cpu"
    clock = time.thread_time if on_cpu else time.perf_counter
    threads = torch.get_num_threads()
    if on_cpu:
        torch.set_num_threads(1)  # a core's time is only counted where this thread does all of the work
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
    detect(network, square[None], [letterbox])  # its result is on the CPU, so a GPU is done when it is there
