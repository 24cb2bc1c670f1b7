import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn
from torchvision.models import get_model, get_model_weights

from autodet.errors import ModelError, WeightsError
from autodet.inference.onnx_export import onnx_metadata
from autodet.inference.onnx_runtime import OnnxRuntime, open_session
from autodet.inference.onnx_trace import trace
from autodet.inference.torch_runtime import TorchRuntime
from autodet.models import registry
from autodet.models.detection import detection_limit
from autodet.models.letterbox import Letterbox
from autodet.models.model_card import ModelCard
from autodet.models.onnx_graph import backbone_maps, check_graph, with_metadata, with_outputs
from autodet.models.registry import (
    ARCHITECTURES,
    DEFAULT_ARCHITECTURE,
    build_network,
    find_architecture,
    weights_problem,
)
from autodet.models.weights import find_weights

MOBILENET = "fasterrcnn_mobilenet_v3_large_320_fpn"
SIDE = 64
TARGETS = [
    {"boxes": torch.tensor([[10.0, 10.0, 40.0, 40.0]]), "labels": torch.tensor([1])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
]


def lively(network):
    """A network without pretrained weights, each layer scaled so that what it sees depends on the photo."""
    torch.manual_seed(0)

    def stretch(conv, _inputs, output):
        if output.numel() < 16:
            return output
        spread = output.std().clamp(min=1e-6)
        conv.weight.div_(spread)
        return output / spread

    handles = [module.register_forward_hook(stretch) for module in network.modules() if isinstance(module, nn.Conv2d)]
    with torch.no_grad():
        network.eval()(torch.randint(0, 255, (1, 3, SIDE, SIDE), dtype=torch.uint8))
    for handle in handles:
        handle.remove()
    return network


def same_detections(seen, expected):
    """Whether two predictions hold the same detections: boxes within 0.5 px, scores within 0.001.

    Those that score as low as the last one may be on either side of the limit.
    """
    assert abs(len(seen) - len(expected)) <= 1
    lowest = max(seen.scores.min(), expected.scores.min()) + 2e-3
    for first, second in ((seen, expected), (expected, seen)):
        for box, class_id, score in zip(first.boxes_xyxy, first.class_ids, first.scores, strict=True):
            far = np.abs(second.boxes_xyxy - box).max(1) > 0.5
            other = far | (second.class_ids != class_id) | (np.abs(second.scores - score) > 1e-3)
            assert score < lowest or not other.all(), (box, class_id, score)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.slow
def test_every_architecture_learns_predicts_is_kept_and_is_what_it_is_said_to_be(name, tmp_path):
    architecture = find_architecture(name)
    torch.manual_seed(0)
    network = build_network(name, class_count=2, pretrained=False)
    squares = torch.randint(0, 255, (2, 3, SIDE, SIDE), dtype=torch.uint8)
    total = sum(network.train()(squares, TARGETS).values())
    total.backward()
    assert torch.isfinite(total)
    assert any(parameter.grad is not None for parameter in network.get_submodule("backbone.body").parameters())
    assert not next(iter(network.get_submodule("backbone.body").parameters())).requires_grad

    with torch.inference_mode():
        outputs = network.eval()(squares[:1])
        finest = next(iter(network.backbone(network.transform(squares)[0].tensors).values()))
    assert [set(output["labels"].tolist()) <= {0, 1} for output in outputs] == [True]
    assert finest.shape[-1] * architecture.stride == SIDE
    millions = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    assert architecture.parameters_millions == pytest.approx(millions, rel=0.03)

    kept = safetensors.torch.save({key: value.contiguous() for key, value in network.state_dict().items()})
    again = build_network(name, class_count=2, pretrained=False).eval()
    again.load_state_dict(safetensors.torch.load(kept))
    with torch.inference_mode():
        torch.testing.assert_close(again(squares[:1]), outputs)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if ARCHITECTURES[name].onnx])
@pytest.mark.slow
def test_what_is_said_to_export_to_onnx_sees_the_same_there(name):
    network = lively(build_network(name, class_count=3, pretrained=False)).eval()
    card = ModelCard("m", ("a", "b", "c"), name, SIDE, "data", "f", {"map50": 0.5}, weights_sha256="w" * 64)
    graph = with_metadata(trace(network, SIDE), onnx_metadata(card, detection_limit(network)))
    assert check_graph(graph, card)["classes"] == '["a", "b", "c"]'
    photo = Letterbox.fit(SIDE, SIDE, SIDE)
    square = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
    runtimes = OnnxRuntime(graph, card), TorchRuntime(network)
    seen, expected = (runtime.detect([square], [photo])[0] for runtime in runtimes)
    assert len(expected) > 0
    assert (seen.size_wh, seen.truncated) == (expected.size_wh, expected.truncated)
    same_detections(seen, expected)
    maps = open_session(with_outputs(graph, backbone_maps(graph)), 1).run(
        None, {"square": square.transpose(2, 0, 1)[None]}
    )
    assert {level.shape[:1] + level.shape[4:] for level in maps} == {(1,)}
    assert all(level.shape[-1] == level.shape[-2] < SIDE for level in maps)


def test_the_documents_list_every_architecture():
    documented = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    for architecture in ARCHITECTURES.values():
        facts = f"| {architecture.seconds_per_image_cpu:g} | {architecture.seconds_per_prediction_cpu:g} |"
        row = next(line for line in documented.splitlines() if f"`{architecture.name}`" in line)
        assert row.endswith(facts)


def test_an_unknown_architecture_lists_the_known_ones():
    with pytest.raises(ModelError, match=DEFAULT_ARCHITECTURE):
        find_architecture("yolo99")


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if ARCHITECTURES[name].weights.installed])
def test_what_is_installed_needs_no_network(offline, name):
    assert weights_problem(name) is None
    build_network(name, class_count=1, pretrained=True)


def test_coco_weights_out_of_reach_are_told_before_and_on_loading(offline):
    problem = weights_problem(MOBILENET)
    assert problem is not None
    assert "AUTODET_WEIGHTS" in problem
    assert "NanoDet-g" in problem
    with pytest.raises(WeightsError, match="AUTODET_WEIGHTS"):
        build_network(MOBILENET, class_count=1, pretrained=True)


@pytest.fixture
def published(offline, monkeypatch, tmp_path):
    """A file as torchvision publishes it, with noise for weights, in the folder of the settings."""

    def publish(name):
        torch.manual_seed(0)
        network = get_model(name, weights=None, weights_backbone=None, num_classes=91).eval()
        for module in network.modules():
            if hasattr(module, "running_var"):
                nn.init.uniform_(module.running_var, 0.5, 2.0)
                nn.init.normal_(module.running_mean)
        torch.save(network.state_dict(), tmp_path / "weights")
        digits = hashlib.sha256((tmp_path / "weights").read_bytes()).hexdigest()[:8]
        (tmp_path / "weights").rename(tmp_path / f"noise-{digits}.pth")
        weights = replace(find_architecture(name).weights, file=f"noise-{digits}.pth")
        monkeypatch.setitem(registry.ARCHITECTURES, name, replace(find_architecture(name), weights=weights))
        monkeypatch.setenv("AUTODET_WEIGHTS", str(tmp_path))
        assert find_weights(weights)
        return network

    return publish


@pytest.mark.parametrize(
    "name", [name for name in ARCHITECTURES if ARCHITECTURES[name].builder == registry.TORCHVISION]
)
@pytest.mark.slow
def test_published_weights_compute_the_same_when_their_norms_are_folded(published, name):
    reference = published(name)
    network = build_network(name, class_count=2, pretrained=True, classes=("Apple", "kiwi")).eval()
    squares = torch.randint(0, 255, (1, 3, SIDE, SIDE), dtype=torch.uint8)
    with torch.inference_mode():
        images = network.transform(squares)[0].tensors
        expected, features = reference.backbone(images), network.backbone(images)
    for key, value in expected.items():
        torch.testing.assert_close(features[key], value, rtol=1e-3, atol=1e-4 * float(value.abs().max()))


@pytest.mark.slow
def test_a_class_that_coco_knows_by_the_same_name_keeps_its_rows(published):
    old = published(MOBILENET).roi_heads.box_predictor.cls_score.weight
    classes = get_model_weights(MOBILENET).DEFAULT.meta["categories"]
    new = build_network(MOBILENET, 2, pretrained=True, classes=("kiwi", "Apple")).roi_heads.box_predictor.cls_score
    torch.testing.assert_close(new.weight[2], old[classes.index("apple")])
    torch.testing.assert_close(new.weight[0], old[0])
    assert not torch.isclose(new.weight[1], old).all(1).any()


@pytest.mark.slow
def test_a_model_of_before_its_norms_were_folded_can_still_be_loaded(published):
    reference = published(MOBILENET)
    network = build_network(MOBILENET, class_count=90, pretrained=False).eval()
    network.load_state_dict(reference.state_dict())
    torch.testing.assert_close(
        network.roi_heads.box_predictor.cls_score.weight, reference.roi_heads.box_predictor.cls_score.weight
    )
    with torch.inference_mode():
        images = torch.rand(1, 3, SIDE, SIDE)
        torch.testing.assert_close(network.backbone(images)["0"], reference.backbone(images)["0"], rtol=1e-3, atol=1e-3)
