import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.imports.temporary import assumptions, path_of_photos, temporary_dataset
from autodet.datasets.manifest import list_datasets
from autodet.errors import DatasetError, NameWarning
from tests.helpers import APPLE, BANANA, write_labelled, write_voc, zip_folder


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def test_photos_keep_their_paths_are_of_no_split_and_are_deleted(workspace, tmp_path):
    write_labelled(tmp_path / "set" / "a", "same", [APPLE], seed=1)
    write_labelled(tmp_path / "set" / "b", "same", [BANANA], seed=2)
    before = contents(tmp_path / "set")
    with temporary_dataset(tmp_path / "set", workspace) as photos:
        named = {record.file: photos.classes[record.annotations.class_ids[0]] for record in photos.images}
        assert named == {"a/same.png": "apple", "b/same.png": "banana"}
        assert {photos.photo(record).read_bytes() for record in photos.images} < set(before.values())
        assert (photos.splits, photos.name, photos.temporary) == ({"test": 2}, "set", True)
        assert photos.workspace.home == workspace.home
        assert assumptions(photos) == []  # few boxes and no validation matter to training alone
    assert contents(tmp_path / "set") == before
    assert list(workspace.dropped.iterdir()) == []
    assert list_datasets(workspace) == []


def test_several_splits_of_the_source_are_kept(workspace, tmp_path):
    for split, count in (("train", 3), ("val", 2)):
        write_voc(tmp_path / "set" / split, count)
    with temporary_dataset(zip_folder(tmp_path / "set", tmp_path / "set.zip"), workspace) as photos:
        assert photos.splits == {"train": 3, "val": 2}
        assert photos.images[0].file == "train/photo_00.png"
    with temporary_dataset(tmp_path / "set" / "val", workspace) as photos:
        assert photos.splits == {"test": 2}


def test_a_finding_is_assumed_or_refused_until_it_is_decided(workspace, tmp_path):
    write_voc(tmp_path / "set", 3)
    copy = tmp_path / "set" / "photo_00.png"
    copy.with_name("bare.png").write_bytes(copy.with_name("photo_01.png").read_bytes() + b" ")
    with temporary_dataset(tmp_path / "set", workspace) as photos:
        (assumed,) = assumptions(photos)
    assert assumed.startswith("Photos without labels. bare.png: ")
    assert assumed.endswith("The photo was left out.")

    write_labelled(tmp_path / "set", "twin", [BANANA]).with_suffix(".png").write_bytes(copy.read_bytes())
    with pytest.raises(DatasetError, match=r"photo_00\.png"), temporary_dataset(tmp_path / "set", workspace):
        pass
    with temporary_dataset(tmp_path / "set", workspace, {"copies_disagree": "fix"}) as photos:
        assert len(photos.images) == 3


def test_a_data_set_takes_precedence_over_a_path_of_its_name(workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = write_voc(tmp_path / "fruit", 3)
    assert path_of_photos("fruit", workspace) == folder.relative_to(tmp_path)
    assert path_of_photos("more.zip", workspace).name == "more.zip"  # reading it says that there is none
    assert path_of_photos("basil", workspace) is None
    import_dataset(folder, "fruit", workspace=workspace)
    with pytest.warns(NameWarning, match=r"data set 'fruit' is used, not the files there; write './fruit'"):
        assert path_of_photos("fruit", workspace) is None
    assert path_of_photos("./fruit", workspace)
    assert path_of_photos(folder, workspace) == folder
