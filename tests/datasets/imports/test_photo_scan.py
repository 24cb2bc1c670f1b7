import hashlib
import os
import signal
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from autodet.datasets.imports import photo_scan
from autodet.datasets.imports.photo_scan import MANY, Seen, looking_at
from autodet.errors import AutodetError
from autodet.records import Cause
from tests.helpers import draw_photo


def write_many(folder: Path) -> list[str]:
    """So many photos that processes are started; every hundredth is damaged. Most are links, so that it is quick."""
    (folder / "a b").mkdir(parents=True)
    originals = []
    for number in range(8):
        originals.append(folder / f"original {number}.png")
        draw_photo(seed=number).save(originals[-1])
    names = []
    for number in range(MANY + 40):
        names.append(f"a b/{number:05}.png")
        if number % 100 == 99:
            (folder / names[-1]).write_bytes(b"no photo")
        else:
            (folder / names[-1]).hardlink_to(originals[number % 8])
    return names


@pytest.mark.process
def test_processes_see_what_a_thread_sees_in_the_same_order(tmp_path):
    names = write_many(tmp_path / "photos")
    with looking_at(names, tmp_path / "photos", tmp_path / "copies") as looks:
        seen = list(looks)
    with looking_at(names[:200], tmp_path / "photos", None) as looks:
        few = list(looks)
    assert len(seen) == len(names) and seen[:200] == few
    for name, one in zip(names, seen, strict=True):
        content = (tmp_path / "photos" / name).read_bytes()
        if isinstance(one, Cause):
            assert (content, one.values) == (b"no photo", {"name": name})
            assert not (tmp_path / "copies" / name).exists()
        else:
            assert one[1] == hashlib.sha256(content).hexdigest() and one[0].stored_wh == (64, 48)
            assert (tmp_path / "copies" / name).read_bytes() == content


def children() -> list[int]:
    command = ["pgrep", "-P", str(os.getpid()), "-f", "datasets.imports.photo_scan"]
    return [int(pid) for pid in subprocess.run(command, check=False, capture_output=True).stdout.split()]


def test_a_process_that_is_killed_is_a_sentence_and_none_is_left(tmp_path):
    names = write_many(tmp_path / "photos")
    with looking_at(names, tmp_path / "photos", None) as looks:
        next(looks)
        for process in children():
            os.kill(process, signal.SIGKILL)
        with pytest.raises(AutodetError, match="ended early"):
            list(looks)
    assert children() == []


def test_whoever_leaves_early_leaves_no_process_behind(tmp_path):
    names = write_many(tmp_path / "photos")
    with pytest.raises(KeyError), looking_at(names, tmp_path / "photos", None):
        assert children()
        raise KeyError
    assert children() == []


def write_large(folder: Path) -> Path:
    """Write a photo that is large enough, and old enough, to share its blocks."""
    folder.mkdir()
    photo = folder / "a.png"
    Image.frombytes("RGB", (240, 180), os.urandom(240 * 180 * 3)).save(photo)
    assert photo.stat().st_size > photo_scan.MIN_CLONE_BYTES
    return photo


def scan(folder: Path) -> Seen:
    with looking_at(["a.png"], folder, folder.parent / "copies") as looks:
        return next(looks)


@pytest.mark.parametrize("change", [b"", b"changed in between"])
def test_a_large_photo_shares_its_blocks_unless_it_changes_meanwhile(tmp_path, monkeypatch, change):
    photo = write_large(tmp_path / "photos")
    content, cloned = photo.read_bytes(), []

    def clone(target: int, _request: int, source: int) -> None:
        if change:
            photo.write_bytes(change)
        cloned.append(os.pwrite(target, os.pread(source, len(content), 0), 0))

    monkeypatch.setattr(photo_scan, "MIN_CLONE_AGE", -1.0)
    monkeypatch.setattr(photo_scan.fcntl, "ioctl", clone)
    _, sha256 = scan(tmp_path / "photos")
    assert cloned == [len(change or content)]
    assert (tmp_path / "copies" / "a.png").read_bytes() == content
    assert sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("age", [-1.0, 2.0])
def test_a_photo_is_written_where_blocks_cannot_be_shared(tmp_path, monkeypatch, age):
    content = write_large(tmp_path / "photos").read_bytes()
    monkeypatch.setattr(photo_scan, "MIN_CLONE_AGE", age)
    monkeypatch.setattr(photo_scan, "FICLONE", 0)  # which no file system knows
    _, sha256 = scan(tmp_path / "photos")
    assert (tmp_path / "copies" / "a.png").read_bytes() == content
    assert sha256 == hashlib.sha256(content).hexdigest()
