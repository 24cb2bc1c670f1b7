"""A disk that is full, for real: a small file system, or a kernel that lets no file grow."""

import os
import resource
import subprocess
from contextlib import suppress

import pytest

from autodet.search.api import find_search
from tests.search.conftest import is_whole

SEARCH = "fruit"
AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]


class SmallDisk:
    """The workspace on a file system of its own."""

    says_why = True

    def __init__(self, folder):
        self.folder = folder

    def fill(self, _process):
        with suppress(OSError), (self.folder / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)

    def free(self):
        (self.folder / "ballast").unlink()


class NoGrowth:
    """Where nothing can be mounted: no file of the supervisor may grow any more, not even to say why."""

    says_why = False

    def fill(self, process):
        resource.prlimit(process, resource.RLIMIT_FSIZE, (64, 64))

    def free(self):
        """The next process has no such limit."""


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    mount = [*AS_ROOT, "mount", "-t", "tmpfs", "-o", f"size=6m,uid={os.getuid()}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    yield SmallDisk(folder) if mounted else NoGrowth()
    if mounted:
        subprocess.run([*AS_ROOT, "umount", "-l", str(folder)], check=True)


def test_a_full_disk_interrupts_with_the_reason_and_resume_goes_on_when_there_is_room_again(
    disk, cli, home, supervisors, epochs_made, eventually
):
    script = {"seconds": 0.3}
    run = cli("search", "fruit", "--trials", 2, "--epochs", 6, "--json", script=script)
    eventually(lambda: epochs_made(SEARCH, 0))
    disk.fill(supervisors(SEARCH)[0])
    code, status, err = run.ends()
    assert (code, status["state"]) == (1, "interrupted")
    assert not disk.says_why or "The disk is full" in err
    disk.free()
    code, _, _ = cli("resume", SEARCH, script=script).ends()
    assert code == 0
    status = find_search(SEARCH, home).wait().to_json()
    assert status["state"] == "finished"
    assert [[epoch["epoch"] for epoch in trial["epochs"]] for trial in status["trials"]] == [[1, 2, 3, 4, 5, 6]] * 2
    assert len(epochs_made(SEARCH, 0)) <= 7
    assert is_whole(home, status)
    assert not list(home.searches.rglob(".*"))


def test_a_checkpoint_that_does_not_fit_is_not_torn(cli, home, supervisors, workers, epochs_made, eventually):
    script = {"seconds": 0.3, "checkpoint_megabytes": 1}
    run = cli("search", "fruit", "--trials", 1, "--epochs", 4, "--json", script=script)
    eventually(lambda: len(epochs_made(SEARCH, 0)) == 2)
    (worker,) = workers(supervisors(SEARCH)[0])
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (500_000, 500_000))
    code, status, err = run.ends()
    assert (code, status["state"]) == (1, "interrupted")
    assert "The disk is full" in err
    assert len(status["trials"][0]["epochs"]) == 2
    cli("resume", SEARCH, script=script).ends()
    status = find_search(SEARCH, home).wait().to_json()
    assert status["state"] == "finished"
    assert epochs_made(SEARCH, 0) == [f"epoch {number}" for number in range(1, 5)]
    assert is_whole(home, status)
