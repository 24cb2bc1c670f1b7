from dataclasses import replace

import pytest

from autodet.errors import BundleError, NotFoundError
from autodet.models.bundle import read_bundle, write_bundle
from autodet.models.store import add_model, find_model, list_models, put_model, rename_model
from autodet.workspace import Workspace
from tests.models.test_bundle import CARD, WEIGHTS


@pytest.fixture
def here(tmp_path):
    return Workspace(tmp_path / "home")


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "upload.autodet"
    write_bundle(path, CARD, WEIGHTS)
    return path


def test_models_are_listed_best_first_and_found_by_id_name_or_file(here, bundle, tmp_path):
    better = tmp_path / "better.autodet"
    write_bundle(better, replace(CARD, name="fruit, better", metrics={"map50": 0.95}), WEIGHTS)
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


def test_a_search_replaces_its_model_in_place(here, bundle, tmp_path):
    put_model(bundle, "search-1", here)
    better = tmp_path / "better.autodet"
    write_bundle(better, replace(CARD, epoch=9), WEIGHTS)
    put_model(better, "search-1", here)
    assert [(model.id, model.card.epoch) for model in list_models(here)] == [("search-1", 9)]


def test_a_model_that_was_renamed_keeps_its_name_when_its_search_finds_a_better_one(here, bundle, tmp_path):
    put_model(bundle, "search-1", here)
    rename_model("search-1", "customs", here)
    better = tmp_path / "better.autodet"
    write_bundle(better, replace(CARD, epoch=9), WEIGHTS)
    put_model(better, "search-1", here)
    (model,) = list_models(here)
    assert (model.card.name, model.card.epoch) == ("customs", 9)
    assert read_bundle(model.path)[1] == WEIGHTS
