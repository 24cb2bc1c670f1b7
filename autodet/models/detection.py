"""Inference of a network on letterboxed squares."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autodet.models.letterbox import Letterbox
from autodet.records import MAX_DETECTIONS, Prediction


def square_tensor(square: np.ndarray) -> Tensor:
    """Convert a drawn square, shape (S, S, 3), to the network's input: uint8, shape (3, S, S)."""
    return torch.from_numpy(np.array(square)).permute(2, 0, 1)


def detection_limit(network: nn.Module) -> int:
    """Return the maximum number of objects that a network detects per photo."""
    head: Any = getattr(network, "roi_heads", network)
    return int(getattr(head, "detections_per_img", MAX_DETECTIONS))


@torch.inference_mode()
def detect(network: nn.Module, squares: Tensor, letterboxes: Sequence[Letterbox]) -> list[Prediction]:
    """Detect objects on each square with a network in evaluation mode; boxes are in pixels of the photos.

    Args:
        network: A network from ``autodet.models.registry.build_network``.
        squares: Letterboxed photos, uint8, shape (B, 3, S, S), on the network's device.
        letterboxes: Position of each photo in its square.
    """
    limit = detection_limit(network)
    return [
        letterbox.prediction(
            output["boxes"].float().cpu().numpy(),
            output["labels"].cpu().numpy(),
            output["scores"].float().cpu().numpy(),
            limit,
        )
        for output, letterbox in zip(network(squares), letterboxes, strict=True)
    ]
