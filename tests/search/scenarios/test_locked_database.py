"""An optuna.db that another program keeps locked, for real."""

import os
import signal
import sqlite3
import time
from contextlib import contextmanager

import pytest

from autodet.models.store import find_model
from autodet.search.api import find_search, list_searches
from autodet.search.status.status_file import UNSAVED
from tests.search.conftest import is_whole

SEARCH = "fruit"
LOCKED_SECONDS = 5.0


def test_a_locked_database_costs_time_and_nothing_else_and_no_reader_waits(cli, home, notes, epochs_made, eventually):
    run = cli("search", "fruit", "--trials", 2, "--epochs", 6, "--json", script={"seconds": 0.3})
    eventually(lambda: epochs_made(SEARCH, 0))
    other = sqlite3.connect(home.home / "optuna.db", isolation_level=None)
    eventually(lambda: locks(other))
    began, longest = time.monotonic(), 0.0
    eventually(lambda: "locked" in find_search(SEARCH, home).status().message)
    assert find_search(SEARCH, home).status().state == "running"
    while time.monotonic() - began < LOCKED_SECONDS:
        asked = time.monotonic()
        list_searches(home)
        longest = max(longest, time.monotonic() - asked)
        time.sleep(0.05)
    other.execute("ROLLBACK")
    assert longest < 2
    assert len(epochs_made(SEARCH, 0)) == 6  # the worker has trained on
    code, status, _ = run.ends()
    assert (code, status["state"]) == (0, "finished")
    assert [[epoch["epoch"] for epoch in trial["epochs"]] for trial in status["trials"]] == [[1, 2, 3, 4, 5, 6]] * 2
    assert len({pid for pid, *_ in notes(SEARCH, 0)}) == 1
    assert find_search(SEARCH, home).status().message == ""
    assert is_whole(home, status)


@pytest.fixture
def locked(home, eventually):
    """Lock optuna.db, as another program would, until the block ends."""

    @contextmanager
    def locked():
        other = sqlite3.connect(home.home / "optuna.db", isolation_level=None)
        eventually(lambda: locks(other))
        yield
        other.execute("ROLLBACK")
        other.close()

    return locked


def test_a_stop_is_heard_while_the_database_is_locked_and_nothing_is_lost(
    cli, home, locked, epochs_made, workers, supervisors, eventually
):
    script = {"seconds": 0.3}
    run = cli("search", "fruit", "--trials", 2, "--epochs", 50, "--json", script=script)
    eventually(lambda: epochs_made(SEARCH, 0))
    with locked():
        eventually(lambda: "locked" in find_search(SEARCH, home).status().message)
        made = len(epochs_made(SEARCH, 0))
        eventually(lambda: len(epochs_made(SEARCH, 0)) > made + 2)
        assert cli("stop", SEARCH).ends()[0] == 0
        code, stopped, _ = run.ends()
        assert (code, stopped["state"]) == (0, "stopped")
        assert "stored only when the search is resumed" in find_search(SEARCH, home).status().message
        (trial,) = stopped["trials"]
        assert trial["state"] == "stopped"
        assert [epoch["epoch"] for epoch in trial["epochs"]] == [*range(1, len(trial["epochs"]) + 1)]
        assert len(trial["epochs"]) > made
        assert find_model(stopped["model"], home).card.metrics["map50"] == stopped["best"]["map50"]
        assert (home.searches / SEARCH / UNSAVED).exists()
    assert workers(supervisors(SEARCH)[0]) == []
    assert cli("resume", SEARCH, script={}).ends()[0] == 0
    status = find_search(SEARCH, home).wait().to_json()
    assert (status["state"], find_search(SEARCH, home).status().message) == ("finished", "")
    assert status["trials"][0] == trial
    assert len(status["trials"][1]["epochs"]) == 50
    assert is_whole(home, status)
    assert not (home.searches / SEARCH / UNSAVED).exists()


def test_a_search_stopped_in_its_last_trial_is_stored_by_a_resume(cli, home, locked, epochs_made, eventually):
    run = cli("search", "fruit", "--trials", 1, "--epochs", 50, "--json", script={"seconds": 0.3})
    eventually(lambda: epochs_made(SEARCH, 0))
    with locked():
        eventually(lambda: "locked" in find_search(SEARCH, home).status().message)
        find_search(SEARCH, home).stop()
        _, stopped, _ = run.ends()
    assert cli("resume", SEARCH).ends()[0] == 0
    status = find_search(SEARCH, home).wait().to_json()
    assert (status["state"], status["trials"]) == ("finished", stopped["trials"])
    assert is_whole(home, status)
    code, _, err = cli("resume", SEARCH).ends()
    assert (code, "only an interrupted or stopped search" in err) == (2, True)


def test_a_stop_is_heard_before_the_study_can_be_read_and_the_search_can_be_resumed(
    cli, home, locked, supervisors, epochs_made, eventually
):
    script = {"seconds": 0.3}
    run = cli("search", "fruit", "--trials", 1, "--epochs", 6, "--json", script=script)
    eventually(lambda: len(epochs_made(SEARCH, 0)) >= 2)
    os.kill(supervisors(SEARCH)[0], signal.SIGKILL)
    assert run.ends()[1]["state"] == "interrupted"
    with locked():
        assert cli("resume", SEARCH, script=script).ends()[0] == 0
        eventually(lambda: "locked" in find_search(SEARCH, home).status().message)
        assert cli("stop", SEARCH).ends()[0] == 0
        status = find_search(SEARCH, home).wait(best_so_far=True)
        assert status.state == "stopped"
        assert "before it could begin" in status.message and "locked" in status.message
        assert len(status.trials[0].epochs) >= 1
    assert cli("resume", SEARCH, script=script).ends()[0] == 0
    status = find_search(SEARCH, home).wait().to_json()
    assert status["state"] == "finished"
    assert [epoch["epoch"] for epoch in status["trials"][0]["epochs"]] == [1, 2, 3, 4, 5, 6]
    assert len(epochs_made(SEARCH, 0)) <= 6 + 1
    assert is_whole(home, status)


def locks(connection):
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    return True
