import pytest

from autodet import add_photos
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import DatasetError, NotFoundError
from autodet.messages.versions import change_sentence
from autodet.search.delete_assets import delete_dataset
from tests.helpers import APPLE, BANANA, workspace_in, write_labelled, zip_folder

PEAR = ("pear", (2, 2, 30, 30))


@pytest.fixture
def workspace(tmp_path):
    return workspace_in(tmp_path)


def write(folder, first, photos, marks):
    for number in range(photos):
        write_labelled(folder, f"photo_{number}", marks, seed=first + number)
    return folder


@pytest.fixture
def fruit(tmp_path, workspace):
    """10 photos in train and 4 in val."""
    write(tmp_path / "fruit" / "val", 50, 4, [APPLE, BANANA])
    write(tmp_path / "fruit" / "train", 0, 10, [APPLE, BANANA])
    return import_dataset(tmp_path / "fruit", "fruit", workspace=workspace)


def splits_of(dataset):
    return {record.sha256: record.split for record in dataset.images}


def names(workspace):
    return {path.name for path in workspace.datasets.iterdir()}


def test_new_photos_make_a_version_and_the_data_set_stays(tmp_path, workspace, fruit):
    before = (fruit.folder / "manifest.json").read_bytes()
    new = zip_folder(write(tmp_path / "new" / "train", 100, 3, [("Apple", APPLE[1])]), tmp_path / "more.zip")
    version = add_photos("fruit", new, workspace=workspace)
    assert (version.name, version.classes, len(version.images)) == ("fruit 2", ("apple", "banana"), 17)
    assert splits_of(version).items() >= splits_of(fruit).items()
    assert [parent.id for parent in version.parents] == ["fruit"]
    assert [change_sentence(change) for change in version.parent.changes] == [
        "Added 'more.zip' (3 photos, 3 boxes).",
        "Renamed 'Apple' of 'more.zip' to 'apple' (3 boxes).",
    ]
    assert (fruit.folder / "manifest.json").read_bytes() == before
    assert names(workspace) == {"fruit", "fruit-2"}
    delete_dataset(fruit)
    assert all(version.photo(record).stat().st_size for record in version.images)


def test_a_class_that_the_data_set_lacks_needs_consent_however_many_photos_come(tmp_path, workspace, fruit):
    new = write(tmp_path / "new", 100, 40, [PEAR, APPLE, BANANA])
    with pytest.raises(DatasetError, match=r"Only 'new' labels 'pear': 14 of 54 photos .*--map pear="):
        add_photos(fruit, new, workspace=workspace)
    assert names(workspace) == {"fruit"}
    agreed = add_photos(fruit, new, "agreed", decisions={"class_partial": "keep"}, workspace=workspace)
    assert agreed.classes == ("apple", "banana", "pear")
    mapped = add_photos(fruit, new, "mapped", classes={"pear": "banana"}, workspace=workspace)
    without = add_photos(fruit, new, "without", classes={"pear": None}, workspace=workspace)
    assert mapped.classes == without.classes == fruit.classes and mapped.boxes - without.boxes == 40


def test_a_similar_name_is_asked_about(tmp_path, workspace, fruit):
    new = write(tmp_path / "new", 100, 3, [("Bananas", APPLE[1])])
    with pytest.raises(DatasetError, match="'Bananas' of 'new' is probably 'banana'"):
        add_photos(fruit, new, workspace=workspace)
    assert add_photos(fruit, new, decisions={"class_similar": "fix"}, workspace=workspace).classes == fruit.classes


def test_photos_that_are_there_already_stay_in_their_splits(tmp_path, workspace, fruit):
    write(tmp_path / "again" / "val", 0, 3, [APPLE, BANANA])
    write(tmp_path / "again" / "train", 50, 2, [APPLE, BANANA])
    with pytest.raises(DatasetError, match="'fruit' already has all of these photos and boxes"):
        add_photos(fruit, tmp_path / "again", workspace=workspace)
    write_labelled(tmp_path / "again" / "train", "new", seed=99)
    version = add_photos(fruit, tmp_path / "again", workspace=workspace)
    assert len(version.images) == 15 and splits_of(version).items() >= splits_of(fruit).items()


@pytest.mark.parametrize("source", ["nowhere.zip", "empty"])
def test_a_source_that_cannot_be_imported_leaves_nothing(tmp_path, workspace, fruit, source):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError):
        add_photos(fruit, tmp_path / source, workspace=workspace)
    assert names(workspace) == {"fruit"}


def test_the_data_set_is_looked_up_before_anything_is_imported(tmp_path, workspace):
    with pytest.raises(NotFoundError, match="no data set called 'pears'"):
        add_photos("pears", tmp_path / "nowhere.zip", workspace=workspace)


def test_a_source_may_be_called_like_the_data_set(tmp_path, workspace, fruit):
    new = write(tmp_path / "other" / "fruit", 100, 3, [APPLE])
    version = add_photos(fruit, new, workspace=workspace)
    assert change_sentence(version.parent.changes[0]) == "Added 'fruit (new)' (3 photos, 3 boxes)."
