"""Load a bundle into a network, after checking that the weights fit."""

import re
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from autodet.errors import BundleError, LaterVersionError
from autodet.models.bundle import read_bundle, refusal, title_of
from autodet.models.matching_weights import misfit
from autodet.models.model_card import ModelCard, made_later, one_line
from autodet.models.registry import ARCHITECTURES, build_network
from autodet.text_format import counted
from autodet.version import __version__

DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


def load_network(path: Path) -> tuple[ModelCard, nn.Module]:
    """Load a model's card and its network, in evaluation mode on the CPU.

    Raises:
        BundleError: The file is damaged, or its weights do not fit its network.
        LaterVersionError: A later version of autodet wrote the bundle, with an architecture unknown to this version.
    """
    card, content = read_bundle(path)
    weights = fitting_weights(path, card, content)
    network = build_network(card.architecture, len(card.classes), pretrained=False)
    network.load_state_dict(weights, strict=False)  # already checked: only batch counters may differ
    return card, network.eval().requires_grad_(False)


def fitting_weights(path: Path, card: ModelCard, content: bytes) -> dict[str, Tensor]:
    """Return a bundle's weights, checked against its network, which is built on the meta device and takes no memory.

    Args:
        path: Path of the bundle, for error messages.
        card: Card of the bundle.
        content: The weights as safetensors.

    Raises:
        BundleError: The architecture is unknown, or the weights are unreadable, do not fit, or are not finite numbers.
        LaterVersionError: A later version of autodet wrote the bundle, with an architecture unknown to this version.
    """
    if card.architecture not in ARCHITECTURES:
        if _version(card.versions.get("autodet", "")) > _version(__version__):
            raise LaterVersionError(f"{title_of(path)} {made_later(card.versions)}")
        raise BundleError(refusal(path, f"autodet has no network {card.architecture!r}"))
    try:
        weights = safetensors.torch.load(content)
    except (ValueError, KeyError, RuntimeError, safetensors.SafetensorError) as error:
        raise BundleError(refusal(path, "its weights are not readable")) from error
    with torch.device("meta"):
        network = build_network(card.architecture, len(card.classes), pretrained=False)
    if problem := misfit(weights, network.state_dict()):
        title = ARCHITECTURES[card.architecture].title
        reason = f"its weights do not fit {title} with {counted(len(card.classes), 'class', 'classes')}"
        raise BundleError(refusal(path, f"{reason} ({one_line(problem)})"))
    if not all(tensor.dtype in DTYPES and bool(tensor.isfinite().all()) for tensor in weights.values()):
        raise BundleError(refusal(path, "its weights are not all numbers"))
    return weights


def _version(text: object) -> tuple[int, ...]:
    """Parse a version into comparable numbers; empty if it is not a version."""
    found = re.match(r"\d{1,6}(\.\d{1,6})*", str(text))
    return tuple(map(int, found[0].split("."))) if found else ()
