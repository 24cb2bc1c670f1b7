import pytest

from autodet.access.visitor import Visitor, acting_as
from autodet.datasets.drafts.journal import read_drafts
from autodet.datasets.drafts.marks import mark_photos
from autodet.datasets.imports.import_dataset import import_dataset
from autodet.errors import AccessError, DatasetError
from tests.helpers import write_voc


@pytest.fixture
def data(tmp_path, workspace):
    return import_dataset(write_voc(tmp_path / "set", photos=5), "set", workspace=workspace)


def test_flagged_photos_keep_their_labels_and_need_a_look(data):
    files = [record.file for record in data.images[:3]]
    before = read_drafts(data)
    assert mark_photos(data, [*files, files[0]]) == 3
    after = read_drafts(data)
    for record in data.images:
        assert after.of(record.file).needs_look == (record.file in files)
        assert after.of(record.file).boxes == before.of(record.file).boxes
        assert after.state_of(record.file) == before.state_of(record.file)


def test_flagging_again_changes_nothing(data):
    file = data.images[0].file
    mark_photos(data, [file])
    revision = read_drafts(data).of(file).revision
    assert mark_photos(data, [file]) == 0
    assert read_drafts(data).of(file).revision == revision


def test_unknown_photos_and_viewers_are_refused(data):
    with pytest.raises(DatasetError, match=r"has no photo 'elsewhere\.jpg'"):
        mark_photos(data, [data.images[0].file, "elsewhere.jpg"])
    with acting_as(Visitor("anna", "viewer")), pytest.raises(AccessError):
        mark_photos(data, [data.images[0].file])
    assert not read_drafts(data).changed
