"""Predictions with torch, on a CPU or a GPU."""

from collections.abc import Sequence
from functools import partial
from threading import Lock

import numpy as np
import torch
from torch import nn

from autodet.inference.photo_batches import MAX_WORKERS, Square, Workers
from autodet.inference.runtime import LocalRuntime, RuntimeName
from autodet.models.detection import detect, detection_limit
from autodet.models.letterbox import Letterbox
from autodet.records import Prediction, ScoreFunction, calibrate
from autodet.training.device import cpu_cores

CPU_BATCH, GPU_BATCH = 4, 8


class TorchRuntime(LocalRuntime):
    """A network on a device of torch; see ``autodet.inference.runtime.Runtime``.

    Args:
        network: A network from ``autodet.models.registry.build_network``, in evaluation mode.
        device: Torch device; None for a GPU if available, else the CPU.
        calibration: Calibration of the scores; None for the network's own scores.
    """

    name: RuntimeName = "torch"

    def __init__(self, network: nn.Module, device: str | None = None, calibration: ScoreFunction | None = None) -> None:
        self._calibration = calibration
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.network = network.to(torch.device(self.device))
        self.limit = detection_limit(network)
        self._turn = Lock()

    def detect(self, squares: Sequence[Square], letterboxes: Sequence[Letterbox]) -> list[Prediction]:
        """Detect objects on photos, all squares at once."""
        batch = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).contiguous()
        seen = detect(self.network, batch.to(self.device), letterboxes)
        return [calibrate(prediction, self._calibration) for prediction in seen]

    def workers(self) -> Workers:
        """Return a thread per core; for a GPU, they take turns."""
        if self.device != "cpu":
            return Workers(min(cpu_cores(), MAX_WORKERS), GPU_BATCH, self._detect_in_turn, self.detect)
        cores = torch.get_num_threads()
        count = min(cores, MAX_WORKERS)
        enter = partial(torch.set_num_threads, cores // count)
        # A thread's number is also that of threads that start later, until another thread sets it.
        return Workers(count, CPU_BATCH, self.detect, self.detect, enter, leave=lambda: torch.set_num_threads(cores))

    def _detect_in_turn(self, squares: Sequence[Square], letterboxes: Sequence[Letterbox]) -> list[Prediction]:
        with self._turn:
            return self.detect(squares, letterboxes)
