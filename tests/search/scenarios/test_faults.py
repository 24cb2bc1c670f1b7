"""What happens to a search when things go wrong, for real."""

import os
import re
import signal
import time

import pytest

from autodet.models.store import find_model
from autodet.search.api import find_search
from autodet.search.status.status_file import STATUS
from tests.search.conftest import ROOT


def computed_epochs(notes, search, trial):
    return [what for *_, what in notes(search, trial) if what.startswith("epoch")]


def test_a_worker_that_dies_every_time_fails_its_trial_and_nothing_else(start):
    status = start({"killed": {"1": 2}}, trials=3, epochs=3).wait()
    assert status.state == "finished"
    assert [trial.state for trial in status.trials] == ["finished", "failed", "finished"]
    assert "lost 3 times" in status.trials[1].error
    assert "ended from outside (SIGKILL)" in status.trials[1].error
    assert len(status.trials[1].epochs) == 1


@pytest.mark.parametrize(("kind", "words"), [("fail", "too beautiful"), ("bug", "ZeroDivisionError: oh no")])
def test_an_exception_fails_its_trial_with_a_sentence_and_the_search_goes_on(start, home, kind, words):
    search = start({kind: {"0": 2}}, trials=2, epochs=3)
    status = search.wait()
    assert [trial.state for trial in status.trials] == ["failed", "finished"]
    assert words in status.trials[0].error
    assert "Traceback" not in status.trials[0].error
    assert "Traceback" in (home.searches / search.id / "supervisor.log").read_text()


def test_a_search_without_a_single_epoch_failed_and_says_why(start):
    search = start({"fail": {"0": 1, "1": 1}}, trials=2, epochs=3)
    status = search.wait(best_so_far=True)
    assert (status.state, status.model) == ("failed", None)
    assert "too beautiful" in status.message


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_supervisor_leaves_a_search_that_resumes_where_it_was(
    start, home, notes, eventually, supervisor_of, how
):
    search = start({"seconds": 0.25}, trials=3, epochs=5)
    eventually(lambda: len(computed_epochs(notes, search, 1)) >= 2)
    supervisor = supervisor_of(search)
    supervisor.send_signal(how)
    supervisor.wait()
    status = search.status()
    assert status.state == "interrupted"
    assert status.trials[0].state == "finished"
    assert status.model
    worker = int(notes(search, 1)[-1][0])
    eventually(lambda: not alive(worker))  # a worker does not outlive its supervisor

    search.resume()
    status = find_search(search.id, home).wait()
    assert status.state == "finished"
    assert [trial.number for trial in status.trials] == [0, 1, 2]
    assert [[result.epoch for result in trial.epochs] for trial in status.trials] == [[1, 2, 3, 4, 5]] * 3
    assert len(computed_epochs(notes, search, 0)) == 5
    assert len(computed_epochs(notes, search, 1)) <= 6  # at most the epoch that it was in is made again
    assert find_model(status.model, home).card.metrics["map50"] == status.to_json()["best"]["map50"]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_two_resumes_at_once_start_one_supervisor(start, notes, eventually, supervisor_of):
    search = start({"seconds": 0.2}, trials=1, epochs=8)
    eventually(lambda: computed_epochs(notes, search, 0) and search.status().trials)  # else it still counts as queued
    supervisor_of(search).kill()
    supervisor_of(search).wait()
    search.resume()
    second_refused = False
    try:
        search.resume()
    except Exception as error:
        second_refused = "queued" in str(error) or "running" in str(error)
    assert second_refused
    assert search.wait().state == "finished"
    assert computed_epochs(notes, search, 0)[-1] == "epoch 8"
    assert len(computed_epochs(notes, search, 0)) <= 9


@pytest.mark.parametrize("hours", [-1, 1])
def test_what_a_machine_left_behind_when_it_went_down_is_not_taken_for_life(start, home, supervisor_of, hours):
    """The lock's file, the note of a launch, half a status; and a clock that now shows another time."""
    search = start({"seconds": 0.2}, trials=1, epochs=3)
    supervisor_of(search).kill()
    supervisor_of(search).wait()
    folder = home.searches / search.id
    (folder / "lock").touch()
    (folder / ".status.json.0a1b2c3d").write_text('{"search"')
    then = time.time() + 3600 * hours
    for name in (STATUS, "launched", "lock"):
        os.utime(folder / name, (then, then))
    assert search.status().state == "interrupted"
    search.resume()
    assert search.status().state in ("queued", "running")
    assert search.wait().state == "finished"
    assert not list(folder.glob(".*"))


def test_a_database_that_cannot_be_used_interrupts_with_a_sentence(start, home):
    (home.home / "optuna.db").write_bytes(b"this is no database" * 100)
    search = start(trials=1, epochs=1)
    status = search.wait(best_so_far=True)
    assert status.state == "interrupted"
    assert "not a database" in status.message
    (home.home / "optuna.db").unlink()
    search.resume()
    assert search.wait().state == "finished"


def test_the_tests_that_the_promises_name_are_there():
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "search.md").read_text()))
    written = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert named
    assert {name for name in named if f"def {name}(" not in written} == set()
