"""Searches in which nothing continuous is tuned: no combination twice, and an end when all have been tried."""

import math
import random

import pytest

from autodet.errors import AutodetWarning, SearchError
from autodet.search.order.combinations import Combinations
from autodet.search.order.options import MAX_SEED
from autodet.search.order.space import make_space
from autodet.search.planning.forecast import forecast_search
from autodet.search.start import start_search
from autodet.terminal import status_text
from autodet.training.hardware import Hardware

FIXED = {"lr": 1e-3, "backbone_lr_factor": 0.3, "weight_decay": 1e-4}
FOUR = {**FIXED, "batch_size": [2, 4], "scheduler": ["cosine", "linear"]}


def tried(status, *names):
    return [tuple(trial.params[name] for name in names) for trial in status.trials]


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (FIXED, 1),
        (FOUR, 4),
        ({**FIXED, "batch_size": (2, 9)}, 8),
        ({**FIXED, "image_size": (256, 416)}, 6),
        ({**FIXED, "lr": (1e-3, 1e-3)}, 1),
        ({**FIXED, "batch_size": (4, 4), "epochs": [1, 2, 3]}, 3),
        ({**FOUR, "lr": (1e-3, 2e-3)}, math.inf),
        ({}, math.inf),
    ],
)
def test_the_combinations_of_a_space(asked, count):
    assert Combinations(make_space(asked)).count == count


def test_what_is_drawn_has_been_tried_least_until_all_were():
    space = make_space({**FIXED, "batch_size": (2, 6), "scheduler": True, "ema_decay": [0.0, 0.9]})
    made = []
    for number in range(60):
        combinations = Combinations(space, made)
        assert combinations.least_times == number // 30
        drawn = combinations.draw(seed=number)
        assert drawn == combinations.draw(seed=number)
        assert combinations.times(drawn) == combinations.least_times
        made.append(drawn)
    assert len({tuple(sorted(one.items())) for one in made}) == 30


def test_three_fixed_rates_are_one_trial_and_the_search_says_so_before_and_after(start):
    with pytest.warns(
        AutodetWarning, match=r"only 1 combination .* plans 1 trial instead of 3; to train .* repeat=True"
    ):
        search = start(trials=3, epochs=1, space=FIXED)
    assert "only 1 combination" in search.status().caution
    status = search.wait()
    assert (status.state, len(status.trials), status.planned_trials, status.progress) == ("finished", 1, 1, 1.0)
    assert status.message == "The only combination of parameters has been tried."


@pytest.mark.parametrize("sampler", ["tpe", "random", "gp"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_finite_space_is_tried_without_repeats_and_then_the_search_ends(start, sampler, seed):
    if sampler == "gp":
        pytest.importorskip("scipy")
    with pytest.warns(AutodetWarning, match="4 trials instead of 9"):
        search = start(trials=9, epochs=1, space=FOUR, sampler=sampler, seed=seed)
    status = search.wait()
    combinations = tried(status, "batch_size", "scheduler")
    assert combinations[0] == (4, "cosine")  # the defaults
    assert sorted(combinations) == [(2, "cosine"), (2, "linear"), (4, "cosine"), (4, "linear")]
    assert [trial.number for trial in status.trials] == [0, 1, 2, 3]
    assert (status.state, "All 4 combinations have been tried" in status.message) == ("finished", True)
    assert all("seed" not in trial.effective for trial in status.trials)


def test_what_trials_under_way_try_is_not_tried_beside_them(start, monkeypatch):
    monkeypatch.setenv("AUTODET_DEVICES", "cpu,cpu,cpu,cpu")
    status = start({"seconds": 0.5}, trials=4, epochs=1, space=FOUR).wait()
    assert len(set(tried(status, "batch_size", "scheduler"))) == 4


def test_a_search_that_was_killed_asks_the_same_next(start, supervisor_of, eventually):
    space = {**FIXED, "batch_size": (1, 12), "image_size": True}
    whole = start(trials=8, epochs=1, space=space, seed=4).wait()
    killed = start({"seconds": 0.4}, trials=8, epochs=1, space=space, seed=4)
    for number in (2, 5):
        eventually(lambda number=number: len(killed.status().trials) > number)
        supervisor_of(killed).kill()
        supervisor_of(killed).wait()
        killed.resume()
    names = ("batch_size", "image_size")
    assert tried(killed.wait(), *names) == tried(whole, *names)
    assert len(set(tried(whole, *names))) == 8


def test_a_failed_combination_is_not_tried_again(start):
    status = start({"fail": {"1": 1}}, trials=4, epochs=1, space=FOUR).wait()
    assert sorted(trial.state for trial in status.trials) == ["failed", "finished", "finished", "finished"]
    assert len(set(tried(status, "batch_size", "scheduler"))) == 4


def test_repeats_that_are_asked_for_have_seeds_of_their_own_and_say_so(start, home, notes):
    status = start(trials=3, epochs=1, space=FIXED, repeat=True, seed=7).wait()
    assert (status.state, status.message, status.planned_trials) == ("finished", "", 3)
    assert [dict(trial.effective) for trial in status.trials] == [{}, {"seed": 8}, {"seed": 9}]
    assert "seed 8" in status_text(status)


def test_repeats_begin_when_all_have_been_tried_and_each_is_repeated_as_often(start):
    status = start(trials=9, epochs=1, space=FOUR, repeat=True).wait()
    combinations = tried(status, "batch_size", "scheduler")
    assert len(set(combinations[:4])) == len(set(combinations[4:8])) == 4
    assert [trial.effective.get("seed", 0) for trial in status.trials] == [0] * 4 + [1] * 4 + [2]


def test_the_trainer_gets_the_seed_of_a_repeat_also_after_a_kill_and_so_does_the_refit(
    start, home, supervisor_of, eventually
):
    script = {"seconds": 0.4, "map50": {"0": [0.1] * 2, "1": [0.8, 0.9], "refit": [0.95] * 2}}
    search = start(script, trials=2, epochs=2, space=FIXED, repeat=True, refit=True, seed=MAX_SEED)
    eventually(lambda: len(search.status().trials) == 2)
    supervisor_of(search).kill()
    supervisor_of(search).wait()
    search.resume()
    assert search.wait().trials[1].effective == {"seed": 0}  # the highest is followed by the lowest
    folder = home.searches / search.id
    assert {path.read_text() for path in folder.glob("trials/0*/seed")} == {str(MAX_SEED)}
    assert {path.read_text() for path in folder.glob("trials/1*/seed")} == {"0"}
    assert {path.read_text() for path in folder.glob("refit/*/seed")} == {"0"}


def test_a_warm_start_that_equals_the_defaults_is_not_tried_twice(start):
    earlier = start(trials=1, epochs=1)
    earlier.wait()
    status = start(trials=3, epochs=1, warm_start=earlier.id).wait()
    assert len(set(tried(status, "lr", "weight_decay"))) == 3


def test_the_command_line_repeats_if_asked_to(cli):
    words = [word for name, value in FIXED.items() for word in ("--space", f"{name}={value}")]
    code, document, error = cli("search", "fruit", "--trials", 2, "--epochs", 1, "--json", *words).ends()
    assert (code, len(document["trials"]), "plans 1 trial instead of 2" in error) == (0, 1, True)
    assert "AutodetWarning" not in error
    code, document, _ = cli("search", "fruit", "--trials", 2, "--epochs", 1, "--repeat", "--json", *words).ends()
    assert [trial["effective"] for trial in document["trials"]] == [{}, {"seed": 1}]


def test_a_forecast_knows_how_many_trials_there_can_be(data):
    one, many = (
        forecast_search((200, 50), trials, 9, make_space(FIXED), Hardware(("cpu",), cores=2)) for trials in (1, 9)
    )
    assert one == many


def test_a_number_of_trials_that_makes_no_sense_is_refused_before_it_is_counted(data):
    with pytest.raises(SearchError, match="whole number"):
        start_search(data, trials="3", space=FIXED)


def test_a_continuous_space_never_repeats_either():
    space = make_space()
    chance = random.Random(0)
    made = [{"lr": chance.random(), "backbone_lr_factor": 0.1, "weight_decay": 0.0} for _ in range(5)]
    combinations = Combinations(space, made)
    assert combinations.least_times == 0
    assert [combinations.times(one) for one in made] == [1] * 5
