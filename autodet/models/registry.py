"""The architectures to choose from: the one place to add another."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from autodet.errors import ModelError
from autodet.models.weights import COCO_WEIGHTS, coco_weights_problem

if TYPE_CHECKING:
    from torch import nn

DEFAULT_ARCHITECTURE = "fasterrcnn_efficientnet_lite0"


@dataclass(frozen=True)
class Architecture:
    """What a person wants to know before choosing a network, and what builds it.

    Attributes:
        name: Its name everywhere but on a page.
        title: Its name on a page.
        parameters_millions: Weights, for a handful of classes.
        image_size: Side in pixels of the square that it works on.
        weights: What it starts from and where that comes from, a sentence.
        licence: The licence of those weights.
        good_for: When to choose it, a sentence.
        seconds_per_image_cpu: Measured training time for one photo on one CPU core, in seconds.
        builder: ``module:function`` taking ``class_count`` and ``pretrained``.
    """

    name: str
    title: str
    parameters_millions: float
    image_size: int
    weights: str
    licence: str
    good_for: str
    seconds_per_image_cpu: float
    builder: str


ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        Architecture(
            name=DEFAULT_ARCHITECTURE,
            title="Faster R-CNN on EfficientNet-Lite0",
            parameters_millions=7.4,
            image_size=320,
            weights="Starts from ImageNet weights that are installed with the app.",
            licence="Apache-2.0",
            good_for="Accurate on few photos, and trains on a CPU.",
            seconds_per_image_cpu=0.2,
            builder="autodet.models.faster_rcnn:build_efficientnet_lite0",
        ),
        Architecture(
            name="fasterrcnn_mobilenet_v3_large_320_fpn",
            title="Faster R-CNN on MobileNetV3, from COCO",
            parameters_millions=19.0,
            image_size=320,
            weights="Starts from torchvision's COCO weights (74 MB), downloaded on first use.",
            licence="BSD-3-Clause",
            good_for="Learns everyday objects in fewer epochs, because COCO has taught it many of them.",
            seconds_per_image_cpu=0.185,
            builder="autodet.models.faster_rcnn:build_mobilenet_v3",
        ),
    )
}


def find_architecture(name: str) -> Architecture:
    """The architecture called ``name``.

    Raises:
        ModelError: There is none; the message lists what there is.
    """
    if name not in ARCHITECTURES:
        raise ModelError(f"There is no architecture {name!r}; choose one of {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


def weights_problem(name: str) -> str | None:
    """A sentence where the pretrained weights of architecture ``name`` cannot be had, else None."""
    title = find_architecture(name).title
    problem = coco_weights_problem(name) if name in COCO_WEIGHTS else None
    return f"{title} cannot start here. {problem}" if problem else None


def build_network(name: str, class_count: int, *, pretrained: bool) -> "nn.Module":
    """The network of architecture ``name``.

    In training it takes squares, uint8 with shape (B, 3, S, S), and per square ``boxes`` (N, 4) and ``labels``
    (N,) from 0, and returns a dict of losses; in evaluation it returns per square ``boxes``, ``labels`` and
    ``scores``.

    Raises:
        ModelError: There is no such architecture.
        WeightsError: The pretrained weights cannot be had.
    """
    module, function = find_architecture(name).builder.split(":")
    network: nn.Module = getattr(import_module(module), function)(class_count=class_count, pretrained=pretrained)
    return network
