"""Export of a model as an ONNX file, for programs without Python; docs/onnx.md describes how to use it."""

import json
from pathlib import Path

from autodet.errors import BundleError, ModelError
from autodet.inference.runtime import has_torch, is_installed
from autodet.models.bundle import read_graph
from autodet.models.letterbox import PAD_GREY
from autodet.models.model_card import ModelCard
from autodet.models.onnx_graph import check_graph, classes_text, with_metadata
from autodet.models.registry import find_architecture
from autodet.models.store import StoredModel
from autodet.records import MIN_SCORE
from autodet.workspace import write_atomically


def export_onnx(model: StoredModel, path: Path) -> None:
    """Write the ONNX graph of a model's bundle, or make one if the bundle has none.

    Args:
        model: The model.
        path: The output file; an existing file is replaced.

    Raises:
        ModelError: A graph has to be made, but torch or the package ``onnx`` is missing or the network cannot be
            exported; or the file cannot be written.
        BundleError: The model is damaged.
    """
    card, graph = read_graph(model.path)
    graph = graph or make_graph(model.path, card)
    limit = check_graph(graph, card)["max_detections"]
    try:
        write_atomically(path, with_metadata(graph, onnx_metadata(card, int(limit))))
    except OSError as error:
        raise ModelError(f"{path} cannot be written: {error.strerror}; choose another place.") from error


def make_graph(path: Path, card: ModelCard) -> bytes:
    """Make the ONNX graph of a bundle, with its metadata.

    Raises:
        ModelError: torch or the package ``onnx`` is missing, the network cannot be exported, or readers would refuse
            its graph.
        BundleError: The bundle is damaged.
    """
    architecture = find_architecture(card.architecture)
    if not architecture.onnx:
        raise ModelError(
            f"A {architecture.title} cannot be exported to ONNX; docs/models.md lists the networks that can."
        )
    if not (has_torch() and is_installed("onnx")):
        raise ModelError(
            f"The model {card.name} has no ONNX graph yet, and making one needs the packages torch, torchvision and "
            "onnx: run 'pip install onnx' where torch is installed, and try again."
        )
    from autodet.inference.onnx_trace import trace
    from autodet.models.bundle_network import load_network
    from autodet.models.detection import detection_limit

    card, network = load_network(path)
    graph = with_metadata(
        trace(network, card.image_size, card.score_function), onnx_metadata(card, detection_limit(network))
    )
    try:
        check_graph(graph, card)
    except BundleError as error:
        raise ModelError(f"The model {card.name} cannot be exported to ONNX: {error}. Please report this.") from error
    return graph


def onnx_metadata(card: ModelCard, limit: int) -> dict[str, str]:
    """Return the metadata of a model's graph: what a program needs to know to use it; docs/onnx.md lists them.

    Args:
        card: Description of the model.
        limit: Maximum number of objects that the network detects per photo.
    """
    return {
        "name": card.name,
        "classes": classes_text(card.classes),
        "image_size": str(card.image_size),
        "colour": "RGB",
        "batch_size": "1",
        "resize": "antialiased bilinear",
        "pad_position": "centre",
        "pad_value": str(PAD_GREY),
        "boxes": "x1 y1 x2 y2 in pixels of the square",
        "min_score": str(MIN_SCORE),
        "max_detections": str(limit),
        "thresholds": json.dumps(list(card.all_thresholds.values())),
        "preprocessing": card.preprocessing,
        "weights_sha256": card.weights_sha256,
    }
