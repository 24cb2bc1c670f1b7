"""Full precision where mixed precision would cost accuracy.

Torchvision decodes and matches boxes in the dtype of a head's output. In bfloat16, which has eight significant bits,
a corner at 300 pixels would be off by up to one, and small boxes would vanish.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn


def answer_in_float32(*heads: nn.Module) -> None:
    """Make these parts of a network output float32, regardless of the dtype they compute in."""
    for head in heads:
        head.register_forward_hook(_hand_on_float32)


def _hand_on_float32(_head: nn.Module, _inputs: Any, answer: Any) -> Any:
    return _as_float32(answer)


def _as_float32(answer: Any) -> Any:
    if isinstance(answer, Tensor):
        return answer.float()
    if isinstance(answer, Mapping):
        return {name: _as_float32(part) for name, part in answer.items()}
    return type(answer)(map(_as_float32, answer))
