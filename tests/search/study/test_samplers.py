"""TPE that does not get slower and slower."""

import optuna
import pytest
from optuna.samplers import RandomSampler, TPESampler

from autodet.search.order.combinations import Combinations
from autodet.search.order.space import make_space
from autodet.search.study import samplers
from autodet.search.study.samplers import BoundedTPESampler, UntriedSampler

FINISHED = optuna.trial.TrialState.COMPLETE
LR = optuna.distributions.FloatDistribution(1e-4, 1e-2, log=True)


def study_of(trials, directions=("maximize",)):
    study = optuna.create_study(directions=directions)
    for number in range(trials):
        lr = 1e-4 * (1 + number % 97)
        values = [1 - abs(lr - 5e-3) * 100, lr][: len(directions)]
        study.add_trial(optuna.trial.create_trial(params={"lr": lr}, distributions={"lr": LR}, values=values))
    return study


def asked(study, sampler):
    study.sampler = sampler
    return [study.ask({"lr": LR}).params["lr"] for _ in range(5)]


def test_it_is_optunas_own_in_searches_of_ordinary_length():
    ours = asked(study_of(60), BoundedTPESampler(10, seed=3))
    assert ours == asked(study_of(60), TPESampler(seed=3))


@pytest.mark.parametrize("directions", [("maximize",), ("maximize", "minimize")])
def test_of_a_long_search_it_sees_the_best_some_others_and_what_is_under_way(monkeypatch, directions):
    monkeypatch.setattr("autodet.search.study.samplers.MAX_TRIALS", 40)
    monkeypatch.setattr("autodet.search.study.samplers.BEST_TRIALS", 10)
    monkeypatch.setattr("autodet.search.study.samplers.REFRESH_TRIALS", 10)
    study = study_of(200, directions)
    under_way = [study.ask().number for _ in range(5)]
    seen = [trial.number for trial in samplers._Excerpt(study, under_way[-1], 10)._get_trials()]
    best = max(study.get_trials(states=(FINISHED,)), key=lambda trial: trial.values[0]).number
    assert len(seen) < 100
    assert best in seen
    assert seen[-5:] == under_way
    assert min(seen) < 10
    assert seen == sorted(seen)


def test_in_a_long_search_it_chooses_as_well_as_optunas_own(monkeypatch):
    monkeypatch.setattr("autodet.search.study.samplers.MAX_TRIALS", 300)
    ours, theirs = asked(study_of(1200), BoundedTPESampler(10, seed=0)), asked(study_of(1200), TPESampler(seed=0))
    assert distance(ours) <= distance(theirs) + 1e-3


def distance(rates):
    return sum(abs(rate - 5e-3) for rate in rates) / len(rates)


class Stubborn(RandomSampler):
    """Always wants the same."""

    def sample_independent(self, study, trial, param_name, param_distribution):
        return {"lr": 1e-3, "weight_decay": 1e-4, "batch_size": 4}[param_name]


@pytest.mark.parametrize("batches", [[4], [2, 4, 8]])
def test_a_sampler_that_repeats_itself_is_overruled(batches):
    space = make_space({"lr": (1e-4, 1e-2), "backbone_lr_factor": 0.3, "batch_size": batches})
    study, made = optuna.create_study(), []
    for number in range(4):
        study.sampler = UntriedSampler(Stubborn(), space, Combinations(space, made), seed=number)
        trial = study.ask()
        trial.suggest_float("lr", 1e-4, 1e-2, log=True)
        trial.suggest_float("weight_decay", 1e-5, 1e-2, log=True)
        if len(batches) > 1:
            trial.suggest_categorical("batch_size", batches)
        made.append(trial.params)
    assert (made[0]["lr"], made[0]["weight_decay"]) == (1e-3, 1e-4)  # it had not been tried
    assert len({one["lr"] for one in made}) == 4
