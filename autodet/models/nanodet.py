"""NanoDet-g: a small single-stage detector with COCO weights that come with autodet.

The architecture is that of RangiLyu/nanodet (Apache-2.0), with BatchNorm folded into the convolutions: a CSP backbone
(Wang et al., arXiv 1911.11929), a path aggregation network without weights, and a head per level that predicts a score
per class and each side of a box as a distribution over distances (generalized focal loss, Li et al., arXiv 2006.04388).
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import box_iou, generalized_box_iou_loss

from autodet.models.coco_classes import COCO_CLASSES
from autodet.models.cpu_kernels.depthwise import quicken
from autodet.models.dense_cells import MAX_CANDIDATES, assign, best_detections, cell_grid
from autodet.models.matching_weights import match_classes
from autodet.models.normalize import SquareInput, Targets, scaled
from autodet.records import MAX_DETECTIONS, MIN_SCORE

STRIDES, MAP_CHANNELS = (8, 16, 32), (128, 256, 512)
CHANNELS = 128
BINS = 11  # distances of 0 to 10 strides
SLOPE = 0.1
BGR_MEAN, BGR_STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
FITTING_CELLS = 3  # cells per object in which the response of COCO's classes is measured
MIN_SIMILAR_SHARE, MAX_SIMILAR = 0.1, 3  # of COCO's classes that are named as similar to a class
MIN_KNOWN_RESPONSE = 0.5  # of a class that COCO knows by name, relative to the class that responds most
FOCUS = 2.0  # exponent of the quality focal loss
BOX_WEIGHT, BIN_WEIGHT = 5.0, 0.25  # of GIoU and of the distribution focal loss
NMS_IOU = 0.65

Example = tuple[Tensor, Mapping[str, Tensor]]


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1)


def _activate(features: Tensor) -> Tensor:
    return functional.leaky_relu(features, SLOPE, inplace=True)


class Block(nn.Module):
    """Two convolutions, whose outputs are concatenated."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = _conv(width, width // 2), _conv(width // 2, width // 2)

    def forward(self, features: Tensor) -> Tensor:
        """Keep the shape (B, width, H, W)."""
        first = _activate(self.conv1(features))
        return torch.cat((_activate(self.conv2(first)), first), 1)


class Stage(nn.Module):
    """Blocks at one stride; the output has twice the width."""

    def __init__(self, inputs: int, width: int, blocks: int, stride: int) -> None:
        super().__init__()
        self.downsample = _conv(inputs, width, stride)
        self.blocks = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.fuse = _conv(width, width)

    def forward(self, features: Tensor) -> Tensor:
        """Return maps of twice the width, reduced by the stage's stride."""
        reduced = _activate(self.downsample(features))
        return torch.cat((_activate(self.fuse(self.blocks(reduced))), reduced), 1)


class Body(nn.Module):
    """The pretrained backbone: a stem and four stages."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _conv(3, 32, 2)
        self.stage1 = Stage(32, 32, 1, stride=1)
        self.stage2 = Stage(64, 64, 2, stride=2)
        self.stage3 = Stage(128, 128, 2, stride=2)
        self.stage4 = Stage(256, 256, 3, stride=2)

    @property
    def layers(self) -> list[nn.Module]:
        """All layers from the input on, for freezing."""
        stages = (self.stage1, self.stage2, self.stage3, self.stage4)
        return [self.stem, *(layer for stage in stages for layer in (stage.downsample, *stage.blocks, stage.fuse))]

    def forward(self, images: Tensor) -> list[Tensor]:
        """Compute the maps at strides 8, 16 and 32 of images, shape (B, 3, H, W)."""
        features = self.stage1(functional.max_pool2d(_activate(self.stem(images)), 3, 2, 1))
        maps = []
        for stage in (self.stage2, self.stage3, self.stage4):
            features = stage(features)
            maps.append(features)
        return maps


class PathAggregation(nn.Module):
    """Path aggregation (Liu et al., arXiv 1803.01534) with lateral convolutions only."""

    def __init__(self) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(inputs, CHANNELS, 1) for inputs in MAP_CHANNELS)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Mix the levels, finest first; each keeps its size and gets ``CHANNELS`` channels."""
        levels = [lateral(features) for lateral, features in zip(self.lateral, maps, strict=True)]
        for finer in range(len(levels) - 2, -1, -1):
            levels[finer] = levels[finer] + _resized(levels[finer + 1], levels[finer])
        for coarser in range(1, len(levels)):
            levels[coarser] = levels[coarser] + _resized(levels[coarser - 1], levels[coarser])
        return levels


def _resized(features: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(features, size=like.shape[-2:], mode="bilinear", align_corners=False)


class Backbone(nn.Module):
    """Feature extractor, ``body``, with its neck, ``fpn``."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.fpn = Body(), PathAggregation()
        self.out_channels = CHANNELS

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Compute one map of ``CHANNELS`` channels per level, at ``STRIDES``."""
        return OrderedDict((str(level), features) for level, features in enumerate(self.fpn(self.body(images))))


class LevelHead(nn.Module):
    """Head of one level."""

    def __init__(self, class_count: int) -> None:
        super().__init__()
        self.tower = _conv(CHANNELS, CHANNELS)
        self.class_score = nn.Conv2d(CHANNELS, class_count, 1)
        self.box_bins = nn.Conv2d(CHANNELS, 4 * BINS, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return class logits, shape (B, cells, classes), and logits of distances, shape (B, cells, 4, BINS)."""
        around = _activate(self.tower(features))
        classes = self.class_score(around).flatten(2).transpose(1, 2)
        bins = self.box_bins(around).flatten(2).transpose(1, 2)
        return classes.float(), bins.unflatten(2, (4, BINS)).float()


class Cells(NamedTuple):
    """Predictions of the P cells of all levels.

    Attributes:
        classes: Class logits, shape (B, P, classes).
        bins: Logits of the distances to the four sides, shape (B, P, 4, BINS).
        boxes: Boxes, xyxy in pixels, shape (B, P, 4).
        points: Centres of the cells, shape (P, 2).
        strides: Strides of the cells, shape (P, 1).
    """

    classes: Tensor
    bins: Tensor
    boxes: Tensor
    points: Tensor
    strides: Tensor


class NanoDet(nn.Module):
    """NanoDet-g; ``autodet.models.registry.build_network`` describes inputs and outputs.

    Args:
        class_count: Number of classes.
        scales: Factors of the square's side at which it predicts; its boxes at all of them are merged. It trains at 1.
    """

    bins: Tensor

    def __init__(self, class_count: int, scales: Sequence[float] = (1.0,)) -> None:
        super().__init__()
        self.scales = scales
        self.detections_per_img, self.score_thresh = MAX_DETECTIONS, MIN_SCORE  # named as in torchvision's detectors
        self.transform = SquareInput(BGR_MEAN[::-1], BGR_STD[::-1], background=0)
        self.backbone = Backbone()
        self.head = nn.ModuleList(LevelHead(class_count) for _ in STRIDES)
        self.reused_classes: dict[str, str] = {}  # as ``build_network`` describes both
        self.similar_classes: dict[str, list[str]] = {}
        self.register_buffer("bins", torch.arange(BINS, dtype=torch.float32), persistent=False)

    def forward(self, squares: Tensor, targets: Targets | None = None) -> dict[str, Tensor] | Targets:
        """Return losses in training and detections in evaluation."""
        if targets is not None and self.training:
            return _losses(self.cells(squares), targets)
        size = (squares.shape[2], squares.shape[3])
        looks = zip(*(self._candidates(squares, scale) for scale in self.scales), strict=True)
        merged = ([torch.cat(parts) for parts in zip(*look, strict=True)] for look in looks)
        return [best_detections(scores, boxes, size, NMS_IOU, voting=True) for scores, boxes in merged]

    def _candidates(self, squares: Tensor, scale: float) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield per square the scores, shape (N, classes), and boxes, shape (N, 4), of the best cells at a scale."""
        seen = scaled(squares, scale, STRIDES[-1])
        classes, bins, points, strides = self._outputs(seen)
        for logits, sides in zip(classes, bins, strict=True):
            chosen = logits.amax(1).topk(min(MAX_CANDIDATES, len(logits))).indices  # only these can be candidates
            boxes = self._boxes(sides[chosen][None], points[chosen], strides[chosen])[0]
            yield logits[chosen].sigmoid(), boxes * (squares.shape[3] / seen.shape[3])

    def cells(self, squares: Tensor) -> Cells:
        """Return what every cell predicts for squares, uint8, shape (B, 3, S, S)."""
        classes, bins, points, strides = self._outputs(squares)
        return Cells(classes, bins, self._boxes(bins, points, strides), points, strides)

    def _outputs(self, squares: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the logits of classes and of distances, and the centres and strides, as ``Cells`` has them."""
        images, _ = self.transform(squares)
        maps = list(self.backbone(images.tensors).values())
        classes, bins = (torch.cat(parts, 1) for parts in zip(*map(_apply, self.head, maps), strict=True))
        return classes, bins, *cell_grid(maps, STRIDES)

    def _boxes(self, bins: Tensor, points: Tensor, strides: Tensor) -> Tensor:
        """Decode the boxes of cells, shape (B, P, 4), from the logits of their distances."""
        # torch computes a softmax over a short last dimension ten times slower than over another one.
        shares = bins.permute(0, 3, 1, 2).contiguous().softmax(1)
        reach = (shares * self.bins[:, None, None]).sum(1) * strides
        return torch.cat((points - reach[..., :2], points + reach[..., 2:]), -1)


def _apply(head: nn.Module, features: Tensor) -> tuple[Tensor, Tensor]:
    outputs: tuple[Tensor, Tensor] = head(features)
    return outputs


def _losses(cells: Cells, targets: Targets) -> dict[str, Tensor]:
    """Compute the losses over all squares, weighting each positive cell by how well it fits its object."""
    classes, bins, boxes, points, strides = cells
    scores = classes.detach().sigmoid()
    wanted = torch.zeros_like(classes)
    positive, matched = [], []
    for photo, target in enumerate(targets):
        quality, owner = assign(
            scores[photo], boxes[photo].detach(), points, strides, target["boxes"], target["labels"]
        )
        chosen = torch.where(quality > 0)[0]
        wanted[photo, chosen, target["labels"][owner[chosen]]] = quality[chosen]
        positive.append(torch.stack((torch.full_like(chosen, photo), chosen)))
        matched.append(target["boxes"][owner[chosen]])
    photo, cell = torch.cat(positive, 1)
    quality, objects = wanted[photo, cell].amax(-1), torch.cat(matched)
    total = quality.sum().clamp(min=1.0)
    share = quality / total
    box_loss = generalized_box_iou_loss(boxes[photo, cell], objects, reduction="none")
    reach = torch.cat((points[cell] - objects[:, :2], objects[:, 2:] - points[cell]), -1) / strides[cell]
    return {
        "loss_class": quality_focal_loss(classes, wanted) / total,
        "loss_box": BOX_WEIGHT * (box_loss * share).sum(),
        "loss_bins": BIN_WEIGHT * (distribution_focal_loss(bins[photo, cell], reach) * share).sum(),
    }


def quality_focal_loss(logits: Tensor, quality: Tensor) -> Tensor:
    """Sum the quality focal loss (Li et al., arXiv 2006.04388, equation 5) of scores.

    Args:
        logits: Logits of the scores.
        quality: Target scores, 0 to 1, of the same shape.
    """
    error = (quality - logits.detach().sigmoid()).abs() ** FOCUS
    return (functional.binary_cross_entropy_with_logits(logits, quality, reduction="none") * error).sum()


def distribution_focal_loss(bins: Tensor, reach: Tensor) -> Tensor:
    """Return the distribution focal loss (Li et al., arXiv 2006.04388, equation 6) of each cell, shape (N,).

    Args:
        bins: Logits of the distances 0, 1, ..., shape (N, 4, BINS).
        reach: True distances to the four sides in strides, shape (N, 4).
    """
    clipped = reach.clamp(0, BINS - 1.01)
    lower = clipped.floor()
    upper_share = clipped - lower
    logs = bins.log_softmax(-1)
    below = logs.gather(-1, lower.long()[..., None])[..., 0]
    above = logs.gather(-1, lower.long()[..., None] + 1)[..., 0]
    return -(below * (1 - upper_share) + above * upper_share).sum(-1)


def build_nanodet(
    class_count: int,
    published: Mapping[str, Tensor] | None,
    classes: Sequence[str],
    examples: Iterable[Example] = (),
    scales: Sequence[float] = (1.0,),
) -> NanoDet:
    """Build NanoDet-g.

    Args:
        class_count: Number of classes.
        published: COCO weights, or None for random weights that a bundle's weights replace.
        classes: Class names; those that COCO knows by the same name keep their rows of the head.
        examples: Training photos, from which other classes take the rows of similar COCO classes.
        scales: As ``NanoDet`` has them.
    """
    network = NanoDet(class_count, scales)
    if published is not None:
        coco = NanoDet(len(COCO_CLASSES))
        coco.load_state_dict(coco_state(published))
        names = classes or [f"class {number}, without a name" for number in range(class_count)]
        shares = _shares(coco, names, examples)
        _copy_rows(coco, network, shares)
        known = match_classes(COCO_CLASSES, names).kept
        network.reused_classes = {name: known[name] for name in known if shares[names.index(name)].max() == 1}
        similar = {name: _similar(row) for name, row in zip(names, shares, strict=True)}
        network.similar_classes = {
            name: others for name, others in similar.items() if others and name not in network.reused_classes
        }
    for layer in (network.backbone.body.stem, network.backbone.body.stage1):
        layer.requires_grad_(False)
    quicken(network)
    return network.to(memory_format=torch.channels_last)


def _similar(shares: Tensor) -> list[str]:
    """Return the COCO classes with the largest shares in the rows of a class, shape (80,)."""
    largest = shares.topk(MAX_SIMILAR)
    pairs = zip(largest.values.tolist(), largest.indices.tolist(), strict=True)
    return [COCO_CLASSES[index] for share, index in pairs if share >= MIN_SIMILAR_SHARE]


@torch.no_grad()
def _copy_rows(coco: NanoDet, network: NanoDet, shares: Tensor) -> None:
    """Load all weights; each row of a class becomes the mean of COCO's rows, weighted by shares (classes, 80)."""
    state = coco.state_dict()
    rows = {name: torch.tensordot(shares, state[name], 1) for name in state if ".class_score." in name}
    network.load_state_dict(state | rows)


def _shares(coco: NanoDet, names: Sequence[str], examples: Iterable[Example]) -> Tensor:
    """Return the share of each COCO class in the rows of each class, shape (classes, 80); a class's shares add up to 1.

    A class that COCO knows by name takes that row, unless it hardly responds to the examples: a data set's mouse may be
    an animal. Other classes take the rows of the COCO classes that respond to their objects, and without examples the
    mean of all rows.
    """
    responses = class_responses(coco, len(names), examples)
    squared = responses**2
    shares = squared / squared.sum(1, keepdim=True)
    shares[~responses.any(1)] = 1 / len(COCO_CLASSES)
    for name, known in match_classes(COCO_CLASSES, names).kept.items():
        row, column = names.index(name), COCO_CLASSES.index(known)
        if responses[row, column] >= MIN_KNOWN_RESPONSE * responses[row].max():
            shares[row] = functional.one_hot(torch.tensor(column), len(COCO_CLASSES))
    return shares


@torch.inference_mode()
def class_responses(coco: NanoDet, class_count: int, examples: Iterable[Example]) -> Tensor:
    """Return the mean score of each COCO class on the objects of examples.

    Args:
        coco: The network with COCO's classes.
        class_count: Number of classes of the examples.
        examples: Squares, uint8, shape (3, S, S), with their ``boxes`` (N, 4) and ``labels`` (N,).

    Returns:
        Shape (class_count, 80): the mean over the cells that fit each object best, 0 to 1; 0 for a
        class without an object.
    """
    coco.eval()
    total = torch.zeros(class_count, len(COCO_CLASSES))
    counts = torch.zeros(class_count, 1)
    for square, target in examples:
        cells = coco.cells(square[None])
        scores = cells.classes[0].sigmoid()
        best = box_iou(target["boxes"], cells.boxes[0]).topk(FITTING_CELLS, 1).indices
        total.index_add_(0, target["labels"], scores[best].mean(1))
        counts.index_add_(0, target["labels"], torch.ones(len(best), 1))
    return total / counts.clamp(min=1)


def coco_state(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the published weights as a state dict of the network with COCO's 80 classes, float32."""
    state = {}
    for name, tensor in published.items():
        part, _, rest = name.partition(".")
        weights = tensor.float()
        if part == "backbone":
            state[f"backbone.body.{rest}"] = weights.flip(1) if rest == "stem.weight" else weights  # BGR to RGB
        elif part == "neck":
            state[f"backbone.fpn.{rest}"] = weights
        elif ".output." in name:
            prefix, kind = name.split(".output.")
            state[f"{prefix}.class_score.{kind}"] = weights[: len(COCO_CLASSES)]
            state[f"{prefix}.box_bins.{kind}"] = weights[len(COCO_CLASSES) :]
        else:
            state[name] = weights
    return state
