"""The trial book, without processes and files."""

import json
from dataclasses import replace

import pytest

from autodet.records import Attempt, EpochResult, Notice, TrialStatus
from autodet.records.trials import MAX_LOSSES
from autodet.search.executors.resource_usage import Usage
from autodet.search.run.trial_book import REFIT, RETRIES, TrialBook, startup_seconds
from autodet.training.train_job import EpochProgress

NOON, LATER = "2026-01-01T12:00:00+00:00", "2026-01-01T12:01:00+00:00"
PARAMS = {"architecture": "a", "image_size": 320, "batch_size": 4}


def new(number=0, *scores):
    epochs = tuple(EpochResult(epoch, 1.0, score, score / 2, 10.0) for epoch, score in enumerate(scores, 1))
    return TrialStatus(number, "running", PARAMS, epochs, planned_epochs=9)


def epoch(number, score=0.5, **facts):
    return EpochResult(number, 1.0, score, score / 2, 10.0, **facts)


@pytest.fixture
def book():
    """A book with trial 0, which runs."""
    book = TrialBook()
    book.add(new())
    book.begin(0, "cpu", NOON)
    return book


def test_unfinished_trials_of_an_earlier_supervisor_wait_in_their_order():
    book = TrialBook([new(0), replace(new(1), state="finished"), new(2)])
    assert (book.waiting, book.running, len(book)) == ([0, 2], set(), 3)
    assert [trial.number for trial in reversed(book)] == [2, 1, 0]


def test_a_trial_that_is_put_back_is_the_next_to_start_in_a_new_attempt(book):
    book.add(new(1))
    book.put_back(0, LATER)
    assert (book.waiting, book.running) == ([0, 1], set())
    trial = book.begin(0, "cuda:0", LATER)
    assert trial.attempts == (Attempt("cpu", NOON, ended=LATER), Attempt("cuda:0", LATER))
    assert (book.waiting, book.running) == ([1], {0})


def test_a_trial_is_lost_a_few_times_in_a_row_and_an_epoch_begins_the_count_again(book):
    assert [book.lose(0) for _ in range(RETRIES + 1)] == [True] * RETRIES + [False]
    assert book.note_epoch(0, epoch(1), Usage(), LATER)
    assert book.lose(0)


def test_an_epoch_counts_once_and_its_usage_always(book):
    assert book.note_epoch(0, epoch(1), Usage(memory_bytes=1), LATER)
    assert not book.note_epoch(0, epoch(1, 0.9), Usage(memory_bytes=2), LATER)
    assert [result.score for result in book[0].epochs] == [0.5]
    assert book[0].attempts[0].memory_bytes == 2


def test_progress_belongs_to_the_current_epoch_and_ends_with_the_trial(book):
    book.note_progress(0, EpochProgress(1, 0.5, 5.0), LATER)
    book.note_progress(0, EpochProgress(1, 0.25, 2.0), LATER)
    book.note_progress(0, EpochProgress(2, 0.75, 2.0), LATER)
    assert (book[0].epoch_share, book[0].attempts[0].startup_seconds) == (0.5, 55.0)
    ended = book.end(0, "stopped", Notice("stopped"), LATER)
    assert (ended.state, ended.reason, ended.epoch_share, ended.attempts[0].ended) == (
        "stopped",
        Notice("stopped"),
        0.0,
        LATER,
    )
    assert (book.waiting, book.running) == ([], set())


def test_the_losses_of_an_epoch_are_a_curve_of_limited_length_that_ends_with_the_epoch(book):
    for step in range(1, 1000):
        book.note_progress(0, EpochProgress(1, step / 1000, step / 100, loss=1000 / step), LATER)
    book.note_progress(0, EpochProgress(1, 1.0, 10.0), LATER)  # in evaluation
    losses = book[0].epoch_losses
    assert len(losses) <= MAX_LOSSES
    assert losses[0] == (0.01, 100.0)
    assert TrialStatus.from_json(json.loads(json.dumps(book[0].to_json()))).epoch_losses == losses
    book.note_epoch(0, epoch(1), Usage(), LATER)
    assert book[0].epoch_losses == ()


def test_the_best_trial_is_the_first_of_the_highest_rank():
    book = TrialBook([new(0, 0.5), new(1)])
    assert book.best is book[0]
    for number, trial in ((1, new(1, 0.4, 0.5)), (2, new(2, 0.4))):
        book.add(trial)
        assert book.best is book[0], number
    book.begin(2, "cpu", NOON)
    book.note_epoch(2, epoch(2, 0.5, latency_ms=3.0), Usage(), LATER)
    assert book.best is book[0]  # the other one is as good, but slower than unknown
    book.note_epoch(2, epoch(3, 0.6), Usage(), LATER)
    assert book.best is book[2]
    book.note_epoch(2, epoch(4, 0.1), Usage(), LATER)
    assert book.best is book[2]


def test_accumulation_that_one_trial_needs_is_that_of_others_of_its_size(book):
    other = replace(new(2), params={**PARAMS, "image_size": 640})
    assert book.shrink(0)
    assert book.prepare(book[0]).effective == {"batch_size": 2, "accumulation": 2}
    assert book.add(new(1)).effective == {}
    assert book.prepare(book[1]).effective == {"batch_size": 2, "accumulation": 2}
    assert book.prepare(other).effective == {}
    assert book.shrink(0)
    book.prepare(book[0])
    assert not book.shrink(0)  # one photo at a time


def test_the_refit_is_no_trial(book):
    book.note_epoch(0, epoch(1, 0.5), Usage(), LATER)
    book.end(0, "finished", None, LATER)
    book.add(TrialStatus(REFIT, "running", PARAMS, planned_epochs=2))
    assert book.waiting == [REFIT]
    book.begin(REFIT, "cpu", NOON)
    assert book.note_epoch(REFIT, epoch(1, 0.9), Usage(), LATER)
    assert [trial.number for trial in book] == [0]
    assert book.best is book[0]
    assert book.refit is book[REFIT] and len(book.refit.epochs) == 1


def test_the_time_before_the_first_epoch_is_the_startup():
    attempt = Attempt("cpu", NOON)
    assert startup_seconds(attempt, 10.0, "2026-01-01T12:00:16.500+00:00") == 6.5
    assert startup_seconds(attempt, 10.0, "2026-01-01T12:00:09+00:00") == 0  # a clock set back
