"""Everything that can be tuned acts on training, and the defaults act as they always have."""

import math
from dataclasses import replace

import pytest
import torch

from autodet.models.registry import build_network
from autodet.records import Hyperparameters
from autodet.training.frozen_layers import freeze
from autodet.training.loop import _augmentation, _optimizer
from autodet.training.schedule import set_learning_rates
from autodet.training.transforms import generator_of

NETWORKS = ("nanodet_g", "fasterrcnn_efficientnet_lite0")


def learning(name, depth):
    network = build_network(name, 2, pretrained=False)
    freeze(network, replace(Hyperparameters(), frozen_depth=depth))
    body = network.get_submodule("backbone.body")
    return network, sum(parameter.requires_grad for parameter in body.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_the_deeper_it_is_frozen_the_less_learns(name):
    counts = [learning(name, depth)[1] for depth in ("none", "early", "half", "all")]
    assert counts == sorted(counts, reverse=True)
    assert len(set(counts)) == 4
    assert counts[-1] == 0


@pytest.mark.parametrize(
    ("name", "layer"), [*zip(NETWORKS, ("head.0.class_score", "roi_heads.box_predictor.cls_score"), strict=True)]
)
@pytest.mark.trains
def test_a_wholly_frozen_body_still_trains_what_is_on_top(name, layer):
    network, _ = learning(name, "all")
    optimizer = _optimizer(network, replace(Hyperparameters(), architecture=name))
    head = network.get_submodule(layer).weight
    before = head.detach().clone()
    head.grad = torch.ones_like(head)
    optimizer.step()
    assert not torch.equal(head, before)


@pytest.mark.parametrize(
    ("name", "factor"),
    [("nanodet_g", 0.6), ("fasterrcnn_efficientnet_lite0", 1.0), ("onestage_efficientnet_lite0", 0.3)],
)
def test_one_range_of_learning_rates_suits_every_network(name, factor):
    network = build_network(name, 2, pretrained=False)
    groups = _optimizer(network, replace(Hyperparameters(), architecture=name)).param_groups
    assert [group["peak"] for group in groups] == pytest.approx([1e-3 * factor, 3e-4 * factor])
    assert all(group["params"] for group in groups)


@pytest.mark.parametrize(
    ("scheduler", "middle", "end"),
    [("cosine", 0.505, 0.01), ("linear", 0.505, 0.01), ("constant", 1.0, 1.0)],
)
def test_every_schedule_warms_up_and_then_falls_as_it_says(scheduler, middle, end):
    optimizer = torch.optim.SGD([{"params": [torch.zeros(1)], "lr": 1.0, "peak": 2.0}])
    for progress, factor in ((0.0, 0.1), (0.05, 1.0), (0.525, middle), (1.0, end)):
        set_learning_rates(optimizer, progress, scheduler)
        assert math.isclose(optimizer.param_groups[0]["lr"], 2.0 * factor, rel_tol=1e-6)


def spread(strength):
    transform = _augmentation(replace(Hyperparameters(), image_size=160, augmentation=strength))
    square, boxes = torch.zeros(3, 160, 160, dtype=torch.uint8), torch.tensor([[60.0, 60.0, 100.0, 100.0]])
    centres = []
    for seed in range(30):
        _, moved, _ = transform(square, boxes, generator_of(seed, 1, 0))
        centres += [((box[:2] + box[2:]) / 2 - 80).abs().max().item() for box in moved]
    return sum(centres) / len(centres)


def test_stronger_augmentation_moves_more_and_none_leaves_photos_alone():
    assert spread(0.2) < spread(1.0) < spread(2.0)
    assert _augmentation(replace(Hyperparameters(), augmentation=0.0)) is None
