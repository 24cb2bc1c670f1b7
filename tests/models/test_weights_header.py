"""Weights are checked without torch: names, shapes and numbers."""

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from autodet.errors import BundleError
from autodet.models import store
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.registry import ARCHITECTURES, build_network
from autodet.models.weights_header import weights_problem
from tests.helpers import untrained_bundle

QUICK = ("nanodet_g", "fasterrcnn_efficientnet_lite0", "onestage_efficientnet_lite0", "ssdlite320_mobilenet_v3_large")
SCORES = "head.0.class_score.weight"


@pytest.mark.parametrize("name", QUICK)
def test_the_weights_of_a_network_fit_its_number_of_classes_only(name):
    assert name in ARCHITECTURES
    state = build_network(name, 3, pretrained=False).state_dict()
    content = safetensors.torch.save({key: value.contiguous() for key, value in state.items()})
    assert weights_problem(content, 3) == ""
    assert weights_problem(content, 4) == "its weights do not fit a network with 4 classes"


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_numbers_that_are_not_finite_are_found(kind, value):
    rows = torch.ones((2, 4), dtype=kind)
    assert weights_problem(safetensors.torch.save({SCORES: rows}), 2) == ""
    rows[1, 3] = value
    assert weights_problem(safetensors.torch.save({SCORES: rows}), 2) == "its weights are not all numbers"


@pytest.mark.parametrize("content", [b"", b"text", b"\xff" * 40])
def test_bytes_that_are_no_weights_are_found(content):
    assert weights_problem(content, 2) == "its weights are not readable"


def test_a_model_with_other_weights_is_not_added_where_torch_is_missing(tmp_path, workspace, monkeypatch):
    path = untrained_bundle(tmp_path / "odd.autodet", architecture="nanodet_g")
    card, _ = read_bundle(path)
    monkeypatch.setattr(store, "find_spec", lambda _name: None)
    assert store.add_model(path, "whole", workspace).name == "whole"
    write_bundle(path, card, safetensors.numpy.save({"head.0.other": np.zeros(2, np.float32)}))
    with pytest.raises(BundleError, match=r"^odd\.autodet cannot be used .* do not fit a network with 2 classes"):
        store.add_model(path, "odd", workspace)
