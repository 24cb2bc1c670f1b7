"""Freezing of the pretrained backbone."""

from torch import nn

from autodet.records import Hyperparameters


def freeze(network: nn.Module, hyperparameters: Hyperparameters) -> None:
    """Freeze layers of ``network.backbone.body``; ``early`` keeps the setting of the network's builder."""
    depth = hyperparameters.frozen_depth
    if depth == "early":
        return
    layers = _layers(network.get_submodule("backbone.body"))
    frozen = {"none": 0, "half": len(layers) // 2, "all": len(layers)}[depth]
    for index, layer in enumerate(layers):
        layer.requires_grad_(index >= frozen)


def _layers(body: nn.Module) -> list[nn.Module]:
    """Return the layers of the body from the input on, split into blocks, without those that have no weights.

    A body whose children are not in this form lists its ``layers``.
    """
    layers: list[nn.Module] = getattr(body, "layers", None) or [
        layer
        for child in body.children()
        for layer in (child.children() if type(child) in (nn.ModuleList, nn.Sequential) else (child,))
    ]
    return [layer for layer in layers if any(True for _ in layer.parameters())]
