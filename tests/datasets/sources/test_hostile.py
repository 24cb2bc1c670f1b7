"""What somebody brings to do harm, through the command line as a process of its own.

Each attack ends in one sentence and exit status 2, or, where the rest of the data set is fine, in an import that lists
the hostile file. Nothing is written outside the workspace, a refusal leaves nothing in it, and memory is bounded.
"""

import hashlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from autodet.datasets.imports.import_job import start_import
from autodet.datasets.manifest import load_dataset
from autodet.workspace import Workspace
from tests.datasets.photo_files import HEIC, tiff_of, tiff_with
from tests.datasets.sources.hostile_files import (
    BZIP2,
    DEFLATE64,
    DEFLATED,
    DESCRIBED_LATER,
    DEVICE,
    ENCRYPTED,
    IN_UTF8,
    LINK,
    LZMA,
    PIPE,
    Entry,
    bmp_of_runs,
    encoded,
    end_of_zip,
    exif_of_many_tags,
    fine_files,
    jpeg_of_scans,
    jpeg_segment,
    jpeg_with,
    overlapping_fully,
    overlapping_quoted,
    png_chunk,
    png_of_size,
    png_with,
    write_files,
    zip64_of_many,
    zip_of,
)
from tests.helpers import draw_photo, voc_xml, wait_for, workspace_in

ROOT = Path(__file__).parents[3]
MAX_MEGABYTES = 400
SECRET = "root:x:0"  # how /etc/passwd begins
HANG = 120  # seconds: a guard, and no measurement

# Starts a command and writes down how much memory it took. It is small itself, which matters: a process counts the
# memory of the one that it was forked from as its own.
WATCH = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[2:])
_, status, used = os.wait4(process.pid, 0)
open(sys.argv[1], "w").write(str(used.ru_maxrss // 1024))
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Place:
    """Where one attack happens.

    Attributes:
        outside: A folder with the source, the current folder, the home and the folder for temporary files.
        workspace: The workspace.
        source: Where the source is to be.
    """

    outside: Path
    workspace: Path

    @property
    def source(self) -> Path:
        return self.outside / "source" / "set"

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        folders = {"HOME": str(self.outside / "home"), "TMPDIR": str(self.outside / "tmp")}
        python = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}
        return os.environ | folders | python | {"AUTODET_HOME": str(self.workspace)} | extra

    def seen(self) -> dict[str, object]:
        """Everything outside the workspace, and when and as what it was last written."""
        paths = sorted(self.outside.rglob("*"))
        return {str(path): (path.lstat().st_mode, path.lstat().st_size, path.lstat().st_mtime_ns) for path in paths}

    def kept(self) -> list[str]:
        """The contents of the workspace, besides empty rooms and the log of changes."""
        rooms = ("datasets", "imports", "searches", "models", "audit", "audit/lock", "audit/changes.jsonl")
        found = [path.relative_to(self.workspace).as_posix() for path in self.workspace.rglob("*")]
        return sorted(path for path in found if path not in rooms)


@dataclass(frozen=True)
class Ran:
    """What a command came to; ``peak`` is in megabytes."""

    status: int
    out: str
    err: str
    peak: int


@pytest.fixture
def place(tmp_path) -> Place:
    for name in ("source", "cwd", "home", "tmp"):
        (tmp_path / "outside" / name).mkdir(parents=True)
    return Place(tmp_path / "outside", tmp_path / "workspace")


def run(place: Place, source: Path, *options: str, limit: Callable[[], None] | None = None, **extra: str) -> Ran:
    """Import a source, and see to it that nothing changes outside the workspace."""
    before = place.seen()
    peak = place.outside.parent / "peak"
    command = [sys.executable, "-m", "autodet", "import", str(source), "--name", "X", *options]
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", WATCH, str(peak), *command],
        cwd=place.outside / "cwd",
        env=place.environment(extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=limit,  # noqa: PLW1509
    )
    try:
        out, err = process.communicate(timeout=HANG)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert place.seen() == before, "something outside the workspace has changed"
    return Ran(process.returncode, out.decode(), err.decode(), int(peak.read_text()))


def assert_refused(place: Place, ran: Ran, words: str) -> None:
    assert ran.status == 2, ran
    assert ran.out == ""
    assert ran.err.count("\n") == 1 and ran.err.endswith(".\n"), ran.err
    assert words in ran.err, ran.err
    assert len(ran.err) < 1500 and "Traceback" not in ran.err and "Error" not in ran.err
    assert ran.err[:-1].isprintable()
    assert place.kept() == [] if place.workspace.exists() else True
    assert ran.peak < MAX_MEGABYTES


def imported(place: Place, source: Path, *options: str, **extra: str) -> dict[str, dict[str, str]]:
    """The findings of an import that went well, by file."""
    ran = run(place, source, "--json", *options, **extra)
    assert ran.status == 0, ran.err
    assert ran.err == ""
    assert ran.peak < MAX_MEGABYTES
    assert SECRET not in ran.out
    assert [path.name for path in (place.workspace / "datasets").iterdir()] == ["x"]
    document = json.loads(ran.out)
    assert document["splits"]["train"] >= 14
    return {problem["file"]: problem for problem in document["problems"]}


@pytest.fixture(scope="module")
def fine() -> dict[str, bytes]:
    return fine_files()


def as_entries(files: Mapping[str, bytes]) -> list[Entry]:
    return [Entry(name.encode(), content) for name, content in files.items()]


# Zips

PHOTO = encoded(draw_photo())
ZEROS = b"\0" * 2_000_000
EVIL = {
    "zip slip": (Entry(b"a/../../evil.txt", b"x"), "reaches outside"),
    "zip slip of a folder": (Entry(b"../evil/"), "reaches outside"),
    "zip slip of Windows": (Entry(b"..\\evil.txt", b"x"), "reaches outside"),
    "absolute": (Entry(b"/tmp/evil.txt", b"x"), "reaches outside"),
    "absolute on Windows": (Entry(b"C:\\evil.txt", b"x"), "reaches outside"),
    "a share": (Entry(b"\\\\server\\share\\evil.txt", b"x"), "reaches outside"),
    "the same name": (Entry(b"fine_00.png", encoded(draw_photo(seed=99))), "twice"),
    "a file that is a folder too": (Entry(b"fine_00.png/a.png", PHOTO), "both a file and a folder"),
    "a name that is not in UTF-8": (Entry(b"\xff\xfe.png", PHOTO), "broken"),
    "a long name": (Entry(b"x" * 5000 + b".png", PHOTO), "not plain text"),
    "deep folders": (Entry(b"a/" * 5000 + b"a.png", PHOTO), "32 folders deep"),
    "a password": (Entry(b"evil.png", PHOTO, flags=ENCRYPTED), "password"),
    "bzip2": (Entry(b"evil.png", PHOTO, method=BZIP2), "unusual way"),
    "lzma": (Entry(b"evil.png", PHOTO, method=LZMA), "unusual way"),
    "deflate64": (Entry(b"evil.png", PHOTO, method=DEFLATE64), "unusual way"),
    "more than announced": (Entry(b"evil.bmp", ZEROS, DEFLATED, size=10), "broken"),
    "less than announced": (Entry(b"evil.bmp", b"x" * 100, DEFLATED, size=90_000_000), "broken"),
    "another content than announced": (Entry(b"evil.png", PHOTO, checksum=1), "broken"),
    "an entry elsewhere": (Entry(b"evil.png", PHOTO, at=7), "overlap"),
    "an entry beyond the end": (Entry(b"evil.png", PHOTO, at=1 << 30), "overlap"),
}


@pytest.mark.parametrize("attack", EVIL)
def test_one_evil_entry_among_fine_ones(place, fine, attack):
    entry, words = EVIL[attack]
    source = place.source.with_suffix(".zip")
    source.write_bytes(zip_of([*as_entries(fine), entry]))
    assert_refused(place, run(place, source), words)


HARMLESS = {
    "a link": Entry(b"evil.png", b"/etc/passwd", attributes=LINK),
    "a device": Entry(b"evil.png", attributes=DEVICE),
    "a pipe": Entry(b"evil.png", attributes=PIPE),
    "the same name in capital letters": Entry(b"FINE_00.PNG", PHOTO),
    "a file that is a folder too, in capital letters": Entry(b"FINE_00.png/a.png", PHOTO),
    "commands to a terminal": Entry(b"\x1b[2J\x1b]0;evil\x07.png", PHOTO),
    "a line end": Entry(b"a\nb.png", PHOTO),
    "accents of another system": Entry("o\u0308.png".encode(), PHOTO),
    "a video": Entry(b"evil.mp4", PHOTO, method=LZMA),
}


@pytest.mark.parametrize("attack", HARMLESS)
def test_one_odd_entry_among_fine_ones_is_left_out_or_renamed(place, fine, attack):
    source = place.source.with_suffix(".zip")
    source.write_bytes(zip_of([*as_entries(fine), Entry("ö.txt".encode(), b""), HARMLESS[attack]]))
    imported(place, source)


def test_what_looks_odd_in_a_zip_but_is_not_evil(place, fine):
    """Sizes behind the content, names of no encoding, a note that looks like a zip's end, and names that we use too."""
    entries = [Entry(name.encode(), content, flags=IN_UTF8 | DESCRIBED_LATER) for name, content in fine.items()]
    odd = ["manifest.json.png", "CON.png", "summary.json", "images/.lock.png", "ö-ohne.png", "Icon\r"]
    entries += [Entry(name.encode(), encoded(draw_photo(seed=90 + n)), flags=0) for n, name in enumerate(odd)]
    source = place.source.with_suffix(".zip")
    source.write_bytes(zip_of(entries, b"A note.") + b"\n")
    found = imported(place, source)
    assert set(found) & {*odd} == {"manifest.json.png", "CON.png", "ö-ohne.png"}


@pytest.mark.parametrize("bomb", [overlapping_fully(500, ZEROS), overlapping_quoted(200, ZEROS)])
def test_entries_that_share_their_bytes(place, bomb):
    source = place.source.with_suffix(".zip")
    source.write_bytes(bomb)
    ran = run(place, source, AUTODET_MAX_ARCHIVE_RATIO="1000000")
    assert_refused(place, ran, "overlap each other")


def test_zeros_without_end(place):
    source = place.source.with_suffix(".zip")
    source.write_bytes(zip_of([Entry(b"zeros.bmp", b"\0" * 200_000_000, DEFLATED)]))
    assert source.stat().st_size < 210_000
    assert_refused(place, run(place, source), "more than 200 times its size")


def test_a_hundred_thousand_entries(place):
    source = place.source.with_suffix(".zip")
    source.write_bytes(zip_of(Entry(b"%d" % number) for number in range(100_000)))
    assert_refused(place, run(place, source, AUTODET_MAX_ARCHIVE_FILES="99999"), "more than 99999 files")
    source.write_bytes(zip_of(Entry(b"%d" % number) for number in range(10_000)))
    assert_refused(place, run(place, source), "no photos that can be read")


def test_millions_of_entries_are_counted_before_they_are_listed(place):
    source = place.source.with_suffix(".zip")
    source.write_bytes(zip64_of_many(2_000_000))
    ran = run(place, source)
    assert_refused(place, ran, "more than 200000 files")
    assert ran.peak < 120


def test_a_directory_that_is_longer_than_the_zip(place):
    source = place.source.with_suffix(".zip")
    source.write_bytes(b"x" * 100 + b"PK\6\6" + b"\xff" * 52 + b"PK\6\7" + b"\0" * 16 + end_of_zip(1, 0xFFFFFFFF, 0))
    assert_refused(place, run(place, source), "broken")


def test_a_second_end_in_the_note(place, fine):
    evil = zip_of([Entry(b"../evil.txt", b"x")])
    source = place.source.with_suffix(".zip")
    source.write_bytes(zip_of(as_entries(fine), evil))
    assert_refused(place, run(place, source), "reaches outside")


def test_a_zip_in_a_zip(place, fine):
    source = place.source.with_suffix(".zip")
    inner = zip_of(as_entries(fine))
    source.write_bytes(zip_of([Entry(b"inner.zip", inner)]))
    assert imported(place, source) == {}


def test_a_zip_in_a_zip_that_repeats_it(place, fine):
    source = place.source.with_suffix(".zip")
    source.write_bytes(zip_of([*as_entries(fine), Entry(b"inner.zip", zip_of(as_entries(fine)))]))
    assert imported(place, source) == {}


def test_a_folder_of_zips(place, fine):
    folder = place.source
    photos = {name: content for name, content in fine.items() if name.endswith(".png")}
    labels = {name: content for name, content in fine.items() if name.endswith(".xml")}
    write_files(folder, {"photos.zip": zip_of(as_entries(photos)), "labels.zip": zip_of(as_entries(labels))})
    assert imported(place, folder) == {}


# Folders


def test_a_link_to_somewhere_else(place, fine):
    folder = write_files(place.source, fine)
    link = folder / "photo.png"
    link.symlink_to("/etc/passwd")
    assert_refused(place, run(place, folder), "'photo.png' is a link that leads out of 'set'")
    link.unlink()
    link.symlink_to("/etc")
    assert_refused(place, run(place, folder), "'photo.png' is a link that leads out of 'set'")


def test_a_link_within_the_folder_is_followed(place, fine):
    folder = write_files(place.source, fine)
    (folder / "fine_00.png").rename(folder / "stored")
    (folder / "fine_00.png").symlink_to("stored")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "again").symlink_to(".")
    (target,) = imported(place, folder).values()
    assert (target["file"], target["kind"]) == ("stored", "copy_unlabelled")


def test_what_is_no_file_is_neither_waited_for_nor_read(place, fine, monkeypatch):
    folder = write_files(place.source, fine)
    for name in ("pipe.png", "pipe.xml", "pipe.json", "data.yaml"):
        os.mkfifo(folder / name)
    monkeypatch.chdir(folder)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket.png")
        assert imported(place, folder) == {}


def test_a_source_that_is_no_file(place):
    os.mkfifo(place.source)
    for source in (place.source, Path("/dev/zero")):
        assert_refused(place, run(place, source), "neither a zip nor a folder")


@pytest.mark.parametrize("name", [b"\xff.png", b"a\nb.png", b"\x1b[31m.png"])
def test_a_name_that_is_no_text(place, fine, name):
    folder = write_files(place.source, fine)
    Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(PHOTO)
    assert_refused(place, run(place, folder), "is not valid text; rename the file")


def test_folders_without_end(place, fine):
    folder = write_files(place.source, fine)
    deep = folder
    for _ in range(40):
        deep = deep / "a"
    deep.mkdir(parents=True)
    assert_refused(place, run(place, folder), "more than 32 folders deep")


# Photos


def labelled(photos: Mapping[str, bytes]) -> dict[str, bytes]:
    return {
        f"{stem}{ending}": content
        for name, photo in photos.items()
        for stem in [name.rpartition(".")[0]]
        for ending, content in ((f".{name.rpartition('.')[2]}", photo), (".xml", voc_xml(name).encode()))
    }


def test_evil_photos_among_fine_ones(place, fine):
    others = {"PPM": ".ppm", "ICO": ".ico", "EPS": ".eps", "PDF": ".pdf", "DDS": ".dds"}
    evil = {f"{format.lower()}.jpg": encoded(draw_photo(), format) for format in others}
    fits = b"SIMPLE  =                    T" + b" " * 50 + b"BITPIX  =                    8" + b" " * 50
    evil |= {
        "svg.jpg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "fits.jpg": fits.ljust(2880),
        "pixels.png": png_of_size(60_000, 60_000),
        "wide.png": png_of_size(2**31 - 1, 1),
        "nothing.png": png_of_size(0, 0),
        "line.png": png_of_size(10_000_000, 0),
        "text.png": png_with(png_chunk(b"zTXt", b"a\0\0" + zip_bomb(50_000_000))),
        "texts.png": png_with(*[png_chunk(b"zTXt", b"a\0\0" + zip_bomb(1_000_000))] * 100),
        "profile.png": png_with(png_chunk(b"iCCP", b"a\0\0" + zip_bomb(50_000_000))),
        "metadata.png": png_with(png_chunk(b"prVt", bytes(40_000_000))),
        "chunks.png": png_with(png_chunk(b"prVt", b"") * 1_000_000),
        "segments.jpg": jpeg_with(jpeg_segment(0xFE, b"") * 2_000_000),
        "exifs.jpg": jpeg_with(jpeg_segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 600),
        "scans.jpg": jpeg_of_scans(3000, 2000),
        "runs.bmp": bmp_of_runs(9000, 9000, b"\0\0" * 5_000_000),
        "huge.bmp": bmp_of_runs(2**31 - 1, 2**31 - 1, b"\0\0"),
        "tags.tif": tiff_with({256 + n: (4, [0] * 3_700_000) for n in range(3)} | {273: (4, [0])}, b""),
        "wide.tif": tiff_of(np.zeros((4, 4), "u1"), tags=[(256, 4, [2**31 - 1]), (257, 4, [2**31 - 1])]),
        "bands.tif": tiff_of(np.zeros((4, 4, 9), "u2")),
        "wide.gif": b"GIF89a" + b"\xff" * 4 + b"\0\0\0," + bytes(4) + b"\xff" * 4 + b"\0\2\0;",
        "comments.gif": encoded(draw_photo(), "GIF")[:13] + b"!\xfe\1a\0" * 1_000_000,
        "cut.avif": encoded(draw_photo(), "AVIF")[:-100],
        "cut.heic": (HEIC / "drawn.heic").read_bytes()[:-100],
        "cut.webp": encoded(draw_photo(), "WEBP", lossless=True)[:-100],
        "passwd.jpg": Path("/etc/passwd").read_bytes(),
    }
    source = place.source.with_suffix(".zip")
    entries = [Entry(name.encode(), content, DEFLATED) for name, content in labelled(evil).items()]
    source.write_bytes(zip_of([*as_entries(fine), *entries]))
    found = imported(place, source, "--decide", "large_loss=keep", AUTODET_MAX_ARCHIVE_RATIO="1000")
    assert set(evil) <= set(found), set(evil) - set(found)
    assert {found[name]["kind"] for name in evil} == {"unreadable_photo"}


def test_odd_photos_are_photos(place, fine):
    frames = [draw_photo(seed=seed) for seed in range(40)]
    profile = {"icc_profile": b"no profile at all"}
    odd = {
        "pixel.png": encoded(draw_photo((1, 1))),
        "grey.png": encoded(draw_photo().convert("I;16")),
        "cmyk.jpg": encoded(draw_photo(seed=1).convert("CMYK"), "JPEG", **profile),
        "profile.png": encoded(draw_photo(seed=2), **profile),
        "exif.jpg": encoded(draw_photo(seed=3), "JPEG", exif=exif_of_many_tags(5000, 60_000)),
        "index.jpg": jpeg_with(jpeg_segment(0xE2, b"MPF\0II*\0\x08\0\0\0no index")),  # Pillow warns
        "frames.jpg": encoded(draw_photo(seed=4), "MPO", save_all=True, append_images=frames),
        "frames.webp": encoded(draw_photo(seed=5), "WEBP", save_all=True, append_images=frames),
        "frames.gif": encoded(draw_photo(seed=7), "GIF", save_all=True, append_images=frames),
        "pages.tif": encoded(draw_photo(seed=8), "TIFF", save_all=True, append_images=[draw_photo(seed=9)]),
        "frames.avif": encoded(draw_photo(seed=9), "AVIF", save_all=True, append_images=frames),
        "frames.png": encoded(draw_photo(seed=6), "PNG", save_all=True, append_images=frames),
    }
    files = {f"{number}_{name}": content for number, (name, content) in enumerate(odd.items())}
    folder = write_files(place.source, {**fine, **labelled(files)})
    found = imported(place, folder, "--decide", "large_loss=keep")
    assert not [file for file, problem in found.items() if problem["kind"] == "unreadable_photo"]


def zip_bomb(size: int) -> bytes:
    return zlib.compress(bytes(size), 9)


def test_photos_that_change_while_they_are_imported(place):
    """What is stored is what was looked at: every hash in the manifest is that of the stored photo."""
    folder = write_files(place.source, fine_files(150))
    command = [sys.executable, "-m", "autodet", "import", str(folder), "--name", "X"]
    with subprocess.Popen(command, env=place.environment({}), stdout=subprocess.DEVNULL) as process:
        number = 0
        while process.poll() is None:
            number += 1
            (folder / "other").write_bytes(encoded(draw_photo(seed=number + 1000)))
            (folder / "other").replace(folder / f"fine_{number * 10 % 150:02}.png")
    assert process.returncode == 0
    dataset = load_dataset("x", Workspace(place.workspace))
    stored = [hashlib.sha256(dataset.photo(record).read_bytes()).hexdigest() for record in dataset.images]
    assert len(stored) == 150
    assert stored == [record.sha256 for record in dataset.images]


# Labels

ENTITY = "<!DOCTYPE annotation [<!ENTITY xxe SYSTEM 'file:///etc/passwd'>]>"
LAUGHS = "<!DOCTYPE annotation [<!ENTITY a0 'ha'>{}]>".format(
    "".join(f"<!ENTITY a{n + 1} '{f'&a{n};' * 10}'>" for n in range(12))
)


def xml(name: str, class_name: str = "apple", head: str = "", box: str = "") -> bytes:
    whole = head + voc_xml(name).replace("<name>apple<", f"<name>{class_name}<")
    return (whole.replace("<xmin>4<", f"<xmin>{box}<") if box else whole).encode()


def test_evil_xml_among_fine_ones(place, fine):
    size = "<width>64</width>"
    evil = {
        "entity": xml("entity.png", "&xxe;", ENTITY),
        "laughs": xml("laughs.png", "&a12;", LAUGHS),
        "external": xml("external.png", head="<!DOCTYPE annotation SYSTEM 'file:///etc/passwd'>"),
        "deep": b"<annotation>" + b"<a>" * 400_000,
        "deep_and_closed": b"<annotation>" + b"<a>" * 200_000 + b"</a>" * 200_000 + b"</annotation>",
        "large": xml("large.png") + b" " * 20_000_000,
        "long_name": xml("long_name.png", "a" * 1_000_000),
        "markup": xml("markup.png", "&lt;script&gt;=cmd|' /C calc'!A0"),
        "huge_box": xml("huge_box.png", box="-1e308"),
        "no_number": xml("no_number.png", box="nan"),
        "endless": xml("endless.png", box="inf"),
        "digits": xml("digits.png", box="9" * 5000),
        "size": xml("size.png").replace(size.encode(), b"<width>1e9</width>"),
        "endless_size": xml("endless_size.png").replace(size.encode(), b"<width>1e308</width>"),
        "tag": b"<" + b"x" * 1_000_000 + b"/>",
        "unknown_encoding": b"<?xml version='1.0' encoding='rot13'?><annotation/>",
        "up": xml("../../outside.png"),
        "absolute": xml("/etc/passwd"),
    }
    write_files(place.source.parent, {"outside.png": encoded(draw_photo(seed=77))})
    photos = {f"{name}.png": encoded(draw_photo(seed=100 + n)) for n, name in enumerate(evil)}
    folder = write_files(place.source, {**fine, **photos, **{f"{name}.xml": text for name, text in evil.items()}})
    found = imported(place, folder, "--decide", "large_loss=keep")
    fine_after_all = {"external", "up", "absolute", "markup", "deep_and_closed"}
    assert {f"{name}.xml" for name in set(evil) - fine_after_all} <= set(found)
    assert {found[f"{name}.xml"]["kind"] for name in ("entity", "laughs", "deep", "large", "tag")} == {"labels_damaged"}
    manifest = "".join(path.read_text() for path in (place.workspace / "datasets" / "x").glob("*.json"))
    assert SECRET not in manifest and "hahaha" not in manifest and "a" * 1000 not in manifest
    stored = {hashlib.sha256(path.read_bytes()).hexdigest() for path in place.workspace.rglob("*.png")}
    assert hashlib.sha256(encoded(draw_photo(seed=77))).hexdigest() not in stored


JSON = b'{"images": [%s], "annotations": [%s], "categories": [{"id": 1, "name": "apple"}]}'
NO_COCO = {
    "deep": b'{"images": ' + b"[" * 100_000 + b', "annotations": [], "categories": []',
    "deep and closed": JSON % (b"[" * 900 + b"]" * 900, b""),
    "digits": JSON % (b'{"id": %s, "file_name": "fine_00.png"}' % (b"9" * 5000), b""),
    "lists without end": JSON % (b"[[[[]]]]," * 2_000_000 + b"1", b""),
    "numbers without end": JSON % (b"1.5," * 6_000_000 + b"1", b""),
    "an image without end": JSON % (b"", b"9" * 30_000_000),
    "a large file": JSON % (b" " * 60_000_000, b""),
    "not even text": b"\xff\xfe\x00" * 1000,
    "a name without end": JSON % (b'{"id": 1, "file_name": "%s"}' % (b"../" * 1_000_000), b""),
    "up": JSON % (b'{"id": 1, "file_name": "../outside.png"}', b'{"image_id": 1, "category_id": 1, "bbox": [1,1,9,9]}'),
    "absolute": JSON % (b'{"id": 1, "file_name": "/etc/passwd"}', b""),
}


@pytest.mark.parametrize("attack", NO_COCO)
def test_evil_json(place, fine, attack):
    write_files(place.source.parent, {"outside.png": encoded(draw_photo(seed=77))})
    photos = {name: content for name, content in fine.items() if name.endswith(".png")}
    folder = write_files(place.source, {**photos, "labels.json": NO_COCO[attack]})
    assert_refused(place, run(place, folder), "'set'")


def test_evil_entries_of_a_json_among_fine_ones(place, fine):
    photos = [name for name in fine if name.endswith(".png")]
    images = [{"id": number, "file_name": name, "width": 64, "height": 48} for number, name in enumerate(photos)]
    marks = [{"image_id": number, "category_id": 1, "bbox": [4, 6, 26, 34]} for number in range(len(photos))]
    numbers = [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e308",
        "1e400",
        "-1e308",
        "9" * 4000,
        "null",
        "true",
        '"1"',
        "[]",
        "{}",
    ]
    text = json.dumps({"images": images, "annotations": marks, "categories": [{"id": 1, "name": "apple"}] * 2})
    evil = "".join(f', {{"image_id": 3, "category_id": 1, "bbox": [1, 1, {number}, {number}]}}' for number in numbers)
    evil += ', {"image_id": 3, "category_id": 1, "bbox": [1e8, 1e8, 1e8, 1e8]}, {"image_id": 3, "image_id": 3}'
    evil += ', {"image_id": ' + "[" * 300 + "]" * 300 + ', "category_id": {"a": [1]}, "bbox": [1, 1, 5, 5]}'
    text = text.replace('}], "categories"', f'}}{evil}], "categories"')
    folder = write_files(place.source, {**{name: fine[name] for name in photos}, "labels.json": text.encode()})
    found = imported(place, folder, "--decide", "large_loss=keep")
    assert set(found) >= {"fine_03.png"}


def yolo_files(fine: Mapping[str, bytes]) -> dict[str, bytes]:
    photos = {name: content for name, content in fine.items() if name.endswith(".png")}
    return (
        photos
        | {name.replace(".png", ".txt"): b"0 .5 .5 .4 .4\n" for name in photos}
        | {"data.yaml": b"names: [apple]"}
    )


BRANCHES = "\n".join(f"b{n + 1}: &b{n + 1} [{', '.join([f'*b{n}'] * 9)}]" for n in range(9))
EVIL_YAML = {
    "laughs": f"b0: &b0 [ha]\n{BRANCHES}\nnames: *b9",
    "laughs as a name": f"b0: &b0 [ha]\n{BRANCHES}\nnames: [*b9, a]\ntrain: *b9",
    "merges": "m0: &m0 {a: b}\n"
    + "\n".join(f"m{n + 1}: &m{n + 1} {{<<: [{', '.join([f'*m{n}'] * 9)}]}}" for n in range(9))
    + "\nnames: *m9",
    "python": "names: !!python/object/apply:os.system ['touch /tmp/evil']",
    "depth": "names: " + "[" * 50_000,
    "digits": "names: {0x" + "f" * 20_000 + ": a}\nnc: 0x" + "f" * 20_000,
    "odd tags": "names: [!!int '', !!float '', !!bool maybe, !!timestamp never, !!binary '=']",
    "size": "names: [a]\n#" + " " * 30_000_000,
    "ways out": "names: [a]\npath: /etc\ntrain: ['/etc/passwd', '../outside.png', '../../list.txt', ~, '/']\nval: ../",
    "parts": "names: [a]\ntrain: " + "a/" * 400_000,
    "entries": "names: [a]\ntrain:\n" + "- a\n" * 40_000,
    "classes": "names: [" + "a, " * 30_000 + "a]",
}


@pytest.mark.parametrize("attack", EVIL_YAML)
def test_evil_settings(place, fine, attack):
    """Fine labels beside them are read or refused, in time and without what lies outside."""
    write_files(place.source.parent, {"outside.png": encoded(draw_photo(seed=77)), "list.txt": b"set/fine_00.png\n"})
    folder = write_files(place.source, yolo_files(fine) | {"data.yaml": EVIL_YAML[attack].encode()})
    ran = run(place, folder)
    assert ran.status in (0, 2), ran.err
    assert "hahaha" not in ran.out and "Traceback" not in ran.err
    assert ran.peak < MAX_MEGABYTES
    assert len(list(place.workspace.rglob("*.png"))) <= len(fine) // 2
    assert not Path("/tmp/evil").exists()


def test_evil_texts_among_fine_ones(place, fine):
    evil = {
        "many": b"0 .5 .5 .4 .4\n" * 1_000_000,
        "short_lines": b"\n" * 30_000_000,
        "no_labels": b"x\n" * 1_000_000,
        "one_line": b"0 " + b".5 " * 5_000_000,
        "endless": b"0 inf inf inf inf\n1e400 .5 .5 .4 .4\nnan .5 .5 .4 .4\n0 nan nan nan nan",
        "digits": b"9" * 1_000_000 + b" .5 .5 .4 .4\n",
        "nothing": bytes(1_000_000),
    }
    photos = {f"{name}.png": encoded(draw_photo(seed=100 + n)) for n, name in enumerate(evil)}
    files = yolo_files(fine) | photos | {f"{name}.txt": text for name, text in evil.items()}
    folder = write_files(place.source, files | {"train.txt": b"a/" * 500_000 + b"\n../outside.png\n/etc/passwd\n"})
    (folder / "sparse.png").write_bytes(PHOTO)
    with (folder / "sparse.txt").open("wb") as file:
        file.truncate(1_000_000_000)
    found = imported(place, folder, "--decide", "large_loss=keep")
    assert {"many.txt", "no_labels.txt", "sparse.txt"} <= set(found)
    assert {found[f"{name}.txt"]["kind"] for name in ("many", "no_labels", "sparse")} == {"labels_damaged"}


def test_a_million_classes(place, fine):
    folder = write_files(place.source, yolo_files(fine))
    (folder / "data.yaml").unlink()
    (folder / "classes.txt").write_text("\n".join(map(str, range(1_000_000))))
    ran = run(place, folder)
    assert ran.status == 0, ran.err
    assert ran.peak < MAX_MEGABYTES


# The machine


def limited_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_no_room_on_the_disk(place, fine, kind):
    folder = write_files(place.source, fine)
    source = folder.with_suffix(".zip")
    source.write_bytes(zip_of(as_entries(fine)))
    ran = run(place, source if kind == "zip" else folder, limit=limited_files)
    assert_refused(place, ran, "could not be imported. The disk is full")


def test_a_workspace_that_is_no_folder(place, fine):
    place.workspace.write_text("a file")
    ran = run(place, write_files(place.source, fine))
    assert (ran.status, place.workspace.read_text()) == (2, "a file")
    assert "cannot be made" in ran.err and ran.err.count("\n") == 1


def test_a_killed_import_is_swept_by_the_next(place, fine):
    source = place.source.with_suffix(".zip")
    source.write_bytes(zip_of([*as_entries(fine), *(Entry(b"more/%d.txt" % n) for n in range(50_000))]))
    command = [sys.executable, "-m", "autodet", "import", str(source), "--name", "X"]
    process = subprocess.Popen(command, env=place.environment({}), stderr=subprocess.DEVNULL)
    datasets = place.workspace / "datasets"
    while not list(datasets.glob(".new-*/files/*")):
        time.sleep(0.01)
        assert process.poll() is None
    process.kill()
    process.wait()
    left = list(datasets.iterdir())
    assert [path.name.startswith(".new-") for path in left] == [True]
    os.utime(left[0], (0, 0))
    imported(place, write_files(place.source, fine))


def test_an_evil_upload_to_the_page_leaves_no_files(tmp_path, fine):
    workspace = workspace_in(tmp_path)
    for content, words in (
        (zip_of([*as_entries(fine), Entry(b"../evil.txt", b"x")]), "reaches outside"),
        (overlapping_quoted(50, ZEROS), "overlap each other"),
        (zip_of([*as_entries(fine), Entry(b"evil.png", PHOTO, checksum=1)]), "broken"),
    ):
        upload = tmp_path / "upload"
        upload.write_bytes(content)
        with upload.open("rb") as file:
            one = start_import(file, "evil", workspace=workspace)
        status = wait_for(one)
        assert status.state == "failed" and words in status.error
        left = {path.name for path in (workspace.imports / one.id).iterdir()}
        assert left <= {"request.json", "status.json", "import.log", "lock"}
        assert list(workspace.datasets.iterdir()) == []
