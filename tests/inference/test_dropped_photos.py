import io
import threading
import time

import pytest

from autodet.datasets.sources.upload import UploadedFile
from autodet.errors import DatasetError
from autodet.inference.background_jobs import start_job
from autodet.inference.dropped_photos import drop_photos, drops, find_reading
from autodet.inference.evaluation_jobs import find_evaluation
from autodet.inference.evaluations import kept_evaluation
from autodet.models.store import add_model
from tests.helpers import untrained_bundle, write_voc, zip_folder


@pytest.fixture
def model(workspace, tmp_path):
    return add_model(untrained_bundle(tmp_path / "fruit.autodet"), "fruit", workspace)


@pytest.fixture
def archive(tmp_path):
    return io.BytesIO(zip_folder(write_voc(tmp_path / "set", 3), tmp_path / "set.zip").read_bytes())


def eventually(is_so, seconds=60):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.process
def test_dropped_photos_are_evaluated_and_nothing_of_them_stays(workspace, model, archive):
    drop = drop_photos(model, archive, "set.zip")
    eventually(lambda: not find_reading(drop))
    eventually(lambda: not find_evaluation(model, drop.dataset, "test"))
    report, predictions = kept_evaluation(model, drop.dataset, "test")
    assert (report.images, len(predictions), drop.dataset.name) == (3, 3, "set.zip")
    assert not (model.path.parent / "evaluations").exists()
    drops.discard(drop.token)
    assert drops.find(drop.token) is None
    assert list(workspace.dropped.iterdir()) == []


@pytest.mark.process
def test_files_without_folders_are_read_together(workspace, model, tmp_path):
    files = [
        UploadedFile(path.name, io.BytesIO(path.read_bytes())) for path in write_voc(tmp_path / "set", 2).iterdir()
    ]
    drop = drop_photos(model, files, "4 files")
    eventually(lambda: not find_reading(drop))
    assert sorted(record.file for record in drop.dataset.images) == ["photo_00.png", "photo_01.png"]
    drops.discard(drop.token)
    with pytest.raises(DatasetError):
        drop_photos(model, [UploadedFile("../photo.png", io.BytesIO(b""))], "1 file")
    assert list(workspace.dropped.iterdir()) == []


@pytest.mark.process
def test_a_cancelled_drop_leaves_nothing_and_the_next_one_works(workspace, model, archive):
    end = threading.Event()
    start_job("another", lambda _: end.wait(60), "")
    drop = drop_photos(model, archive, "set.zip")
    assert find_reading(drop).waits
    drops.discard(drop.token)
    assert find_reading(drop) is None
    end.set()
    archive.seek(0)
    again = drop_photos(model, archive, "set.zip")
    eventually(lambda: not find_reading(again))
    assert drop.dataset is None
    assert len(list(workspace.dropped.iterdir())) == 1
    drops.discard(again.token)


@pytest.mark.process
def test_photos_are_deleted_a_while_after_the_last_session_has_ended(workspace, model, archive, monkeypatch):
    monkeypatch.setattr(drops, "keep_seconds", 0.05)
    drop = drop_photos(model, archive, "set.zip")
    for _ in range(2):
        drops.hold(drop.token)
    eventually(lambda: not find_reading(drop))
    drops.release(drop.token)
    drops.discard_unused(drop.token)
    assert drops.find(drop.token) is drop  # another session shows it
    drops.release(drop.token)
    eventually(lambda: drops.find(drop.token) is None and not list(workspace.dropped.iterdir()))
