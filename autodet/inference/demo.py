"""The demo model: NanoDet-g with its COCO weights, in 8 bits; it finds 80 kinds of everyday objects.

It is a graph without a bundle, which ``python -m benchmarks.demo_graph`` makes; it is in no workspace.
"""

from pathlib import Path

from autodet.inference.detector import Detector
from autodet.models.coco_classes import COCO_CLASSES
from autodet.models.model_card import ModelCard
from autodet.models.store import StoredModel

GRAPH = Path(__file__).parent / "assets" / "demo.onnx"
THRESHOLD = 0.4
CARD = ModelCard(
    name="Everyday objects",
    classes=COCO_CLASSES,
    architecture="nanodet_g",
    image_size=416,
    dataset="COCO",
    dataset_fingerprint="",
    metrics={},
    thresholds=dict.fromkeys(COCO_CLASSES, THRESHOLD),
)
MODEL = StoredModel("demo", GRAPH, CARD)


def load_demo() -> Detector:
    """Load the demo model; it predicts without torch."""
    from autodet.inference.onnx_runtime import OnnxRuntime

    return Detector(MODEL, OnnxRuntime(GRAPH.read_bytes(), CARD))
