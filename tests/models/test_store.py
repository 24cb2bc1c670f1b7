from dataclasses import replace

import pytest
import safetensors.torch
import torch

from autodet.errors import BundleError, LaterVersionError, NotFoundError
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.registry import build_network
from autodet.models.store import add_model, find_model, list_models, put_model, rename_model
from autodet.workspace import Workspace
from tests.models.test_bundle import CARD as ANY_CARD
from tests.models.test_bundle import with_description

CARD = replace(ANY_CARD, architecture="onestage_efficientnet_lite0")


@pytest.fixture(scope="module")
def tensors():
    """The weights of a network that has learnt nothing, by name."""
    return build_network(CARD.architecture, len(CARD.classes), pretrained=False).state_dict()


@pytest.fixture(scope="module")
def weights(tensors):
    return as_safetensors(tensors)


def as_safetensors(tensors):
    return safetensors.torch.save({name: tensor.contiguous() for name, tensor in tensors.items()})


@pytest.fixture
def here(tmp_path):
    return Workspace(tmp_path / "home")


@pytest.fixture
def bundle(tmp_path, weights):
    path = tmp_path / "upload.autodet"
    write_bundle(path, CARD, weights)
    return path


def test_models_are_listed_best_first_and_found_by_id_name_or_file(here, bundle, weights, tmp_path):
    better = tmp_path / "better.autodet"
    write_bundle(better, replace(CARD, name="fruit, better", metrics={"map50": 0.95}), weights)
    first, second = add_model(bundle, "fruit", here), add_model(better, "fruit", here)
    assert (first.id, second.id) == ("fruit", "fruit-2")
    assert [model.id for model in list_models(here)] == ["fruit-2", "fruit"]
    assert find_model("fruit-2", here).path == second.path
    assert rename_model("fruit-2", "fruit, better", here).card.name == "fruit, better"
    assert find_model("fruit, better", here).id == "fruit-2"
    assert find_model(str(better), here).card.name == "fruit, better"
    assert first.to_json() == {"model": "fruit", "name": "fruit", "dataset": "fruit", "map50": 0.9}


def test_a_damaged_upload_adds_nothing(here, bundle):
    bundle.write_bytes(bundle.read_bytes()[:-100])
    with pytest.raises(BundleError):
        add_model(bundle, "fruit", here)
    assert list(here.models.iterdir()) == []


def test_a_damaged_model_in_the_workspace_does_not_hide_the_others(here, bundle):
    add_model(bundle, "fruit", here)
    broken = add_model(bundle, "broken", here)
    broken.path.write_bytes(b"PK")
    assert [model.id for model in list_models(here)] == ["fruit"]


@pytest.mark.parametrize("name", ["nothing", "../models/fruit", "", "a/../../b"])
def test_an_unknown_name_lists_what_there_is(here, bundle, name):
    add_model(bundle, "fruit", here)
    with pytest.raises(NotFoundError, match="fruit"):
        find_model(name, here)


def test_a_search_replaces_its_model_in_place(here, bundle, weights, tmp_path):
    put_model(bundle, "search-1", here)
    better = tmp_path / "better.autodet"
    write_bundle(better, replace(CARD, epoch=9), weights)
    put_model(better, "search-1", here)
    assert [(model.id, model.card.epoch) for model in list_models(here)] == [("search-1", 9)]


def test_a_model_that_was_renamed_keeps_its_name_when_its_search_finds_a_better_one(here, bundle, weights, tmp_path):
    put_model(bundle, "search-1", here)
    rename_model("search-1", "customs", here)
    better = tmp_path / "better.autodet"
    write_bundle(better, replace(CARD, epoch=9), weights)
    put_model(better, "search-1", here)
    (model,) = list_models(here)
    assert (model.card.name, model.card.epoch) == ("customs", 9)
    assert read_bundle(model.path)[1] == weights


def nothing(name, state):
    state.pop(name)


def another_shape(name, state):
    state[name] = torch.zeros(2, 2)


def no_number(name, state):
    state[name] = torch.full_like(state[name], float("nan"))


def whole_numbers(name, state):
    state[name] = state[name].to(torch.int8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (nothing, r"do not fit Single stage on EfficientNet-Lite0 with 3 classes \(head.class_score.bias is missing\)"),
        (another_shape, r"head.class_score.bias has the shape \(2, 2\) instead of \(3,\)"),
        (no_number, "its weights are not all numbers"),
        (whole_numbers, "its weights are not all numbers"),
    ],
)
def test_a_model_whose_weights_do_not_fit_is_refused_when_it_is_added(here, tensors, tmp_path, change, words):
    state = dict(tensors)
    change("head.class_score.bias", state)
    write_bundle(tmp_path / "odd.autodet", CARD, as_safetensors(state))
    with pytest.raises(BundleError, match=words):
        add_model(tmp_path / "odd.autodet", "odd", here)
    assert list(here.models.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"classes": [str(number) for number in range(9000)]}, "with 9,000 classes"),
        ({"architecture": "fasterrcnn_resnet50_fpn_v2"}, "do not fit Faster R-CNN on ResNet-50"),
        ({"architecture": "detr"}, "its network 'detr' is none of autodet's"),
    ],
)
def test_a_description_that_does_not_fit_the_weights_is_refused(here, weights, tmp_path, change, words):
    path = with_description(tmp_path / "odd.autodet", {"architecture": CARD.architecture} | change, weights)
    with pytest.raises(BundleError, match=words):
        add_model(path, "odd", here)


def test_weights_that_are_no_safetensors_are_refused(here, tmp_path):
    write_bundle(tmp_path / "odd.autodet", CARD, b"\xff" * 100)
    with pytest.raises(BundleError, match="its weights are not readable"):
        add_model(tmp_path / "odd.autodet", "odd", here)


def test_a_network_of_a_later_version_says_to_update(here, weights, tmp_path):
    later = {"architecture": "detr", "versions": {"autodet": "99.1"}}
    with pytest.raises(LaterVersionError, match=r"was made by autodet 99\.1; this is autodet .*: update"):
        add_model(with_description(tmp_path / "later.autodet", later, weights), "later", here)


def test_a_model_with_entries_of_a_later_version_is_added_and_found(here, weights, tmp_path):
    more = {"architecture": CARD.architecture, "thresholds": {"apple": 0.4}}
    assert add_model(with_description(tmp_path / "later.autodet", more, weights), "later", here).card.name == "later"


@pytest.mark.parametrize(("name", "words"), [("n" * 201, "at most 200 letters"), ("two\nlines", "control characters")])
def test_a_name_that_no_list_can_show_is_refused(here, bundle, name, words):
    with pytest.raises(BundleError, match=words):
        add_model(bundle, name, here)
    model = add_model(bundle, "fruit", here)
    with pytest.raises(BundleError, match=words):
        rename_model("fruit", name, here)
    assert find_model("fruit", here) == model
