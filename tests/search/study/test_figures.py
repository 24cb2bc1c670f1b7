"""Optuna's figures, drawn from the status of a search."""

import pytest

from autodet.records import EpochResult, Hyperparameters, Notice, SearchStatus, TrialStatus
from autodet.search.order.space import make_space
from autodet.search.study.figures import KINDS, study_figure

SPACE = make_space({"lr": True, "backbone_lr_factor": False, "weight_decay": False, "batch_size": [2, 4, 8]})
CLICKABLE = {"history": (), "slice": ("lr",), "contour": ("lr", "batch_size"), "parallel": ()}


def trial(number, state="finished", **params):
    score = 0.2 + 0.7 * (number * 7 % 10) / 10
    chosen = {"lr": 3e-4 + 1e-4 * (number % 10), "batch_size": (4, 2, 8)[number % 3]} | params
    epochs = (EpochResult(1, 1.0, score, score / 2, 1.0),)
    return TrialStatus(number, state, Hyperparameters().to_json() | chosen, epochs, planned_epochs=1)


def search(trials):
    return SearchStatus("fruit", "sample", "finished", tuple(trials))


def last(value):
    return value[-1] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize(("kind", "shown"), CLICKABLE.items())
def test_every_point_knows_its_trial(kind, shown):
    status = search([trial(0, "failed"), trial(1), trial(2, "pruned"), *map(trial, range(3, 12)), trial(12, "stopped")])
    scores = {one.number: one.best_epoch.score for one in status.trials if one.state in ("finished", "stopped")}
    figure = study_figure(kind, status, SPACE, shown)
    seen = {}
    for trace in figure.data:
        for index, place in enumerate(trace.customdata if trace.customdata is not None else ()):
            seen.setdefault(int(last(list(place) if hasattr(place, "__len__") else place)), []).append((trace, index))
    assert set(seen) == set(scores)
    for number, places in seen.items():
        trace, index = places[0]
        if kind == "contour":
            assert trace.x[index] == status.trials[number].params["lr"] or (
                trace.y[index] == status.trials[number].params["lr"]
            )
        elif kind == "parallel":
            low, high = min(scores.values()), max(scores.values())
            assert trace.y[0] == pytest.approx((scores[number] - low) / (high - low))
        else:
            assert trace.y[index] == scores[number]


def test_the_setting_that_matters_comes_first():
    trials = [trial(number) for number in range(60)]  # the score depends on the learning rate alone
    bars = study_figure("importance", search(trials), SPACE).data[0]
    assert bars.x[0] > bars.x[1]
    status = search([trial(number, lr=5e-4 + number * 1e-6) for number in range(60)])
    assert study_figure("importance", status, SPACE).layout.yaxis.ticktext == ("Learning rate", "Batch size")


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_without_enough_trials_says_so(kind):
    status = search([trial(0), trial(1, "pruned"), trial(2, "running")])
    need = KINDS[kind].min_trials
    assert study_figure(kind, status, SPACE) == Notice.of("figure_needs_trials", have=1, need=need, pruned=1)


def test_a_figure_without_enough_settings_or_differences_says_so():
    one = make_space({"lr": True, "backbone_lr_factor": False, "weight_decay": False})
    status = search(map(trial, range(30)))
    assert study_figure("contour", status, one) == Notice.of("figure_needs_parameters", have=1, need=2)
    same = [TrialStatus(n, "finished", trial(n).params, trial(0).epochs) for n in range(30)]
    assert study_figure("importance", search(same), SPACE) == Notice("figure_needs_differences")


def test_values_beyond_the_space_are_drawn_too():
    """The defaults of a network, or a later version, may lie outside."""
    status = search([*map(trial, range(25)), trial(25, lr=0.5, batch_size=32)])
    for kind, shown in {**CLICKABLE, "importance": (), "edf": ()}.items():
        assert study_figure(kind, status, SPACE, shown).data
