"""The model of any trial, kept beside the search's own; through the command line, in real processes."""

import pytest

from autodet.errors import NotFoundError, SearchError
from autodet.models.bundle import read_bundle
from autodet.models.store import find_model, list_models
from autodet.search.control import find_search, list_searches

SCRIPT = {"map50": {"0": [0.3, 0.8], "1": [0.5, 0.4], "2": [0.6, 0.7]}, "fail": {"2": 2}}


@pytest.fixture
def searched(cli, home):
    """A search whose best trial is 0, and whose trial 2 failed in its second epoch."""
    code, status, _ = cli("search", "fruit", "--trials", 3, "--epochs", 2, "--refit", "--json", script=SCRIPT).ends()
    assert (code, status["best"]["trial"]) == (0, 0)
    return find_search("fruit", home)


def test_the_best_epoch_of_any_trial_becomes_a_model_of_its_own(searched, cli, home):
    code, kept, _ = cli("keep", "fruit", 1, "--name", "The other", "--json").ends()
    assert (code, kept) == (0, {"model": "the-other", "name": "The other", "dataset": "d", "map50": 0.5})
    card, weights = read_bundle(find_model("the-other", home).path)
    assert (card.name, card.epoch, weights) == ("The other", 1, b"trial 1")
    assert read_bundle(find_model("fruit", home).path)[1] == b"refit 0"
    assert searched.keep(2).id == "fruit-trial-2"  # it failed, but has an epoch


def test_keeping_the_same_twice_makes_one_model_and_another_name_another(searched, home):
    assert searched.keep(1).id == searched.keep(1).id == "fruit-trial-1"
    assert searched.keep(1, "Mine").id == "mine"
    assert searched.keep(0, "Mine").id == "mine-2"
    assert sum(model.id.startswith("fruit-trial") for model in list_models(home)) == 1


def test_a_trial_that_has_no_model_is_a_sentence(searched, cli):
    code, out, err = cli("keep", "fruit", 7).ends()
    assert (code, out) == (2, "")
    assert "no model of a trial 7" in err
    for trial in (-1, 3):
        with pytest.raises(SearchError, match="choose a trial that has finished an epoch"):
            searched.detector(trial)


def test_a_deleted_search_leaves_its_models_and_its_name(searched, home, start, cli):
    kept = searched.keep(1).id
    assert searched.size_bytes() > sum(
        path.stat().st_size for path in home.searches.glob("fruit/trials/*/best.autodet")
    )
    searched.delete()
    assert list_searches(home) == []
    assert {model.id for model in list_models(home)} >= {"fruit", kept}
    with pytest.raises(NotFoundError):
        find_search("fruit", home)
    code, status, _ = cli("search", "fruit", "--trials", 1, "--epochs", 2, "--json", script=SCRIPT).ends()
    assert (code, status["search"], len(status["trials"])) == (0, "fruit-2", 1)  # the name is its model's


def test_a_search_at_work_is_not_deleted_and_the_place_of_a_model_that_never_came_is_freed(start, home):
    search = start({"seconds_of_epoch": {"0": 60}}, trials=1, epochs=2)
    with pytest.raises(SearchError, match="stop it before"):
        search.delete()
    search.stop()
    search.wait()
    search.delete()
    assert list(home.models.iterdir()) == []


def test_a_trial_that_still_runs_can_be_kept_as_it_is_now(start, home, eventually):
    search = start({"seconds_of_epoch": {"2": 60}}, trials=1, epochs=2)
    eventually(lambda: search.status().best_trial)
    assert search.keep(0, "so far").card.epoch == 1
    search.stop()
    assert search.wait().state == "stopped"
