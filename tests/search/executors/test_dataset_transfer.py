"""Data sets on their way to other machines."""

import threading
import time

import pytest

from autodet.search.executors.dataset_transfer import packed, unpacked


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "fruit"
    (folder / "images").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    for number in range(20):
        (folder / "images" / f"{number}.jpg").write_bytes(bytes([number]) * 10_000)
    (folder / "images" / "again.jpg").hardlink_to(folder / "images" / "3.jpg")
    return folder


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_arrives_is_what_was_sent_in_pieces_of_moderate_size(folder, tmp_path):
    pieces = list(packed(folder, piece_bytes=30_000))
    assert len(pieces) > 5
    assert max(map(len, pieces)) < 60_000
    assert files(unpacked("abc", lambda: pieces, tmp_path / "cache")) == files(folder)


def test_it_travels_once_however_many_ask_at_the_same_time(folder, tmp_path):
    fetched = []

    def fetch():
        fetched.append(1)
        time.sleep(0.2)
        return packed(folder)

    ask = [threading.Thread(target=unpacked, args=("abc", fetch, tmp_path / "cache")) for _ in range(4)]
    for one in ask:
        one.start()
    for one in ask:
        one.join()
    assert fetched == [1]
    assert files(unpacked("abc", fetch, tmp_path / "cache")) == files(folder)


def test_half_of_it_is_never_taken_for_whole(folder, tmp_path):
    def breaks_off():
        yield next(packed(folder, piece_bytes=30_000))
        raise ConnectionError("the node is gone")

    with pytest.raises(ConnectionError):
        unpacked("abc", breaks_off, tmp_path / "cache")
    assert files(unpacked("abc", lambda: packed(folder), tmp_path / "cache")) == files(folder)
