import pytest
import torch
from torch import nn
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.ops import box_iou

from autodet.models.cascade_roi_head import CascadeRoIHeads
from autodet.models.registry import build_network

SIDE = (200, 200)
OBJECT = torch.tensor([[60.0, 60.0, 120.0, 140.0]])
BESIDE = torch.tensor([[40.0, 50.0, 100.0, 130.0]])
NOWHERE = torch.tensor([[0.0, 0.0, 20.0, 20.0]])


class Regions(nn.Module):
    """In place of features: the regions themselves."""

    def forward(self, _features, regions, _shapes):
        return torch.cat(regions)


class HalfWay(nn.Module):
    """Moves each region half of the way to the object, and is sure of the class of those that come near it."""

    def forward(self, regions):
        centres, sides = (regions[:, :2] + regions[:, 2:]) / 2, regions[:, 2:] - regions[:, :2]
        there, size = (OBJECT[:, :2] + OBJECT[:, 2:]) / 2, OBJECT[:, 2:] - OBJECT[:, :2]
        near = box_iou(regions, OBJECT)[:, 0] > 0.1
        moves = 10 * (there - centres) / sides / 2 * near[:, None]
        deltas = torch.cat([moves, 5 * (size / sides).log() / 2 * near[:, None]], 1)
        logits = torch.stack([torch.where(near, -9.0, 9.0), torch.where(near, 9.0, -9.0)], 1)
        return logits, deltas.repeat(1, 2)


def heads(kind, predictor=None, regions=64):
    parts = (Regions(), nn.Identity(), predictor or HalfWay())
    return kind(*parts, 0.5, 0.5, regions, 0.25, None, 0.05, 0.5, 100)


def found(kind, *proposals):
    return heads(kind).eval()({}, [torch.cat(one) for one in proposals], [SIDE] * len(proposals))[0]


def test_a_second_look_is_closer_than_the_first():
    (once,), (twice,) = found(RoIHeads, [BESIDE]), found(CascadeRoIHeads, [BESIDE])
    assert box_iou(once["boxes"], OBJECT).item() < 0.75 < box_iou(twice["boxes"], OBJECT).item()
    assert twice["labels"].tolist() == [1]


def test_what_holds_nothing_is_not_looked_at_again():
    looked = []
    head = heads(CascadeRoIHeads).eval()
    head.box_roi_pool.register_forward_hook(lambda _pool, given, _answer: looked.append([len(one) for one in given[1]]))
    first, second = head({}, [torch.cat([NOWHERE, BESIDE]), NOWHERE], [SIDE, SIDE])[0]
    assert looked == [[2, 1], [1, 1]]  # the likeliest of a photo is looked at again however unlikely it is
    assert (len(first["boxes"]), len(second["boxes"])) == (1, 0)


class Stays(nn.Module):
    """Leaves regions where they are, and calls all of them the object."""

    def forward(self, regions):
        return torch.tensor([[-20.0, 20.0]]).repeat(len(regions), 1), torch.zeros(len(regions), 8)


@pytest.mark.parametrize(("left", "missed"), [(60.0, 0), (75.0, 0), (87.0, 1)])
def test_the_second_look_learns_that_only_a_close_box_is_the_object(left, missed):
    region = OBJECT.clone()
    region[0, 0] = left  # IoU 1.0, 0.75 and 0.55: an object to the first look, the last one not to the second
    targets = [{"boxes": OBJECT, "labels": torch.tensor([1])}]
    losses = heads(CascadeRoIHeads, Stays()).train()({}, [region], [SIDE], targets)[1]
    assert losses["loss_classifier"].item() == pytest.approx(40 * missed / 2, abs=1e-3)  # of two regions, with the mark


def test_a_photo_without_objects_teaches_that_there_is_nothing():
    targets = [{"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}]
    losses = heads(CascadeRoIHeads, Stays()).train()({}, [torch.cat([BESIDE, NOWHERE])], [SIDE], targets)[1]
    assert losses["loss_classifier"].item() == pytest.approx(80)  # 40 for each look
    assert losses["loss_box_reg"].item() == 0


def test_the_default_network_looks_twice_with_the_weights_of_one_head():
    network = build_network("fasterrcnn_efficientnet_lite0", 2, pretrained=False)
    assert isinstance(network.roi_heads, CascadeRoIHeads)
    layers = {name.split(".")[0] for name in network.roi_heads.state_dict()}
    assert layers == {"box_head", "box_predictor"}
