"""Deleting models and data sets, under searches that use them and under readers."""

import subprocess
import sys

import pytest

import autodet
from autodet.datasets.manifest import list_datasets, load_dataset
from autodet.datasets.versions.derive import derive_dataset
from autodet.errors import AmbiguousNameError, DatasetError, ModelError, NotFoundError
from autodet.lock import hold_folder
from autodet.models.store import add_model, find_model, list_models
from autodet.processes import module_environment
from autodet.search.api import find_search
from autodet.search.delete import empty_trash
from autodet.search.delete_assets import plan_dataset_deletion, plan_model_deletion
from autodet.search.start import start_search
from tests.helpers import untrained_bundle

SLOW = {"seconds_of_epoch": {"1": 60}}


def test_a_data_set_that_searches_use_is_not_deleted_whatever_it_is_called(start, data, home):
    searches = [start(SLOW, trials=2, epochs=2) for _ in range(2)]  # one runs, the other one waits for its device
    assert all(search.status().active for search in searches)
    with pytest.raises(DatasetError, match="in use by the searches fruit-2 and fruit; stop them"):
        autodet.delete_dataset("fruit")
    searches[0].stop()
    searches[0].wait(best_so_far=True)
    with pytest.raises(DatasetError, match="in use by the search fruit-2; stop that"):
        autodet.delete_dataset("fruit")
    searches[1].stop()
    searches[1].wait(best_so_far=True)
    assert load_dataset("fruit", home).fingerprint == data.fingerprint
    deleted = autodet.delete_dataset("fruit")
    assert (deleted.kind, deleted.id, set(deleted.unfinished)) == ("dataset", "fruit", {"fruit", "fruit-2"})
    assert list_datasets(home) == [] and list(home.datasets.iterdir()) == []
    assert "no longer exists" in find_search("fruit", home).lost_data()


def test_a_search_that_could_go_on_is_named_and_one_that_is_over_is_not(start, home):
    start(trials=1, epochs=1, name="whole").wait()
    stopped = start(SLOW, trials=2, epochs=2, name="stopped")
    stopped.stop()
    stopped.wait(best_so_far=True)
    assert plan_dataset_deletion("fruit", home).unfinished == ("stopped",)


def test_the_model_of_a_search_at_work_is_not_deleted(start, home, eventually):
    search = start({"seconds_of_epoch": {"2": 60}}, trials=1, epochs=2)
    eventually(lambda: list_models(home))
    with pytest.raises(ModelError, match="makes the model fruit is still running"):
        autodet.delete_model("fruit")
    search.stop()
    search.wait(best_so_far=True)
    planned = plan_model_deletion("fruit", home)
    assert planned.freed_bytes >= list_models(home)[0].size_bytes
    assert autodet.delete_model("fruit") == planned
    assert list_models(home) == [] and list(home.models.iterdir()) == []
    with pytest.raises(NotFoundError, match="no model 'fruit'"):
        search.best_detector(best_so_far=True)


def test_the_id_of_a_deleted_model_stays_its_search_s(start, home, tmp_path):
    start(trials=1, epochs=1).wait()
    autodet.delete_model("fruit")
    with pytest.warns(autodet.NameWarning, match="'fruit 2'"):
        uploaded = add_model(untrained_bundle(tmp_path / "fruit.autodet"), "fruit", home)
    assert uploaded.id == "fruit-2"


def test_versions_keep_the_photos_that_they_share_which_free_nothing(data, home):
    version = derive_dataset(data, drop=["banana"], workspace=home)
    smaller = derive_dataset(version, rename={"apple": "pome"}, workspace=home)
    photos = sum(data.photo(record).stat().st_size for record in data.images)
    deleted = autodet.delete_dataset("fruit")
    assert set(deleted.versions) == {version.id, smaller.id} and deleted.freed_bytes < photos
    assert autodet.delete_dataset(version.id).versions == (smaller.id,)
    assert all(smaller.photo(record).read_bytes() for record in smaller.images)
    empty_trash(home, kept_seconds=0)
    assert autodet.delete_dataset(smaller.id).freed_bytes > photos


@pytest.mark.parametrize("held", ["version", "export"])
def test_a_data_set_that_is_being_read_is_not_deleted(data, home, held, tmp_path):
    making = {
        "version": "autodet.derive_dataset('fruit', drop=['apple'])",
        "export": f"autodet.export_dataset('fruit', 'coco', {str(tmp_path / 'x.zip')!r})",
    }
    code = f"""
import os, sys, autodet
def wait(event, arguments):  # stop at the first photo, until the test has looked
    if event in ('os.link', 'open') and 'images' in str(arguments[0]):
        print('reading', flush=True), sys.stdin.readline()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
sys.addaudithook(wait)
print({making[held]})
"""
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=module_environment()
    ) as process:
        assert process.stdout.readline() == "reading\n"
        with pytest.raises(DatasetError, match="being made"):
            autodet.delete_dataset("fruit")
        process.communicate("go on\n" * 100)
    assert process.returncode == 0
    assert autodet.delete_dataset("fruit").id == "fruit"


@pytest.mark.slow
def test_a_data_set_that_is_being_deleted_gets_no_version(data, home):
    with hold_folder(data.folder, alone=True, patience_seconds=0), pytest.raises(DatasetError, match="was deleted"):
        derive_dataset(data, drop=["apple"], workspace=home)


def test_no_search_starts_with_a_data_set_that_was_deleted_meanwhile(data, home):
    autodet.delete_dataset("fruit")
    with pytest.raises(autodet.AutodetError, match="no longer exists"):
        start_search(data)
    assert list(home.searches.iterdir()) == []


@pytest.mark.slow
def test_a_name_that_several_have_deletes_none(home, tmp_path):
    for _ in range(2):
        add_model(untrained_bundle(tmp_path / "x.autodet"), "My fruit", home)
    with pytest.raises(AmbiguousNameError, match="give the id of one"):
        autodet.delete_model("My fruit")
    assert len(list_models(home)) == 2
    assert autodet.delete_model("my-fruit").id == "my-fruit"
    assert autodet.delete_model("My fruit").id == "my-fruit-2"


def test_values_can_be_deleted_in_place_of_names(data, home, tmp_path):
    bundle = untrained_bundle(tmp_path / "x.autodet")
    model = add_model(bundle, "x", home)
    with pytest.raises(NotFoundError, match="not a model of the workspace"):
        autodet.delete_model(find_model(bundle))
    assert autodet.delete_model(model).id == "x" and bundle.exists()
    version = derive_dataset(data, drop=["apple"], workspace=home)
    assert autodet.delete_dataset(version).id == version.id
    assert autodet.delete_dataset(list_datasets(home)[0]).id == "fruit"


def test_what_is_damaged_can_be_deleted_by_its_id(data, home, tmp_path):
    model = add_model(untrained_bundle(tmp_path / "x.autodet"), "x", home)
    model.path.write_bytes(b"PK")
    assert autodet.delete_model("x").id == "x"
    version = derive_dataset(data, drop=["apple"], workspace=home)
    for folder in (version.folder, data.folder):
        (folder / "manifest.json").write_text("{")
    assert autodet.delete_dataset("fruit").versions == ()
    assert autodet.delete_dataset(version.id).id == version.id


@pytest.mark.parametrize("name", [None, 7, "nothing", "", "..", "../datasets/fruit", "a\0b", ".", "x" * 300])
def test_a_name_never_leads_outside(data, home, name):
    for delete in (autodet.delete_dataset, autodet.delete_model):
        with pytest.raises(NotFoundError):
            delete(name)
    assert len(list_datasets(home)) == 1
