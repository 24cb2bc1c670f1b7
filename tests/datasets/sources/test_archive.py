import bz2
import gzip
import json
import lzma
import stat
import struct
import tarfile
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from autodet.datasets.sources.archive import safe_path, unpack_archive
from autodet.datasets.sources.entry_names import read_skipped
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


def zip_with(path, name, mode, content):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (mode | 0o644) << 16
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("images/a.jpg", "a")
        opened.writestr(info, content)
    return path


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_that_stand_for_labels_are_refused(tmp_path, mode):
    archive = zip_with(tmp_path / "photos.zip", "a.xml", mode, "/etc/passwd")
    with pytest.raises(ArchiveError, match=r"'a\.xml', which is a link or device"):
        unpack(archive, tmp_path / "out")


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
@pytest.mark.parametrize("name", ["latest", "b.jpg"])
def test_other_links_and_devices_are_skipped_and_said(tmp_path, mode, name):
    archive = zip_with(tmp_path / "photos.zip", name, mode, "/etc/passwd")
    assert unpack(archive, tmp_path / "out") == [".skipped.json", "images/a.jpg"]
    assert [finding.file for finding in read_skipped(tmp_path / "out")] == [name]


@pytest.mark.parametrize(("name", "target"), [("latest", "images"), ("all/b.xml", "../images/a.jpg")])
def test_a_link_to_something_in_the_archive_is_not_worth_a_word(tmp_path, name, target):
    archive = zip_with(tmp_path / "photos.zip", name, stat.S_IFLNK, target)
    assert unpack(archive, tmp_path / "out") == ["images/a.jpg"]


def test_names_that_differ_in_case_are_two_files(tmp_path):
    archive = write_zip(tmp_path / "photos.zip", {"a.txt": "1", "A.TXT": "2"})
    assert unpack(archive, tmp_path / "out") == ["A.TXT", "a.txt"]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_entry_twice(tmp_path, kind):
    def packed(*contents):
        entries = [("a.xml", content) for content in contents]
        if kind == "zip":
            (tmp_path / "a").write_bytes(zip_of([Entry(name.encode(), content) for name, content in entries]))
        else:
            (tmp_path / "a").write_bytes(tar_of(entries))
        return tmp_path / "a"

    assert unpack(packed(b"x", b"x"), tmp_path / "out") == ["a.xml"]
    with pytest.raises(ArchiveError, match="twice, with different contents"):
        unpack(packed(b"x", b"y"), tmp_path / "other")


def test_a_name_that_is_a_file_and_a_folder(tmp_path):
    archive = write_zip(tmp_path / "photos.zip", {"a": "1", "a/b.txt": "2"})
    assert unpack(archive, tmp_path / "out") == [".skipped.json", "a/b.txt"]
    archive = write_zip(tmp_path / "photos.zip", {"a.jpg": "1", "a.jpg/b.txt": "2"})
    with pytest.raises(ArchiveError, match=r"'a\.jpg' is both a file and a folder"):
        unpack(archive, tmp_path / "other")


def tar_of(entries, **options):
    content = BytesIO()
    with tarfile.open(fileobj=content, mode="w:", **options) as opened:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            opened.addfile(info, BytesIO(data))
    return content.getvalue()


FILES = [("set/a.txt", b"a" * 700), ("set/" + "long/" * 25 + "name.txt", b"b"), ("set/ö 猫.txt", b""), ("._x", b"")]
PACKERS = {"plain": bytes, "gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars_of_every_kind_are_unpacked_whatever_they_are_called(tmp_path, packer, format):
    files = [(name, data) for name, data in FILES if format != tarfile.USTAR_FORMAT or len(name) < 99]
    (tmp_path / "a.zip").write_bytes(PACKERS[packer](tar_of(files, format=format)))
    assert unpack(tmp_path / "a.zip", tmp_path / "out") == sorted(name for name, _ in files if name != "._x")
    assert (tmp_path / "out/set/a.txt").read_bytes() == b"a" * 700


@pytest.mark.parametrize("name", ["../evil.txt", "a/../../evil.txt", "/etc/evil.txt"])
def test_no_tar_writes_outside(tmp_path, name):
    (tmp_path / "a.tar").write_bytes(tar_of([("good.txt", b"x"), (name, b"evil")]))
    with pytest.raises(ArchiveError, match="reaches outside"):
        unpack(tmp_path / "a.tar", tmp_path / "deep/out")
    assert not list(tmp_path.rglob("*evil*"))


def evil_tar(kind, name="evil", size=0, link="", pax=None):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.pax_headers = kind, link, pax or {}
    info.size = size
    good = tar_of([("good.txt", b"x")])[:1024]
    return good + info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)


@pytest.mark.parametrize(
    "evil",
    [
        evil_tar(tarfile.SYMTYPE, link="/etc/passwd"),
        evil_tar(tarfile.SYMTYPE, link="../../etc/passwd"),
        evil_tar(tarfile.LNKTYPE, link="/etc/passwd"),
        evil_tar(tarfile.FIFOTYPE),
        evil_tar(tarfile.CHRTYPE),
        evil_tar(tarfile.BLKTYPE),
        evil_tar(tarfile.GNUTYPE_SPARSE),
        evil_tar(tarfile.REGTYPE, pax={"GNU.sparse.major": "1"}),
    ],
)
def test_what_is_no_plain_file_in_a_tar_is_skipped_and_said(tmp_path, evil):
    (tmp_path / "a.tar").write_bytes(evil)
    assert unpack(tmp_path / "a.tar", tmp_path / "out") == [".skipped.json", "good.txt"]
    assert [finding.file for finding in read_skipped(tmp_path / "out")] == ["evil"]


@pytest.mark.parametrize(
    "evil",
    [
        evil_tar(tarfile.GNUTYPE_LONGNAME, size=1 << 32),
        evil_tar(tarfile.XHDTYPE, size=1 << 30),
        evil_tar(tarfile.REGTYPE, size=1 << 30),
        evil_tar(tarfile.REGTYPE, pax={"size": "-5"}),
        evil_tar(tarfile.REGTYPE, pax={"size": "9" * 40}),
        evil_tar(tarfile.REGTYPE)[:1300],
        gzip.compress(tar_of(FILES))[:-30],
    ],
)
def test_a_broken_tar_is_named(tmp_path, evil):
    (tmp_path / "a.tar").write_bytes(evil)
    with pytest.raises(ArchiveError, match=r"'a\.tar' is broken"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


@pytest.mark.parametrize("packer", ["gzip", "bzip2", "xz"])
def test_a_packed_tar_that_is_a_bomb_is_refused_while_it_unpacks(tmp_path, packer):
    (tmp_path / "a.tar").write_bytes(PACKERS[packer](tar_of([("a.bmp", bytes(3_000_000))])))
    with pytest.raises(ArchiveError, match="unpacks to"):
        unpack(tmp_path / "a.tar", tmp_path / "out", replace(SETTINGS, max_archive_bytes=2_000_000))
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file()) <= 2_000_000


def zipped(files):
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return content.getvalue()


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ({"images.zip": zipped({"images/a.jpg": b"a"})}, ["images/a.jpg"]),
        ({"images.zip": zipped({"train/a.jpg": b"a"})}, ["images/train/a.jpg"]),
        ({"x/images.tar.gz": gzip.compress(tar_of([("a.jpg", b"a")]))}, ["x/images/a.jpg"]),
        ({"labels.csv.zip": zipped({"labels.csv": b"a"})}, ["labels.csv"]),
        ({"a.zip": zipped({"b.zip": zipped({"c.jpg": b"a"})})}, ["a/b/c.jpg"]),
        ({"images.zip": zipped({"images/a.jpg": b"a"}), "images/a.jpg": b"a"}, ["images/a.jpg"]),
        ({"images.zip": zipped({"images/a.jpg": b"a"}), "images/b.jpg": b"b"}, ["images/a.jpg", "images/b.jpg"]),
        ({"images.zip": zipped({"images/a.jpg": b"a"}), "images/a.jpg": b"b"}, ["images/a.jpg", "images_2/a.jpg"]),
    ],
)
def test_archives_in_an_archive_become_folders(tmp_path, inner, expected):
    (tmp_path / "a.zip").write_bytes(zipped(inner))
    assert unpack(tmp_path / "a.zip", tmp_path / "out") == expected


def test_archives_that_are_not_read_are_said(tmp_path):
    deep = zipped({"a.jpg": b"a"})
    for _ in range(6):
        deep = zipped({"more.zip": deep, "a.txt": b"a"})
    (tmp_path / "a.zip").write_bytes(zipped({"deep.zip": deep, "b.rar": b"Rar!", "c.7z": b"7z"}))
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert {finding.cause for finding in read_skipped(tmp_path / "out")} == {"archive_unread"}
    assert len(read_skipped(tmp_path / "out")) == 3
    (tmp_path / "a.zip").write_bytes(b"Rar!\x1a\x07\x01\x00")
    with pytest.raises(ArchiveError, match="RAR archive, which is not read"):
        unpack(tmp_path / "a.zip", tmp_path / "other")


def test_all_archives_together_keep_the_limits(tmp_path):
    inner = zipped({f"{number}.bmp": bytes(700_000) for number in range(2)})
    (tmp_path / "a.zip").write_bytes(zipped({"a.zip": inner, "b.zip": inner}))
    with pytest.raises(ArchiveError, match="unpacks to"):
        unpack(tmp_path / "a.zip", tmp_path / "out", replace(SETTINGS, max_archive_bytes=4_000_000))


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (["图片1.jpg", "图片2.jpg"], "gbk"),
        (["猫/训练 (1).jpg", "狗.jpg"], "gbk"),
        (["りんご.jpg", "写真.jpg"], "cp932"),
        (["사진1.jpg", "고양이.jpg"], "cp949"),
        (["фото 1.jpg", "кошка.jpg"], "cp866"),
        (["Schlüssel.jpg", "Öl.jpg"], "cp850"),
        (["fenêtre_1.jpg"], "cp437"),
        (["Äpfel/grün.jpg"], "utf-8"),
        (["кошка.jpg"], "utf-8"),
    ],
)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_names_whose_encoding_the_archive_does_not_say(tmp_path, kind, names, encoding):
    raw = [name.encode(encoding) for name in names]
    if kind == "zip":
        (tmp_path / "a").write_bytes(zip_of([Entry(name, b"x", flags=0) for name in raw]))
    else:
        entries = [(name.decode("utf-8", "surrogateescape"), b"x") for name in raw]
        (tmp_path / "a").write_bytes(tar_of(entries, format=tarfile.GNU_FORMAT))
    assert unpack(tmp_path / "a", tmp_path / "out") == sorted(names)


def test_labels_that_mention_the_names_decide_their_encoding(tmp_path):
    name = "è梅.jpg"  # neither usual nor long enough to decide for itself
    mention = json.dumps({"images": [{"file_name": name}]}).encode()
    entries = [Entry(name.encode("gb18030"), b"x", flags=0), Entry(b"labels.json", mention)]
    (tmp_path / "a.zip").write_bytes(zip_of(entries))
    assert unpack(tmp_path / "a.zip", tmp_path / "out") == ["labels.json", name]


def test_control_characters_in_names_are_replaced(tmp_path):
    (tmp_path / "a.zip").write_bytes(zip_of([Entry(b"a\nb.txt", b"x"), Entry(b"\x1b[2J.txt", b"x")]))
    assert unpack(tmp_path / "a.zip", tmp_path / "out") == ["_[2J.txt", "a_b.txt"]


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
