"""TPE that does not get slower and slower."""

import optuna
import pytest
from optuna.samplers import TPESampler

from autodet.search import sampling
from autodet.search.sampling import BoundedTPESampler, HalfwayPruner

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
    ours = asked(study_of(60), BoundedTPESampler(seed=3))
    assert ours == asked(study_of(60), TPESampler(seed=3))


@pytest.mark.parametrize("directions", [("maximize",), ("maximize", "minimize")])
def test_of_a_long_search_it_sees_the_best_some_others_and_what_is_under_way(monkeypatch, directions):
    monkeypatch.setattr(sampling, "MOST_TRIALS", 40)
    monkeypatch.setattr(sampling, "BEST_TRIALS", 10)
    monkeypatch.setattr(sampling, "CHOSEN_ANEW", 10)
    study = study_of(200, directions)
    under_way = [study.ask().number for _ in range(5)]
    seen = [trial.number for trial in sampling._Excerpt(study, under_way[-1])._get_trials()]
    best = max(study.get_trials(states=(FINISHED,)), key=lambda trial: trial.values[0]).number
    assert len(seen) < 100
    assert best in seen
    assert seen[-5:] == under_way
    assert min(seen) < 10
    assert seen == sorted(seen)


def test_in_a_long_search_it_chooses_as_well_as_optunas_own(monkeypatch):
    monkeypatch.setattr(sampling, "MOST_TRIALS", 300)
    ours, theirs = asked(study_of(1200), BoundedTPESampler(seed=0)), asked(study_of(1200), TPESampler(seed=0))
    assert distance(ours) <= distance(theirs) + 1e-3


def distance(rates):
    return sum(abs(rate - 5e-3) for rate in rates) / len(rates)


def ended_after(curves, epochs):
    """After how many epochs trials end whose scores are these, one trial after another."""
    study = optuna.create_study(direction="maximize", pruner=HalfwayPruner(epochs))
    counts = []
    for curve in curves:
        trial = study.ask()
        for epoch, score in enumerate(curve, start=1):
            trial.report(score, epoch)
            if hopeless := trial.should_prune():
                break
        if hopeless:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, score)
        counts.append(epoch)
    return counts


def rising(best, epochs=10):
    return [best * epoch / epochs for epoch in range(1, epochs + 1)]


def test_halfway_a_trial_must_be_no_worse_than_the_median_of_all_before_it():
    assert ended_after([rising(0.8), rising(0.6), rising(0.69), rising(0.71), rising(0.69)], 10) == [10, 10, 5, 10, 5]


def test_those_that_ended_early_count_so_that_about_half_go_on():
    """However long a search gets, the bar stays where half of the trials pass it."""
    scores = [((number * 37) % 101) / 101 for number in range(101)]
    counts = ended_after([rising(score) for score in scores], 10)
    assert set(counts) == {5, 10}
    assert 40 <= counts.count(10) <= 65


def test_the_best_epoch_of_the_first_half_counts_and_none_ends_later():
    early, late = [0.7, 0.1, 0.1, 0.1, 0.1, 0.1, 0.9, 0.9], [0.1, 0.1, 0.1, 0.6, 0.9, 0.9, 0.9, 0.9]
    assert ended_after([[0.65] * 8] * 2 + [early, late], 8) == [8, 8, 8, 4]


def test_a_trial_of_few_epochs_is_compared_with_nothing():
    assert ended_after([rising(0.9)] * 3 + [rising(0.1, epochs=3)], 10) == [10, 10, 10, 3]
    assert ended_after([[0.9], [0.9], [0.1]], 1) == [1, 1, 1]
