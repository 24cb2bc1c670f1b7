"""Time of one prediction with ONNX Runtime and with torch, for every network.

    python -m benchmarks.runtimes [NETWORK ...]

The networks have random weights, scaled so that they detect something. The runtimes take turns on the same squares.
The figures are the lowest CPU time of all rounds with one thread, so that other load hardly affects them.
"""

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from autodet.inference.onnx_export import onnx_metadata
from autodet.inference.onnx_runtime import OnnxRuntime
from autodet.inference.onnx_trace import trace
from autodet.inference.torch_runtime import TorchRuntime
from autodet.models.detection import detection_limit
from autodet.models.letterbox import Letterbox
from autodet.models.model_card import ModelCard
from autodet.models.onnx_graph import with_metadata
from autodet.models.registry import ARCHITECTURES, build_network, find_architecture

ROUNDS, LARGE_ROUNDS, BATCH = 8, 2, 8
LARGE = 0.5  # seconds of a prediction


def main() -> None:
    """Print a row per network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=list(ARCHITECTURES))
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    print("| network | export, s | graph, MB | torch, ms | torch in batches of 8, ms | ONNX Runtime, ms | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in options.networks:
        _measure(name)


def _measure(name: str) -> None:
    side = find_architecture(name).image_size
    network = _lively(build_network(name, 4, pretrained=False), side)
    card = ModelCard("m", tuple("abcd"), name, side, "data", "f", {"map50": 0.5})
    export, graph = _timed(lambda: with_metadata(trace(network, side), onnx_metadata(card, detection_limit(network))))
    onnx, in_torch = OnnxRuntime(graph, card), TorchRuntime(network, "cpu")
    square = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    letterbox = Letterbox.fit(side, side, side)
    ways: dict[str, Callable[[], object]] = {
        "torch": lambda: in_torch.detect([square], [letterbox]),
        "batch": lambda: in_torch.detect([square] * BATCH, [letterbox] * BATCH),
        "onnx": lambda: onnx.detect([square], [letterbox]),
    }
    lowest = {way: _timed(call)[0] for way, call in ways.items()}  # warm-up
    for _ in range(LARGE_ROUNDS if lowest["torch"] > LARGE else ROUNDS):
        lowest = {way: min(lowest[way], _timed(call)[0]) for way, call in ways.items()}
    alone, batch, graph_ms = 1000 * lowest["torch"], 1000 * lowest["batch"] / BATCH, 1000 * lowest["onnx"]
    cells = (
        f"{export:.1f} | {len(graph) / 1e6:.0f} | {alone:.0f} | {batch:.0f} | {graph_ms:.0f} | {graph_ms / alone:.2f}"
    )
    print(f"| `{name}` | {cells} |", flush=True)


def _timed(call: Callable[[], object]) -> tuple[float, bytes]:
    started = time.process_time()
    result = call()
    return time.process_time() - started, result if isinstance(result, bytes) else b""


def _lively(network: nn.Module, side: int) -> nn.Module:
    """Scale each convolution's weights so that the outputs depend on the photo."""
    torch.manual_seed(0)

    def stretch(conv: nn.Conv2d, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        spread = output.std().clamp(min=1e-6) if output.numel() >= 16 else torch.tensor(1.0)
        conv.weight.div_(spread)
        return output / spread

    handles = [module.register_forward_hook(stretch) for module in network.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        network.eval()(torch.randint(0, 255, (1, 3, side, side), dtype=torch.uint8))
    for handle in handles:
        handle.remove()
    return network


if __name__ == "__main__":
    main()
