"""The model of any trial, kept beside the search's own; through the command line, in real processes."""

import sqlite3
from pathlib import Path

import optuna
import pytest

from autodet.errors import NotFoundError, SearchError
from autodet.models.bundle import read_bundle
from autodet.models.store import find_model, list_models
from autodet.search.api import find_search, list_searches
from autodet.search.delete import empty_trash
from autodet.text_format import size_text

SCRIPT = {"map50": {"0": [0.3, 0.8], "1": [0.5, 0.4], "2": [0.6, 0.7]}, "fail": {"2": 2}}


@pytest.fixture
def searched(cli, home):
    """A search whose best trial is 0, and whose trial 2 failed in its second epoch."""
    code, status, _ = cli("search", "fruit", "--trials", 3, "--epochs", 2, "--refit", "--json", script=SCRIPT).ends()
    assert (code, status["best"]["trial"]) == (0, 0)
    return find_search("fruit", home)


def test_the_best_epoch_of_any_trial_becomes_a_model_of_its_own(searched, cli, home):
    code, kept, _ = cli("keep", "fruit", 1, "--name", "The other", "--json").ends()
    thresholds = {"apple": 0.3, "banana": 0.4}
    told = {"model": "the-other", "name": "The other", "dataset": "d", "map50": 0.5, "thresholds": thresholds}
    assert (code, kept) == (0, told | {"added": None, "owner": find_model("the-other", home).owner})
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
    search.wait(best_so_far=True)
    search.delete()
    assert list(home.models.iterdir()) == []


def test_the_command_line_deletes_a_search_that_is_over_and_says_what_that_freed(
    cli, home, supervisors, epochs_made, eventually
):
    run = cli("search", "fruit", "--trials", 1, "--epochs", 2, "--refit", script={"seconds_of_epoch": {"2": 60}})
    eventually(lambda: epochs_made("fruit", 0))
    code, out, err = cli("delete", "fruit").ends()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "fruit is still running; stop it before you delete it" in err
    cli("stop", "fruit").ends()
    assert run.ends()[0] == 0
    size = find_search("fruit", home).size_bytes()
    code, told, err = cli("delete", "fruit", "--json").ends()
    assert (code, told, err) == (0, {"kind": "search", "id": "fruit", "search": "fruit", "freed_bytes": size}, "")
    assert size > 0
    empty_trash(home, kept_seconds=0)
    assert [list(home.searches.iterdir()), studies(home)] == [[], []]
    assert [folder.name for folder in home.models.iterdir()] == [
        "fruit"
    ]  # the place of a refit that never came is freed


def test_people_are_told_how_much_a_deletion_freed(searched, cli, home):
    freed = size_text(searched.size_bytes())
    code, out, err = cli("delete", "fruit").ends()
    assert (code, err) == (0, "")
    assert f"The search fruit was deleted. It is in the trash for a day, which then frees {freed}" in out
    assert "'python -m autodet models' lists are kept" in out


def test_a_deleted_search_takes_its_study_along_and_no_other(searched, start, home):
    start(SCRIPT, trials=1, epochs=2, name="other").wait()
    assert studies(home) == ["fruit", "other"]
    searched.delete()
    empty_trash(home, kept_seconds=0)
    assert studies(home) == ["other"]
    (trial,) = optuna.load_study(study_name="other", storage=home.optuna_url).trials
    assert trial.intermediate_values == {1: 0.3, 2: 0.8}


def lock(path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    return other


def damage(path):
    path.write_bytes(b"this is no database" * 100)


def age(path):
    with sqlite3.connect(path) as other:
        other.execute("UPDATE alembic_version SET version_num = 'v9.9.9'")
    other.close()


@pytest.mark.parametrize(
    "spoil", [lock, damage, age, Path.unlink], ids=["locked", "damaged", "another version's", "gone"]
)
def test_a_database_that_cannot_be_used_keeps_no_search_from_being_deleted(searched, home, cli, spoil):
    held = spoil(home.home / "optuna.db")
    code, told, err = cli("delete", "fruit", "--json").ends()
    assert (code, told["search"], err) == (0, "fruit", "")
    assert list_searches(home) == []
    if held:
        held.close()
        assert studies(home) == ["fruit"]


def studies(home):
    return sorted(study.study_name for study in optuna.get_all_study_summaries(home.optuna_url))


def test_a_trial_that_still_runs_can_be_kept_as_it_is_now(start, home, eventually):
    search = start({"seconds_of_epoch": {"2": 60}}, trials=1, epochs=2)
    eventually(lambda: search.status().best_trial)
    assert search.keep(0, "so far").card.epoch == 1
    search.stop()
    assert search.wait(best_so_far=True).state == "stopped"
