"""Changes to training and network that `benchmarks.ablation` can apply, by short name."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import WeightedRandomSampler
from torchvision import tv_tensors
from torchvision.models.detection import roi_heads
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import FeaturePyramidNetwork, box_iou, generalized_box_iou_loss
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool
from torchvision.transforms import v2

import autodet
from autodet.models import cascade_roi_head, pyramid
from autodet.models.bundle import read_bundle
from autodet.models.cpu_kernels.precision import answer_in_float32
from autodet.models.detection import square_tensor
from autodet.models.letterbox import Letterbox
from autodet.models.matching_weights import transplant
from autodet.records import learning_rate
from autodet.training import class_balance, frozen_layers, letterbox_dataset, loop, transforms
from autodet.training.device_profile import DeviceTraits
from autodet.training.transforms import MOSAICS

CALM = 0.75  # share of the epochs after which mosaics stop
SIDES = (256, 288, 320, 352, 384)  # of a batch, drawn at random in multi-scale training
PASTED = 3  # maximum objects from another photo
SOURCE: list[Path] = []  # the model with the starting weights


@dataclass(frozen=True)
class Change:
    """A deviation from the defaults.

    Attributes:
        what: Description.
        hyperparameters: Hyperparameters that replace the defaults.
        before: Called before the network is built.
        network: Called with the network and the data set.
        during: Called before each epoch with the completed share of all epochs.
    """

    what: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    before: Callable[[], None] = lambda: None
    network: Callable[[nn.Module, autodet.Dataset], None] = lambda _network, _data: None
    during: Callable[[float], None] = lambda _done: None


# Changes


def _train_in_float32() -> None:
    loop.traits_of = lambda device, _threads: DeviceTraits(device)


def _keep_float32(*modules: nn.Module) -> None:
    """Make modules compute in float32, for inputs of any type."""
    for module in modules:
        kind = type(module)

        def forward(self: nn.Module, features: Any, kind: Any = kind) -> Any:
            with torch.autocast("cpu", enabled=False):
                many = isinstance(features, list)
                return kind.forward(self, [one.float() for one in features] if many else features.float())

        module.__class__ = type(kind.__name__, (kind,), {"forward": forward})


def _heads_in_float32(network: nn.Module, _data: autodet.Dataset) -> None:
    answer_in_float32(network.backbone)
    _keep_float32(network.rpn.head, network.roi_heads.box_head, network.roi_heads.box_predictor)


def _body_in_float32(network: nn.Module, _data: autodet.Dataset) -> None:
    _keep_float32(network.backbone)


def _set_canonical_scale(network: nn.Module, _data: autodet.Dataset) -> None:
    network.roi_heads.box_roi_pool.canonical_scale = 112


def _set_regions(network: nn.Module, _data: autodet.Dataset) -> None:
    network.roi_heads.fg_bg_sampler.batch_size_per_image = 64


def _narrow_head(network: nn.Module, data: autodet.Dataset) -> None:
    network.roi_heads.box_head = TwoMLPHead(network.backbone.out_channels * 49, 512)
    network.roi_heads.box_predictor = FastRCNNPredictor(512, len(data.classes) + 1)
    answer_in_float32(network.roi_heads.box_predictor)


def _fit_ratios(network: nn.Module, data: autodet.Dataset) -> None:
    boxes = np.concatenate([record.annotations.boxes_xyxy for record in data.split("train")])
    height_by_width = (boxes[:, 3] - boxes[:, 1]) / (boxes[:, 2] - boxes[:, 0])
    ratios = tuple(np.quantile(height_by_width, (1 / 6, 1 / 2, 5 / 6)).tolist())
    sizes = network.rpn.anchor_generator.sizes
    network.rpn.anchor_generator = AnchorGenerator(sizes, (ratios,) * len(sizes))


def _double_anchors(network: nn.Module, _data: autodet.Dataset) -> None:
    generator = network.rpn.anchor_generator
    sizes = tuple(tuple(2 * size for size in level) for level in generator.sizes)
    network.rpn.anchor_generator = AnchorGenerator(sizes, generator.aspect_ratios)


def _widen_pyramid() -> None:
    pyramid.FPN_CHANNELS = 128


def _smooth_labels() -> None:
    unsmoothed = functional.cross_entropy
    roi_heads.F = _Functional(lambda logits, labels: unsmoothed(logits, labels, label_smoothing=0.1))


class _Functional:
    """``torch.nn.functional`` with a replaced cross entropy."""

    def __init__(self, cross_entropy: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.cross_entropy = cross_entropy

    def __getattr__(self, name: str) -> Any:
        return getattr(functional, name)


def _judge_boxes_by_giou() -> None:
    before = roi_heads.fastrcnn_loss

    def loss(logits: Tensor, deltas: Tensor, labels: list[Tensor], targets: list[Tensor]) -> tuple[Tensor, Tensor]:
        classes, _ = before(logits, deltas, labels, targets)
        joined = torch.cat(labels)
        positive = torch.where(joined > 0)[0]
        chosen = deltas.reshape(len(deltas), -1, 4)[positive, joined[positive]]
        # IoU is invariant to scaling of the axes, so the unit square can stand for the proposal.
        boxes = generalized_box_iou_loss(_decoded(chosen), _decoded(torch.cat(targets)[positive]), reduction="sum")
        return classes, 10 * boxes / len(joined)

    roi_heads.fastrcnn_loss = loss


def _decoded(deltas: Tensor) -> Tensor:
    centres, sides = deltas[:, :2] / 10 + 0.5, torch.exp((deltas[:, 2:] / 5).clamp(max=4))
    return torch.cat([centres - sides / 2, centres + sides / 2], dim=1)


class _Stretched(Letterbox):
    """Stretch a photo to its square, ignoring the aspect ratio."""

    @classmethod
    def fit(cls, width: int, height: int, side: int) -> "Letterbox":
        return cls(1.0, 0, 0, width, height, side)

    def draw(self, photo: Image.Image) -> Any:
        return np.asarray(photo.resize((self.side, self.side), Image.Resampling.BILINEAR, reducing_gap=2.0))

    def to_square(self, boxes_xyxy: Any) -> Any:
        return (boxes_xyxy * self._factors).astype(np.float32)

    def to_photo(self, boxes_xyxy: Any) -> Any:
        limits = np.array([self.width, self.height, self.width, self.height], np.float32)
        return np.clip(boxes_xyxy / self._factors, 0, limits).astype(np.float32)

    @property
    def _factors(self) -> Any:
        return np.array([self.side / self.width, self.side / self.height] * 2, np.float32)


def _stretch() -> None:
    letterbox_dataset.Letterbox = _Stretched


def _draw_no_mosaics() -> None:
    letterbox_dataset.MOSAICS = 0.0


def _draw_no_mosaics_in_the_end(done: float) -> None:
    letterbox_dataset.MOSAICS = 0.0 if done >= CALM else MOSAICS


def _normalise_pyramid(network: nn.Module, _data: autodet.Dataset) -> None:
    backbone = network.backbone
    backbone.fpn = FeaturePyramidNetwork(
        list(backbone.body.channels),
        backbone.out_channels,
        extra_blocks=LastLevelMaxPool(),
        norm_layer=lambda channels: nn.GroupNorm(8, channels),
    )


def _normalise_head(network: nn.Module, _data: autodet.Dataset) -> None:
    head = network.roi_heads.box_head
    layers = (nn.Flatten(), head.fc6, nn.LayerNorm(1024), nn.ReLU(), head.fc7, nn.LayerNorm(1024), nn.ReLU())
    network.roi_heads.box_head = nn.Sequential(*layers)


def _share_boxes(network: nn.Module, data: autodet.Dataset) -> None:
    predictor = network.roi_heads.box_predictor
    predictor.bbox_pred = nn.Sequential(nn.Linear(1024, 4), _Repeated(len(data.classes) + 1))


class _Repeated(nn.Module):
    """Repeat the same box for every class."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def forward(self, boxes: Tensor) -> Tensor:
        return boxes.repeat(1, self.times)


def _weigh_boxes_twice() -> None:
    before = roi_heads.fastrcnn_loss

    def loss(*arguments: Any) -> tuple[Tensor, Tensor]:
        classes, boxes = before(*arguments)
        return classes, 2 * boxes

    roi_heads.fastrcnn_loss = loss


def _warm_up_longer() -> None:
    learning_rate.WARM_UP = 0.15


def _clip_closer() -> None:
    loop.GRADIENT_NORM = 1.0


def _look_once(network: nn.Module, _data: autodet.Dataset) -> None:
    network.roi_heads.__class__ = RoIHeads


def _agree_by_half() -> None:
    cascade_roi_head.CLOSE = 0.5


def _turn_nothing() -> None:
    transforms.DEGREES = 0.0


def _mark_halves_only() -> None:
    transforms.MINIMUM_VISIBLE = 0.5


def _propose_fewer(network: nn.Module, _data: autodet.Dataset) -> None:
    network.rpn._pre_nms_top_n["training"] = 300
    network.rpn._post_nms_top_n["training"] = 150


# Changes whose benefit depends on the data


def _lower_rates_by_depth() -> None:
    """Train the backbone's last block at 0.6 times the rate of the rest, each earlier block at 0.9 times the next."""
    before = loop._optimizer

    def optimizer(network: nn.Module, hyperparameters: Any) -> torch.optim.AdamW:
        made = before(network, hyperparameters)
        body = made.param_groups.pop()
        for depth, layer in enumerate(reversed(frozen_layers._layers(network.get_submodule("backbone.body")))):
            learning = [one for one in layer.parameters() if one.requires_grad]
            rate = 2 * body["peak"] * 0.9**depth
            if learning:
                made.add_param_group({"params": learning, "lr": rate, "peak": rate})
        return made

    loop._optimizer = optimizer


def _vary_sides() -> None:
    """Resize each batch to a random side (multi-scale training)."""
    before = loop._Trial._learn

    def learn(self: Any, network: nn.Module, images: Tensor, targets: list[dict[str, Tensor]], of: int) -> Tensor:
        side, usual = SIDES[int(torch.randint(len(SIDES), ()))], images.shape[-1]
        resized = functional.interpolate(images.float(), size=(side, side), mode="bilinear", antialias=True)
        scaled = [{**target, "boxes": target["boxes"] * (side / usual)} for target in targets]
        return before(self, network, resized, scaled, of)

    loop._Trial._learn = learn


def _paste_objects() -> None:
    """Paste up to three boxes of another photo into half of the photos, without occluding objects there."""
    before = letterbox_dataset.Squares._marked

    def marked(self: Any, index: int) -> tuple[Tensor, Tensor, Tensor]:
        square, boxes, labels = before(self, index)
        if self.transform is None or torch.rand(()) < 1 / 2:
            return square, boxes, labels
        other, other_boxes, other_labels = before(self, int(torch.randint(len(self), ())))
        square, side = square.clone(), square.shape[-1]
        for choice in torch.randperm(len(other_boxes))[:PASTED]:
            x1, y1, x2, y2 = other_boxes[choice].round().int().clamp(0, side).tolist()
            scale = 0.5 + 0.5 * float(torch.rand(()))
            width, height = int((x2 - x1) * scale), int((y2 - y1) * scale)
            if min(width, height) < transforms.MINIMUM_SIDE:
                continue
            left, top = (int(torch.randint(side - length + 1, ())) for length in (width, height))
            place = torch.tensor([[left, top, left + width, top + height]], dtype=torch.float32)
            if len(boxes) and box_iou(boxes, place).max() > 0.1:
                continue
            patch = other[None, :, y1:y2, x1:x2].float()
            drawn = functional.interpolate(patch, size=(height, width), mode="bilinear", antialias=True)[0]
            square[:, top : top + height, left : left + width] = drawn.round().to(torch.uint8)
            boxes, labels = torch.cat([boxes, place]), torch.cat([labels, other_labels[choice][None]])
        return square, boxes, labels

    letterbox_dataset.Squares._marked = marked


def _crop_by_iou() -> None:
    """Crop up to half of the photos as in the training of SSD, and enlarge the crops to a square."""
    before, crop = transforms.TrainingTransform.__call__, v2.RandomIoUCrop(trials=20)

    def transformed(self: Any, square: Tensor, boxes_xyxy: Tensor, generator: Any = None) -> tuple[Tensor, ...]:
        size = tuple(square.shape[-2:])
        boxes = tv_tensors.BoundingBoxes(boxes_xyxy, format="XYXY", canvas_size=size)
        part = crop.make_params([square, boxes]) if len(boxes_xyxy) and torch.rand(()) < 1 / 2 else {}
        if not part:
            return before(self, square, boxes_xyxy, generator)
        top, left, height, width = (part[name] for name in ("top", "left", "height", "width"))
        shown = Image.fromarray(square[:, top : top + height, left : left + width].permute(1, 2, 0).numpy())
        letterbox = Letterbox.fit(width, height, self.side)
        within = torch.as_tensor(part["is_within_crop_area"])
        moved = boxes_xyxy[within] - torch.tensor([left, top] * 2)
        moved = torch.stack([moved[:, 0::2].clamp(0, width), moved[:, 1::2].clamp(0, height)], 2).flatten(1)
        placed = torch.from_numpy(letterbox.to_square(moved.numpy())).float()
        image, cut, kept = before(self, square_tensor(letterbox.draw(shown)), placed, generator)
        within[within.clone()] = kept
        return image, cut, within

    transforms.TrainingTransform.__call__ = transformed


def _move_nothing() -> None:
    transforms.SHIFT = transforms.SHRINK = transforms.GROW = 0.0


def _colour_nothing() -> None:
    transforms.recolour = lambda square, *_: square


def _draw_rare_classes_more_often() -> None:
    """Oversample each photo by the square root of how much rarer its rarest class is than the most common one."""
    before = loop._Trial._loader

    def loader(self: Any) -> Any:
        made = before(self)
        shown = [set(record.annotations.class_ids.tolist()) for record in self.train_squares.records]
        counts = {name: sum(name in one for one in shown) for name in set().union(*shown)}
        weights = [max((max(counts.values()) / counts[name]) ** 0.5 for name in one) if one else 1.0 for one in shown]
        sampler = WeightedRandomSampler(weights, len(weights))
        return torch.utils.data.DataLoader(
            made.dataset, batch_size=made.batch_size, sampler=sampler, collate_fn=made.collate_fn
        )

    loop._Trial._loader = loader


def _draw_all_alike() -> None:
    class_balance.MAX_OVERSAMPLING = 1.0


def _draw_by_square_root() -> None:
    class_balance.oversampling_factor = lambda photos, most_photos: math.sqrt(most_photos / photos)


def _begin_with_rows(network: nn.Module, data: autodet.Dataset) -> None:
    card, weights = read_bundle(SOURCE[0])
    transplant(safetensors.torch.load(weights), card.classes, network, data.classes)


def _begin_without_rows(network: nn.Module, data: autodet.Dataset) -> None:
    card, weights = read_bundle(SOURCE[0])
    transplant(safetensors.torch.load(weights), [f"not {name}" for name in card.classes], network, data.classes)


CHANGES = {
    "roi112": Change("regions of 112 px, not 224, are pooled from stride 16", network=_set_canonical_scale),
    "regions64": Change("64 regions a photo teach the head, not 128", network=_set_regions),
    "unmixed": Change("no mosaics, where half of the squares are some", before=_draw_no_mosaics),
    "giou": Change("GIoU loss for the head's boxes", before=_judge_boxes_by_giou),
    "smoothing": Change("labels smoothed by 0.1", before=_smooth_labels),
    "fpn128": Change("a pyramid of 128 channels, not 64", before=_widen_pyramid),
    "batch2": Change("batches of 2, not 4", {"batch_size": 2}),
    "stretch": Change("photos stretched to squares, not letterboxed", before=_stretch),
    "size384": Change("squares of 384 px, not 320", {"image_size": 384}),
    "ratios": Change("aspect ratios of anchors fitted to the boxes", network=_fit_ratios),
    "head512": Change("two layers of 512 in the head, not 1024", network=_narrow_head),
}
CHANGES_2 = {
    "lr2e-3": Change("learning rate 0.002, not 0.001", {"lr": 2e-3}),
    "body1": Change("the body learns as fast as the rest, not 0.3 times that", {"backbone_lr_factor": 1.0}),
    "thawed": Change("no layer of the body is frozen", {"frozen_depth": "none"}),
    "decay": Change("weight decay 0.05, not 0.0001", {"weight_decay": 0.05}),
    "strong": Change("augmentation half as strong again", {"augmentation": 1.5}),
    "calm": Change("no mosaics in the last quarter of the epochs", during=_draw_no_mosaics_in_the_end),
    "fpn_norm": Change("group normalisation in the pyramid", network=_normalise_pyramid),
    "head_norm": Change("layer normalisation in the head", network=_normalise_head),
    "shared_boxes": Change("the head predicts one box for all classes", network=_share_boxes),
    "boxes2": Change("the loss of the head's boxes counts twice", before=_weigh_boxes_twice),
    "proposals150": Change("150 proposals of 300 anchors in training, not 300 of 600", network=_propose_fewer),
}
CHANGES_3 = {
    "lr5e-4": Change("learning rate 0.0005, not 0.001", {"lr": 5e-4}),
    "body0.1": Change("the body learns 0.1 times as fast as the rest, not 0.3", {"backbone_lr_factor": 0.1}),
    "decay": CHANGES_2["decay"],
    "fpn_norm": CHANGES_2["fpn_norm"],
    "head_norm": CHANGES_2["head_norm"],
    "proposals150": CHANGES_2["proposals150"],
    "calm": CHANGES_2["calm"],
    "strong": CHANGES_2["strong"],
    "ema0.995": Change("weights are averaged with a decay of 0.995, not 0.99", {"ema_decay": 0.995}),
    "warm": Change("the learning rate rises for 15 % of the steps, not 5 %", before=_warm_up_longer),
    "clip1": Change("gradients have a norm of 1 at most, not 10", before=_clip_closer),
}
CHANGES_4 = {
    "lite1": Change("EfficientNet-Lite1, not Lite0", {"architecture": "fasterrcnn_efficientnet_lite1"}),
    "frozen_half": Change("half of the body's layers are frozen, not the first four", {"frozen_depth": "half"}),
    "layered": Change(
        "the body's rate falls from 0.6 times the rest's by a tenth a block", before=_lower_rates_by_depth
    ),
    "sides": Change("batches of 256 to 384 px, in turns", before=_vary_sides),
    "pasted": Change("objects of other photos pasted into half of the photos", before=_paste_objects),
    "iou_crop": Change("half of the photos cropped as for SSD", before=_crop_by_iou),
    "unmoved": Change("photos are neither moved nor zoomed", before=_move_nothing),
    "uncoloured": Change("colours are left as they are", before=_colour_nothing),
    "unturned": Change("photos are not turned by up to 5 degrees", before=_turn_nothing),
    "unaveraged": Change("no averaged weights", {"ema_decay": 0.0}),
    "batch8": Change("batches of 8, not 4", {"batch_size": 8}),
}
SCREENINGS = {1: CHANGES, 2: CHANGES_2, 3: CHANGES_3, 4: CHANGES_4}
MORE_CHANGES = {
    "float32": Change("float32 throughout, not mixed precision", before=_train_in_float32),
    "heads32": Change("the heads in float32, the body in mixed precision", network=_heads_in_float32),
    "body32": Change("the body in float32, the heads in mixed precision", network=_body_in_float32),
    "one_stage": Change("the single stage", {"architecture": "onestage_efficientnet_lite0"}),
    "lite2": Change("EfficientNet-Lite2", {"architecture": "fasterrcnn_efficientnet_lite2"}),
    "size256": Change("squares of 256 px, not 320", {"image_size": 256}),
    "size512": Change("squares of 512 px, not 320", {"image_size": 512}),
    "size640": Change("squares of 640 px, not 320", {"image_size": 640}),
    "one_look": Change("a head of one stage, not two", network=_look_once),
    "close5": Change("a second look's region is an object's from an IoU of 0.5 on, not 0.6", before=_agree_by_half),
    "halves": Change("boxes are marked from a half visible, not a quarter", before=_mark_halves_only),
    "anchors2": Change("anchors twice as large", network=_double_anchors),
    "unaugmented": Change("no augmentation", {"augmentation": 0.0}),
    "balanced": Change("photos of rare classes are drawn more often", before=_draw_rare_classes_more_often),
    "alike": Change("mosaics are drawn uniformly", before=_draw_all_alike),
    "root": Change("photos of rare classes are put into mosaics by the root of that", before=_draw_by_square_root),
    "rows": Change("begun with a model of the same classes", network=_begin_with_rows),
    "no_rows": Change("the same, with new rows of the head", network=_begin_without_rows),
}
ALL_CHANGES = CHANGES | CHANGES_2 | CHANGES_3 | CHANGES_4 | MORE_CHANGES
