"""Check of a bundle's weights where torch is not installed, from the names, types and shapes of the tensors.

The shapes of a network come from torch, so this check is weaker than ``autodet.models.bundle_network``: it finds
weights that are unreadable, not finite, or made for another number of classes.
"""

from math import prod

import numpy as np
import safetensors

from autodet.models.matching_weights import ANCHOR_HEAD, BOX_PREDICTOR, BOX_SIDES, CLASS_SCORE
from autodet.text_format import counted

FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
BFLOAT16, BFLOAT16_EXPONENT = "BF16", 0x7F80  # numpy lacks bfloat16; a number that is not finite has all these bits
SCORES = "cls_score"


def weights_problem(content: bytes, class_count: int) -> str:
    """Return why weights cannot be those of a detector, as the end of a sentence; empty if they can.

    Args:
        content: The weights as safetensors.
        class_count: Number of classes of the model.
    """
    try:
        tensors = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
    except (ValueError, safetensors.SafetensorError):
        return "its weights are not readable"
    shapes = {name: tuple(tensor["shape"]) for name, tensor in tensors}
    fits = [fit for name, shape in shapes.items() if (fit := _fits(name, shape, class_count)) is not None]
    if not fits or not all(fits):
        return f"its weights do not fit a network with {counted(class_count, 'class', 'classes')}"
    if not all(_is_finite(tensor["dtype"], tensor["data"]) for _, tensor in tensors if prod(tensor["shape"])):
        return "its weights are not all numbers"
    return ""


def _fits(name: str, shape: tuple[int, ...], classes: int) -> bool | None:
    """Return whether a tensor has the rows of this number of classes; None if it does not depend on it."""
    rows = shape[0] if shape else 0
    if CLASS_SCORE.fullmatch(name):
        return rows == classes
    if found := BOX_PREDICTOR.fullmatch(name):  # one class more, the background
        return rows == (classes + 1) * (1 if found[1] == SCORES else BOX_SIDES)
    if ANCHOR_HEAD.fullmatch(name):  # of several anchors; only SSD, which has a list of heads, has the background
        return bool(rows) and rows % (classes + ("module_list" in name)) == 0
    return None


def _is_finite(kind: str, data: bytes) -> bool:
    if kind == BFLOAT16:
        return bool(((np.frombuffer(data, "<u2") & BFLOAT16_EXPONENT) != BFLOAT16_EXPONENT).all())
    return kind not in FLOATS or bool(np.isfinite(np.frombuffer(data, FLOATS[kind])).all())
