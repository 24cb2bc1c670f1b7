import os
import time
from dataclasses import replace

import pytest

from autodet.lock import hold_lock
from autodet.records import Notice, SearchStatus
from autodet.search.status.status_file import LAUNCHED, STATUS, STOP, read_status, write_snapshot

RUNNING = SearchStatus("s", "d", "running", planned_trials=3, planned_epochs=20, seconds=50.0, seconds_left=30.0)

WAITS = Notice.of("waits_for_device", searches=["other"], devices=["cpu"])


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "s"
    path.mkdir()
    return path


def written(folder, status, seconds_ago=0.0):
    write_snapshot(folder, status)
    then = time.time() - seconds_ago
    os.utime(folder / STATUS, (then, then))


def launched(folder, seconds_ago=0.0):
    (folder / LAUNCHED).touch()
    then = time.time() - seconds_ago
    os.utime(folder / LAUNCHED, (then, then))


@pytest.mark.parametrize(
    ("state", "locked", "stop", "launched_after", "expected"),
    [
        ("queued", False, False, True, "queued"),
        ("queued", True, False, True, "queued"),
        ("queued", False, False, False, "interrupted"),
        ("queued", True, False, False, "queued"),
        ("queued", True, True, False, "stopping"),
        ("running", True, False, False, "running"),
        ("running", True, True, False, "stopping"),
        ("running", False, False, False, "interrupted"),
        ("running", False, True, False, "interrupted"),
        ("running", False, False, True, "queued"),
        ("interrupted", False, False, True, "queued"),
        ("stopped", True, False, True, "queued"),
        ("stopped", False, False, False, "stopped"),
        ("finished", True, False, False, "finished"),
        ("failed", False, False, False, "failed"),
    ],
)
def test_the_state_is_what_the_files_say(folder, state, locked, stop, launched_after, expected):
    written(folder, replace(RUNNING, state=state), seconds_ago=20)
    if stop:
        (folder / STOP).touch()
    if launched_after:
        launched(folder, seconds_ago=10)
    if locked:
        with hold_lock(folder):
            assert read_status(folder).state == expected
    else:
        assert read_status(folder).state == expected


@pytest.mark.parametrize("seconds_ago", [3600, -3600])  # or the clock was put back
def test_a_launch_that_led_nowhere_is_given_up(folder, seconds_ago):
    written(folder, replace(RUNNING, state="queued"), seconds_ago=3700)
    launched(folder, seconds_ago)
    assert read_status(folder).state == "interrupted"


def test_a_search_that_ends_while_somebody_looks_is_not_interrupted(folder, monkeypatch):
    written(folder, RUNNING, seconds_ago=1)

    def ends_now(folder):
        written(folder, replace(RUNNING, state="finished", model="s"))
        return False

    monkeypatch.setattr("autodet.search.status.status_file.is_locked", ends_now)
    assert (read_status(folder).state, read_status(folder).model) == ("finished", "s")


def test_time_goes_on_between_two_events(folder):
    written(folder, RUNNING, seconds_ago=10)
    with hold_lock(folder):
        status = read_status(folder)
    assert status.seconds >= 59
    assert status.seconds_left <= 21
    written(folder, RUNNING, seconds_ago=1000)
    with hold_lock(folder):
        assert read_status(folder).seconds_left == 0
    assert read_status(folder).seconds == 50  # interrupted: the clock stands still


def test_a_search_that_waits_for_a_device_has_no_time_going_on(folder):
    written(folder, replace(RUNNING, state="queued", notices=(WAITS,)), seconds_ago=100)
    with hold_lock(folder):
        status = read_status(folder)
        assert (status.state, status.seconds, status.notices) == ("queued", 50, (WAITS,))
        (folder / STOP).touch()
        assert read_status(folder).notices == ()  # they are about another state
