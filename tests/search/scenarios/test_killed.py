"""Processes of a search that are killed, stopped and hung, for real and through the command line."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

from autodet.search.api import find_search
from autodet.search.run.trial_dirs import TrialFolders
from autodet.training.train_job import CHECKPOINT
from tests.search.conftest import is_whole

SEARCH = "fruit"


def kill(pid):
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def test_workers_killed_at_twenty_random_moments_lose_an_epoch_each_at_most(
    cli, home, supervisors, workers, epochs_made, eventually
):
    run = cli("search", "fruit", "--trials", 2, "--epochs", 50, "--json", script={"seconds": 0.1})
    supervisor = supervisors(SEARCH)[0]
    chance, killed, made = random.Random(0), [], []
    while len(killed) < 20:
        worker = eventually(lambda: [pid for pid in workers(supervisor) if pid not in killed])[0]
        time.sleep(chance.uniform(0, 0.7))
        if made[-2:] == [all_made := len(epochs_made(SEARCH, 0) + epochs_made(SEARCH, 1))] * 2:
            # A third death in a row without an epoch in between would be the trial's end.
            eventually(lambda all_made=all_made: len(epochs_made(SEARCH, 0) + epochs_made(SEARCH, 1)) > all_made)
        made.append(len(epochs_made(SEARCH, 0) + epochs_made(SEARCH, 1)))
        kill(worker)
        killed.append(worker)
    code, status, _ = run.ends()
    assert (code, status["state"]) == (0, "finished")
    assert [trial["state"] for trial in status["trials"]] == ["finished", "finished"]
    assert is_whole(home, status)
    assert len(epochs_made(SEARCH, 0) + epochs_made(SEARCH, 1)) <= 100 + 20


def test_a_killed_supervisor_and_its_killed_worker_lose_an_epoch_at_most(
    cli, home, notes, supervisors, workers, epochs_made, eventually
):
    run = cli("search", "fruit", "--trials", 2, "--epochs", 6, "--json", script={"seconds": 0.2})
    for at in (2, 4):
        eventually(lambda at=at: len(epochs_made(SEARCH, 0)) >= at)
        supervisor = supervisors(SEARCH, at_least=at // 2)[-1]
        for pid in (*workers(supervisor), supervisor):
            kill(pid)
        if at == 2:
            code, status, err = run.ends()
            assert (code, status["state"]) == (1, "interrupted")
            assert "resume fruit" in err
        eventually(lambda: find_search(SEARCH, home).status().state == "interrupted")
        assert cli("resume", SEARCH, script={"seconds": 0.2}).ends()[0] == 0
    status = find_search(SEARCH, home).wait().to_json()
    assert status["state"] == "finished"
    assert [[epoch["epoch"] for epoch in trial["epochs"]] for trial in status["trials"]] == [[1, 2, 3, 4, 5, 6]] * 2
    assert len(epochs_made(SEARCH, 0)) <= 6 + 2
    assert is_whole(home, status)


def test_a_worker_that_hangs_is_ended_at_the_deadline_and_its_trial_goes_on(cli, home, notes):
    script = {"seconds": 0.3, "batches": 9, "hangs": {"0": 2}}  # an epoch takes longer than the deadline, no batch does
    run = cli("search", "fruit", "--trials", 1, "--epochs", 2, "--json", script=script, AUTODET_PROGRESS_DEADLINE="2")
    code, status, _ = run.ends()
    assert (code, status["trials"][0]["state"]) == (0, "finished")
    assert [what for *_, what in notes(SEARCH, 0)] == ["starts", "epoch 1", "hangs", "starts", "epoch 2"]
    assert log_of(home).count("Trial 0 was lost: it showed no progress for 2 seconds") == 1


def log_of(home):
    return (home.searches / SEARCH / "supervisor.log").read_text()


def test_a_worker_stopped_past_the_deadline_is_replaced_and_never_writes_again(
    cli, home, notes, supervisors, workers, epochs_made, eventually
):
    script = {"seconds": 0.2, "batches": 2}
    run = cli("search", "fruit", "--trials", 1, "--epochs", 5, "--json", script=script, AUTODET_PROGRESS_DEADLINE="2")
    eventually(lambda: epochs_made(SEARCH, 0))
    (worker,) = workers(supervisors(SEARCH)[0])
    os.kill(worker, signal.SIGSTOP)
    eventually(lambda: "it showed no progress for 2 seconds" in log_of(home))
    with suppress(ProcessLookupError):
        os.kill(worker, signal.SIGCONT)
    code, status, _ = run.ends()
    assert (code, status["state"]) == (0, "finished")
    assert epochs_made(SEARCH, 0) == [f"epoch {number}" for number in range(1, 6)]
    assert len({pid for pid, *_ in notes(SEARCH, 0)}) == 2
    assert is_whole(home, status)


def test_a_supervisor_stopped_past_every_deadline_goes_on_and_nobody_takes_its_place(
    cli, home, notes, supervisors, workers, epochs_made, eventually
):
    script = {"seconds": 0.2}
    run = cli("search", "fruit", "--trials", 1, "--epochs", 8, "--json", script=script, AUTODET_PROGRESS_DEADLINE="2")
    eventually(lambda: epochs_made(SEARCH, 0))
    (supervisor,) = supervisors(SEARCH)
    os.kill(supervisor, signal.SIGSTOP)
    eventually(lambda: len(epochs_made(SEARCH, 0)) == 8)  # its worker trains on meanwhile
    time.sleep(3)
    code, _, err = cli("resume", SEARCH).ends()
    assert (code, "is running" in err) == (2, True)
    second = cli_supervisor(home)
    assert (second.returncode, "another process" in second.stderr) == (1, True)
    os.kill(supervisor, signal.SIGCONT)
    code, status, _ = run.ends()
    assert (code, status["state"]) == (0, "finished")
    assert len({pid for pid, *_ in notes(SEARCH, 0)}) == 1
    assert is_whole(home, status)


def cli_supervisor(home):
    return subprocess.run(
        [sys.executable, "-m", "autodet.search", str(home.searches / SEARCH)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_writer_that_wakes_up_after_another_took_over_is_refused(tmp_path):
    """The fence itself: where a worker survives being given up (an unkillable process, a node cut off)."""
    trials, code = (
        tmp_path / "trials",
        (
            "import sys, pathlib; from autodet.workspace import write_atomically\n"
            "folder = pathlib.Path(sys.argv[1])\n"
            "for number in range(10**9):\n"
            "    write_atomically(folder / 'last.pt', b'stale %d' % number)\n"
            "    print(number, flush=True)\n"
        ),
    )
    folders = TrialFolders(trials)
    folder = folders.begin(3)
    stale = subprocess.Popen([sys.executable, "-c", code, folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    stale.stdout.readline()
    stale.send_signal(signal.SIGSTOP)
    second = folders.begin(3)
    content = (second / CHECKPOINT).read_bytes()
    stale.send_signal(signal.SIGCONT)
    _, complaint = stale.communicate(timeout=60)
    assert stale.returncode != 0
    assert b"FileNotFoundError" in complaint
    assert (second / CHECKPOINT).read_bytes() == content
    assert TrialFolders(trials).folder(3) == second


def test_an_attempt_has_what_the_last_one_reached_and_the_latest_counts(tmp_path):
    folders = TrialFolders(tmp_path)
    assert folders.folder(1) == folders.begin(1) == tmp_path / "1"
    (tmp_path / "1" / CHECKPOINT).write_text("epoch 4")
    folders.begin(11)
    for number in range(2, 12):
        assert folders.begin(1) == tmp_path / f"1-{number}" == folders.folder(1) == TrialFolders(tmp_path).folder(1)
    assert (tmp_path / "1-11" / CHECKPOINT).read_text() == "epoch 4"
    (tmp_path / "1").mkdir()  # by somebody who should not
    assert TrialFolders(tmp_path).folder(1) == tmp_path / "1-11"
    TrialFolders(tmp_path).discard(1)
    assert not (tmp_path / "1-11").exists()
