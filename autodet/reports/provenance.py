"""Where a model comes from: its pretrained weights with their licence, and the defaults of its network."""

from typing import Any

from autodet.models.model_card import ModelCard
from autodet.models.registry import ARCHITECTURES
from autodet.records import Hyperparameters


def weights_of(card: ModelCard) -> dict[str, str] | None:
    """Return the pretrained weights of a model's network; None for an unknown network.

    Returns:
        ``file``, ``trained_on`` (a data set), ``source`` (a package, torchvision or autodet) and ``licence``.
    """
    architecture = ARCHITECTURES.get(card.architecture)
    if architecture is None:
        return None
    weights = architecture.weights
    source = "autodet" if weights.shipped else weights.package or "torchvision"
    return {"file": weights.file, "trained_on": weights.trained_on, "source": source, "licence": weights.licence}


def default_parameters(card: ModelCard) -> dict[str, Any]:
    """Return the default hyperparameters of a model's network, those of trial 0 of a search without a space."""
    architecture = ARCHITECTURES.get(card.architecture)
    known = {"architecture": card.architecture} | (architecture.default_values if architecture else {})
    return Hyperparameters(**known).to_json()
