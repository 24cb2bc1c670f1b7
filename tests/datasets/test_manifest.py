import json
from dataclasses import replace

import numpy as np
import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import list_datasets, load_dataset
from autodet.datasets.versions.derive import derive_dataset
from autodet.errors import DatasetError, NameWarning, NotFoundError
from autodet.records import Annotations, Finding
from tests.helpers import workspace_in, write_voc


@pytest.fixture
def workspace(tmp_path):
    return workspace_in(tmp_path)


@pytest.fixture
def dataset(tmp_path, workspace):
    return import_dataset(write_voc(tmp_path / "Red Fruit", 10), workspace=workspace)


def test_loads_what_was_imported(dataset, workspace):
    loaded = load_dataset(dataset.id, workspace)
    assert loaded.to_json() == dataset.to_json()
    assert loaded.fingerprint == dataset.fingerprint and loaded.created == dataset.created
    for one, other in zip(loaded.images, dataset.images, strict=True):
        assert (one.file, one.width, one.height, one.split) == (other.file, other.width, other.height, other.split)
        assert one.annotations.boxes_xyxy.tolist() == other.annotations.boxes_xyxy.tolist()


def test_finds_by_id_or_name_and_else_says_what_there_is(dataset, workspace):
    assert load_dataset("Red Fruit", workspace).id == "red-fruit"
    with pytest.raises(NotFoundError, match=r"no data set called 'pears'; there is red-fruit"):
        load_dataset("pears", workspace)


def test_an_empty_workspace_says_what_to_do(workspace):
    assert list_datasets(workspace) == []
    with pytest.raises(NotFoundError, match="none yet: import one"):
        load_dataset("pears", workspace)


@pytest.mark.parametrize("name", ["../datasets/red-fruit", "..", ".", "", "/etc", "a\0b"])
def test_a_name_never_leads_outside(dataset, workspace, name):
    with pytest.raises(NotFoundError):
        load_dataset(name, workspace)


def test_splits(dataset):
    assert [len(dataset.split(name)) for name in ("train", "val", "test", "all")] == [7, 2, 1, 10]
    with pytest.raises(DatasetError, match="'validation' is not a split; choose train"):
        dataset.split("validation")


def test_lists_the_newest_first(dataset, workspace, tmp_path):
    import_dataset(tmp_path / "Red Fruit", name="later", workspace=workspace)
    listed = list_datasets(workspace)
    assert [summary.id for summary in listed] == ["later", "red-fruit"]
    assert listed[1].to_json() == {
        "dataset": "red-fruit",
        "name": "Red Fruit",
        "format": "voc",
        "classes": ("apple", "banana"),
        "splits": {"train": 7, "val": 2, "test": 1},
        "boxes": 20,
        "created": dataset.created,
        "owner": dataset.owner,
    }
    assert (listed[1].problems, listed[1].created) == (0, dataset.created)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 99}', '{"version": 1, "name": "x"}', "null"])
def test_a_damaged_data_set_is_left_out_of_lists_and_explained_when_loaded(dataset, workspace, content):
    for name in ("manifest.json", "summary.json"):
        (dataset.folder / name).write_text(content)
    (workspace.datasets / "stray.txt").write_text("not a data set")
    assert list_datasets(workspace) == []
    with pytest.raises(DatasetError, match=r"'red-fruit' (is damaged|was written by another version).*import it again"):
        load_dataset("red-fruit", workspace)


def test_a_data_set_without_manifest_is_explained(dataset, workspace):
    (dataset.folder / "manifest.json").unlink()
    with pytest.raises(DatasetError, match="missing"):
        load_dataset("red-fruit", workspace)


def test_a_changed_manifest_is_read_again(dataset, workspace):
    document = json.loads((dataset.folder / "manifest.json").read_text())
    (dataset.folder / "manifest.json").write_text(json.dumps({**document, "name": "renamed"}))
    assert load_dataset("red-fruit", workspace).name == "renamed"


def test_of_several_of_a_name_the_newest_is_loaded_and_the_others_are_named(dataset, workspace, tmp_path):
    import_dataset(tmp_path / "Red Fruit", workspace=workspace)
    with pytest.warns(NameWarning, match=r"More than one data set is called 'Red Fruit' \(red-fruit-2, red-fruit\)"):
        assert load_dataset("Red Fruit", workspace).id == "red-fruit-2"
    assert load_dataset("red-fruit", workspace).id == "red-fruit"


def test_no_data_set_gets_the_id_of_another_as_its_name_or_the_name_as_its_id(dataset, workspace, tmp_path):
    with pytest.warns(NameWarning, match="'red-fruit' is the id of another data set, so .* 'red-fruit 2'") as warned:
        second = import_dataset(tmp_path / "Red Fruit", "red-fruit", workspace=workspace)
    assert warned[0].filename == __file__
    assert (second.id, second.name) == ("red-fruit-2", "red-fruit 2")
    assert load_dataset(second.id, workspace).name == second.name
    with pytest.warns(NameWarning, match="'red-fruit 3'"):
        third = derive_dataset(dataset, "red-fruit", drop=["apple"], workspace=workspace)
    assert (third.id, third.name) == ("red-fruit-3", "red-fruit 3")
    with pytest.warns(NameWarning, match="The data set with the id 'red-fruit' is used; .* newer .*: red-fruit-2"):
        assert load_dataset("red-fruit", workspace).id == "red-fruit"


def test_a_version_with_a_number_does_not_stand_beside_its_parent_s_id(workspace, tmp_path, recwarn):
    fruit = import_dataset(write_voc(tmp_path / "fruit", 10), workspace=workspace)
    assert derive_dataset(fruit, drop=["apple"], workspace=workspace).name == "fruit 2"
    assert load_dataset("fruit", workspace).fingerprint == fruit.fingerprint
    assert not [one for one in recwarn if issubclass(one.category, NameWarning)]


def test_a_data_set_is_printed_in_one_line_however_large_it_is(dataset, workspace):
    line = repr(dataset)
    assert line == "Dataset('red-fruit', 'Red Fruit', train 7, val 2, test 1, 20 boxes of 2 classes: apple, banana)"
    assert repr(list_datasets(workspace)) == f"[{line.replace('Dataset(', 'DatasetSummary(')}]"
    many = replace(dataset, name="n" * 10_000, classes=tuple(f"{number}{'c' * 500}" for number in range(1000)))
    assert len(repr(many)) < 400 and "1,000 classes: 0ccc" in repr(many)
    assert repr(dataset.images[0]) == "ImageRecord('train/photo_00.png', 64x48, train, 2 boxes)"
    marks = repr(dataset.images[0].annotations)
    assert marks == "Annotations(2 boxes of the class ids 0, 1; 0 difficult, 0 truncated)"
    assert len(repr(Annotations.of(np.zeros((5000, 4)), np.arange(5000)))) < 200
    assert len(repr(Finding("photo_alike", "a", "keep", photos=("x.jpg",) * 5000))) < 100
