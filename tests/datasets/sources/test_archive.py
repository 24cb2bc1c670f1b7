import stat
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from autodet.datasets.sources.archive import safe_path, unpack_archive
from autodet.errors import ArchiveError
from autodet.settings import Settings
from tests.datasets.sources.hostile_files import DEFLATED, Entry, zip_of
from tests.helpers import write_zip

SETTINGS = Settings(home=Path("unused"))


def unpack(archive, folder, settings=SETTINGS):
    folder.mkdir(parents=True, exist_ok=True)
    unpack_archive(archive, folder, settings, lambda share: None)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_unpacks_photos_and_passes_over_clutter(tmp_path):
    names = ["a/b.txt", "a/yellow banana.png", "ö.txt", "__MACOSX/a/._b.txt", "a/.DS_Store", "Thumbs.db", "empty/"]
    archive = write_zip(tmp_path / "a.zip", {name: name if not name.endswith("/") else "" for name in names})
    assert unpack(archive, tmp_path / "out") == ["a/b.txt", "a/yellow banana.png", "ö.txt"]
    assert (tmp_path / "out" / "a" / "b.txt").read_text() == "a/b.txt"


def test_backslashes_of_old_windows_tools_are_folders(tmp_path):
    archive = write_zip(tmp_path / "a.zip", {"train\\a.txt": "x"})
    assert unpack(archive, tmp_path / "out") == ["train/a.txt"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "not a zip"), (b"just text", "not a zip"), (b"PK\x03\x04 and no more", "not a zip")],
)
def test_what_is_no_zip_is_named(tmp_path, content, sentence):
    archive = tmp_path / "photos.zip"
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match=rf"'photos\.zip' is {sentence}"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("names", [[], ["folder/"], ["__MACOSX/._a"]])
def test_an_empty_zip_is_named(tmp_path, names):
    archive = write_zip(tmp_path / "photos.zip", dict.fromkeys(names, ""))
    with pytest.raises(ArchiveError, match="is empty"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("where", [0, 30, 200])
def test_a_broken_zip_is_named(tmp_path, where):
    archive = write_zip(tmp_path / "photos.zip", {"a.txt": bytes(range(256)) * 4})
    content = bytearray(archive.read_bytes())
    content[where : where + 16] = b"\xff" * 16
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"'photos\.zip' is (broken|not a zip)"):
        unpack(archive, tmp_path / "out")


def test_a_zip_cut_short_is_named(tmp_path):
    archive = write_zip(tmp_path / "photos.zip", {"a.txt": bytes(range(256)) * 40, "b.txt": "b"})
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(ArchiveError, match=r"'photos\.zip' is broken"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize(
    "name", ["../evil.txt", "a/../../evil.txt", "/etc/evil.txt", "C:/evil.txt", "..\\evil.txt", "C:evil.txt"]
)
def test_nothing_is_written_outside(tmp_path, name):
    archive = write_zip(tmp_path / "photos.zip", {"good.txt": "x", name: "evil"})
    with pytest.raises(ArchiveError, match="reaches outside"):
        unpack(archive, tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("name", ["", ".", "a\0b", "x" * 300, "/".join("a" * 40)])
def test_names_that_no_file_can_have_are_refused(name):
    with pytest.raises(ArchiveError):
        safe_path(name)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = (kind | 0o644) << 16
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as opened:
        opened.writestr(info, "/etc/passwd")
    with pytest.raises(ArchiveError, match="'link', which is a link or device"):
        unpack(tmp_path / "photos.zip", tmp_path / "out")


def test_two_names_that_are_one_file_elsewhere_are_refused(tmp_path):
    archive = write_zip(tmp_path / "photos.zip", {"a.txt": "1", "A.TXT": "2"})
    with pytest.raises(ArchiveError, match=r"both 'a\.txt' and 'A\.TXT'"):
        unpack(archive, tmp_path / "out")


def test_a_name_that_is_a_file_and_a_folder_is_refused(tmp_path):
    archive = write_zip(tmp_path / "photos.zip", {"a": "1", "a/b": "2"})
    with pytest.raises(ArchiveError, match="'a' is both a file and a folder"):
        unpack(archive, tmp_path / "out")


def test_names_are_compared_with_their_folders(tmp_path):
    archive = write_zip(tmp_path / "photos.zip", {"a/b/c.txt": "1", "A/B": "2"})
    with pytest.raises(ArchiveError, match="'A/B' is both a file and a folder"):
        unpack(archive, tmp_path / "out")


def test_names_that_macos_writes_are_read(tmp_path):
    """It packs names in UTF-8 without saying so."""
    (tmp_path / "a.zip").write_bytes(zip_of([Entry("Äpfel/grün.txt".encode(), b"x", flags=0)]))
    assert unpack(tmp_path / "a.zip", tmp_path / "out") == ["Äpfel/grün.txt"]


@pytest.mark.slow
def test_the_ratio_and_the_depth_are_settings(tmp_path):
    (tmp_path / "a.zip").write_bytes(zip_of([Entry(b"a/b/c.bmp", bytes(101_000_000), DEFLATED)]))
    loose = replace(SETTINGS, max_archive_ratio=2000)
    with pytest.raises(ArchiveError, match="more than 200 times its size"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(ArchiveError, match="more than 2 folders deep"):
        unpack(tmp_path / "a.zip", tmp_path / "out", replace(loose, max_depth=2))
    assert unpack(tmp_path / "a.zip", tmp_path / "out", loose) == ["a/b/c.bmp"]


def test_bytes_around_a_zip_do_no_harm_but_a_second_end_does(tmp_path):
    whole = zip_of([Entry(b"a.txt", b"x")], b"PK\5\6 is no second end")
    (tmp_path / "a.zip").write_bytes(b"#!/bin/sh\n" + zip_of([Entry(b"a.txt", b"x")]) + b"\n")
    assert unpack(tmp_path / "a.zip", tmp_path / "out") == ["a.txt"]
    (tmp_path / "a.zip").write_bytes(whole)
    with pytest.raises(ArchiveError, match="is broken"):
        unpack(tmp_path / "a.zip", tmp_path / "other")


def test_what_the_system_refuses_is_not_the_archives_fault(tmp_path):
    archive = write_zip(tmp_path / "photos.zip", {"a.txt": "x"})
    (tmp_path / "out").write_text("not a folder, as if it could not be written to")
    with pytest.raises(OSError, match="File exists"):
        unpack_archive(archive, tmp_path / "out", SETTINGS, lambda share: None)


def test_a_password_is_refused(tmp_path):
    archive = write_zip(tmp_path / "photos.zip", {"a.txt": "secret"})
    content = bytearray(archive.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match="password"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_bounds_are_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w", method) as opened:
        opened.writestr("a.txt", "x")
    with pytest.raises(ArchiveError, match="unusual way"):
        unpack(tmp_path / "photos.zip", tmp_path / "out")


@pytest.mark.parametrize(
    ("caps", "sentence"),
    [({"max_archive_entries": 2}, "holds more than 2 files"), ({"max_archive_bytes": 2_000_000}, "unpacks to 3 MB")],
)
def test_caps_are_kept(tmp_path, caps, sentence):
    archive = write_zip(tmp_path / "photos.zip", dict.fromkeys("abc", b"\0" * 1_000_000))
    with pytest.raises(ArchiveError, match=sentence):
        unpack(archive, tmp_path / "out", replace(SETTINGS, **caps))
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.slow
def test_a_bomb_is_refused_before_it_unpacks(tmp_path):
    archive = write_zip(tmp_path / "photos.zip", dict.fromkeys(map(str, range(30)), b"\0" * 5_000_000))
    with pytest.raises(ArchiveError, match="more than 200 times its size"):
        unpack(archive, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_bomb_that_lies_about_its_size_writes_no_more_than_it_said(tmp_path):
    archive = write_zip(tmp_path / "photos.zip", {"a.bmp": b"\0" * 5_000_000})
    content = bytearray(archive.read_bytes())
    for header, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(header) + offset
        content[at : at + 4] = struct.pack("<I", 1000)
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match="broken"):
        unpack(archive, tmp_path / "out")
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*")) <= 1000
