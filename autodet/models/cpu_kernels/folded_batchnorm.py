"""Folding of frozen BatchNorms into the preceding convolutions.

Detection batches are too small to estimate better statistics than the published ones, so these stay frozen. A frozen
BatchNorm is a scale and a shift, which cost nothing inside the convolution.
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
    """Fold every BatchNorm that directly follows a convolution, in place.

    The network computes the same as before in evaluation mode. It can still load weights with BatchNorms, as published
    or as saved by earlier versions.
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
    """Fold the BatchNorms of a state dict as in ``network``, if that has folded any."""
    folds: Folds = getattr(network, "folds", {})
    return fold_state(state, folds)


def fold_state(state: Mapping[str, Tensor], folds: Folds) -> dict[str, Tensor]:
    """Return a copy of a state dict with its BatchNorms folded; one without BatchNorms stays unchanged."""
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
