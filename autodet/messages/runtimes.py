"""Sentences about the runtime that computes predictions."""

REASONS = {
    "quicker": "ONNX Runtime: on a CPU it is quicker than torch",
    "no_torch": "ONNX Runtime: torch is not installed",
    "only_graph": "ONNX Runtime: the model only predicts, without weights for torch",
    "gpu": "torch: it uses the GPU",
    "device": "torch: it uses the requested device",
    "no_graph": "torch: the model has no ONNX graph",
    "no_onnxruntime": "torch: ONNX Runtime (the package onnxruntime) is not installed",
}


def latency_text(milliseconds: float | None, runtime: str) -> str:
    """Return a model's latency and the runtime that it was measured with, for a table.

    Args:
        milliseconds: Latency on the model's card; None if it was not measured.
        runtime: ``onnx`` or ``torch``: what predicts with the model here.
    """
    if milliseconds is None:
        return "not measured"
    other = "; predictions here use ONNX Runtime" if runtime == "onnx" else ""
    return f"{milliseconds:g} ms, which the search measured with torch{other}"


def runtime_text(reason: str) -> str:
    """Return the chosen runtime and the reason, for a table."""
    return REASONS[reason]
