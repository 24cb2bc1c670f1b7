"""Configurations of trials, from which they are trained again."""

import json
from dataclasses import replace

import pytest

import autodet
from autodet.errors import SearchError
from autodet.records import TrialStatus
from autodet.search.order.recipe import python_of, recipe_of
from autodet.search.order.spec import SearchSpec
from autodet.search.run.trials import job_of
from autodet.search.study.study import SearchStudy


def job(search, home, trial):
    folder = home.searches / search.id
    return job_of(trial, search.spec(), folder, folder / "trials" / str(trial.number))


def asked(search, home):
    """The next trial of a search that no process runs."""
    study = SearchStudy(home, search.id, search.spec())
    trial = study.ask()
    spec = search.spec()
    params = study.params(trial)
    return TrialStatus(trial.number, "finished", params, planned_epochs=min(spec.epochs, params.get("epochs", 99)))


@pytest.mark.parametrize("objective", ["recall@0.9", "map50_95+latency"])
def test_a_recipe_orders_the_same_training(data, home, order, objective):
    space = {"image_size": [256, 320], "batch_size": [2, 8], "epochs": [4, 6], "scheduler": True}
    search = order(data, trials=4, seed=7, objective=objective, patience=3, space=space)
    asked(search, home)
    trial = replace(asked(search, home), effective={"seed": 9, "accumulation": 2})
    recipe = json.loads(json.dumps(recipe_of(trial, search.spec(), home.searches / search.id)))
    again = order(recipe["dataset"], **recipe["options"])
    expected = replace(job(search, home, trial), folder="", name="", accumulation=1)
    repeated = replace(job(again, home, asked(again, home)), folder="", name="")
    assert replace(repeated, objective=expected.objective) == expected
    assert repeated.objective == expected.objective.quality
    assert again.spec().patience == 3


def test_three_lines_of_python_repeat_it(monkeypatch, tmp_path):
    called = []
    monkeypatch.setattr(autodet, "fit", lambda *words, **options: called.append((words, options)), raising=False)
    trial = TrialStatus(3, "finished", {"lr": 7e-4}, planned_epochs=5)
    recipe = recipe_of(trial, SearchSpec("fruit", "it's", device="cpu"), tmp_path / "fruit")
    code = python_of(recipe)
    assert len(code.splitlines()) == 3
    exec(code)
    ((words, options),) = called
    assert words == ("it's",)
    assert options == recipe["options"]
    assert (options["space"]["lr"], options["epochs"], options["device"]) == (7e-4, 5, "cpu")


def test_a_search_has_recipes_of_its_trials_only(data, order):
    with pytest.raises(SearchError, match="no trial 5"):
        order(data).recipe(5)
