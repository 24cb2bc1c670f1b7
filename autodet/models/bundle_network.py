"""From a bundle to a network with its weights, after seeing that they fit."""

import re
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from autodet.errors import BundleError, LaterVersionError
from autodet.models.bundle import ModelCard, made_later, read_bundle, refusal
from autodet.models.description import one_line
from autodet.models.matching_weights import misfit
from autodet.models.registry import ARCHITECTURES, build_network
from autodet.text_format import counted
from autodet.version import __version__

DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


def load_network(path: Path) -> tuple[ModelCard, nn.Module]:
    """A model's card and its network, in evaluation mode on the CPU.

    Raises:
        BundleError: The file is damaged, or its weights do not fit its network.
        LaterVersionError: A later version of autodet made it, with a network that is not known here.
    """
    card, content = read_bundle(path)
    weights = fitting_weights(path, card, content)
    network = build_network(card.architecture, len(card.classes), pretrained=False)
    network.load_state_dict(weights, strict=False)  # all are there; counters of batches may be left over
    return card, network.eval().requires_grad_(False)


def fitting_weights(path: Path, card: ModelCard, content: bytes) -> dict[str, Tensor]:
    """A bundle's weights, if they are those of its network; none of that network's own memory is used to find out.

    Args:
        path: The bundle, for the error.
        card: What it says that it is.
        content: Its weights as safetensors.

    Raises:
        BundleError: They do not fit, or are not numbers.
        LaterVersionError: A later version of autodet made it, with a network that is not known here.
    """
    if card.architecture not in ARCHITECTURES:
        if _version(card.versions.get("autodet", "")) > _version(__version__):
            raise LaterVersionError(f"{path.name} {made_later(card.versions)}")
        raise BundleError(refusal(path, f"its network {card.architecture!r} is none of autodet's"))
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
    """A version as numbers that can be compared; empty if it is none."""
    found = re.match(r"\d{1,6}(\.\d{1,6})*", str(text))
    return tuple(map(int, found[0].split("."))) if found else ()
