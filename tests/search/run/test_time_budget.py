"""The arithmetic of time, on tables and in a simulation of whole searches."""

import heapq
import math
import random
from dataclasses import replace

import pytest

from autodet.records import Attempt, EpochResult, FollowUp, PlannedTrial, TrialStatus
from autodet.search.order.space import make_space
from autodet.search.order.spec import SearchSpec
from autodet.search.run.time_budget import RECENT, Budget, Pace, Stopwatch, Timekeeper
from autodet.search.run.trial_book import TrialBook

PACE = Pace(startup_seconds=6, epoch_seconds=10)


def trial(number=0, epochs=0, seconds=10.0, state="running", startup=6.0, **effective):
    results = tuple(EpochResult(epoch, 1.0, 0.5, 0.2, seconds) for epoch in range(1, epochs + 1))
    attempts = (Attempt("cpu", "2026-01-01T00:00:00+00:00", startup_seconds=startup if epochs else None),)
    return TrialStatus(number, state, {}, results, attempts=attempts, effective=effective, planned_epochs=4)


def test_the_pace_is_the_mean_over_trials_and_unknown_before_the_first_epoch():
    assert Pace.of([]) is None
    assert Pace.of([trial()]) is None
    short, long = trial(epochs=1, seconds=10, startup=4), trial(epochs=9, seconds=20, startup=8)
    assert Pace.of([short, long, trial()]) == Pace(6, 15)
    assert Pace.of([trial(epochs=2, startup=None)]) == Pace(0, 10)  # a search of an earlier version


@pytest.mark.parametrize(
    ("seconds_left", "growth", "best_epoch", "epochs"),
    [
        (math.inf, 0, 0, 20),
        (206, 0, 0, 20),
        (205, 0, 0, 19),
        (56, 0, 0, 5),  # a quarter of the epochs asked for
        (55, 0, 0, 0),
        (0, 0, 0, 0),
        (434, 1, 0, 20),  # 206 for the trial, 1.1 * 206 + 1 for the refit
        (433, 1, 0, 19),
        (434, 1, 20, 20),
        (433, 1, 20, 19),
        (412, 1.5, 4, 15),  # 6 + 15 * 10 for the trial, 1.1 * (6 + 15 * 15) + 1 for the refit
    ],
)
@pytest.mark.slow
def test_a_trial_that_starts_late_has_the_epochs_that_fit(seconds_left, growth, best_epoch, epochs):
    budget = Budget(3, 20, time_limit=1000, refit_growth=growth)
    assert budget.epochs_for_another(seconds_left, PACE, best_epoch) == epochs
    assert budget.epochs_for_another(seconds_left, None, best_epoch) == 20  # nothing is known: try it


@pytest.mark.parametrize(
    ("done", "seconds_left", "starts", "growth", "best_epoch", "allowed"),
    [
        (3, 10, False, 0, 0, True),
        (3, 9.9, False, 0, 0, False),
        (3, 15.9, True, 0, 0, False),
        (3, 16, True, 0, 0, True),
        (0, 9.9, False, 0, 0, False),
        (3, 62, False, 1, 0, True),  # 10 for the epoch, and 1.1 * (6 + 4 * 10) + 1 if it turns out to be the best
        (3, 61, False, 1, 0, False),
        (3, 90, False, 1, 8, False),  # the best epoch so far is the eighth of another trial
        (3, 85, False, 1, 8, True),  # no time for that trial's refit in any case
        (3, math.inf, False, 1, 8, True),
    ],
)
def test_an_epoch_is_begun_only_if_it_can_end_in_time(done, seconds_left, starts, growth, best_epoch, allowed):
    budget = Budget(3, 20, time_limit=1000, refit_growth=growth)
    assert budget.allows_epoch(trial(epochs=done), seconds_left, PACE, best_epoch, starts=starts) is allowed


def test_a_trial_is_measured_by_its_own_epochs():
    slow = trial(epochs=2, seconds=30)
    assert not Budget(3, 20, 1000).allows_epoch(slow, 29, PACE, 0)
    assert Budget(3, 20, 1000).allows_epoch(slow, 30, PACE, 0)


@pytest.mark.parametrize(
    ("trials", "slots", "seconds_left", "growth", "best_epoch", "seconds"),
    [
        ([trial(epochs=1)], 1, math.inf, 0, 0, 3 * 10 + 2 * 46),
        ([trial(epochs=1)], 2, math.inf, 0, 0, 3 * 10 + 46),  # the third goes where the first was
        ([trial(epochs=1), trial(1)], 2, math.inf, 0, 0, 3 * 10 + 46),
        ([trial(epochs=1)], 3, math.inf, 0, 0, 46),
        ([trial(epochs=1)], 1, 100, 0, 0, 100),
        ([trial(epochs=4, state="finished")], 1, math.inf, 0, 4, 92),
        ([trial(epochs=4, state="finished")], 1, math.inf, 1.5, 4, 92 + 6 + 60),
        ([trial(n, epochs=4, state="finished") for n in range(3)], 1, math.inf, 0, 4, 0),
    ],
)
def test_the_forecast(trials, slots, seconds_left, growth, best_epoch, seconds):
    budget = Budget(3, 4, None, growth)
    assert budget.forecast(trials, seconds_left, PACE, best_epoch, slots) == pytest.approx(seconds)
    assert budget.forecast(trials, seconds_left, None, best_epoch, slots) is None


@pytest.mark.parametrize("slots", [1, 2, 4])
@pytest.mark.parametrize("growth", [0.0, 1.2])
@pytest.mark.parametrize("time_limit", [None, 900.0])
def test_the_forecast_settles_within_a_fifth_after_the_first_trial(slots, growth, time_limit):
    """A whole search is played, with lengths that vary by a tenth; then the forecasts made on the way are judged."""
    chance = random.Random(0)
    budget = Budget(trials=9, epochs=12, time_limit=time_limit, refit_growth=growth)
    trials, due, forecasts, now, best_epoch = {}, [], [], 0.0, 0

    def pace():
        return Pace.of(trials.values())

    def start():
        epochs = budget.epochs_for_another(budget.seconds_left(now), pace(), best_epoch)
        if len(trials) == budget.trials or not epochs:
            return
        number, startup = len(trials), chance.uniform(5, 7)
        attempts = (Attempt("", ""),)
        trials[number] = TrialStatus(number, "running", {}, attempts=attempts, planned_epochs=epochs)
        heapq.heappush(due, (now + startup + chance.uniform(9, 11), number, startup))

    for _ in range(slots):
        start()
    ended_first = None
    while due:
        now, number, startup = heapq.heappop(due)
        one = trials[number]
        result = EpochResult(len(one.epochs) + 1, 1, 0.5, 0.2, chance.uniform(9, 11))
        one = replace(one, epochs=(*one.epochs, result)).change_attempt(startup_seconds=startup)
        trials[number] = one
        best_epoch = max(best_epoch, result.epoch)
        over = result.epoch == one.planned_epochs
        if over or not budget.allows_epoch(trials[number], budget.seconds_left(now), pace(), best_epoch):
            trials[number] = replace(one, state="finished")
            ended_first = ended_first or now
            start()
        else:
            heapq.heappush(due, (now + chance.uniform(9, 11), number, startup))
        if ended_first:
            left = budget.seconds_left(now)
            forecasts.append((now, budget.forecast([*trials.values()], left, pace(), best_epoch, slots)))
    end = now + budget.refit_seconds(pace(), best_epoch)
    assert end <= (time_limit or math.inf) * 1.02
    assert all(abs(now + left - end) <= 0.2 * end for now, left in forecasts)


def timekeeper(begun, seconds=0.0, **options):
    spec = SearchSpec("fruit", "fruit", space=make_space(None), **options)
    return Timekeeper(spec, Stopwatch(seconds), TrialBook(begun), 0.0)


def test_the_pace_is_known_while_many_trials_have_no_epoch_yet():
    trials = [trial(epochs=2), *(trial(number) for number in range(1, RECENT + 2))]
    time = timekeeper(trials, seconds=990, trials=200, epochs=4, time_limit=1000)
    assert not time.allows_epoch(trials[-1], starts=True)
    assert time.epochs_for_another() == 0
    assert timekeeper(trials, trials=200, epochs=4).forecast(200) == 46


def test_trials_without_time_are_not_part_of_the_forecast():
    time = timekeeper([trial(epochs=2)], seconds=960, trials=9, epochs=4, time_limit=1000)
    assert time.forecast(1) == 40  # the rest of the trial, then others
    time.cut = True
    assert time.forecast(1) == 20


def test_trials_to_come_of_a_follow_up_have_the_mean_of_its_epochs():
    plans = tuple(PlannedTrial(0, {}, epochs, 1) for epochs in (20, 10, 30))
    spec = SearchSpec("f", "f", trials=3, epochs=30, follow_up=FollowUp("repeats", "f", plans))
    done = trial(0, epochs=4, seconds=5, state="finished")
    timekeeper = Timekeeper(spec, Stopwatch(), TrialBook([done]), 0.0)
    assert timekeeper.forecast(1) == pytest.approx(2 * (6 + 20 * 5))
