"""Initialise a network with the weights of another network that has other classes.

All weights except the head's are copied; in the head, each class that both networks know by name keeps its rows::

    source = safetensors.torch.load(read_bundle(path)[1])           # or COCO weights, as torchvision publishes them
    network = build_network(name, len(dataset.classes), pretrained=False)
    taken = transplant(source, card.classes, network, dataset.classes)
    taken.kept, taken.fresh, taken.gone                             # ("apple",), ("cherry",), ("banana",)

The classes of COCO weights are ``weights.meta["categories"]``, all 91 of them. Supported heads are those of
torchvision's Faster R-CNN, RetinaNet, FCOS and SSD, and of autodet's single stage. Only a change of classes and
BatchNorms that the network has folded are handled, never a change of architecture.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autodet.errors import ModelError
from autodet.text_format import spelling_key

if TYPE_CHECKING:
    from torch import Tensor, nn

BACKGROUND = "__background__"  # first entry of torchvision's class lists
BOX_SIDES = 4
# One score per class: autodet's single stage and NanoDet-g, which has a head per level.
CLASS_SCORE = re.compile(r"head\.(\d+\.)?class_score\.(weight|bias)")
# One score and one box per class: Faster R-CNN. All rows of a class are adjacent.
BOX_PREDICTOR = re.compile(r"roi_heads\.box_predictor\.(cls_score|bbox_pred)\.(weight|bias)")
# One score per anchor and class; all rows of an anchor are adjacent.
ANCHOR_HEAD = re.compile(r"head\.classification_head\.(cls_logits|module_list\.\d+(\.1)?)\.(weight|bias)")


@dataclass(frozen=True)
class Transplant:
    """Classes of a network that keep rows of another network, and those that do not.

    Attributes:
        kept: Classes that keep their rows, mapped to their names in the other network.
        fresh: Classes that the other network does not know; their rows are unchanged.
        gone: Classes of the other network that are dropped.
    """

    kept: Mapping[str, str]
    fresh: tuple[str, ...]
    gone: tuple[str, ...]


def match_classes(source: Sequence[str], target: Sequence[str]) -> Transplant:
    """Match the classes of ``target`` with those of ``source`` by name.

    Names are compared exactly first, then without regard to case and spaces (``spelling_key``). No class is matched
    twice. A name shared by several classes (COCO's ``N/A``) matches none.
    """
    counts = Counter(source)
    free = [name for name in source if name != BACKGROUND and counts[name] == 1]
    matched = {name: name for name in target if name != BACKGROUND and counts[name] == 1}
    for name in target:
        if name in matched:
            continue
        left = (other for other in free if other not in matched.values())
        alike = [other for other in left if spelling_key(other) == spelling_key(name)]
        if len(alike) == 1:
            matched[name] = alike[0]
    return Transplant(
        kept={name: matched[name] for name in target if name in matched},
        fresh=tuple(name for name in target if name not in matched),
        gone=tuple(name for name in free if name not in matched.values()),
    )


def transplant(
    weights: "Mapping[str, Tensor]", classes: Sequence[str], network: "nn.Module", network_classes: Sequence[str]
) -> Transplant:
    """Load weights into a network of the same architecture with other classes, in place.

    Rows of the background are copied too if both heads have them.

    Args:
        weights: A state dict; it is not modified.
        classes: Classes that the weights were trained for, in order; ``__background__`` may come first.
        network: The network to initialise.
        network_classes: Classes of the network, in order; ``__background__`` may come first.

    Returns:
        The classes that have kept their rows, and those that have not.

    Raises:
        ModelError: The weights do not fit: another architecture or another number of classes. The network is unchanged.
    """
    from autodet.models.cpu_kernels.folded_batchnorm import folded_for

    matched = match_classes(classes, network_classes)
    own, weights = network.state_dict(), folded_for(network, weights)
    merged = dict(weights)
    for name, anchors, sides in _class_layers(own):
        if name not in weights or weights[name].shape[1:] != own[name].shape[1:]:
            raise ModelError(f"The weights do not fit the network: {name} is missing or has another shape.")
        old, new = (_rows(tensor, anchors, sides, name) for tensor in (weights[name], own[name].clone()))
        rows, old_rows = _numbered(network_classes, new.shape[1]), _numbered(classes, old.shape[1])
        for one, other in {BACKGROUND: BACKGROUND, **matched.kept}.items():
            if one in rows and other in old_rows:
                new[:, rows[one]] = old[:, old_rows[other]].to(new)
        merged[name] = new.reshape(own[name].shape)
    if problem := misfit(merged, own):
        raise ModelError(f"The weights do not fit the network: {problem}.")
    network.load_state_dict({name: merged[name] for name in own if name in merged})
    return matched


def _class_layers(state: "Mapping[str, Tensor]") -> Iterator[tuple[str, int, int]]:
    """Yield every weight and bias with rows per class: its name, anchors, and rows per anchor and class."""
    for name in state:
        if layer := BOX_PREDICTOR.fullmatch(name):
            yield name, 1, BOX_SIDES if layer[1] == "bbox_pred" else 1
        elif CLASS_SCORE.fullmatch(name):
            yield name, 1, 1
        elif ANCHOR_HEAD.fullmatch(name):
            boxes = name.replace("classification_head", "regression_head").replace("cls_logits", "bbox_reg")
            yield name, state[boxes].shape[0] // BOX_SIDES, 1


def _rows(tensor: "Tensor", anchors: int, sides: int, name: str) -> "Tensor":
    """Reshape a layer to (anchors, classes, sides, ...)."""
    if tensor.shape[0] % (anchors * sides):
        raise ModelError(f"The weights do not fit the network: {name} has {tensor.shape[0]} rows.")
    return tensor.reshape(anchors, -1, sides, *tensor.shape[1:])


def _numbered(classes: Sequence[str], rows: int) -> dict[str, int]:
    """Map each class to its row; if there is one row more than classes, the first row is the background's.

    Raises:
        ModelError: There are fewer rows, or more.
    """
    names = [BACKGROUND, *classes] if rows == len(classes) + 1 else list(classes)
    if rows != len(names):
        raise ModelError(f"The weights have rows for {rows} classes, which does not fit {len(classes)} names.")
    return {name: number for number, name in enumerate(names)}


def misfit(weights: "Mapping[str, Tensor]", own: "Mapping[str, Tensor]") -> str:
    """Describe the first weight that is missing, unknown or of another shape; empty if all weights fit.

    Batch counters (``num_batches_tracked``) are optional, because a frozen BatchNorm does not use them.
    """
    for name in {**own, **weights}:
        if name.endswith("num_batches_tracked"):
            continue
        if name not in weights or name not in own:
            return f"{name} is {'missing' if name in own else 'not a part of it'}"
        if weights[name].shape != own[name].shape:
            return f"{name} has the shape {tuple(weights[name].shape)} instead of {tuple(own[name].shape)}"
    return ""
