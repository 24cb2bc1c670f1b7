import subprocess
import sys
import warnings
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from autodet.errors import BundleError, LaterVersionError, ModelError, NameWarning, NotFoundError
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.registry import build_network
from autodet.models.store import add_model, find_model, list_models, put_model, rename_model
from autodet.processes import module_environment
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


@pytest.mark.slow
def test_models_are_listed_best_first_and_found_by_id_name_or_file(here, bundle, weights, tmp_path):
    better = tmp_path / "better.autodet"
    write_bundle(better, replace(CARD, name="fruit, better", metrics={"map50": 0.95}), weights)
    first, second = add_model(bundle, "fruit", here), add_model(better, "Fruit", here)
    assert (first.id, second.id) == ("fruit", "fruit-2")
    assert [model.id for model in list_models(here)] == ["fruit-2", "fruit"]
    assert find_model("fruit-2", here).path == second.path
    assert rename_model("fruit-2", "fruit, better", here).card.name == "fruit, better"
    assert find_model("fruit, better", here).id == "fruit-2"
    assert find_model(str(better), here).card.name == "fruit, better"
    assert first.to_json() == {
        "model": "fruit",
        "name": "fruit",
        "dataset": "fruit",
        "map50": 0.9,
        "thresholds": dict.fromkeys(CARD.classes, 0.5),
        "added": first.added or None,
        "owner": first.owner or None,
    }


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


def bundles(folder, count, weights, **facts):
    """Models, each trained a day after the one before it, and each worse."""
    for day in range(1, count + 1):
        path = folder / f"{day}.autodet"
        card = replace(CARD, created=f"2026-01-{day:02}T10:00:00+00:00", metrics={"map50": 1 - day / 10}, **facts)
        write_bundle(path, card, weights)
        yield path


def test_of_several_of_a_name_the_newest_is_found_and_the_others_are_named(here, weights, tmp_path):
    for number, path in enumerate(bundles(tmp_path, 3, weights, name="My fruit"), 1):
        put_model(path, f"trained-{number}", here)
    sentence = r"model is called 'My fruit' \(trained-3, trained-2, trained-1\); the newest, trained-3, is used"
    with pytest.warns(NameWarning, match=sentence) as warned:
        assert find_model("My fruit", here).id == "trained-3"
    assert warned[0].filename == __file__
    assert find_model("trained-1", here).card.created.startswith("2026-01-01")
    brought = add_model(tmp_path / "1.autodet", "My fruit", here)  # trained before the others, and here after them
    with pytest.warns(NameWarning, match="the newest, my-fruit, is used"):
        assert find_model("My fruit", here).id == brought.id


def test_an_id_means_one_model_for_good_and_newer_ones_of_that_name_are_named(here, weights, tmp_path):
    with pytest.warns(NameWarning, match="'fruit' is the id of another model or search, so .* called 'fruit 3'"):
        models = [add_model(path, "fruit", here) for path in bundles(tmp_path, 3, weights)]
    assert [(model.id, model.name) for model in models] == [
        ("fruit", "fruit"),
        ("fruit-2", "fruit 2"),
        ("fruit-3", "fruit 3"),
    ]
    with pytest.warns(NameWarning, match="id 'fruit' is used; there are newer ones of that name: fruit-3, fruit-2"):
        assert find_model("fruit", here).id == "fruit"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_model("fruit-2", here).id == find_model("fruit 2", here).id == "fruit-2"


def test_an_earlier_workspace_in_which_a_name_is_another_s_id_is_read_alike(here, weights, tmp_path):
    for number, path in enumerate(bundles(tmp_path, 3, weights, name="fruit"), 1):
        put_model(path, "fruit" if number == 1 else f"fruit-{number}", here)
    with pytest.warns(NameWarning, match="newer ones of that name: fruit-3, fruit-2"):
        assert find_model("fruit", here).id == "fruit"


@pytest.mark.slow
def test_no_name_is_the_id_of_another_model_or_search(here, bundle):
    first, second = add_model(bundle, "first", here), add_model(bundle, "second", here)
    (here.searches / "customs").mkdir()
    for name in ("second", " second ", "customs"):
        with pytest.raises(ModelError, match=f"'{name.strip()}' is the id of another model or search"):
            rename_model("first", name, here)
    assert rename_model("first", "first", here).name == "first"  # its own
    with pytest.warns(NameWarning, match="customs 2"):
        assert add_model(bundle, "customs", here).id == "customs-2"  # the search's model gets the search's id
    assert find_model("second", here).card == second.card and first.id == "first"


def test_no_id_is_the_name_of_another_model(here, bundle):
    add_model(bundle, "fruit", here)
    rename_model("fruit", "customs", here)
    second = add_model(bundle, "customs", here)
    assert (second.id, second.name) == ("customs-2", "customs")
    with pytest.warns(NameWarning, match=r"\(customs-2, fruit\)"):
        assert find_model("customs", here).id == "customs-2"


def test_uploads_at_once_get_names_that_are_nobody_else_s_id(here, bundle):
    code = (
        "import sys, autodet; from pathlib import Path; from autodet.models.store import add_model; print(flush=True); "
        "sys.stdin.readline(); [add_model(Path(sys.argv[1]), 'fruit') for _ in range(3)]"
    )
    environment = module_environment(AUTODET_HOME=str(here.home), PYTHONWARNINGS="ignore")
    command = [sys.executable, "-c", code, str(bundle)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    uploads = [subprocess.Popen(command, env=environment, **pipes) for _ in range(2)]
    for upload in uploads:
        upload.stdout.readline()
    for upload in uploads:
        upload.stdin.write("go\n"), upload.stdin.flush()
    for upload in uploads:
        upload.communicate()
        assert upload.returncode == 0
    expected = {("fruit", "fruit"), *((f"fruit-{number}", f"fruit {number}") for number in range(2, 7))}
    assert {(model.id, model.name) for model in list_models(here)} == expected


def test_a_moment_of_training_that_is_none_is_older_than_any(here, weights, tmp_path):
    for number, created in enumerate(("2026-01-01T00:00:00+00:00", "zzz")):
        write_bundle(tmp_path / "x.autodet", replace(CARD, name="My fruit", created=created), weights)
        put_model(tmp_path / "x.autodet", f"trained-{number}", here)
    with pytest.warns(NameWarning):
        assert find_model("My fruit", here).id == "trained-0"


def test_a_model_is_printed_in_one_line(here, bundle):
    model = add_model(bundle, "fruit", here)
    assert repr(model).startswith("StoredModel('fruit', 'fruit', ") and "mAP50 0.900" in repr(model)
    many = replace(model, card=replace(CARD, name="n" * 10_000, classes=tuple(map(str, range(5000)))))
    assert len(repr(many)) < 300 and len(repr(many.card)) < 300


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
        ({"architecture": "detr"}, "autodet has no network 'detr'"),
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
    more = {"architecture": CARD.architecture, "tiles": {"apple": 0.4}}
    assert add_model(with_description(tmp_path / "later.autodet", more, weights), "later", here).card.name == "later"


@pytest.mark.parametrize(("name", "words"), [("n" * 201, "at most 200 letters"), ("two\nlines", "control characters")])
def test_a_name_that_no_list_can_show_is_refused(here, bundle, name, words):
    with pytest.raises(BundleError, match=words):
        add_model(bundle, name, here)
    model = add_model(bundle, "fruit", here)
    with pytest.raises(BundleError, match=words):
        rename_model("fruit", name, here)
    assert find_model("fruit", here) == model


def test_the_error_of_a_stored_model_names_the_model(here, bundle):
    model = add_model(bundle, "Customs camera", here)
    model.path.write_bytes(b"PK")
    with pytest.raises(BundleError, match=f"^{model.id} cannot be used as a model: "):
        find_model(model.id, here)
