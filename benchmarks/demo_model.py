"""Make the demo model of Home: NanoDet-g with its COCO weights and features in 8 bits.

    python -m benchmarks.demo_model PHOTOS

PHOTOS is a folder of everyday photos that calibrate the ranges of the activations; they are not stored.
"""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import safetensors.torch

from autodet.inference.demo import BUNDLE
from autodet.inference.int8_export import INPUT, Inputs, quantize
from autodet.inference.onnx_export import onnx_metadata
from autodet.inference.onnx_trace import trace
from autodet.inference.photo_batches import draw_photo
from autodet.models.bundle import write_bundle
from autodet.models.coco_classes import COCO_CLASSES
from autodet.models.detection import detection_limit
from autodet.models.model_card import ModelCard
from autodet.models.onnx_graph import with_metadata
from autodet.models.registry import build_network

MAX_PHOTOS = 100
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


def main(photos: Path) -> None:
    """Write the bundle."""
    network = build_network(CARD.architecture, len(CARD.classes), pretrained=True, classes=CARD.classes).eval()
    with TemporaryDirectory() as folder:
        plain, quantized = Path(folder, "plain.onnx"), Path(folder, "quantized.onnx")
        plain.write_bytes(trace(network, CARD.image_size))
        quantize(plain, quantized, _inputs(photos))
        weights = safetensors.torch.save({name: one.contiguous() for name, one in network.state_dict().items()})
        card = replace(CARD, weights_sha256=hashlib.sha256(weights).hexdigest())
        graph = with_metadata(quantized.read_bytes(), onnx_metadata(card, detection_limit(network)))
        write_bundle(BUNDLE, card, b"", graph)
    print(f"{BUNDLE}: {BUNDLE.stat().st_size:,} bytes")


def _inputs(photos: Path) -> Iterator[Inputs]:
    for path in sorted(photos.rglob("*.jpg"))[:MAX_PHOTOS]:
        square, _ = draw_photo(path, path.name, CARD.image_size)
        yield {INPUT: square.transpose(2, 0, 1)[None]}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
