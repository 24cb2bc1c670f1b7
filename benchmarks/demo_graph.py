"""Make the graph of the demo on Home: NanoDet-g with its COCO weights, its features in 8 bits.

    python -m benchmarks.demo_graph PHOTOS

PHOTOS is a folder of everyday photos, which calibrate the ranges of the activations; none of them is kept.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from autodet.inference.demo import CARD, GRAPH
from autodet.inference.int8_export import INPUT, Inputs, quantize
from autodet.inference.onnx_export import onnx_metadata
from autodet.inference.onnx_trace import trace
from autodet.inference.photo_batches import draw_photo
from autodet.models.detection import detection_limit
from autodet.models.onnx_graph import with_metadata
from autodet.models.registry import build_network

MAX_PHOTOS = 100


def main(photos: Path) -> None:
    """Write the graph."""
    network = build_network(CARD.architecture, len(CARD.classes), pretrained=True, classes=CARD.classes).eval()
    with TemporaryDirectory() as folder:
        plain, quantized = Path(folder, "plain.onnx"), Path(folder, "quantized.onnx")
        plain.write_bytes(trace(network, CARD.image_size))
        quantize(plain, quantized, _inputs(photos))
        GRAPH.parent.mkdir(exist_ok=True)
        GRAPH.write_bytes(with_metadata(quantized.read_bytes(), onnx_metadata(CARD, detection_limit(network))))
    print(f"{GRAPH}: {GRAPH.stat().st_size:,} bytes")


def _inputs(photos: Path) -> Iterator[Inputs]:
    for path in sorted(photos.rglob("*.jpg"))[:MAX_PHOTOS]:
        square, _ = draw_photo(path, path.name, CARD.image_size)
        yield {INPUT: square.transpose(2, 0, 1)[None]}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
