"""Who chooses what is tried, and when a trial is given up."""

import importlib
from dataclasses import replace

import pytest

from autodet.errors import SearchError
from autodet.records import EpochResult
from autodet.search.order.options import OPTIONS
from autodet.search.order.space import make_space
from autodet.search.order.spec import SearchSpec
from autodet.search.start import start_search
from autodet.search.study.study import SearchStudy
from tests.search.conftest import best_of

pytestmark = pytest.mark.slow

EPOCHS = 9
SPACE = make_space({"batch_size": True, "augmentation": True, "scheduler": True})


def epochs_of(quality):
    return [EpochResult(epoch, 1.0, quality * epoch / EPOCHS, 0.0, 1.0) for epoch in range(1, EPOCHS + 1)]


def tried(home, name, *, reopened, trials=8, **facts):
    """What trials try, and how many epochs each gets; each trial asked for by another supervisor if reopened."""
    spec = SearchSpec(name, "fruit", trials=trials, epochs=EPOCHS, space=SPACE, created=name, **facts)
    latency_ms = 90.0 if spec.goal.latency else None
    home.home.mkdir(parents=True, exist_ok=True)
    study, told = SearchStudy(home, name, spec), []
    for number in range(trials):
        study = SearchStudy(home, name, spec) if reopened else study
        trial = study.ask()
        params, done = study.params(trial), []
        for result in epochs_of(1 - number / trials):
            done.append(replace(result, latency_ms=latency_ms and latency_ms - number))
            if hopeless := study.report(trial, tuple(done)):
                break
        study.tell(trial, "pruned" if hopeless else "finished")
        study.save()
        told.append((params, len(done)))
    return told


@pytest.mark.parametrize(
    ("pruner", "objective"), [("median", "map50"), ("hyperband", "map50"), ("none", "map50+latency")]
)
@pytest.mark.parametrize("sampler", ["tpe", "random", "gp"])
def test_a_resumed_search_tries_the_same_trial_by_trial(home, sampler, pruner, objective):
    if sampler == "gp":
        pytest.importorskip("scipy")
    facts = {"sampler": sampler, "pruner": pruner, "objective": objective}
    whole = tried(home, "whole", reopened=False, **facts)
    assert tried(home, "resumed", reopened=True, **facts) == whole
    other = tried(home, "other", reopened=False, seed=1, **facts)
    assert other[0][0] == whole[0][0]  # the defaults
    assert other[1:] != whole[1:]


@pytest.mark.parametrize("pruner", OPTIONS["pruner"].choices)
def test_trials_that_fall_behind_are_given_up_but_never_the_defaults(home, pruner):
    epochs = [count for _, count in tried(home, "fruit", reopened=False, trials=12, pruner=pruner)]
    assert epochs[0] == EPOCHS
    assert (min(epochs) < EPOCHS) == (pruner != "none")


def test_a_trial_that_gets_no_better_ends_and_keeps_its_best(start):
    script = {"map50": {"0": [0.3, 0.6, 0.5, 0.4, 0.3, 0.2], "1": [0.1, 0.2, 0.3, 0.4, 0.5, 0.55]}}
    status = start(script, trials=2, epochs=6, patience=2, pruner="none").wait()
    assert [(trial.state, len(trial.epochs)) for trial in status.trials] == [("finished", 4), ("finished", 6)]
    assert best_of(status) == (0, 2, 0.6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sampler": "grid"}, "no sampler 'grid'; choose one of tpe"),
        ({"pruner": "often"}, "no pruner 'often'"),
        ({"patience": -1}, "patience must be"),
    ],
)
def test_a_choice_that_there_is_not_is_a_sentence(data, options, words):
    with pytest.raises(SearchError, match=words):
        start_search(data, **options)


def test_a_gaussian_process_without_scipy_is_a_sentence(data, monkeypatch):
    options = importlib.import_module("autodet.search.order.options")
    monkeypatch.setattr(options, "find_spec", lambda _name: None)
    with pytest.raises(SearchError, match="needs the package scipy"):
        start_search(data, sampler="gp")
