import socket

import pytest
import torch
from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn

from autodet.errors import ModelError, WeightsError
from autodet.models.registry import (
    ARCHITECTURES,
    DEFAULT_ARCHITECTURE,
    build_network,
    find_architecture,
    weights_problem,
)
from autodet.models.weights import COCO_WEIGHTS

MOBILENET = "fasterrcnn_mobilenet_v3_large_320_fpn"


@pytest.fixture
def offline(monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("AUTODET_WEIGHTS", raising=False)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_trains_and_predicts_with_class_ids_from_zero(name):
    torch.manual_seed(0)
    network = build_network(name, class_count=2, pretrained=False)
    squares = torch.randint(0, 255, (2, 3, 96, 96), dtype=torch.uint8)
    targets = [
        {"boxes": torch.tensor([[10.0, 10.0, 60.0, 60.0]]), "labels": torch.tensor([1])},
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
    ]
    losses = network.train()(squares, targets)
    total = sum(losses.values())
    total.backward()
    assert torch.isfinite(total)
    with torch.inference_mode():
        outputs = network.eval()(squares)
    assert len(outputs) == 2
    labels = torch.cat([output["labels"] for output in outputs])
    assert set(labels.tolist()) <= {0, 1}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_facts_shown_before_choosing_are_true(name):
    architecture = find_architecture(name)
    network = build_network(name, class_count=3, pretrained=False)
    millions = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    assert architecture.parameters_millions == pytest.approx(millions, rel=0.05)


def test_an_unknown_architecture_lists_the_known_ones():
    with pytest.raises(ModelError, match=DEFAULT_ARCHITECTURE):
        find_architecture("yolo99")


def test_the_default_needs_no_network(offline):
    assert weights_problem(DEFAULT_ARCHITECTURE) is None
    build_network(DEFAULT_ARCHITECTURE, class_count=1, pretrained=True)


def test_coco_weights_out_of_reach_are_told_before_and_on_loading(offline, monkeypatch):
    problem = weights_problem(MOBILENET)
    assert problem is not None
    assert "AUTODET_WEIGHTS" in problem
    assert "EfficientNet-Lite0" in problem

    def refuse(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    with pytest.raises(WeightsError, match="AUTODET_WEIGHTS"):
        build_network(MOBILENET, class_count=1, pretrained=True)


def test_coco_weights_are_taken_from_the_folder_that_the_settings_name(offline, monkeypatch, tmp_path):
    published = fasterrcnn_mobilenet_v3_large_320_fpn(weights=None, weights_backbone=None, num_classes=91)
    torch.save(published.state_dict(), tmp_path / COCO_WEIGHTS[MOBILENET].file)
    monkeypatch.setenv("AUTODET_WEIGHTS", str(tmp_path))
    assert weights_problem(MOBILENET) is None
    network = build_network(MOBILENET, class_count=4, pretrained=True)
    torch.testing.assert_close(network.rpn.head.cls_logits.weight, published.rpn.head.cls_logits.weight)
    assert network.roi_heads.box_predictor.cls_score.out_features == 5
