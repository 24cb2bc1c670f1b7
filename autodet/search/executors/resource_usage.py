"""Resource usage of a trial, measured by its worker."""

import resource
import sys
import threading
from dataclasses import dataclass

from autodet.training.gpu import GpuReading, read_gpu

SAMPLE_SECONDS = 15.0


@dataclass(frozen=True)
class Usage:
    """Peak memory and GPU usage of an attempt so far; see ``autodet.records.Attempt``."""

    memory_bytes: int | None = None
    gpu_memory_bytes: int | None = None
    gpu_utilisation: float | None = None


class Meter:
    """Measures the memory of this process, and samples its GPU a few times a minute.

    Args:
        gpu: The GPU as ``CUDA_VISIBLE_DEVICES`` names it; None on a CPU.
    """

    def __init__(self, gpu: str | None) -> None:
        self._gpu = gpu
        self._readings: list[GpuReading] = []
        if gpu is not None:
            threading.Thread(target=self._look, daemon=True).start()

    def read(self) -> Usage:
        """Return the usage so far."""
        busy = [reading.utilisation for reading in self._readings if reading.utilisation is not None]
        return Usage(
            memory_bytes=peak_memory_bytes(),
            gpu_memory_bytes=max((reading.memory_bytes for reading in self._readings), default=None),
            gpu_utilisation=sum(busy) / len(busy) if busy else None,
        )

    def _look(self) -> None:
        rest = threading.Event()
        while self._gpu is not None and (reading := read_gpu(self._gpu)):
            self._readings.append(reading)
            rest.wait(SAMPLE_SECONDS)


def peak_memory_bytes() -> int:
    """Return the peak memory of this process, without child processes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
