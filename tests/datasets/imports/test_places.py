"""Imports that wait for each other, and are killed meanwhile."""

import os
import signal
import time
from pathlib import Path

import pytest

from autodet.datasets.imports import places
from autodet.datasets.imports.import_job import list_imports, start_import
from autodet.datasets.manifest import list_datasets
from autodet.errors import BusyError
from autodet.lock import try_lock, unlock
from autodet.messages.imports import step_text
from tests.helpers import write_voc

pytestmark = pytest.mark.process


@pytest.fixture
def occupied(workspace, monkeypatch):
    """A workspace in which another import has the only place; call it to free the place."""
    monkeypatch.setenv("AUTODET_MAX_IMPORTS", "1")
    folder = workspace.imports / ".places"
    folder.mkdir()
    descriptor = try_lock(folder / "0")
    yield lambda: unlock(descriptor)


def wait_until(reached):
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def step(job):
    return job.status().step.kind


def process_of(folder: Path) -> int:
    found = Path("/proc").glob("[0-9]*/cmdline")
    return next(int(path.parent.name) for path in found if str(folder) in path.read_text(errors="replace"))


def test_an_import_waits_for_a_place_and_says_so(occupied, workspace, tmp_path):
    job = start_import(str(write_voc(tmp_path / "fruit")), "fruit", workspace=workspace)
    wait_until(lambda: step(job) == "wait")
    assert step_text(job.status().step) == "Waiting for other imports"
    assert list_datasets(workspace) == []
    occupied()
    wait_until(lambda: job.status().state == "finished")


def test_many_imports_at_once_run_one_after_the_other(occupied, workspace, tmp_path):
    source = str(write_voc(tmp_path / "fruit"))
    jobs = [start_import(source, f"fruit {number}", workspace=workspace) for number in range(4)]
    wait_until(lambda: all(step(job) == "wait" for job in jobs))
    occupied()
    wait_until(lambda: all(job.status().state == "finished" for job in jobs))
    begun = [(workspace.datasets / job.status().dataset / "manifest.json").stat().st_mtime for job in jobs]
    assert len(set(begun)) == 4


def test_a_waiting_import_can_be_cancelled(occupied, workspace, tmp_path):
    job = start_import(str(write_voc(tmp_path / "fruit")), "fruit", workspace=workspace)
    wait_until(lambda: step(job) == "wait")
    job.discard()
    wait_until(lambda: not list_imports(workspace))


def test_a_killed_import_blocks_no_others_and_goes_on_later(occupied, workspace, tmp_path):
    source = str(write_voc(tmp_path / "fruit"))
    killed, next_one = (start_import(source, name, workspace=workspace) for name in ("one", "two"))
    wait_until(lambda: step(killed) == step(next_one) == "wait")
    os.kill(process_of(workspace.imports / killed.id), signal.SIGKILL)
    occupied()
    wait_until(lambda: next_one.status().state == "finished")
    assert killed.status().state == "interrupted"
    killed.proceed()
    wait_until(lambda: killed.status().state == "finished")


def test_no_more_than_some_imports_wait(occupied, workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(places, "MAX_WAITING", 1)
    source = str(write_voc(tmp_path / "fruit"))
    job = start_import(source, "fruit", workspace=workspace)
    wait_until(lambda: step(job) == "wait")
    with pytest.raises(BusyError, match="queue of imports is full"):
        start_import(source, "more", workspace=workspace)
    job.discard()
    wait_until(lambda: not list_imports(workspace))
