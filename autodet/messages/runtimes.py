"""Sentences about the runtime that computes predictions."""

REASONS = {
    "quicker": "ONNX Runtime: on a CPU it is quicker than torch",
    "no_torch": "ONNX Runtime: torch is not installed",
    "gpu": "torch: it uses the GPU",
    "device": "torch: it uses the requested device",
    "no_graph": "torch: the model has no ONNX graph",
    "no_onnxruntime": "torch: ONNX Runtime (the package onnxruntime) is not installed",
}


def runtime_text(reason: str) -> str:
    """Return the chosen runtime and the reason, for a table."""
    return REASONS[reason]
