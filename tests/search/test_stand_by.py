"""Supervisors that load their libraries before their search exists."""

import pytest

from autodet.search import launch as launch_module
from autodet.search.launch import stand_by
from autodet.search.start import start_search
from autodet.search.status.status_file import LOG
from tests.tiers import PROCESS, implies


@pytest.fixture
@implies(PROCESS)
def waiting(home):
    """The process that waits in the workspace; it is gone after the test."""
    launcher = stand_by(home.home)
    process = launch_module._waiting[home.home]
    yield launcher, process
    process.kill()
    process.wait()


@pytest.mark.trains
def test_a_waiting_process_runs_the_search_and_writes_its_log(data, home, waiting):
    launcher, process = waiting
    search = start_search(data, trials=1, epochs=1, launcher=launcher, workspace=home)
    assert search.wait().state == "finished"
    assert process.wait(60) == 0
    log = (home.searches / search.id / LOG).read_text()
    assert "Trial 0 starts" in log
    assert "Classes known" in log or "epoch 1" in log


def test_only_one_process_waits(home, waiting):
    stand_by(home.home)
    assert launch_module._waiting[home.home] is waiting[1]


def test_a_search_starts_although_the_waiting_process_is_gone(data, home, waiting, monkeypatch):
    launcher, process = waiting
    launched = []
    monkeypatch.setattr(launch_module, "launch", launched.append)
    process.kill()
    process.wait()
    search = start_search(data, trials=1, epochs=1, launcher=launcher, workspace=home)
    assert [folder.name for folder in launched] == [search.id]
