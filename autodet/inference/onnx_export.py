"""ONNX export, for programs without Python; docs/onnx.md describes how to use the file.

The graph takes one letterboxed photo, ``square``: uint8, shape (1, 3, S, S), RGB, scaled by S / max(width, height),
centred and padded with grey 114. It returns ``boxes`` (N, 4) float32, xyxy in pixels of the square, ``class_ids`` (N,)
int64 and ``scores`` (N,) float32, calibrated, best first. The metadata of the file documents the same.
"""

import json
import logging
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from autodet.errors import ModelError
from autodet.inference.detector import Detector, load_detector
from autodet.models.calibrated_scores import CalibratedScores
from autodet.models.detection import detection_limit
from autodet.models.letterbox import PAD_GREY
from autodet.models.registry import find_architecture
from autodet.models.store import StoredModel
from autodet.records import MIN_SCORE, ScoreFunction
from autodet.workspace import write_atomically

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


def export_onnx(model: StoredModel, path: Path) -> None:
    """Export a model to an ONNX file.

    Args:
        model: The model.
        path: The output file; an existing file is replaced.

    Raises:
        ModelError: The package ``onnx`` is missing, the network cannot be exported, or the file cannot be written.
        BundleError: The model is damaged.
    """
    try:
        import onnx
    except ImportError as error:
        raise ModelError("Exporting to ONNX needs the package onnx: run 'pip install onnx' and try again.") from error
    architecture = find_architecture(model.card.architecture)
    if not architecture.onnx:
        raise ModelError(
            f"A {architecture.title} cannot be exported to ONNX; docs/models.md lists the networks that can."
        )
    detector = load_detector(model, device="cpu")
    card = detector.card
    graph = onnx.load_model_from_string(trace(detector.network, card.image_size, card.score_function))
    for key, value in _metadata(detector).items():
        graph.metadata_props.add(key=key, value=value)
    try:
        write_atomically(path, graph.SerializeToString())
    except OSError as error:
        raise ModelError(f"{path} cannot be written: {error.strerror}; choose another place.") from error


def _metadata(detector: Detector) -> dict[str, str]:
    card = detector.card
    return {
        "name": card.name,
        "classes": json.dumps(card.classes, ensure_ascii=False),
        "image_size": str(card.image_size),
        "colour": "RGB",
        "batch_size": "1",
        "resize": "antialiased bilinear",
        "pad_position": "centre",
        "pad_value": str(PAD_GREY),
        "boxes": "x1 y1 x2 y2 in pixels of the square",
        "min_score": str(MIN_SCORE),
        "max_detections": str(detection_limit(detector.network)),
        "thresholds": json.dumps(list(card.all_thresholds.values())),
        "preprocessing": card.preprocessing,
        "weights_sha256": card.weights_sha256,
    }


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
