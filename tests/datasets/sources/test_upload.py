import io
from dataclasses import replace
from pathlib import Path

import pytest

from autodet.datasets.sources.upload import UploadedFile, write_upload
from autodet.errors import DatasetError
from autodet.settings import Settings

SETTINGS = Settings(home=Path("workspace"))


def write(folder, names, settings=SETTINGS, content=b"hello"):
    write_upload([UploadedFile(name, io.BytesIO(content)) for name in names], folder / "upload", settings)
    return sorted(path.relative_to(folder / "upload").as_posix() for path in folder.rglob("*") if path.is_file())


def test_files_keep_their_folders_and_contents(tmp_path):
    assert write(tmp_path, ["fruit/a.jpg", "fruit/train/ä b.jpg", "fruit\\val\\c.jpg"]) == [
        "fruit/a.jpg",
        "fruit/train/ä b.jpg",
        "fruit/val/c.jpg",
    ]
    assert (tmp_path / "upload" / "fruit" / "a.jpg").read_bytes() == b"hello"


def test_hidden_files_and_clutter_are_left_out(tmp_path):
    clutter = ["fruit/.DS_Store", "fruit/.git/config", "fruit/__MACOSX/a.jpg", "fruit/Thumbs.db"]
    assert write(tmp_path, [*clutter, "fruit/a.jpg"]) == ["fruit/a.jpg"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["fruit/../../a.jpg"], "reaches outside"),
        (["../a.jpg"], "reaches outside"),
        (["/etc/a.jpg"], "reaches outside"),
        (["C:\\fruit\\a.jpg"], "reaches outside"),
        (["fruit/../a.jpg"], "reaches outside"),
        (["fruit/.git/../../../a.jpg"], "reaches outside"),
        ([""], "reaches outside"),
        (["fruit/a\n.jpg"], "not plain text"),
        (["fruit/a\0.jpg"], "not plain text"),
        (["fruit/a\x1b[31m.jpg"], "not plain text"),
        ([f"fruit/{'a' * 300}.jpg"], "too long"),
        (["a/" * 40 + "a.jpg"], "folders deep"),
        (["fruit/a.jpg", "fruit/./a.jpg"], "twice"),
        (["fruit/a.jpg", "fruit\\a.jpg"], "twice"),
        (["fruit/a.jpg", "fruit/a.jpg/b.jpg"], "is a file too"),
        (["fruit/a.jpg/b/c.jpg", "fruit/a.jpg"], "is a file too"),
        (["a.jpg", "b.txt"], "without its folders"),
        ([], "holds no files"),
        (["fruit/.DS_Store"], "holds no files"),
    ],
)
def test_a_hostile_or_useless_upload_is_a_sentence_and_writes_nothing(tmp_path, names, words):
    with pytest.raises(DatasetError, match=words):
        write(tmp_path, names)
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    ("limits", "words"),
    [({"max_archive_entries": 2}, "more than 2 files"), ({"max_archive_bytes": 10}, "more than 0 MB")],
)
def test_too_many_files_and_bytes_are_refused(tmp_path, limits, words):
    names = ["fruit/a.jpg", "fruit/b.jpg", "fruit/c.jpg"]
    with pytest.raises(DatasetError, match=words):
        write(tmp_path, names, replace(SETTINGS, **limits))
    assert len(write(tmp_path, names)) == 3
