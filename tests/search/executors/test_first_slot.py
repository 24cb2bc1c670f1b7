"""New searches that wait for a device in a small process."""

import os
import signal
import time
from pathlib import Path

import pytest

from autodet.search.executors.device_queue import SlotQueue
from autodet.training.device import number_slots

pytestmark = pytest.mark.process
HEAVY = "_sqlite3"  # a library that a supervisor loads for its study


@pytest.fixture
def occupied(home, monkeypatch):
    """A workspace whose only device another search holds; call it to give the device back."""
    monkeypatch.setenv("AUTODET_DEVICES", "cpu")
    queue = SlotQueue(home.home, "other", number_slots(["cpu"]))
    held = queue.take()
    return lambda: queue.give_back(held)


def wait_until(reached):
    deadline = time.monotonic() + 90
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def waits(search):
    return "the search other is using cpu" in search.status().message


def libraries(process):
    return Path(f"/proc/{process.pid}/maps").read_text()


def test_a_search_that_waits_has_not_loaded_the_supervisor(occupied, start, launcher):
    search = start(trials=1, time_limit=60.0)
    wait_until(lambda: waits(search))
    assert search.status().state == "queued"
    assert "time limit is paused" in search.status().message
    assert HEAVY not in libraries(launcher.processes[0])
    occupied()
    wait_until(lambda: HEAVY in libraries(launcher.processes[0]))
    status = search.wait()
    assert status.state == "finished"


def test_searches_that_wait_take_turns_and_all_end(occupied, start):
    searches = [start(trials=1, seed=number) for number in range(3)]
    wait_until(lambda: all(search.status().message for search in searches))
    occupied()
    assert [search.wait().state for search in searches] == ["finished"] * 3


def test_a_search_that_waits_can_be_stopped(occupied, start):
    search = start(trials=1)
    wait_until(lambda: waits(search))
    search.stop()
    wait_until(lambda: search.status().state == "stopped")


def test_a_search_that_is_killed_while_it_waits_is_resumed(occupied, start, launcher):
    search = start(trials=1)
    wait_until(lambda: waits(search))
    os.kill(launcher.processes[0].pid, signal.SIGKILL)
    wait_until(lambda: search.status().state == "interrupted")
    occupied()
    search.resume()
    assert search.wait().state == "finished"
