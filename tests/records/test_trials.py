"""Trials: epochs, attempts, progress and JSON."""

import json
from dataclasses import replace

import pytest

from autodet.records import Attempt, EpochResult, Hyperparameters, TrialStatus
from autodet.records.trials import planned_epochs_of

MORNING, NOON = "2026-01-01T08:00:00+00:00", "2026-01-01T12:00:00+00:00"


def results(*map50s):
    return tuple(EpochResult(epoch, 1 / epoch, map50, map50 / 2, 2.0) for epoch, map50 in enumerate(map50s, start=1))


def trial(*map50s, state="running", **facts):
    return TrialStatus(0, state, Hyperparameters().to_json(), results(*map50s), **facts)


def test_the_first_of_equally_good_epochs_is_the_best():
    assert trial(0.1, 0.7, 0.7).best_epoch.epoch == 2
    assert trial().best_epoch is None


def test_the_last_epoch_that_was_kept_is_the_best_and_the_highest_may_be_another():
    epochs = [replace(result, kept=result.map50 != 0.6) for result in results(0.5, 0.8, 0.79, 0.6)]
    one = TrialStatus(0, "running", {}, tuple(epochs))
    assert (one.best_epoch.epoch, one.highest_epoch.epoch) == (3, 2)
    assert "kept" not in epochs[3].to_json() and TrialStatus.from_json(one.to_json()).best_epoch.epoch == 3


def test_the_objective_s_value_ranks_epochs_where_there_is_one():
    worse, better = EpochResult(1, 1.0, 0.9, 0.5, 2.0, value=0.1), EpochResult(2, 1.0, 0.2, 0.1, 2.0, value=0.4)
    assert TrialStatus(0, "finished", {}, (worse, better)).best_epoch is better
    assert (better.score, results(0.7)[0].score) == (0.4, 0.7)


def test_of_equal_scores_the_lower_latency_ranks_higher():
    slow, fast = (EpochResult(1, 1.0, 0.5, 0.3, 2.0, latency_ms=latency) for latency in (30.0, 20.0))
    assert fast.rank > slow.rank
    assert EpochResult(1, 1.0, 0.6, 0.3, 2.0, latency_ms=90.0).rank > fast.rank


def test_epochs_are_told_without_what_was_not_measured():
    document = EpochResult(1, 0.5, 0.25, 0.125, 2.0).to_json()
    assert document == {"epoch": 1, "loss": 0.5, "map50": 0.25, "map50_95": 0.125, "seconds": 2.0}
    told = EpochResult(1, 0.5, 0.25, 0.125, 2.0, value=0.0, latency_ms=9.0).to_json()
    assert told == document | {"value": 0.0, "latency_ms": 9.0}


@pytest.mark.parametrize(
    ("state", "done", "facts", "progress"),
    [
        ("running", 0, {}, 0.0),  # of an earlier version, which did not write down how many were planned
        ("running", 1, {"planned_epochs": 4}, 0.25),
        ("running", 1, {"planned_epochs": 4, "epoch_share": 0.5}, 0.375),
        ("running", 4, {"planned_epochs": 4, "epoch_share": 0.5}, 1.0),
        ("pruned", 1, {"planned_epochs": 4}, 1.0),
        ("failed", 0, {"planned_epochs": 4}, 1.0),
    ],
)
def test_progress_is_the_share_of_the_planned_epochs(state, done, facts, progress):
    assert trial(*[0.5] * done, state=state, **facts).progress == progress


@pytest.mark.parametrize(
    ("state", "attempts", "share", "loading"),
    [
        ("running", (), 0.0, True),
        ("running", (Attempt("cpu", MORNING),), 0.0, True),
        ("running", (Attempt("cpu", MORNING),), 0.1, False),
        ("running", (Attempt("cpu", MORNING, startup_seconds=3.0),), 0.0, False),
        ("running", (Attempt("cpu", MORNING, NOON, startup_seconds=3.0), Attempt("cpu", NOON)), 0.0, True),
        ("finished", (), 0.0, False),
    ],
)
def test_trials_load_until_the_first_batch_of_their_attempt(state, attempts, share, loading):
    assert bool(trial(state=state, attempts=attempts, epoch_share=share).is_loading) is loading


def test_attempts_begin_change_and_end_one_after_the_other():
    lost = trial().begin_attempt("cuda:0", MORNING).end_attempt(NOON)
    again = lost.begin_attempt("cpu", NOON).change_attempt(memory_bytes=10, startup_seconds=2.0)
    assert again.attempts == (
        Attempt("cuda:0", MORNING, NOON),
        Attempt("cpu", NOON, memory_bytes=10, startup_seconds=2.0),
    )
    assert lost.end_attempt("2027-01-01T00:00:00+00:00") == lost  # it has ended already
    assert trial().end_attempt(NOON) == trial()


def test_trials_survive_json():
    pruned = trial(
        0.5,
        0.25,
        state="pruned",
        attempts=(Attempt("cuda:0", MORNING, NOON, 1, 2, 0.5, 3.0), Attempt("cpu", NOON)),
        effective={"batch_size": 2, "accumulation": 2, "seed": 7},
        planned_epochs=4,
        epoch_share=0.25,
        epoch_seconds=1.5,
    )
    document = json.loads(json.dumps(pruned.to_json()))
    assert TrialStatus.from_json(document) == pruned
    document["tiles"] = document["epochs"][0]["tiles"] = document["attempts"][0]["tiles"] = 4  # of a later version
    assert TrialStatus.from_json(document) == pruned


def test_trials_of_earlier_versions_are_read():
    document = trial(0.5, state="finished").to_json()
    for key in ("attempts", "effective", "planned_epochs", "epoch_share", "epoch_seconds"):
        del document[key]
    assert TrialStatus.from_json(document) == trial(0.5, state="finished")


@pytest.mark.parametrize(
    ("params", "effective", "planned"),
    [
        ({}, {}, 20),
        ({"epochs": 8}, {}, 8),
        ({"epochs": 8}, {"epochs": 3}, 3),
        ({}, {"epochs": 5}, 5),
        ({"epochs": 99}, {}, 20),
    ],
)
def test_the_fewest_epochs_of_search_parameters_and_time_are_planned(params, effective, planned):
    assert planned_epochs_of(params, effective, most=20) == planned
