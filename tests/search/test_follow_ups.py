"""Follow-ups of searches, in real processes with a scripted trainer."""

import json
import os
import signal
from dataclasses import replace

import pytest

import autodet
from autodet.errors import NotFoundError, SearchError
from autodet.messages.follow_ups import pooled_sentence
from autodet.models.bundle import read_card
from autodet.models.store import add_model, list_models
from autodet.records import EpochResult, FollowUp, PlannedTrial, TrialStatus
from autodet.search.api import find_search
from autodet.search.delete_assets import delete_model
from autodet.search.follow_ups.results import learning_curve, newest_follow_up, repeatability
from autodet.search.follow_ups.start import best_configurations, plan_repeats, start_learning_curve, start_repeats
from autodet.search.order.space import Choices
from autodet.search.order.spec import SearchSpec
from autodet.search.run.trial_dirs import TrialFolders
from autodet.search.run.trials import job_of
from autodet.search.status.status_file import LAUNCHED, read_snapshot, write_snapshot
from autodet.search.trial_models import trial_bundle
from tests.helpers import untrained_bundle
from tests.search import scripted

SCORES = {"0": [0.5, 0.6], "1": [0.5, 0.7], "2": [0.5, 0.8]}


@pytest.fixture
def searched(start):
    """A search of three trials that is over; trial 2 is the best."""
    search = start({"map50": SCORES}, trials=3, epochs=2, seed=7, pruner="none", sampler="random")
    search.wait()
    return search


@pytest.fixture
def over(data, order, home):
    """A search that is over, by its files; trial 2 is the best."""
    search = order(data, trials=3, epochs=2)
    folder = home.searches / search.id
    trials = tuple(
        TrialStatus(number, "finished", {"lr": rate}, (EpochResult(1, 1.0, score, score, 1.0),), planned_epochs=2)
        for number, (rate, score) in enumerate([(1e-3, 0.6), (5e-4, 0.7), (7e-4, 0.8)])
    )
    write_snapshot(folder, replace(read_snapshot(folder), state="finished", trials=trials))
    return search


def about_to_start(folder):
    (folder / LAUNCHED).touch()


@pytest.fixture
def say(monkeypatch):
    """Script the trials that start from now on."""
    return lambda **script: monkeypatch.setenv(scripted.SCRIPT, json.dumps(script))


def seeds_trained(home, search, count):
    folders = TrialFolders(home.searches / search.id / "trials")
    return [int((folders.folder(number) / "seed").read_text()) for number in range(count)]


def test_the_best_and_the_defaults_are_repeated_with_other_seeds(searched, home, launcher, say):
    say(map50={"0": [0.5, 0.60], "1": [0.4, 0.75], "2": [0.5, 0.61], "3": [0.4, 0.76]})
    follow_up = start_repeats(searched, seeds=2, launcher=launcher)
    status = follow_up.wait()
    assert (status.state, status.follow_up, status.follows) == ("finished", "repeats", searched.id)
    assert seeds_trained(home, follow_up, 4) == [8, 8, 9, 9]
    origin = searched.status().trials
    assert [trial.params for trial in status.trials] == [origin[0].params, origin[2].params] * 2
    result = repeatability(searched)
    defaults, best = result.configurations
    assert (defaults.trial, defaults.scores, defaults.searched) == (0, (0.60, 0.61), 0.6)
    assert (best.trial, best.scores, best.searched) == (2, (0.75, 0.76), 0.8)
    assert best.difference == pytest.approx(0.15) and best.significant
    assert repeatability(follow_up) == result == autodet.repeatability(searched.id)


def test_a_follow_up_makes_no_model_and_can_be_deleted(searched, home, launcher, say):
    before = list_models(home)
    follow_up = start_repeats(searched, seeds=2, launcher=launcher)
    assert follow_up.wait().model is None
    assert list_models(home) == before
    assert newest_follow_up(searched.status(), "repeats") == follow_up.id
    again = plan_repeats(searched, seeds=2)
    assert {trial.seed for trial in again.trials} == {10, 11}
    follow_up.delete()
    assert newest_follow_up(searched.status(), "repeats") is None
    with pytest.raises(NotFoundError, match=r"call autodet\.start_repeats"):
        repeatability(searched)
    assert {trial.seed for trial in plan_repeats(searched, seeds=2).trials} == {8, 9}


def test_a_killed_follow_up_continues_with_its_seeds_and_shares(searched, home, launcher, say, tmp_path, eventually):
    say(file=str(tmp_path / "go"), map50={"0": [0.5] * 2, "1": [0.6] * 2, "2": [0.7] * 2})
    follow_up = start_learning_curve(searched, seeds=1, launcher=launcher)
    eventually(lambda: follow_up.status().trials)
    os.killpg(launcher.processes[-1].pid, signal.SIGKILL)
    launcher.processes[-1].wait()
    eventually(lambda: follow_up.status().state == "interrupted")
    (tmp_path / "go").touch()
    follow_up.resume()
    status = follow_up.wait()
    assert [(trial.train_share, trial.planned_epochs) for trial in status.trials] == [(0.25, 2), (0.5, 2), (1, 2)]
    assert seeds_trained(home, follow_up, 3) == [8, 8, 8]
    folder = home.searches / follow_up.id
    jobs = [job_of(trial, follow_up.spec(), folder, folder) for trial in status.trials]
    assert [(job.train_share, job.epochs, job.seed) for job in jobs] == [(0.25, 2, 8), (0.5, 2, 8), (1, 2, 8)]
    curve = learning_curve(searched)
    photos = len(autodet.load_dataset(status.dataset).split("train"))
    assert [point.map50 for point in curve.points] == [0.5, 0.6, 0.7]
    assert [point.photos for point in curve.points] == [-(-photos // 4), -(-photos // 2), photos]
    assert curve.law and curve.law.gain > 0
    assert curve.to_json()["doubled"]["photos"] == 2 * photos
    recipe = follow_up.recipe(0)["options"]
    assert (recipe["train_share"], recipe["epochs"], recipe["seed"]) == (0.25, 2, 8)
    assert follow_up.recipe(2)["options"].get("train_share") is None


def test_what_was_stopped_counts_only_where_it_finished(searched, launcher, say, tmp_path, eventually):
    say(file=str(tmp_path / "go"))
    follow_up = start_repeats(searched, seeds=2, launcher=launcher)
    eventually(lambda: follow_up.status().trials)
    follow_up.stop()
    status = follow_up.wait(best_so_far=True)
    assert status.state == "stopped" and "no model" not in status.message
    assert [one.scores for one in repeatability(follow_up).configurations] == [(), ()]


def test_a_double_click_starts_one(over):
    first, second = (start_repeats(over, once_within=60, launcher=about_to_start) for _ in range(2))
    assert first.id == second.id == f"{over.id}-repeated"


def test_the_best_differ_from_the_defaults_and_from_each_other(over, home):
    folder = home.searches / over.id
    status = read_snapshot(folder)
    same = replace(status.trials[2], number=3, params=status.trials[0].params)
    pruned = replace(status.trials[2], number=4, state="pruned", params={"lr": 9e-4})
    write_snapshot(folder, replace(status, trials=(*status.trials, same, pruned)))
    plan = plan_repeats(over, best=10, seeds=2)
    assert [trial.repeats for trial in plan.trials] == [0, 2, 1] * 2
    assert plan.forecast and plan.forecast.least_seconds > 0


def test_what_cannot_be_followed_is_refused(data, order, over):
    with pytest.raises(SearchError, match="still running"):
        start_repeats(order(data, name="waits", launcher=about_to_start))
    with pytest.raises(SearchError, match="seeds must be a whole number from 2 to 20; got 1"):
        start_repeats(over, seeds=1)
    with pytest.raises(SearchError, match="best must be"):
        start_repeats(over, best=0)
    follow_up = start_repeats(over, launcher=about_to_start)
    with pytest.raises(SearchError, match=f"only repeats trials of {over.id}"):
        start_learning_curve(follow_up)
    with pytest.raises(NotFoundError):
        start_repeats("nothing")


def test_a_search_of_defaults_alone_has_no_gain_to_check(over, home):
    folder = home.searches / over.id
    write_snapshot(folder, replace(read_snapshot(folder), trials=read_snapshot(folder).trials[:1]))
    with pytest.raises(SearchError, match="no finished trial with other parameters than the defaults"):
        plan_repeats(over)


def test_a_follow_up_is_stored_and_searches_without_one_stay_readable(tmp_path):
    planned = PlannedTrial(3, {"lr": 1e-3}, 8, 5, 0.25, 10, 0.6)
    space = {"architecture": Choices(("nanodet_g",))}
    spec = SearchSpec("fruit", "fruit", space=space, follow_up=FollowUp("learning_curve", "fruit", (planned,)))
    spec.write(tmp_path)
    assert SearchSpec.read(tmp_path) == spec
    document = json.loads((tmp_path / "spec.json").read_text())
    document["follow_up"]["trials"][0] |= {"later": 1}
    (tmp_path / "spec.json").write_text(json.dumps(document))
    assert SearchSpec.read(tmp_path) == spec
    document.pop("follow_up")
    (tmp_path / "spec.json").write_text(json.dumps(document))
    assert SearchSpec.read(tmp_path) == replace(spec, follow_up=None)
    document["follow_up"] = {"kind": "repeats"}
    (tmp_path / "spec.json").write_text(json.dumps(document))
    with pytest.raises(SearchError, match="is damaged"):
        SearchSpec.read(tmp_path)


def test_more_seeds_later_are_pooled_with_the_earlier_ones(searched, home, launcher, say):
    say(map50={"0": [0.5, 0.60], "1": [0.4, 0.70], "2": [0.5, 0.62], "3": [0.4, 0.74]})
    first = start_repeats(searched, seeds=2, launcher=launcher)
    first.wait()
    alone = repeatability(searched)
    say(
        map50={
            "0": [0.5, 0.61],
            "1": [0.4, 0.66],
            "2": [0.4, 0.72],
            "3": [0.5, 0.61],
            "4": [0.4, 0.65],
            "5": [0.4, 0.73],
        }
    )
    second = start_repeats(searched, best=2, seeds=2, launcher=launcher)
    second.wait()
    pooled = repeatability(searched)
    assert pooled.pooled == (second.id, first.id) and pooled.follow_up == second.id
    by_trial = {one.trial: sorted(one.scores) for one in pooled.configurations}
    assert by_trial[0] == [0.60, 0.61, 0.61, 0.62]
    counts = {one.trial: (len(one.scores), one.planned) for one in pooled.configurations}
    assert counts == {0: (4, 4), 2: (4, 4), 1: (2, 2)}  # only the second repeated trial 1
    (before,) = [one for one in alone.configurations if one.trial == 2]
    (after,) = [one for one in pooled.configurations if one.trial == 2]
    assert after.interval[1] - after.interval[0] < before.interval[1] - before.interval[0]
    assert repeatability(first).pooled == (first.id, second.id)
    assert "This includes 1 earlier run" in pooled_sentence(pooled) and not pooled_sentence(alone)
    first.delete()
    assert repeatability(searched).pooled == (second.id,)


def test_learning_curves_of_the_same_configuration_are_pooled(searched, launcher, say):
    say(map50={"0": [0.5] * 2, "1": [0.6] * 2, "2": [0.7] * 2})
    first = start_learning_curve(searched, seeds=1, launcher=launcher)
    first.wait()
    alone = learning_curve(searched)
    say(map50={"0": [0.52] * 2, "1": [0.6] * 2, "2": [0.71] * 2})
    start_learning_curve(searched, seeds=1, launcher=launcher).wait()
    pooled = learning_curve(searched)
    assert (len(alone.points), len(pooled.points), len(pooled.pooled)) == (3, 6, 2)
    assert len({(point.photos, point.seed) for point in pooled.points}) == 6
    width = lambda curve: curve.law.gain_interval[1] - curve.law.gain_interval[0]  # noqa: E731
    assert width(pooled) < width(alone)


def test_there_are_no_more_best_configurations_than_distinct_ones(over, home):
    assert [trial.number for trial in best_configurations(over.status())] == [2, 1]
    folder = home.searches / over.id
    defaults, other, best = over.status().trials
    same = replace(best, number=1)
    pruned = replace(other, number=3, state="pruned", params={"lr": 9e-4})
    write_snapshot(folder, replace(read_snapshot(folder), trials=(defaults, same, best, pruned)))
    assert [trial.number for trial in best_configurations(find_search(over.id, home).status())] == [1]


def test_a_follow_up_starts_from_the_weights_of_its_search(start, home, launcher, say, tmp_path):
    add_model(untrained_bundle(tmp_path / "earlier.autodet"), "earlier", home)
    search = start({"map50": SCORES}, trials=3, epochs=2, seed=7, pruner="none", sampler="random", start_from="earlier")
    search.wait()
    delete_model("earlier", home)  # the search has a copy of its weights
    follow_up = start_repeats(search, seeds=2, launcher=launcher)
    assert follow_up.wait().state == "finished"
    origins = {
        read_card(trial_bundle(home.searches / one.id, 0)).start_from.weights_sha256 for one in (search, follow_up)
    }
    assert len(origins) == 1
