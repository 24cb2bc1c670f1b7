"""A search from start to end, in real processes, with a scripted trainer."""

from dataclasses import replace

import optuna
import pytest

from autodet.models.store import find_model
from autodet.search.api import find_search, list_searches
from autodet.search.study.study import SearchStudy
from autodet.training.train_job import CHECKPOINT
from tests.search.conftest import best_of


def test_a_search_runs_all_its_trials_and_keeps_the_best_model(start, home):
    search = start(trials=3, epochs=4)
    seen = []
    status = search.wait(on_change=seen.append)
    assert status.state == "finished"
    assert [trial.state for trial in status.trials] == ["finished"] * 3
    assert [[result.epoch for result in trial.epochs] for trial in status.trials] == [[1, 2, 3, 4]] * 3
    assert best_of(status) == (2, 4, pytest.approx(0.524))
    card = find_model(status.model, home).card
    assert (card.metrics["map50"], card.epoch) == (pytest.approx(0.524), 4)
    assert seen[0].state in ("queued", "running")
    assert seen[-1] == status
    assert not list(home.searches.rglob(CHECKPOINT))


def test_trial_0_is_the_defaults_and_the_others_lie_in_the_range(start):
    status = start(trials=4, epochs=1, lr_range=(2e-3, 5e-3)).wait()
    rates = [trial.params["lr"] for trial in status.trials]
    assert rates[0] == 2e-3  # the default of 1e-3, moved into the range
    assert status.trials[0].params["backbone_lr_factor"] == 0.3
    assert all(2e-3 <= rate <= 5e-3 for rate in rates)
    assert len(set(rates)) == 4


def test_the_seed_decides_what_is_tried(start):
    params = [[trial.params for trial in start(trials=3, epochs=1, seed=seed).wait().trials] for seed in (1, 1, 2)]
    assert params[0] == params[1]
    assert params[0] != params[2]


def test_the_snapshot_is_what_the_study_says_and_optuna_can_read_it(start, home):
    search = start({"fail": {"1": 2}}, trials=3, epochs=3)
    status = search.wait()
    study = SearchStudy(home, search.id, search.spec())
    assert tuple(study.statuses()) == tuple(replace(trial, error=None) for trial in status.trials)
    frozen = optuna.load_study(study_name=search.id, storage=home.optuna_url).trials
    assert [trial.state.name for trial in frozen] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert frozen[2].intermediate_values == {result.epoch: result.map50 for result in status.trials[2].epochs}
    assert frozen[2].value == max(frozen[2].intermediate_values.values())


def test_two_slots_run_two_trials_side_by_side(start, notes, monkeypatch):
    monkeypatch.setenv("AUTODET_DEVICES", "cpu,cpu")
    search = start({"together": True}, trials=2, epochs=2)
    assert search.wait().state == "finished"
    for trial in (0, 1):
        assert "together" in [what for *_, what in notes(search, trial)]
    assert notes(search, 0)[0][0] != notes(search, 1)[0][0]


def test_a_gpu_slot_is_the_workers_first_gpu(start, notes, monkeypatch):
    monkeypatch.setenv("AUTODET_DEVICES", "cuda:3")
    search = start(trials=1, epochs=1)
    assert search.wait().state == "finished"
    assert notes(search, 0)[0][1] == "cuda:0"


def test_a_hopeless_trial_is_pruned_but_never_trial_0(start):
    good, bad = [0.5, 0.6, 0.7, 0.8, 0.9, 0.9], [0.1] * 6
    status = start({"map50": {"0": good, "1": good, "2": bad}}, trials=3, epochs=6).wait()
    assert [trial.state for trial in status.trials] == ["finished", "finished", "pruned"]
    assert 0 < len(status.trials[2].epochs) < 6
    status = start({"map50": {"0": bad, "1": good, "2": good}}, trials=3, epochs=6).wait()
    assert [len(trial.epochs) for trial in status.trials] == [6, 6, 6]


def test_a_slower_trial_does_not_replace_a_better_model(start, home):
    script = {"map50": {"0": [0.3, 0.9, 0.2], "1": [0.4, 0.5, 0.6]}}
    status = start(script, trials=2, epochs=3).wait()
    card = find_model(status.model, home).card
    assert (card.metrics["map50"], card.epoch) == (0.9, 2)
    assert best_of(status) == (0, 2, 0.9)


def test_stop_keeps_the_best_so_far_and_resume_goes_on(start, home, eventually):
    search = start({"seconds": 0.2}, trials=2, epochs=8)
    eventually(lambda: search.status().best_trial)
    search.stop()
    assert search.status().state in ("stopping", "stopped")
    status = search.wait(best_so_far=True)
    assert status.state == "stopped"
    assert status.trials[0].state == "stopped"
    assert find_model(status.model, home).card.metrics["map50"] == status.to_json()["best"]["map50"]
    search.resume()
    status = search.wait()
    assert status.state == "finished"
    assert [trial.state for trial in status.trials] == ["stopped", "finished"]


def test_the_time_limit_ends_everything_and_keeps_the_best(start, home):
    status = start({"seconds": 0.3}, trials=50, epochs=4, time_limit=8).wait()
    assert status.state == "finished"
    assert "time limit" in status.message
    assert 0 < len(status.trials) < 50
    assert status.model
    assert status.trials[-1].state in ("stopped", "finished")


def test_searches_are_listed_newest_first_and_ids_are_never_shared(start, home):
    first, second = start(trials=1, epochs=1, name="Äpfel & co"), start(trials=1, epochs=1, name="Äpfel & co")
    assert first.id != second.id
    first.wait()
    second.wait()
    assert {status.search for status in list_searches(home)} == {first.id, second.id}
    assert find_search(first.id, home).status() == first.status()
