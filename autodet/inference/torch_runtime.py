"""Predictions with torch, on a CPU or a GPU."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from autodet.inference.runtime import RuntimeName, Square
from autodet.models.detection import detect, detection_limit
from autodet.models.letterbox import Letterbox
from autodet.records import Prediction, ScoreFunction, calibrate


class TorchRuntime:
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

    def detect(self, squares: Sequence[Square], letterboxes: Sequence[Letterbox]) -> list[Prediction]:
        """Detect objects on photos, all squares at once."""
        batch = torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2).contiguous()
        seen = detect(self.network, batch.to(self.device), letterboxes)
        return [calibrate(prediction, self._calibration) for prediction in seen]
