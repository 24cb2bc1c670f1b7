"""What a search promises about time, in real processes, with a scripted trainer."""

import os
import signal
import time

from autodet.models.store import find_model

STOPS_WITHIN = 10.0


def test_a_trial_that_starts_late_has_fewer_epochs_and_nothing_overruns(start, home):
    before = time.monotonic()
    search = start({"seconds": 0.5}, trials=20, epochs=8, time_limit=11)
    status = search.wait()
    passed = time.monotonic() - before
    assert status.state == "finished"
    assert "time limit of 11 seconds" in status.message
    assert passed < 11 + 1 + 0.5 + 2  # an epoch is longer than 5 %; and what this machine does meanwhile
    first, *others = status.trials
    assert (first.state, len(first.epochs)) == ("finished", 8)
    shortened = [trial for trial in others if "epochs" in trial.effective]
    assert all(len(trial.epochs) == trial.effective["epochs"] < 8 for trial in shortened if trial.state == "finished")
    assert all(trial.epochs for trial in status.trials)  # nothing was started in vain
    assert find_model(status.model, home).card.metrics["map50"] == status.to_json()["best"]["map50"]


def test_an_epoch_that_would_overrun_is_not_begun(start, epochs_made):
    search = start({"seconds": 1.0}, trials=1, epochs=20, time_limit=6)
    status = search.wait()
    assert (status.state, status.trials[0].state, status.trials[0].error) == ("finished", "stopped", None)
    assert status.seconds < 6 + 0.5
    assert len(epochs_made(search, 0)) == len(status.trials[0].epochs) > 0


def test_a_shortened_trial_goes_on_as_short_after_its_supervisor_was_killed(start, supervisor_of, eventually):
    search = start({"seconds": 0.4}, trials=2, epochs=12, time_limit=11)
    eventually(lambda: len(search.status().trials) == 2 and search.status().trials[1].epochs)
    planned = search.status().trials[1].effective
    supervisor_of(search).kill()
    supervisor_of(search).wait()
    search.resume()
    status = search.wait()
    assert status.state == "finished"
    assert status.trials[1].effective == planned
    assert len(status.trials[1].epochs) <= planned.get("epochs", 12)


def test_stop_keeps_the_best_within_ten_seconds_whatever_its_workers_do(cli, home, supervisors, workers, eventually):
    """They are all in the middle of a long epoch and ignore SIGTERM; two of four are stopped by SIGSTOP, too."""
    script = {"seconds_of_epoch": {"2": 1000}, "deaf": True}
    slots = ",".join(["cpu"] * 4)
    words = ("search", "fruit", "--trials", 4, "--epochs", 3, "--detach", "--json")
    _, started, _ = cli(*words, script=script, AUTODET_DEVICES=slots).ends()
    search = started["search"]

    def status():
        return cli("status", search, "--json").ends()[1]

    eventually(lambda: [len(trial["epochs"]) for trial in status()["trials"]] == [1] * 4)
    for pid in workers(supervisors(search)[0])[:2]:
        os.kill(pid, signal.SIGSTOP)
    before = time.monotonic()
    assert cli("stop", search).ends()[0] == 0
    ended = eventually(lambda: (now := status())["state"] == "stopped" and now)
    assert time.monotonic() - before < STOPS_WITHIN + 5  # this machine starts a process each for stop and status
    assert [trial["state"] for trial in ended["trials"]] == ["stopped"] * 4
    assert find_model(ended["model"], home).card.metrics["map50"] == ended["best"]["map50"]
    assert not workers(supervisors(search)[0])
