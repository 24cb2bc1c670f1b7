"""The trash: what was deleted comes back within a day, whatever happened in between."""

import time

import pytest

from autodet import trash
from autodet.cli import main
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import list_datasets, load_dataset
from autodet.errors import AutodetError, NotFoundError
from autodet.models.store import add_model, find_model, list_models
from autodet.search.api import find_search, list_searches
from autodet.search.delete import empty_trash, restore
from autodet.search.delete_assets import delete_dataset, delete_model
from autodet.search.start import start_search
from autodet.trash import list_trash
from tests.helpers import untrained_bundle, write_voc


@pytest.fixture
def filled(workspace, tmp_path):
    """A workspace with a data set, a search that never ran and a model."""
    dataset = import_dataset(write_voc(tmp_path / "fruit"), "fruit", workspace=workspace)
    start_search(dataset, name="grapes", launcher=lambda _folder: None)
    add_model(untrained_bundle(tmp_path / "pear.autodet"), "pear", workspace)
    return workspace


def delete_all(workspace):
    find_search("grapes", workspace).delete()
    delete_dataset("fruit", workspace)
    delete_model("pear", workspace)


def test_everything_that_was_deleted_comes_back_as_it_was(filled):
    fingerprint = load_dataset("fruit", filled).fingerprint
    delete_all(filled)
    assert list_datasets(filled) == list_searches(filled) == list_models(filled) == []
    assert {(one.kind, one.id) for one in list_trash(filled)} == {
        ("dataset", "fruit"),
        ("search", "grapes"),
        ("model", "pear"),
    }
    for kind, id in (("dataset", "fruit"), ("search", "grapes"), ("model", "pear")):
        restore(kind, id, filled)
    assert load_dataset("fruit", filled).fingerprint == fingerprint
    assert find_search("grapes", filled).spec().dataset == "fruit"
    assert find_model("pear", filled).id == "pear"
    assert list_trash(filled) == []


def test_an_id_that_is_in_use_again_is_not_restored(filled, tmp_path):
    delete_dataset("fruit", filled)
    import_dataset(write_voc(tmp_path / "new"), "fruit", workspace=filled)
    with pytest.raises(AutodetError, match="A newer data set has the id 'fruit'; delete it"):
        restore("dataset", "fruit", filled)
    delete_dataset("fruit", filled)
    assert len(list_trash(filled)) == 2
    restore("dataset", "fruit", filled)
    assert len(load_dataset("fruit", filled).images) == 20
    assert len(list_trash(filled)) == 1


def test_what_is_not_there_is_a_sentence(filled):
    with pytest.raises(NotFoundError, match="The trash holds no model 'pear'"):
        restore("model", "pear", filled)
    with pytest.raises(NotFoundError):
        restore("model", "../datasets/fruit", filled)


def test_things_are_erased_after_a_day(filled, monkeypatch):
    delete_dataset("fruit", filled)
    empty_trash(filled)
    assert len(list_trash(filled)) == 1
    tomorrow = time.time() + trash.KEPT_SECONDS + 1
    monkeypatch.setattr(trash.time, "time", lambda: tomorrow)
    empty_trash(filled)
    assert list_trash(filled) == []
    assert list((filled.home / ".trash" / "datasets").iterdir()) == []


def test_an_import_that_needs_room_erases_the_oldest_things(filled, tmp_path, monkeypatch):
    delete_model("pear", filled)
    delete_dataset("fruit", filled)
    monkeypatch.setattr(trash, "MIN_FREE_BYTES", 0)
    import_dataset(write_voc(tmp_path / "a", 2), workspace=filled)
    assert len(list_trash(filled)) == 2
    monkeypatch.setattr(trash, "MIN_FREE_BYTES", 10**18)
    import_dataset(write_voc(tmp_path / "b", 2), workspace=filled)
    assert list_trash(filled) == []


def test_the_command_line_says_how_to_restore_and_does(filled, capsys):
    assert main(["delete", "fruit", "--kind", "dataset"]) == 0
    assert "restore fruit --kind dataset' brings it back" in capsys.readouterr().out
    assert main(["restore", "fruit", "--kind", "dataset"]) == 0
    assert [dataset.id for dataset in list_datasets(filled)] == ["fruit"]
