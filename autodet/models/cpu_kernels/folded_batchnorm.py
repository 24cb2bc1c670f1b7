"""Folding frozen BatchNorms into the convolutions before them.

Batches of detection are too small to measure better statistics than the published ones, so they are kept; and a
BatchNorm that is kept is a scale and a shift, which cost nothing inside the convolution.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torchvision.ops import FrozenBatchNorm2d

Folds = Mapping[str, tuple[str, float]]  # a convolution's name -> its BatchNorm's name and epsilon
NORM_PARTS = ("running_mean", "running_var", "weight", "bias")


def fold_batch_norms(network: nn.Module) -> None:
    """Fold every BatchNorm that directly follows a convolution; the network is changed in place.

    It computes what it did before in evaluation mode. Weights with BatchNorms, as published or as an earlier version
    saved them, can still be loaded into it.
    """
    folds: dict[str, tuple[str, float]] = {}
    state = network.state_dict()
    for prefix, parent in list(network.named_modules()):
        dot = f"{prefix}." if prefix else ""
        children = list(parent.named_children())
        for (name, conv), (norm_name, norm) in pairwise(children):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d | FrozenBatchNorm2d):
                folds[dot + name] = dot + norm_name, norm.eps
                conv.bias = nn.Parameter(torch.zeros(conv.out_channels))
                setattr(parent, norm_name, nn.Identity())
    network.load_state_dict(fold_state(state, folds))

    def fold_loaded(_network: nn.Module, loaded: dict[str, Tensor], *_: Any) -> None:
        folded = fold_state(loaded, folds)
        loaded.clear()
        loaded.update(folded)

    network.folds = folds  # type: ignore[assignment]
    network.register_load_state_dict_pre_hook(fold_loaded)  # type: ignore[no-untyped-call]


def folded_for(network: nn.Module, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """A state dict as ``network`` has it, whose BatchNorms may have been folded."""
    folds: Folds = getattr(network, "folds", {})
    return fold_state(state, folds)


def fold_state(state: Mapping[str, Tensor], folds: Folds) -> dict[str, Tensor]:
    """A state dict with its BatchNorms folded; one that has none is returned as it is."""
    folded = dict(state)
    for conv, (norm, epsilon) in folds.items():
        if f"{norm}.running_var" not in state:
            continue
        mean, variance, scale, shift = (folded.pop(f"{norm}.{part}") for part in NORM_PARTS)
        folded.pop(f"{norm}.num_batches_tracked", None)
        weight, bias = folded[f"{conv}.weight"], folded.get(f"{conv}.bias")
        fused = fuse_conv_bn_weights(weight, bias, mean, variance, epsilon, scale, shift)
        folded[f"{conv}.weight"], folded[f"{conv}.bias"] = (part.detach() for part in fused)
    return folded
