"""How far a search is: by batches, and by each trial's own number of epochs."""

import json
import os
import pty
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from autodet.lock import hold_lock
from autodet.records import Notice, SearchStatus, TrialStatus
from autodet.search.api import find_search
from autodet.search.executors import EpochDone, EpochUnderWay, TrialDone, TrialLost
from autodet.search.run import status_writer
from autodet.search.run.status_writer import StatusWriter
from autodet.search.run.supervisor import supervise
from autodet.search.status.epoch_lines import EpochLines, progress_text
from autodet.search.status.status_file import STATUS, read_snapshot, write_snapshot
from autodet.search.study.study import SearchStudy
from autodet.terminal import status_text
from autodet.training.train_job import EpochProgress
from autodet.workspace import read_json, write_json
from tests.search import scripted
from tests.search.conftest import ROOT

TUNED = {"epochs": [2, 4], "lr": 1e-3, "backbone_lr_factor": 0.3}


def looks(search, script_is_over):
    """The statuses of a search at work, one after another."""
    seen = []
    while not script_is_over():
        seen.append(search.status())
        time.sleep(0.1)
    return [*seen, search.wait()]


def test_the_first_epoch_is_told_by_batches_with_the_time_left(start):
    search = start({"seconds": 0.15, "batches": 30}, trials=2, epochs=2)
    seen = looks(search, lambda: not search.status().active)
    first = [status for status in seen if status.trials and not status.trials[0].epochs]
    shares = [status.trials[0].epoch_share for status in first]
    assert len(set(shares)) >= 3
    assert shares == sorted(shares)
    assert first[0].trials[0].is_loading and not first[-1].trials[0].is_loading
    told = [status.seconds_left for status in first if status.trials[0].epoch_share]
    assert told and all(told)
    progress = [status.progress for status in seen]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0.0, 1.0)
    assert all(trial.epoch_share == 0 for trial in seen[-1].trials)
    assert json.loads(json.dumps(first[-1].to_json()))["trials"][0]["epoch_share"] > 0


def test_a_watcher_hears_of_batches_too(start):
    heard = []
    start({"seconds": 0.15, "batches": 30}, trials=1, epochs=1).wait(on_change=heard.append)
    assert len({status.trials[0].epoch_share for status in heard if status.trials}) >= 3


class Told:
    """An executor with the events of a test."""

    obstacle, slots = None, 1

    def __init__(self, *events):
        self.left, self.running = list(events), False

    def has_room(self):
        return not self.running

    def start(self, trial, job):
        self.job, self.running = job, True
        return "here"

    def events(self, timeout_seconds):
        event = self.left.pop(0)
        if isinstance(event, EpochDone):
            scripted.keep(self.job, event.result)
        self.running = not isinstance(event, TrialLost | TrialDone)
        return [event]

    def cancel(self, trial):
        self.running = False

    def close(self):
        pass


def under_way(epoch, share):
    return EpochUnderWay(0, EpochProgress(epoch, share, 10 * share))


def epoch_done(epoch):
    return EpochDone(0, scripted.EpochResult(epoch, 1.0, 0.5, 0.2, 10.0))


@pytest.fixture
def played(data, home, order, monkeypatch):
    """What a search of one trial has said of it, whenever it was written, while its executor said some things."""
    for pause in ("PROGRESS_SECONDS", "SECONDS_A_TRIAL"):
        monkeypatch.setattr(status_writer, pause, 0.0)

    def played(*events, **options):
        folder = home.searches / order(data, trials=1, **options).id
        said, write = [], status_writer.write_snapshot
        with monkeypatch.context() as patch, hold_lock(folder):
            patch.setattr(
                "autodet.search.run.status_writer.write_snapshot",
                lambda at, status: (said.append(status), write(at, status)),
            )
            status = supervise(folder, Told(*events))
        assert tuple(SearchStudy(home, folder.name, find_search(folder.name, home).spec()).statuses()) == status.trials
        return said

    return played


@pytest.mark.slow
def test_progress_survives_a_lost_worker_and_never_goes_back(played):
    said = played(
        under_way(1, 0.5),
        TrialLost(0, Notice.of("process_ended", exit_code=1)),
        under_way(1, 0.25),
        under_way(1, 0.75),
        epoch_done(1),
        under_way(1, 0.9),  # of the epoch before, late
        under_way(2, 0.5),
        epoch_done(2),
        TrialDone(0),
        epochs=2,
    )
    shares = [(len(status.trials[0].epochs), status.trials[0].epoch_share) for status in said if status.trials]
    assert list(dict.fromkeys(shares)) == [(0, 0.0), (0, 0.5), (0, 0.75), (1, 0.0), (1, 0.5), (2, 0.0)]
    progress = [status.progress for status in said]
    assert progress == sorted(progress)


def test_the_forecast_begins_with_the_first_batches_and_agrees_with_the_epochs(played):
    said = played(under_way(1, 0.5), epoch_done(1), under_way(2, 0.5), epoch_done(2), TrialDone(0), epochs=2)
    forecasts = {}
    for status in said:
        if status.trials:
            trial = status.trials[0]
            forecasts.setdefault((len(trial.epochs), trial.epoch_share), status.seconds_left)
    assert forecasts[0, 0.0] is None
    assert [round(forecasts[at]) for at in ((0, 0.5), (1, 0.0), (1, 0.5))] == [15, 10, 5]


def test_the_final_refit_is_part_of_the_progress(start):
    search = start({"seconds": 0.15, "batches": 20}, trials=1, epochs=1, refit=True)
    seen = looks(search, lambda: not search.status().active)
    progress = [status.progress for status in seen]
    assert progress == sorted(progress)
    refit = [status for status in seen if status.trials_over and status.state == "running"]
    assert refit[0].progress < 0.75
    assert len({status.refit_share for status in refit}) >= 3
    assert all(status.seconds_left is not None for status in refit)


def test_news_within_an_epoch_is_written_once_a_second_and_events_at_once(tmp_path, monkeypatch):
    now, written = [100.0], []
    monkeypatch.setattr(status_writer.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        "autodet.search.run.status_writer.write_snapshot", lambda folder, status: written.append(now[0])
    )
    told = StatusWriter(tmp_path, lambda state, notices: SearchStatus("s", "d", state, notices=notices))
    told.write_when_due(1)
    for step in range(1, 35):
        now[0] = 100.0 + step / 10
        told.note_progress()
        if step == 15:
            told.note_event()
        told.write_when_due(1)
    assert written == [100.0, 101.0, 101.5, 102.5]


# Trials of different lengths


def test_each_trial_has_its_own_number_of_epochs_wherever_it_is_told(start, home):
    search = start(trials=2, epochs=None, space={**TUNED, "weight_decay": 1e-4})
    lines = []
    status = search.wait(on_change=EpochLines(lines.append))
    assert [(len(trial.epochs), trial.planned_epochs) for trial in status.trials] == [(4, 4), (2, 2)]
    text = status_text(status)
    assert "4/4" in text and "2/2" in text and "2/4" not in text
    assert [trial["planned_epochs"] for trial in status.to_json()["trials"]] == [4, 2]
    assert any(line.startswith("Trial 1, epoch 2 of 2: ") for line in lines)


def test_a_trial_with_little_time_has_the_epochs_that_fit_and_no_more_than_it_tries(start):
    space = {"epochs": [2, 24], "lr": 1e-3, "backbone_lr_factor": 0.3}
    status = start({"seconds": 0.2}, trials=40, epochs=None, space=space, time_limit=14, pruner="none").wait()
    for trial in status.trials:
        fewest = min(trial.params["epochs"], trial.effective.get("epochs", 24))
        assert trial.planned_epochs == fewest
        assert trial.effective.get("epochs", 0) < trial.params["epochs"]


def test_searches_of_earlier_versions_tell_each_trials_own_number_too(tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    trials = (
        TrialStatus(0, "finished", {"lr": 1e-3, "epochs": 2}),
        TrialStatus(1, "stopped", {"lr": 1e-3, "epochs": 40}, effective={"epochs": 5}),
        TrialStatus(2, "running", {"lr": 1e-3}),
    )
    write_snapshot(folder, SearchStatus("old", "fruit", "stopped", trials, planned_trials=3, planned_epochs=40))
    later = ("planned_epochs", "epoch_share", "epoch_seconds")
    document = read_json(folder / STATUS)
    for name in ("name", "refit_share"):
        del document[name]
    document["trials"] = [{key: one[key] for key in one if key not in later} for one in document["trials"]]
    lines = [json.loads(line) for line in (folder / "trials.1.jsonl").read_text().splitlines()]
    lines = [json.dumps({key: one[key] for key in one if key not in later}) + "\n" for one in lines]
    (folder / "trials.2.jsonl").write_text("".join(lines))
    document["archive"] = {"file": "trials.2.jsonl", "bytes": sum(map(len, lines))}
    write_json(folder / STATUS, document)
    status = read_snapshot(folder)
    assert [trial.planned_epochs for trial in status.trials] == [2, 5, 40]
    assert status.to_json()["name"] == "old"


# What the command line shows


def test_a_terminal_shows_how_far_the_epoch_is(data, home):
    ours, theirs = pty.openpty()
    environment = os.environ | {scripted.SCRIPT: json.dumps({"seconds": 0.15, "batches": 20})}
    environment["AUTODET_TEST_TRAINER"] = "tests.search.scripted:train"
    command = ["search", "fruit", "--trials", "1", "--epochs", "1"]
    shown = run_in_terminal(["-m", "tests.search.scripted_cli", *command], environment, ours, theirs)
    assert "trial 0, epoch 1 of 1:" in shown
    assert "left" in shown
    assert "Trial 0, epoch 1 of 1: loss 1.000" in shown


def run_in_terminal(arguments, environment, ours, theirs):
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # Linux says so that the other end is closed
        pass
    assert process.wait(60) == 0
    return shown.decode()


def test_progress_in_words():
    loading = TrialStatus(0, "running", {}, planned_epochs=4).begin_attempt("cpu", "2026-01-01T00:00:00+00:00")
    status = SearchStatus("s", "d", "running", (loading,), planned_trials=2)
    assert progress_text(status) == "  0%  trial 0 is loading"
    half = replace(loading, epoch_share=0.5)
    assert progress_text(replace(status, trials=(half,), seconds_left=30.0)) == (
        "  6%  trial 0, epoch 1 of 4: 50%, about 30 s left"
    )
    assert "3 trials under way" in progress_text(replace(status, trials=(half,) * 3))
    assert progress_text(SearchStatus("s", "d", "queued", notices=(Notice("stopped"),))) == "  0%  It was stopped."
