"""Photos that the API keeps because a model is unsure of them."""

import json

import pytest

from autodet.errors import SettingsError
from autodet.inference.kept_photos import list_kept
from autodet.server.api import photo_keeper
from autodet.settings import load_settings
from tests.server.api.conftest import FRUIT, PREDICT

JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture
def kept(monkeypatch, workspace):
    """Keep photos with scores in a range; return a function that counts them once the keeper is idle."""
    keepers = []
    begin = photo_keeper.PhotoKeeper.__init__
    monkeypatch.setattr(photo_keeper.PhotoKeeper, "__init__", lambda self: (begin(self), keepers.append(self))[0])
    monkeypatch.setenv("AUTODET_KEEP_BETWEEN", "0.2,1")

    def count() -> int:
        for keeper in keepers:
            keeper._thread.submit(bool).result()  # comes after all photos
        return sum(len(one.ids) for one in list_kept(workspace))

    return count


def test_nothing_is_kept_unless_the_settings_ask_for_it(client, photo, workspace, kept, monkeypatch):
    monkeypatch.delenv("AUTODET_KEEP_BETWEEN")
    assert client.post(PREDICT, content=photo, headers=JPEG).status_code == 200
    assert kept() == 0 and not list(workspace.home.glob("kept/*"))


def test_a_photo_is_kept_once_with_what_the_model_found_and_without_its_name(kept, connect, photo, workspace):
    client = connect()
    for name in ("../../../etc/cron.d/x.jpg", "other.jpg"):
        answer = client.post(PREDICT, files={"image": (name, photo)}, params={"threshold": 0.9})
        assert answer.status_code == 200
    assert kept() == 1
    [model] = list_kept(workspace)
    assert model.model == FRUIT and len(model.photos()[0].proposals) > 2
    names = {path.name for path in model.folder.iterdir()}
    assert names == {"lock", model.ids[0], f"{model.ids[0]}.json"}
    assert "cron" not in json.dumps((model.folder / f"{model.ids[0]}.json").read_text())
    assert (model.folder / model.ids[0]).stat().st_mode & 0o077 == 0


def test_scores_outside_the_range_and_more_than_the_limit_are_not_kept(kept, connect, photo, monkeypatch):
    client = connect()
    monkeypatch.setenv("AUTODET_KEEP_BETWEEN", "0,0.01")
    client.post(PREDICT, content=photo, headers=JPEG)
    assert kept() == 0
    monkeypatch.setenv("AUTODET_KEEP_BETWEEN", "0.2,1")
    monkeypatch.setattr(photo_keeper, "MAX_WAITING_BYTES", 10)  # as if others were being written
    client.post(PREDICT, content=photo, headers=JPEG)
    assert kept() == 0


def test_a_failure_to_keep_a_photo_is_no_failure_of_the_answer(kept, connect, photo, monkeypatch, workspace):
    client = connect()
    (workspace.home / "kept").write_text("a file in place of the folder")
    answer = client.post(PREDICT, content=photo, headers=JPEG)
    assert answer.status_code == 200
    assert answer.json()["detections"]


@pytest.mark.parametrize("text", ["0.6,0.3", "0.3", "a,b", "0.3,1.5", "-1,1", "nan,1", "0.1,0.2,0.3"])
def test_an_invalid_range_is_refused(text):
    with pytest.raises(SettingsError, match=r"AUTODET_KEEP_BETWEEN is .*such as 0.3,0.6"):
        load_settings({"AUTODET_KEEP_BETWEEN": text})


def test_a_demo_keeps_no_photos():
    with pytest.raises(SettingsError, match="a demo does not"):
        load_settings({"AUTODET_KEEP_BETWEEN": "0.3,0.6", "AUTODET_MODE": "demo"})
    settings = load_settings(
        {"AUTODET_KEEP_BETWEEN": "0.3, 0.6", "AUTODET_KEEP_AT_MOST": "7", "AUTODET_KEEP_AT_MOST_MB": "2"}
    )
    assert (settings.keep_scores, settings.max_kept_photos, settings.max_kept_bytes) == ((0.3, 0.6), 7, 2_000_000)
