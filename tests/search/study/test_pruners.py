"""When a trial is given up."""

import random
from dataclasses import replace
from statistics import median

import optuna
import pytest

from autodet.records import EpochResult
from autodet.search.order.space import make_space
from autodet.search.order.spec import SearchSpec
from autodet.search.study.pruners import HalfwayPruner
from autodet.search.study.study import SearchStudy

FIXED = {"lr": 1e-3, "backbone_lr_factor": 0.3}  # so that the epochs decide nothing but the schedule
TALENTS = [random.Random(number).random() for number in range(40)]


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


def spec_of(name, pruner, epochs):
    space = make_space({**FIXED, "epochs": epochs})
    most = max(epochs) if isinstance(epochs, list) else epochs
    return SearchSpec(
        name,
        "fruit",
        trials=len(TALENTS),
        epochs=most,
        space=space,
        sampler="random",
        pruner=pruner,
        created=name,
        repeat=True,
    )


def report_epoch(study, trial, talent, done, planned):
    """Report one more epoch of a trial whose score is its talent times the share of its schedule."""
    score = talent * (len(done) + 1) / planned
    done.append(EpochResult(len(done) + 1, 1.0, score, 0.0, 1.0))
    return study.report(trial, tuple(done))


def shares(home, pruner, epochs):
    """At which share of their schedules trials end, one after another, and the schedules."""
    home.home.mkdir(parents=True, exist_ok=True)
    spec = spec_of(f"{pruner}-{epochs}", pruner, epochs)
    study, ended, schedules = SearchStudy(home, spec.name, spec), [], []
    for talent in TALENTS:
        trial, done, hopeless = study.ask(), [], False
        planned = study.params(trial).get("epochs", spec.epochs)
        while not hopeless and len(done) < planned:
            hopeless = report_epoch(study, trial, talent, done, planned)
        assert not (hopeless and len(done) == planned), "pruned after its last epoch"
        study.tell(trial, "pruned" if hopeless else "finished")
        ended.append(len(done) / planned)
        schedules.append(planned)
    return ended, schedules


@pytest.mark.parametrize("pruner", ["median", "hyperband", "asha"])
@pytest.mark.slow
def test_trials_of_different_lengths_are_compared_at_the_same_share_of_their_schedules(home, pruner):
    alike, _ = shares(home, pruner, 18)
    mixed, schedules = shares(home, pruner, [18, 36])
    assert set(schedules) == {18, 36}
    assert mixed == alike
    assert min(alike) < 1


def test_a_short_trial_half_done_is_compared_with_long_ones_half_done(home):
    ended, schedules = shares(home, "median", [4, 8])
    assert set(schedules) == {4, 8}
    for number, (share, talent) in enumerate(zip(ended, TALENTS, strict=True)):
        behind = number >= 2 and talent < median(TALENTS[:number])
        assert share == (0.5 if behind else 1.0)


def test_a_trial_whose_time_is_short_is_compared_at_the_share_of_what_it_has(home):
    """The numbers of epochs that trials with less time have are their own too, as the study remembers them."""
    home.home.mkdir(parents=True, exist_ok=True)
    spec = spec_of("short", "median", 8)
    study = SearchStudy(home, spec.name, spec)
    for talent, effective, ends_at in ((0.8, {}, 8), (0.6, {}, 8), (0.5, {"epochs": 4}, 2), (0.9, {"epochs": 4}, 4)):
        trial, done, hopeless, planned = study.ask(), [], False, effective.get("epochs", 8)
        study.params(trial)
        study.set_effective(trial, effective)
        while not hopeless and len(done) < planned:
            hopeless = report_epoch(study, trial, talent, done, planned)
        assert len(done) == ends_at
        study.tell(trial, "pruned" if hopeless else "finished")


@pytest.mark.parametrize("pruner", ["median", "hyperband", "asha"])
@pytest.mark.slow
def test_a_trial_is_never_given_up_after_its_last_epoch(home, pruner):
    """The supervisor is killed before it can tell how the trial ended, and asks again."""
    home.home.mkdir(parents=True, exist_ok=True)
    spec = spec_of("last", pruner, [1, 2, 3, 9])
    study = SearchStudy(home, spec.name, spec)
    for _ in TALENTS:
        trial, done = study.ask(), []
        planned = study.params(trial)["epochs"]
        for _ in range(planned):
            hopeless = report_epoch(study, trial, 1 - trial.number / len(TALENTS), done, planned)
        assert not hopeless
        study.tell(trial, "finished")


def test_the_study_of_an_earlier_version_goes_on(home):
    """It has steps by epochs too, and rungs by the longest schedule."""
    home.home.mkdir(parents=True, exist_ok=True)
    spec = spec_of("earlier", "asha", [9, 18])
    study = SearchStudy(home, spec.name, spec)
    earlier = study.ask()
    study.params(earlier)
    for epoch in range(1, 5):
        earlier.report(0.5, epoch)
    earlier.set_user_attr("epochs", [EpochResult(epoch, 1.0, 0.5, 0.0, 1.0).to_json() for epoch in range(1, 5)])
    study.save()
    study = SearchStudy(home, spec.name, replace(spec, repeat=False))
    (trial,) = study.unfinished()
    (status,) = study.statuses()
    done = list(status.epochs)
    report_epoch(study, trial, 0.5, done, status.planned_epochs)
    study.tell(trial, "finished")
    assert len(study.statuses()[0].epochs) == 5
    assert study.ask().number == 1


def test_tpe_ranks_pruned_trials_by_the_share_of_their_schedules(home):
    """Two searches that differ in the lengths of schedules alone choose the same next."""

    def chosen(short):
        home.home.mkdir(parents=True, exist_ok=True)
        spec = SearchSpec(f"tpe-{short}", "fruit", trials=60, epochs=40, pruner="none", created="now", seed=3)
        study = SearchStudy(home, spec.name, spec)
        for number, talent in enumerate(TALENTS[:20]):
            trial, done = study.ask(), []
            study.params(trial)
            planned = 10 if short and number % 2 else 40
            study.set_effective(trial, {} if planned == 40 else {"epochs": planned})
            for _ in range(planned // 2):
                report_epoch(study, trial, talent, done, planned)
            study.tell(trial, "pruned")
        return study.params(study.ask())["lr"]

    assert chosen(short=True) == chosen(short=False)
