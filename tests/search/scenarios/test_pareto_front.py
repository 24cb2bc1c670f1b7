"""Searches for quality and speed, through the command line, in real processes with scripted trials."""

import os
import shutil
import signal

import optuna
import pytest

from autodet.errors import SearchError
from autodet.models.bundle import read_bundle
from autodet.models.store import find_model
from autodet.records import EpochResult, SearchStatus, TrialStatus
from autodet.search.api import find_search
from autodet.search.start import start_search

PAIR = ("--objective", "map50+latency", "--space", "image_size=tune", "--json")
# Trial 3 is the best, 1 the quickest, 2 between the two; 0 is beaten by 2.
SCRIPT = {
    "map50": {"0": [0.3, 0.5], "1": [0.4, 0.2], "2": [0.6, 0.7], "3": [0.6, 0.8]},
    "latency_ms": {"0": 60, "1": 20, "2": 40, "3": 90},
}


def fronts(status):
    return {trial["number"] for trial in status["trials"] if trial["pareto"]}


def study_of(search, home):
    return optuna.load_study(study_name=search, storage=home.optuna_url)


def test_the_front_is_marked_the_best_is_published_and_every_model_on_it_can_be_kept(cli, home):
    code, status, _ = cli("search", "fruit", *PAIR, "--trials", 4, "--epochs", 2, script=SCRIPT).ends()
    assert (code, status["state"]) == (0, "finished")
    assert fronts(status) == {1, 2, 3}
    assert [trial["epochs"][0]["latency_ms"] for trial in status["trials"]] == [60, 20, 40, 90]
    assert status["best"].items() >= {"trial": 3, "epoch": 2, "map50": 0.8, "value": 0.8}.items()
    assert find_model(status["model"], home).card.latency_ms == 90
    search = find_search("fruit", home)
    assert [trial.number for trial in search.pareto_front()] == [1, 2, 3]
    for number, weights in ((1, b"trial 1"), (2, b"trial 2"), (3, b"trial 3")):
        code, kept, _ = cli("keep", "fruit", number, "--json").ends()
        assert read_bundle(find_model(kept["model"], home).path)[1] == weights
    code, text, _ = cli("status", "fruit").ends()
    assert [line.count("on the Pareto front") for line in text.splitlines()[-4:]] == [0, 1, 1, 1]


def test_the_study_has_two_objectives_and_the_same_front(cli, home):
    cli("search", "fruit", *PAIR, "--trials", 4, "--epochs", 2, script=SCRIPT).ends()
    study = study_of("fruit", home)
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert [trial.values for trial in study.trials] == [[0.5, 60], [0.4, 20], [0.7, 40], [0.8, 90]]
    assert {trial.number for trial in study.best_trials} == {1, 2, 3}


def test_a_killed_search_goes_on_with_its_front_and_is_refit(cli, home, supervisors, workers, eventually):
    slow = SCRIPT | {"seconds": 0.3}
    words = ("search", "fruit", *PAIR, "--trials", 4, "--epochs", 2, "--refit", "--detach")
    cli(*words, script=slow).ends()
    eventually(lambda: len(find_search("fruit", home).status().trials) == 3)
    (supervisor,) = supervisors("fruit")
    for pid in (supervisor, *workers(supervisor)):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: find_search("fruit", home).status().state == "interrupted")
    assert cli("resume", "fruit", script=SCRIPT).ends()[0] == 0
    status = find_search("fruit", home).wait()
    assert status.state == "finished"
    assert [trial.number for trial in status.pareto_front] == [1, 2, 3]
    assert [trial.values for trial in study_of("fruit", home).trials] == [[0.5, 60], [0.4, 20], [0.7, 40], [0.8, 90]]
    card = find_model("fruit", home).card
    assert (card.refit, card.metrics["map50"], card.latency_ms) == (True, 0.8, 90)


def test_a_stopped_trial_counts_with_the_epochs_that_it_has(cli, home):
    words = ("search", "fruit", *PAIR, "--trials", 9, "--epochs", 6, "--time-limit", 12, "--refit")
    script = {"seconds": 0.4, "latency_ms": {str(number): 50 - number for number in range(9)}}
    code, status, _ = cli(*words, script=script).ends()
    assert (code, status["state"]) == (0, "finished")
    assert status["seconds"] < 13
    last = max(trial["number"] for trial in status["trials"] if trial["epochs"])
    assert fronts(status) == {last}  # by the script, each is better and quicker than the one before
    assert find_model(status["model"], home).card.refit


def test_patience_ends_trials_and_a_later_search_begins_with_the_best(cli, home):
    script = {"map50": {"0": [0.5, 0.4, 0.3, 0.2], "1": [0.6, 0.7, 0.6, 0.5]}, "latency_ms": {"0": 60, "1": 20, "2": 9}}
    words = ("search", "fruit", *PAIR, "--trials", 2, "--epochs", 4, "--patience", 2)
    _, status, _ = cli(*words, script=script).ends()
    assert [len(trial["epochs"]) for trial in status["trials"]] == [3, 4]
    assert fronts(status) == {1}
    words = ("search", "fruit", *PAIR, "--trials", 2, "--epochs", 1, "--warm-start", "fruit")
    _, warm, _ = cli(*words, script=script).ends()
    assert warm["trials"][1]["params"] == status["trials"][1]["params"]


def test_another_kind_of_search_in_the_place_of_a_deleted_one_begins_anew(start, home):
    pair = {"objective": "map50_95+latency", "space": {"image_size": True}}
    for options in (pair, {}, pair):
        search = start({"latency_ms": {"0": 60, "1": 20}}, trials=2, epochs=1, **options)
        assert search.wait().state == "finished", search.status().message
        assert [len(trial.values) for trial in study_of(search.id, home).trials] == [2 if options else 1] * 2
        shutil.rmtree(home.searches / search.id)
        shutil.rmtree(home.models / search.id)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"space": {"image_size": True}, "pruner": "median"}, "cannot be pruned, because"),
        ({}, "needs something to try that changes how long"),
        ({"space": {"image_size": [320]}}, "tune image_size .* or search for map50 alone"),
        ({"objective": "latency"}, "There is no objective 'latency'"),
        ({"objective": "map50+latency+latency"}, "There is no objective"),
    ],
)
def test_what_two_objectives_do_not_go_with_is_a_sentence(data, home, options, words):
    with pytest.raises(SearchError, match=words):
        start_search(data, **{"objective": "map50+latency"} | options)
    assert list(home.searches.iterdir()) == []


def timed(number, score, latency_ms):
    result = EpochResult(1, 1.0, score, score, 1.0, latency_ms=latency_ms)
    return TrialStatus(number, "finished", {}, (result,))


def test_equals_share_the_front_and_of_the_equally_good_the_quickest_is_the_best():
    points = [(0.9, 50), (0.9, 40), (0.9, 40), (0.5, 40), (0.3, 10), (0.2, 20), (0.9, None)]
    trials = [timed(number, *point) for number, point in enumerate(points[:-1])]
    status = SearchStatus("fruit", "fruit", "finished", tuple(trials))
    assert [trial.number for trial in status.pareto_front] == [4, 2, 1]
    assert status.best_trial.number == 1
    assert SearchStatus("fruit", "fruit", "finished", (timed(0, 0.9, None),)).pareto_front == ()
