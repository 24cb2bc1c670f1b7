"""An optuna.db that another program keeps locked, for real."""

import sqlite3
import time

from autodet.search.control import find_search, list_searches
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


def locks(connection):
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    return True
