"""Squares on a disk, with what disks and processes really do: fill up, lose bytes, get killed."""

import os
import resource
import signal
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from autodet.training.image_cache import DiskSquares, SquareCache, room_for

SIDE, COUNT = 32, 8
SIZE = 3 * SIDE * SIDE
GB = 10**9


def square(number):
    return torch.full((SIDE, SIDE, 3), number, dtype=torch.uint8).permute(2, 0, 1)


def fill(disk, numbers=range(COUNT)):
    for number in numbers:
        disk.put(number, square(number))


def served(disk):
    """Numbers of the squares that are there; each has to be the right one."""
    found = {number: disk.get(number) for number in range(COUNT)}
    there = [number for number, one in found.items() if one is not None]
    assert all(torch.equal(found[number], square(number)) for number in there)
    return there


@pytest.fixture
def disk(roomy_disk, tmp_path):
    return DiskSquares(tmp_path, COUNT, SIDE)


def test_what_was_kept_is_served_and_nothing_else_and_the_file_has_no_name(disk, tmp_path):
    assert served(disk) == []
    fill(disk, [6, 1])
    assert served(disk) == [1, 6]
    fill(disk)
    assert served(disk) == list(range(COUNT))
    assert list(tmp_path.iterdir()) == []


def test_the_first_photos_are_for_memory_and_the_disk_has_the_rest(roomy_disk, tmp_path):
    files = ["a", "b", "c", "b", "d"]  # in a refit some photos are in both lists
    cache = SquareCache(files, SIDE, tmp_path, memory_bytes=2 * SIZE + 1)
    assert [file for file in "abcd" if cache.is_for_memory(file)] == ["a", "b"]
    for number, file in enumerate("abcd"):
        assert cache.get(file) is None
        cache.put(file, square(number))
    assert all(torch.equal(cache.get(file), square(number)) for number, file in enumerate("abcd"))
    alone = SquareCache(files, SIDE, memory_bytes=2 * SIZE)
    alone.put("d", square(3))
    assert alone.get("d") is None


def run_forked(target, *arguments):
    process = get_context("fork").Process(target=target, args=arguments)
    process.start()
    process.join()


@pytest.mark.process
def test_forked_processes_share_what_each_has_kept(disk):
    run_forked(fill, disk, [0, 1, 2])
    run_forked(fill, disk, [5])
    assert served(disk) == [0, 1, 2, 5]


@pytest.mark.process
def test_a_square_whose_writer_was_killed_half_way_is_not_served(disk):
    def die_half_way():
        write = os.pwrite

        def write_half(descriptor, content, offset):
            write(descriptor, content[: SIZE // 2], offset)
            os.kill(os.getpid(), signal.SIGKILL)

        os.pwrite = write_half
        disk.put(3, square(3))

    fill(disk, [7])
    run_forked(die_half_way)
    assert served(disk) == [7]
    fill(disk, [3])
    assert served(disk) == [3, 7]


def cut_short(content):
    return content[:-1]


def with_a_changed_byte(content):
    return bytes([content[0] ^ 1]) + content[1:]


def broken(_content):
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize("spoil", [cut_short, with_a_changed_byte, broken])
def test_what_cannot_be_read_as_it_was_written_is_not_served(disk, monkeypatch, spoil):
    fill(disk)
    read = os.pread
    monkeypatch.setattr(os, "pread", lambda *place: spoil(read(*place)))
    assert served(disk) == []


@pytest.mark.process
def test_a_file_that_cannot_grow_is_emptied_so_that_others_have_the_room(disk):
    fill(disk, range(5))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5 * SIZE + SIZE // 2, before[1]))
    try:
        run_forked(fill, disk, [5])  # its loss is everybody's
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    fill(disk)
    assert served(disk) == []


def test_a_disk_that_has_become_full_takes_no_more_but_serves_what_it_has(disk, monkeypatch):
    fill(disk, range(5))
    monkeypatch.setattr("autodet.training.image_cache.LEFT_FREE_BYTES", 10**18)
    fill(disk, [5])
    monkeypatch.setattr("autodet.training.image_cache.LEFT_FREE_BYTES", 0)
    fill(disk, [6])
    assert served(disk) == list(range(5))


@pytest.mark.parametrize(("free", "room"), [(100 * GB, 50 * GB), (8 * GB, 3 * GB), (5 * GB, 0), (0, 0)])
def test_half_of_what_is_free_is_used_and_five_gigabytes_are_left(monkeypatch, tmp_path, free, room):
    monkeypatch.setattr("autodet.training.image_cache.MEMORY_FILE_SYSTEMS", ())
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=free // 1000, f_frsize=1000))
    assert room_for(tmp_path) == room
    disk = DiskSquares(tmp_path, COUNT, SIDE)
    fill(disk)
    assert served(disk) == (list(range(COUNT)) if room else [])


def test_more_squares_than_there_is_room_for(roomy_disk, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=2 * 3 * SIZE, f_frsize=1))
    disk = DiskSquares(tmp_path, COUNT, SIDE)
    fill(disk)
    assert served(disk) == [0, 1, 2]


def test_where_files_lie_in_memory_or_cannot_be_made_nothing_is_kept(tmp_path):
    shared_memory = Path("/dev/shm")
    if shared_memory.is_dir() and f" {shared_memory} " in Path("/proc/self/mountinfo").read_text():
        assert room_for(shared_memory) == 0
    disk = DiskSquares(tmp_path / "missing", COUNT, SIDE)
    fill(disk)
    assert served(disk) == []


def test_a_killed_process_leaves_nothing_behind(tmp_path):
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from autodet.training import image_cache\n"
        "from tests.training.test_image_cache import COUNT, SIDE, fill, served\n"
        "image_cache.LEFT_FREE_BYTES, image_cache.MEMORY_FILE_SYSTEMS = 0, ()\n"
        "disk = image_cache.DiskSquares(Path(sys.argv[1]), COUNT, SIDE)\n"
        "fill(disk)\n"
        "print(len(served(disk)), flush=True)\n"
        "time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == f"{COUNT}\n"
    finally:
        process.kill()
        process.wait()
    assert list(tmp_path.iterdir()) == []
