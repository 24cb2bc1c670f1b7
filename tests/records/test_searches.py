"""Searches: the best trial, the Pareto front, progress, JSON, and origins of starting weights."""

import json

import pytest

from autodet.records import EpochResult, Hyperparameters, Origin, SearchStatus, TrialStatus
from autodet.records.searches import MAX_ANCESTORS


def trial(number, *map50s, state="finished"):
    epochs = tuple(EpochResult(i, 1 / i, value, value / 2, 2.0) for i, value in enumerate(map50s, start=1))
    return TrialStatus(number, state, Hyperparameters().to_json(), epochs)


def search(*trials, **facts):
    return SearchStatus("fruit", "fruit", facts.pop("state", "running"), trials, **facts)


def test_the_earliest_of_equally_good_trials_is_the_best():
    status = search(trial(0, 0.2), trial(1), trial(2, 0.6, 0.8), trial(3, 0.8))
    assert status.best_trial.number == 2
    assert search(trial(0)).best_trial is None


def test_a_search_is_told_with_exactly_these_keys():
    document = search(trial(0, 0.25, 0.5), model="fruit", seconds=12.345).to_json()
    assert list(document) == [
        "search",
        "dataset",
        "state",
        "trials",
        "best",
        "model",
        "seconds",
        "start_from",
        "caution",
        "diagnosis",
        "name",
        "message",
        "objective",
        "planned_trials",
        "planned_epochs",
        "time_limit",
        "progress",
        "seconds_left",
        "created",
        "follow_up",
        "follows",
        "owner",
        "average",
    ]
    assert document["average"] is None
    assert document["best"] == {"trial": 0, "epoch": 2, "map50": 0.5, "objective": "map50", "value": 0.5}
    assert document["seconds"] == 12.3
    (told,) = document["trials"]
    keys = ["number", "state", "params", "epochs", "error", "attempts", "effective"]
    assert list(told) == [*keys, "planned_epochs", "epoch_share", "epoch_seconds"]
    assert list(told["epochs"][0]) == ["epoch", "loss", "map50", "map50_95", "seconds"]
    assert json.loads(json.dumps(document)) == document


def test_a_search_tells_what_it_is_for_how_far_it_is_and_why_it_ended():
    best = EpochResult(1, 1.0, 0.5, 0.3, 2.0, value=0.75)
    one = TrialStatus(0, "stopped", {}, (best,), planned_epochs=4)
    plan = {"planned_trials": 2, "planned_epochs": 4, "time_limit": 60.0, "created": "2026-11-01T00:00:00+00:00"}
    status = search(one, state="stopped", objective="recall@0.9", message="It was stopped.", name="My fruit", **plan)
    document = status.to_json()
    assert document.items() >= {**plan, "message": "It was stopped.", "name": "My fruit", "progress": 0.5}.items()
    assert document["best"] == {"trial": 0, "epoch": 1, "map50": 0.5, "objective": "recall@0.9", "value": 0.75}
    assert search(one).to_json()["name"] == "fruit"  # of an earlier version, which did not write it down


@pytest.mark.parametrize(
    ("trials", "facts", "progress"),
    [
        ([], {}, 0.0),
        ([("running", 1, 4, 0.5)], {}, 0.375 / 3),
        ([("running", 1, 2, 0.5)], {}, 0.75 / 3),  # by its own number of epochs
        ([("pruned", 1, 4, 0.0), ("running", 0, 4, 0.0)], {}, 1 / 3),
        ([("finished", 4, 4, 0.0)] * 3, {"refit_share": 0.5}, 3.5 / 4),
        ([("finished", 4, 4, 0.0)], {"state": "finished"}, 1.0),  # its time was up
        ([("running", 4, 4, 0.9)], {}, 1 / 3),
        ([("finished", 1, 1, 0.0)] * 5, {}, 1.0),
    ],
)
def test_progress_is_that_of_the_trials_by_their_own_epochs_and_of_the_refit(trials, facts, progress):
    results = [EpochResult(number, 1.0, 0.5, 0.3, 2.0) for number in range(1, 5)]
    there = [
        TrialStatus(number, state, {}, tuple(results[:done]), planned_epochs=planned, epoch_share=share)
        for number, (state, done, planned, share) in enumerate(trials)
    ]
    assert search(*there, planned_trials=3, **facts).progress == pytest.approx(progress)


def test_statuses_are_short_in_a_notebook():
    many = search(*(trial(number, *[0.5] * 20) for number in range(50)), planned_trials=50)
    assert repr(many) == "SearchStatus('fruit', running, 50 of 50 trials done, best map50 0.500 (trial 0))"
    assert len(repr(many.trials[0])) < 80


def test_a_search_without_an_epoch_has_no_best():
    assert search(trial(0)).to_json()["best"] is None


@pytest.mark.parametrize(
    ("state", "active"),
    [("queued", True), ("running", True), ("stopping", True), ("finished", False), ("interrupted", False)],
)
def test_only_what_is_at_work_is_active(state, active):
    assert search(state=state).active is active


def timed(number, map50, latency_ms):
    return TrialStatus(number, "finished", {}, (EpochResult(1, 1.0, map50, 0.1, 2.0, latency_ms=latency_ms),))


def test_of_equally_good_trials_the_fastest_is_the_best():
    assert search(timed(0, 0.8, 30.0), timed(1, 0.8, 20.0), timed(2, 0.7, 1.0)).best_trial.number == 1


@pytest.mark.parametrize(
    ("trials", "front"),
    [
        ([(0.8, None), (0.9, None)], []),
        ([(0.8, 30.0)], [0]),
        ([(0.8, 30.0), (0.9, 20.0)], [1]),
        ([(0.9, 30.0), (0.8, 20.0), (0.7, 10.0)], [2, 1, 0]),
        ([(0.9, 30.0), (0.7, 20.0), (0.8, 10.0)], [2, 0]),
        ([(0.8, 20.0), (0.8, 30.0)], [0]),
        ([(0.9, 20.0), (0.8, 20.0)], [0]),
        ([(0.8, 20.0), (0.8, 20.0)], [1, 0]),  # neither beats the other
        ([(0.8, 20.0), (0.9, None)], [0]),
    ],
)
def test_the_pareto_front_has_the_trials_that_no_other_beats_the_fastest_first(trials, front):
    status = search(*(timed(number, *figures) for number, figures in enumerate(trials)), objective="map50+latency")
    assert [one.number for one in status.pareto_front] == front
    on_front = [one.get("pareto") for one in status.to_json()["trials"]]
    assert on_front == ([number in front for number in range(len(trials))] if front else [None] * len(trials))


@pytest.mark.parametrize(
    ("state", "trials", "unfinished"),
    [
        ("interrupted", 2, True),
        ("stopped", 1, True),
        ("stopped", 2, False),
        ("finished", 1, False),
        ("failed", 0, False),
    ],
)
def test_interrupted_and_early_stopped_searches_can_be_resumed(state, trials, unfinished):
    status = search(*(trial(number, 0.5) for number in range(trials)), state=state, planned_trials=2)
    assert status.unfinished is unfinished


# Origins


def line_of(length):
    """A model that was fine-tuned from another, and so on."""
    origin = None
    for number in range(length):
        origin = Origin(f"m{number}", f"{number:064x}", "fruit", "f" * 64, start_from=origin)
    return origin


def test_ancestors_begin_with_the_model_itself():
    assert [one.model for one in line_of(3).ancestors] == ["m2", "m1", "m0"]


@pytest.mark.parametrize(("count", "kept"), [(1, ["m2"]), (2, ["m2", "m1"]), (9, ["m2", "m1", "m0"])])
def test_the_nearest_ancestors_are_kept(count, kept):
    assert [one.model for one in line_of(3).nearest(count).ancestors] == kept
    assert len(line_of(MAX_ANCESTORS + 5).nearest().ancestors) == MAX_ANCESTORS


def test_origins_survive_json_and_ignore_what_later_versions_add():
    origin = line_of(3)
    document = json.loads(json.dumps(origin.to_json()))
    document["start_from"]["tiles"] = 4
    assert Origin.from_json(document | {"tiles": 4}) == origin
    assert Origin.from_json(None) is None


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"model": "m"},
        line_of(1).to_json() | {"model": 3},
        line_of(1).to_json() | {"weights_sha256": None},
        line_of(1).to_json() | {"refit": "yes"},
        line_of(1).to_json() | {"start_from": {}},
        line_of(MAX_ANCESTORS + 1).to_json(),
    ],
)
def test_damaged_origins_and_endless_lines_are_type_errors(document):
    with pytest.raises(TypeError):
        Origin.from_json(document)
