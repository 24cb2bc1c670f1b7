"""What a supervisor leaves behind when it dies at the worst moment, step by step and in this process."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime

import pytest

from autodet.lock import hold_lock
from autodet.messages.search import notices_text
from autodet.models.store import add_model, find_model
from autodet.records import Notice
from autodet.search.api import find_search
from autodet.search.executors import EpochDone, TrialDone, TrialTooLarge
from autodet.search.order.options import MAX_SEED
from autodet.search.order.spec import SearchSpec
from autodet.search.run import best_model, status_writer, trial_dirs
from autodet.search.run.supervisor import supervise
from autodet.search.run.trial_book import REFIT
from autodet.search.start import start_search
from autodet.search.status.status_file import STOP
from autodet.search.study.study import SearchStudy
from autodet.training.train_job import CHECKPOINT
from tests.helpers import untrained_bundle
from tests.search import scripted

pytestmark = pytest.mark.slow


class InThisProcess:
    """An executor without processes: one epoch of one trial whenever it is asked for events."""

    obstacle = None

    def __init__(self, slots=1):
        self.slots = slots
        self.trials = {}

    def has_room(self):
        return len(self.trials) < self.slots

    def start(self, trial, job):
        self.trials[trial] = scripted.train(job)
        return "here"

    def events(self, timeout_seconds):
        trial, results = next(iter(self.trials.items()))
        del self.trials[trial]
        for result in results:
            self.trials[trial] = results  # behind the others, so that they take turns
            return [EpochDone(trial, result)]
        return [TrialDone(trial)]

    def cancel(self, trial):
        self.trials.pop(trial, None)

    def close(self):
        self.trials.clear()


@pytest.fixture
def plan(data, home, order, monkeypatch):
    """Order a search without starting its process; returns its folder."""

    def plan(script=None, **options):
        monkeypatch.setenv(scripted.SCRIPT, json.dumps(script or {}))
        return home.searches / order(data, **options).id

    return plan


class Silent(InThisProcess):
    """An executor whose trials never get anywhere."""

    def events(self, timeout_seconds):
        time.sleep(0.02)
        return []


def carry_on(folder, slots=1, executor=InThisProcess):
    with hold_lock(folder):
        return supervise(folder, executor(slots))


def fails_once(monkeypatch, module, name, *, when):
    """Make one call of a function die, as if the process had been killed there."""
    real, died = getattr(module, name), []

    def dying(*arguments):
        if when(*arguments) and not died:
            died.append(True)
            raise OSError("killed here")
        return real(*arguments)

    monkeypatch.setattr(module, name, dying)


def kept_map50(folder, home):
    return find_model(folder.name, home).card.metrics["map50"]


def test_a_kept_epoch_with_a_lower_score_replaces_the_model_and_may_fall_behind_another_trial(plan, home):
    script = {"margin": 0.02, "map50": {"0": [0.3, 0.9, 0.885], "1": [0.3, 0.4, 0.89]}}
    folder = plan(script, trials=1, epochs=3)
    status = carry_on(folder)
    assert kept_map50(folder, home) == 0.885
    assert (status.best_trial.best_epoch.epoch, status.to_json()["best"]["map50"]) == (3, 0.885)
    folder = plan(script, trials=2, epochs=3)
    status = carry_on(folder, slots=2)
    assert (status.best_trial.number, kept_map50(folder, home)) == (1, 0.89)
    values = [trial.value for trial in SearchStudy(home, folder.name, SearchSpec.read(folder))._study.trials]
    assert values == [0.885, 0.89]


def test_patience_counts_from_the_highest_score(plan):
    script = {"margin": 0.1, "map50": {"0": [0.9, 0.89, 0.88, 0.87, 0.86]}}
    status = carry_on(plan(script, trials=1, epochs=5, patience=2))
    assert len(status.trials[0].epochs) == 3


def test_a_best_epoch_that_was_recorded_but_not_published_is_published_on_resume(plan, home, monkeypatch):
    folder = plan({"map50": {"0": [0.3, 0.9, 0.2]}}, trials=1, epochs=3)
    fails_once(monkeypatch, best_model, "put_model", when=lambda bundle, *_: b"0.9" in bundle.read_bytes())
    with pytest.raises(OSError, match="killed here"):
        carry_on(folder)
    assert kept_map50(folder, home) == 0.3
    status = carry_on(folder)
    assert status.state == "finished"
    assert kept_map50(folder, home) == status.to_json()["best"]["map50"] == 0.9


def test_a_model_that_was_published_but_not_written_down_is_not_replaced_by_a_worse_one(plan, home, monkeypatch):
    folder = plan({"map50": {"0": [0.9, 0.8], "1": [0.2, 0.3]}}, trials=2, epochs=2)
    fails_once(monkeypatch, status_writer, "write_snapshot", when=lambda _folder, status: status.model is not None)
    with pytest.raises(OSError, match="killed here"):
        carry_on(folder, slots=2)
    status = carry_on(folder, slots=2)
    assert status.state == "finished"
    assert kept_map50(folder, home) == 0.9
    assert status.model == folder.name


def test_a_trial_whose_parameters_were_half_chosen_goes_on_under_its_number(plan, home, monkeypatch):
    folder = plan(trials=2, epochs=1)
    ask = SearchStudy.ask

    def ask_and_die(study):
        trial = ask(study)
        if trial.number == 1:
            trial.suggest_float("lr", study._spec.space["lr"].low, study._spec.space["lr"].high, log=True)
            raise OSError("killed here")
        return trial

    with monkeypatch.context() as patch, pytest.raises(OSError, match="killed here"):
        patch.setattr(SearchStudy, "ask", ask_and_die)
        carry_on(folder)
    status = carry_on(folder)
    assert [(trial.number, trial.state) for trial in status.trials] == [(0, "finished"), (1, "finished")]
    assert status.trials[1].params.keys() == status.trials[0].params.keys()
    assert tuple(SearchStudy(home, folder.name, find_search(folder.name, home).spec()).statuses()) == status.trials


def test_a_search_does_not_inherit_the_study_of_a_deleted_one(plan, home, monkeypatch):
    deleted = plan(trials=2, epochs=1)
    carry_on(deleted)
    shutil.rmtree(deleted)
    shutil.rmtree(home.models / deleted.name)

    class Later(datetime):
        @classmethod
        def now(cls, timezone):
            return super().now(timezone).replace(year=2099)

    monkeypatch.setattr("autodet.search.start.datetime", Later)
    folder = plan(trials=1, epochs=3)
    assert folder == deleted
    status = carry_on(folder)
    assert [len(trial.epochs) for trial in status.trials] == [3]
    assert status.model


def test_an_uploaded_model_never_takes_the_id_of_a_search_at_work(plan, home, tmp_path):
    carry_on(plan(trials=1, epochs=1, name="first"))
    folder = plan(trials=1, epochs=1, name="second")
    bundle = untrained_bundle(tmp_path / "upload.autodet")
    uploaded = add_model(bundle, "second", home)
    content = uploaded.path.read_bytes()
    carry_on(folder)
    assert uploaded.id != folder.name
    assert uploaded.path.read_bytes() == content, bundle


def test_what_killed_workers_left_half_written_is_cleared_away(plan):
    folder = plan(trials=1, epochs=1)
    leftover = folder / "trials" / "0" / ".last.pt.0a1b2c3d"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half a checkpoint")
    carry_on(folder)
    assert not leftover.exists()


def test_the_checkpoint_of_a_finished_trial_is_cleared_away_by_whoever_comes_next(plan, monkeypatch):
    folder = plan(trials=2, epochs=1)
    fails_once(monkeypatch, trial_dirs, "sweep_unfinished", when=lambda swept: swept.name == "0")
    with pytest.raises(OSError, match="killed here"):
        carry_on(folder)
    (folder / "trials" / "0" / CHECKPOINT).write_text("as if it had been killed one line before")
    assert carry_on(folder).state == "finished"
    assert not list(folder.rglob(CHECKPOINT))


def test_the_highest_seed_searches_like_any_other(plan):
    assert carry_on(plan(trials=2, epochs=1, seed=MAX_SEED)).state == "finished"


def test_the_forecast_begins_with_the_first_epoch_and_ends_at_0(plan, monkeypatch):
    folder = plan({"seconds": 0.01}, trials=3, epochs=4)
    forecasts = []
    write = status_writer.write_snapshot
    monkeypatch.setattr(
        "autodet.search.run.status_writer.write_snapshot",
        lambda folder, status: (forecasts.append(status.seconds_left), write(folder, status)),
    )
    carry_on(folder, slots=2)
    measured = [forecast for forecast in forecasts if forecast is not None]
    assert forecasts[0] is None
    assert measured[0] > 0.07  # 3 epochs more and then 4 on one slot, 4 on the other
    assert measured[-1] == 0


def test_a_time_limit_that_no_epoch_keeps_is_a_failure_that_says_so(plan):
    status = carry_on(plan(trials=2, epochs=1, time_limit=0.1), executor=Silent)
    assert (status.state, status.model) == ("failed", None)
    assert "time limit of 0.1 seconds" in notices_text(status.notices)
    assert "no model" in notices_text(status.notices)


def test_a_time_limit_that_the_first_epoch_just_keeps_leaves_a_model(plan, home):
    class Slow(InThisProcess):
        def events(self, timeout_seconds):
            events = super().events(timeout_seconds)
            time.sleep(0.5)  # the limit passes while the epoch is on its way
            return events

    status = carry_on(plan(trials=1, epochs=9, time_limit=0.4), executor=Slow)
    assert (status.state, status.model) == ("finished", "fruit")
    assert "best model so far is kept" in notices_text(status.notices)
    assert kept_map50(home.searches / "fruit", home) == status.trials[0].epochs[0].map50


def test_stopping_before_the_first_epoch_says_that_there_is_no_model(plan):
    folder = plan(trials=1, epochs=1)
    (folder / STOP).touch()
    status = carry_on(folder, executor=Silent)
    assert (status.state, status.model) == ("stopped", None)
    assert "no model" in notices_text(status.notices)
    assert not (folder / STOP).exists()


def test_the_traceback_of_a_failed_trial_is_kept_in_its_folder(start, home):
    search = start({"bug": {"0": 1}}, trials=1, epochs=1)
    search.wait(best_so_far=True)
    assert "ZeroDivisionError: oh no" in (home.searches / search.id / "trials" / "0" / "traceback.txt").read_text()


def test_a_supervisor_that_fails_says_why_and_leaves_a_search_to_resume(start, home, eventually, supervisor_of):
    search = start({"seconds": 0.3}, trials=1, epochs=4)
    eventually(lambda: search.status().best_trial)
    supervisor_of(search).kill()
    supervisor_of(search).wait()
    database = home.home / "optuna.db"
    content = database.read_bytes()
    database.write_bytes(b"no database" * 1000)
    search.resume()
    status = search.wait(best_so_far=True)
    assert status.state == "interrupted"
    assert "optuna.db, cannot be used" in notices_text(status.notices)
    assert "resume it" in notices_text(status.notices)
    database.write_bytes(content)
    search.resume()
    assert search.wait().state == "finished"


def test_searches_that_start_together_in_a_new_workspace_all_finish(start):
    searches = [start(trials=1, epochs=2, name=name) for name in ("one", "two", "three")]
    assert [search.wait().state for search in searches] == ["finished"] * 3


def test_a_supervisor_and_its_trials_never_import_streamlit():
    code = "import sys, autodet.search.run.supervisor, autodet.training.loop; print('streamlit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# The refit, in the same loop


class Refitting(InThisProcess):
    """An executor whose refit runs out of memory once, and that notes the jobs of all refits."""

    def __init__(self, slots):
        super().__init__(slots)
        self.jobs = []

    def start(self, trial, job):
        if job.refit:
            self.jobs.append(job)
        return super().start(trial, job)

    def events(self, timeout_seconds):
        if len(self.jobs) == 1 and self.trials.pop(REFIT, None):
            return [TrialTooLarge(REFIT, Notice.of("memory_exhausted", detail="no memory"))]
        return super().events(timeout_seconds)


def supervise_refit(folder, executor):
    with hold_lock(folder):
        return supervise(folder, executor)


def test_a_refit_that_does_not_fit_goes_on_in_parts_and_says_nothing_of_them_in_the_trials(plan, home):
    folder, executor = plan(trials=1, epochs=2, refit=True), Refitting(1)
    status = supervise_refit(folder, executor)
    assert [notice.kind for notice in status.notices] == ["refit_published"]
    assert [job.accumulation for job in executor.jobs] == [1, 2]
    assert [job.folder.name for job in executor.jobs] == ["0", "0-2"]
    assert [(trial.number, trial.effective) for trial in status.trials] == [(0, {})]
    assert find_model(folder.name, home).card.refit


def test_a_refit_begins_with_the_accumulation_that_its_trial_needed(plan):
    class TooLarge(Refitting):
        def events(self, timeout_seconds):
            if not self.failed and self.trials.pop(0, None):
                self.failed = True
                return [TrialTooLarge(0, Notice.of("memory_exhausted", detail="no memory"))]
            return InThisProcess.events(self, timeout_seconds)

    executor = TooLarge(1)
    executor.failed = False
    status = supervise_refit(plan(trials=1, epochs=1, refit=True), executor)
    assert status.trials[0].effective["accumulation"] == 2
    assert [job.accumulation for job in executor.jobs] == [2]


def test_a_refit_waits_for_a_device_like_a_trial(plan, monkeypatch):
    class Busy(InThisProcess):
        obstacle = Notice.of("waits_for_device", searches=["other"], devices=["cpu"])
        tries = 0

        def has_room(self):
            if not (folder / "trials" / "0" / CHECKPOINT).exists() and super().has_room():
                self.tries += 1
            return self.tries != 2 and super().has_room()

    folder, said = plan(trials=1, epochs=1, refit=True), []
    write = status_writer.write_snapshot
    monkeypatch.setattr(
        "autodet.search.run.status_writer.write_snapshot",
        lambda folder, status: (said.append((status.state, status.notices)), write(folder, status)),
    )
    status = carry_on(folder, executor=Busy)
    queued, begun = ("queued", (Busy.obstacle,)), ("running", (Notice.of("refit_under_way", done=0, epochs=1),))
    assert queued in said
    assert said.index(begun) > said.index(queued)
    assert (status.state, status.refit_share) == ("finished", 1)


def test_a_refit_without_time_is_left_out(plan, home):
    class Long(InThisProcess):
        def events(self, timeout_seconds):
            (event,) = super().events(timeout_seconds)
            is_epoch = isinstance(event, EpochDone)
            return [replace(event, result=replace(event.result, seconds=2000.0)) if is_epoch else event]

    folder = plan(trials=1, epochs=1, time_limit=1000, refit=True)
    status = carry_on(folder, executor=Long)
    assert status.state == "finished"
    assert Notice.of("refit_failed", Notice("refit_out_of_time")) in status.notices
    assert not find_model(status.model, home).card.refit
    assert not (folder / "refit").exists()


@pytest.mark.trains
def test_two_slots_search_for_real_and_find_a_detector(home, sample_dataset, monkeypatch):
    monkeypatch.setenv("AUTODET_DEVICES", "cpu,cpu")
    search = start_search(sample_dataset, trials=2, epochs=1)
    status = search.wait()
    assert status.state == "finished", status
    assert [(trial.state, len(trial.epochs)) for trial in status.trials] == [("finished", 1)] * 2
    best = status.to_json()["best"]
    detector = search.best_detector()
    assert detector.card.metrics["map50"] == best["map50"]
    assert detector.evaluate(sample_dataset, split="val").map50 == pytest.approx(best["map50"], abs=1e-3)
