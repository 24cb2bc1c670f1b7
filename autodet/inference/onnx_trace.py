"""A network as an ONNX graph; torch's exporter needs the package ``onnx``.

The graph takes one letterboxed photo, ``square``: uint8, shape (1, 3, S, S), RGB, scaled by S / max(width, height),
centred and padded with grey 114. It returns ``boxes`` (N, 4) float32, xyxy in pixels of the square, ``class_ids`` (N,)
int64 and ``scores`` (N,) float32, calibrated, best first.
"""

import logging
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from autodet.models.calibrated_scores import CalibratedScores
from autodet.records import ScoreFunction

OPSET = 17


class _OneSquare(nn.Module):
    """Wrapper with the signature of the graph: one square in, three tensors out."""

    def __init__(self, network: nn.Module, calibration: ScoreFunction | None) -> None:
        super().__init__()
        self.network = network
        self.calibrated = CalibratedScores(calibration) if calibration else None

    def forward(self, square: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        output = self.network(square)[0]
        detections = output["boxes"], output["labels"], output["scores"]
        return self.calibrated(*detections) if self.calibrated else detections


def trace(network: nn.Module, side: int, calibration: ScoreFunction | None = None) -> bytes:
    """Export a network from ``autodet.models.registry.build_network`` as a serialised graph.

    Args:
        network: The network.
        side: Side of the squares in pixels.
        calibration: Calibration of the scores that the graph returns; None for the network's own scores.
    """
    square = torch.zeros((1, 3, side, side), dtype=torch.uint8)
    with torch.no_grad(), warnings.catch_warnings(), TemporaryDirectory() as folder:
        # The exporter warns about data-dependent shapes, which torchvision's ONNX support handles.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            _OneSquare(network, calibration).eval(),
            (square,),
            Path(folder) / "model.onnx",
            dynamo=False,  # the newer exporter cannot follow a detector's data-dependent shapes
            opset_version=OPSET,
            input_names=["square"],
            output_names=["boxes", "class_ids", "scores"],
            dynamic_axes={name: {0: "detections"} for name in ("boxes", "class_ids", "scores")},
        )
        return (Path(folder) / "model.onnx").read_bytes()
