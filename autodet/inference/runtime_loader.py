"""Loading of a model into the runtime that suits it and this machine."""

from typing import TYPE_CHECKING

from autodet.errors import BundleError, ModelError
from autodet.inference.runtime import Runtime, RuntimeName, check_runtime, choose_runtime, has_torch
from autodet.models.bundle import read_graph, refusal
from autodet.models.model_card import ModelCard
from autodet.models.store import StoredModel

if TYPE_CHECKING:
    from autodet.inference.torch_runtime import TorchRuntime


def load_runtime(
    model: StoredModel, device: str | None = None, runtime: RuntimeName | None = None
) -> tuple[ModelCard, Runtime]:
    """Load a model and verify its checksums.

    Args:
        model: The model.
        device: Torch device; None for a GPU if available, else the CPU.
        runtime: ``onnx`` or ``torch``; None for the better one here.

    Returns:
        The card of the file as it is now, and the runtime.

    Raises:
        BundleError: The file is damaged or modified, or its weights or its graph do not fit its description.
        ModelError: The runtime is unknown or not installed, or the model has no ONNX graph for it.
    """
    check_runtime(runtime)
    name = runtime or choose_runtime(model.card, device).name
    return _load_onnx(model, device) if name == "onnx" else load_torch(model, device)


def _load_onnx(model: StoredModel, device: str | None) -> tuple[ModelCard, Runtime]:
    if device not in (None, "cpu"):
        raise ModelError(f"ONNX Runtime predicts on the CPU, not on {device!r}; leave out device, or use torch.")
    card, graph = read_graph(model.path)
    if not graph:
        raise ModelError(
            f"The model {card.name} has no ONNX graph; 'export MODEL --format autodet' where torch and onnx are "
            "installed adds one."
        )
    try:
        from autodet.inference.onnx_runtime import OnnxRuntime
    except ImportError as error:
        raise ModelError("ONNX Runtime is not installed: run 'pip install onnxruntime' and try again.") from error
    try:
        return card, OnnxRuntime(graph, card)
    except BundleError as error:
        raise BundleError(refusal(model.path, str(error))) from error


def load_torch(model: StoredModel, device: str | None) -> tuple[ModelCard, "TorchRuntime"]:
    """Load a model into torch.

    Raises:
        BundleError: The file is damaged or modified.
        ModelError: torch is not installed.
    """
    if not has_torch():
        raise ModelError(
            f"The model {model.card.name} needs torch here, which is not installed; install torch, or predict with "
            "onnxruntime: 'export MODEL --format autodet' where torch and onnx are installed adds an ONNX graph."
        )
    from autodet.inference.torch_runtime import TorchRuntime
    from autodet.models.bundle_network import load_network

    card, network = load_network(model.path)
    return card, TorchRuntime(network, device, card.score_function)
