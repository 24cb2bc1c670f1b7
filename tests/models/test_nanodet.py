"""NanoDet-g: its forward pass against a plain one, what it keeps of COCO's weights, and its losses."""

import math
from dataclasses import replace

import pytest
import safetensors.torch
import torch
from torch.nn.functional import conv2d, interpolate, leaky_relu, max_pool2d
from torchvision.ops import box_iou

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.sources.sample import write_sample
from autodet.models.coco_classes import COCO_CLASSES
from autodet.models.matching_weights import transplant
from autodet.models.nanodet import BOX_WEIGHT, distribution_focal_loss, quality_focal_loss
from autodet.models.registry import build_network, find_architecture
from autodet.models.weights import find_weights
from autodet.records import Hyperparameters
from autodet.training.frozen_layers import freeze
from autodet.training.letterbox_dataset import Squares
from autodet.workspace import Workspace

SIDE = 96
LEVELS = (0, 1, 2)


@pytest.fixture(scope="module")
def published():
    return safetensors.torch.load_file(find_weights(find_architecture("nanodet_g").weights))


@pytest.fixture(scope="module")
def coco():
    """The network with all of COCO's classes."""
    return nanodet(COCO_CLASSES).eval()


def nanodet(classes, **options):
    torch.manual_seed(0)
    return build_network("nanodet_g", len(classes), pretrained=True, classes=classes, **options)


def drawing():
    """A square without symmetry, neither of places nor of colours; RGB, uint8, shape (3, SIDE, SIDE)."""
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    square = torch.stack([(3 * x + y) % 256, (x * y // 7) % 256, (255 - x - y) % 256]).to(torch.uint8)
    square[:, 20:70, 30:60] = torch.tensor([250, 210, 40], dtype=torch.uint8)[:, None, None]
    return square


def plain_forward(published, square):
    """The outputs of each level, shape (124, H, W): 80 class logits, then 4 sides of 11 distances.

    Written from the description of the checkpoint alone: BGR, LeakyReLU(0.1), biases everywhere, padding k // 2.
    """
    weights = {name: tensor.float() for name, tensor in published.items()}

    def layer(name, maps, stride=1, activate=True):
        kernel = weights[f"{name}.weight"]
        maps = conv2d(maps, kernel, weights[f"{name}.bias"], stride, padding=kernel.shape[-1] // 2)
        return leaky_relu(maps, 0.1) if activate else maps

    def stage(name, maps, blocks, stride):
        x = layer(f"{name}.downsample", maps, stride)
        y = x
        for number in range(blocks):
            a = layer(f"{name}.blocks.{number}.conv1", y)
            y = torch.cat([layer(f"{name}.blocks.{number}.conv2", a), a], 1)
        return torch.cat([layer(f"{name}.fuse", y), x], 1)

    bgr = square.flip(0)[None].float()
    mean, std = (torch.tensor(values)[:, None, None] for values in ((103.53, 116.28, 123.675), (57.375, 57.12, 58.395)))
    maps = max_pool2d(layer("backbone.stem", (bgr - mean) / std, 2), 3, 2, 1)
    found = []
    for number, (blocks, stride) in enumerate(((1, 1), (2, 2), (2, 2), (3, 2)), 1):
        maps = stage(f"backbone.stage{number}", maps, blocks, stride)
        found.append(maps)
    c3, c4, c5 = (layer(f"neck.lateral.{level}", found[level + 1], activate=False) for level in LEVELS)

    def to(maps, like):
        return interpolate(maps, like.shape[-2:], mode="bilinear", align_corners=False)

    c4 = c4 + to(c5, c4)
    c3 = c3 + to(c4, c3)
    c4 = c4 + to(c3, c4)
    c5 = c5 + to(c4, c5)
    towers = [layer(f"head.{level}.tower", maps) for level, maps in enumerate((c3, c4, c5))]
    return [layer(f"head.{level}.output", maps, activate=False)[0] for level, maps in enumerate(towers)]


def plain_cells(published, square):
    """Class logits (P, 80) and boxes (P, 4) of all cells, from ``plain_forward``."""
    logits, boxes = [], []
    for level, output in enumerate(plain_forward(published, square)):
        stride, (height, width) = 8 << level, output.shape[-2:]
        shares = output[80:].reshape(4, 11, height, width).softmax(1)
        left, top, right, bottom = (shares * torch.arange(11.0)[:, None, None]).sum(1) * stride
        x, y = ((torch.arange(float(size)) + 0.5) * stride for size in (width, height))
        sides = [x[None] - left, y[:, None] - top, x[None] + right, y[:, None] + bottom]
        boxes.append(torch.stack(sides, -1).reshape(-1, 4))
        logits.append(output[:80].permute(1, 2, 0).reshape(-1, 80))
    return torch.cat(logits), torch.cat(boxes)


@torch.inference_mode()
def test_every_cell_predicts_what_a_plain_forward_pass_predicts(published, coco):
    logits, boxes = plain_cells(published, drawing())
    cells = coco.cells(drawing()[None])
    assert logits.shape == (12 * 12 + 6 * 6 + 3 * 3, 80)
    torch.testing.assert_close(cells.classes[0], logits, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(cells.boxes[0], boxes, atol=1e-2, rtol=1e-3)
    turned = coco.cells(drawing().flip(0)[None])  # colours in another order are another photo
    assert (turned.classes[0] - logits).abs().max() > 0.5


# Cell, its best class, that class's logit, and its box, computed once by ``plain_forward`` from the published weights.
EXPECTED = (
    (40, "chair", -4.1738, (13.26, 5.58, 71.95, 71.44)),
    (75, "person", -2.6408, (5.27, 8.40, 54.11, 97.99)),
    (160, "person", -1.9487, (12.68, -3.84, 99.83, 98.55)),
    (184, "tv", -4.3332, (-61.05, -58.48, 161.11, 158.29)),
)


@torch.inference_mode()
@pytest.mark.parametrize(("cell", "name", "logit", "box"), EXPECTED)
def test_the_outputs_are_those_of_the_published_weights(coco, cell, name, logit, box):
    cells = coco.cells(drawing()[None])
    assert COCO_CLASSES[int(cells.classes[0, cell].argmax())] == name
    assert float(cells.classes[0, cell].max()) == pytest.approx(logit, abs=2e-3)
    assert cells.boxes[0, cell].tolist() == pytest.approx(box, abs=0.02)


def rows(network, level, layer="class_score"):
    """Weights and bias of a layer of a level's head, one row per output."""
    head = network.get_submodule(f"head.{level}.{layer}")
    return torch.cat([head.weight.detach().flatten(1), head.bias.detach()[:, None]], 1)


@pytest.mark.parametrize("level", LEVELS)
def test_known_classes_keep_their_rows_unknown_ones_start_from_the_mean_and_boxes_keep_theirs(published, level):
    network = nanodet(("Banana", "unicorn", "apple"))
    assert network.reused_classes == {"Banana": "banana", "apple": "apple"}
    output = published[f"head.{level}.output.weight"].float().flatten(1)
    output = torch.cat([output, published[f"head.{level}.output.bias"].float()[:, None]], 1)
    found = rows(network, level)
    assert torch.equal(found[0], output[COCO_CLASSES.index("banana")])
    assert torch.equal(found[2], output[COCO_CLASSES.index("apple")])
    torch.testing.assert_close(found[1], output[:80].mean(0))
    assert torch.equal(rows(network, level, "box_bins"), output[80:])


def shown(dataset, names):
    """Photos of a data set as examples of classes of other names."""
    squares = Squares(dataset, list(dataset.split("train"))[:8], 160)
    return [squares[index] for index in range(len(squares))], tuple(names[name] for name in dataset.classes)


def test_an_unknown_class_starts_from_the_classes_that_its_examples_look_like(tmp_path):
    write_sample(tmp_path / "sample", images=24, seed=2)
    sample = import_dataset(tmp_path / "sample", workspace=Workspace(tmp_path))
    examples, classes = shown(sample, {"apple": "Apfel", "banana": "Banane", "orange": "Apfelsine"})
    network, without = nanodet(classes, examples=examples), nanodet(classes)
    assert network.reused_classes == {}
    assert set(network.similar_classes) == set(classes)
    assert all(0 < len(others) <= 3 and set(others) <= set(COCO_CLASSES) for others in network.similar_classes.values())
    assert "banana" in network.similar_classes["Banane"]
    assert without.similar_classes == {}  # the mean of all
    for level in LEVELS:
        banana = rows(nanodet(("banana",)), level)[0]
        learnt, mean = (rows(one, level)[classes.index("Banane")] for one in (network, without))
        assert torch.cosine_similarity(learnt, banana, 0) > torch.cosine_similarity(mean, banana, 0) + 0.03


def test_a_name_whose_examples_look_like_something_else_is_not_reused(sample_dataset):
    examples, classes = shown(sample_dataset, {"apple": "apple", "banana": "mouse", "orange": "orange"})
    assert "mouse" not in nanodet(classes, examples=examples).reused_classes
    network = nanodet(classes, examples=examples)
    assert set(network.reused_classes).isdisjoint(network.similar_classes) and "mouse" in network.similar_classes
    assert nanodet(classes).reused_classes["mouse"] == "mouse"  # by name alone


@pytest.mark.parametrize(
    ("depth", "frozen"),
    [
        ("none", ()),
        ("early", ("stem", "stage1")),
        ("half", ("stem", "stage1", "stage2")),
        ("all", ("stem", "stage1", "stage2", "stage3", "stage4")),
    ],
)
def test_freezing_takes_the_first_stages_and_leaves_neck_and_head(depth, frozen):
    network = nanodet(("apple",))
    freeze(network, replace(Hyperparameters(), frozen_depth=depth))
    learning = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    expected = {
        name
        for name, _ in network.named_parameters()
        if not name.startswith(tuple(f"backbone.body.{s}" for s in frozen))
    }
    assert learning == expected


@pytest.mark.parametrize(
    ("logit", "quality", "loss"),
    [
        (0.0, 0.0, 0.25 * math.log(2)),  # |0 - 1/2|^2 times the cross-entropy
        (0.0, 1.0, 0.25 * math.log(2)),
        (0.0, 0.5, 0.0),  # as good as wanted
        (math.log(3), 0.5, 0.0625 * -(0.5 * math.log(0.75) + 0.5 * math.log(0.25))),  # a score of 3/4
        (-math.log(3), 0.75, 0.25 * -(0.75 * math.log(0.25) + 0.25 * math.log(0.75))),
    ],
)
def test_the_quality_focal_loss_is_that_of_the_paper(logit, quality, loss):
    found = quality_focal_loss(torch.tensor([[logit, 50.0]]), torch.tensor([[quality, 1.0]]))
    assert float(found) == pytest.approx(loss, abs=1e-6)


@pytest.mark.parametrize(
    ("distance", "loss"),
    [
        (0.0, -math.log(0.4)),
        (1.0, -math.log(0.3)),
        (0.25, -(0.75 * math.log(0.4) + 0.25 * math.log(0.3))),
        (2.5, -(0.5 * math.log(0.2) + 0.5 * math.log(0.1 / 8))),
        (-3.0, -math.log(0.4)),  # the cell's centre lies outside: distance 0
        (40.0, -math.log(0.1 / 8)),  # out of reach: the longest distance
    ],
)
def test_the_distribution_focal_loss_is_that_of_the_paper(distance, loss):
    shares = torch.tensor([0.4, 0.3, 0.2, *[0.1 / 8] * 8])  # of the distances 0 to 10
    bins = shares.log().expand(2, 4, 11)
    reach = torch.full((2, 4), distance)
    assert distribution_focal_loss(bins, reach).tolist() == pytest.approx([4 * loss] * 2, rel=1e-3)
    even = distribution_focal_loss(torch.zeros(1, 4, 11), reach[:1])
    assert float(even) == pytest.approx(4 * math.log(11), rel=1e-5)


def target(*boxes):
    return {"boxes": torch.tensor(boxes).view(-1, 4), "labels": torch.zeros(len(boxes), dtype=torch.int64)}


def test_photos_without_objects_teach_scores_only_and_photos_among_others_keep_their_losses():
    network = nanodet(("apple",)).train()
    squares = drawing()[None].repeat(2, 1, 1, 1)
    empty = network(squares, [target(), target()])
    assert float(empty["loss_box"]) == float(empty["loss_bins"]) == 0
    sum(empty.values()).backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.head.parameters() if parameter.grad is not None)
    assert network.head[0].class_score.bias.grad.abs().sum() > 0
    mixed = network(squares, [target((30.0, 20.0, 60.0, 70.0)), target()])
    assert all(0 < float(loss) < math.inf for loss in mixed.values())


@pytest.mark.parametrize("side", [320, 640])
def test_an_object_as_large_as_the_square_is_within_reach(side):
    network, whole = nanodet(("wall",)), torch.tensor([[0.0, 0.0, side, side]])
    with torch.no_grad():  # the coarsest level predicts half of the square on each side
        network.head[2].box_bins.weight.zero_()
        network.head[2].box_bins.bias.copy_(50.0 * (torch.arange(11) == side // 64).repeat(4))
    square = torch.zeros(1, 3, side, side, dtype=torch.uint8)
    with torch.inference_mode():
        boxes = network.cells(square).boxes[0].clamp(0, side)
    assert float(box_iou(boxes, whole).max()) > 0.85
    losses = network.train()(square, [target((0.0, 0.0, side, side))])
    assert all(0 < float(loss) < math.inf for loss in losses.values())
    assert float(losses["loss_box"]) < 0.5 * BOX_WEIGHT  # cells that fit it learn it


def test_a_model_with_other_classes_gives_its_rows_by_name():
    source, network = nanodet(("apple", "kiwi", "banana")), nanodet(("Kiwi", "cherry"))
    with torch.no_grad():
        for parameter in source.parameters():
            parameter.add_(0.01)
    fresh = [rows(network, level)[1].clone() for level in LEVELS]
    taken = transplant(source.state_dict(), ("apple", "kiwi", "banana"), network, ("Kiwi", "cherry"))
    assert (taken.kept, taken.fresh, taken.gone) == ({"Kiwi": "kiwi"}, ("cherry",), ("apple", "banana"))
    for level in LEVELS:
        assert torch.equal(rows(network, level)[0], rows(source, level)[1])
        assert torch.equal(rows(network, level)[1], fresh[level])
        assert torch.equal(rows(network, level, "box_bins"), rows(source, level, "box_bins"))
    assert torch.equal(network.backbone.body.stem.weight, source.backbone.body.stem.weight)


def test_two_scales_merge_what_the_network_sees_at_both(coco):
    both = build_network("nanodet_g_two_scales", len(COCO_CLASSES), pretrained=True, classes=COCO_CLASSES).eval()
    square = drawing().repeat_interleave(4, 1).repeat_interleave(4, 2)[None]  # 384 px; a step above 0.77 of it is 288
    with torch.inference_mode():
        small = coco(interpolate(square.float(), size=(288, 288), mode="bilinear", align_corners=False))[0]
        merged, *single = both(square)[0], coco(square)[0], {**small, "boxes": small["boxes"] * 384 / 288}
    best = [highest_by_class(seen) for seen in single]
    expected = {name: max(best, key=lambda seen: seen.get(name, (0.0,))[0])[name] for name in best[0] | best[1]}
    found = dict(sorted(highest_by_class(merged).items(), key=lambda one: -one[1][0])[:10])
    assert all(any(seen.get(name) == expected[name] for name in found) for seen in best)  # each scale wins a class
    for name, (score, box) in found.items():
        assert score == pytest.approx(expected[name][0], abs=1e-4)
        assert float(box_iou(torch.tensor([box]), torch.tensor([expected[name][1]]))) > 0.7


def highest_by_class(seen):
    """Return the highest score of each class, and its box."""
    rows = zip(seen["labels"].tolist(), seen["scores"].tolist(), seen["boxes"].tolist(), strict=True)
    return {label: (score, box) for label, score, box in reversed(list(rows))}
