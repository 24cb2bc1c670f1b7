"""The average of the best trials: its members, its model, and that no failure costs the best trial's model."""

from dataclasses import replace

import pytest

from autodet.models.bundle import read_bundle
from autodet.models.store import find_model
from autodet.records import EpochResult, Notice, TrialStatus
from autodet.search.api import find_search
from autodet.search.executors import TrialBlocked, TrialLost, TrialTooLarge, event_of
from autodet.search.leaderboard import leaderboard
from autodet.search.run import average, status_writer, supervisor
from autodet.search.run.average import MAX_MEMBERS, members_of
from autodet.search.run.trial_book import AVERAGE
from autodet.search.status.status_file import STOP
from autodet.terminal import searches_text, status_text
from autodet.training.train_job import BEST_BUNDLE
from tests.search.run.test_supervisor import InThisProcess, carry_on, plan

__all__ = ["plan"]

pytestmark = pytest.mark.slow

TWO = {"map50": {"0": [0.3, 0.8], "1": [0.2, 0.6]}}
PUBLISHED = Notice.of("average_published", trials=[0, 1], metric="mAP@0.5", score=0.85, map50=0.85, best=0.8)


def trial(number, score, state="finished", network="a", size=320):
    params = {"architecture": network, "image_size": size}
    return TrialStatus(number, state, params, (EpochResult(1, 1.0, score, score / 2, 10.0),))


def model_of(folder, home):
    card, weights = read_bundle(find_model(folder.name, home).path)
    return card.averaged, card.metrics["map50"], weights


def test_the_members_are_the_best_trial_and_finished_ones_of_its_network_and_photo_size():
    best = trial(3, 0.9)
    others = [
        trial(0, 0.5),
        trial(1, 0.8, "pruned"),
        trial(2, 0.7),
        trial(4, 0.8, network="b"),
        trial(5, 0.8, size=416),
        trial(6, 0.8, "failed"),
        trial(7, 0.8, "stopped"),
        replace(trial(8, 0.8), epochs=()),
    ]
    assert [member.number for member in members_of([*others, best])] == [3, 2, 0]
    assert [member.number for member in members_of([trial(0, 0.5), trial(1, 0.9, "pruned")])] == [1, 0]
    assert len(members_of([trial(number, 0.5) for number in range(9)])) == MAX_MEMBERS
    assert members_of([]) == ()


def test_a_better_average_is_the_model_of_the_search_and_says_so(plan, home):
    folder = plan(TWO | {"average": 0.85}, trials=2, epochs=2)
    status = carry_on(folder)
    assert (status.state, status.notices) == ("finished", (PUBLISHED,))
    assert model_of(folder, home) == ((0, 1), 0.85, b"trial 0 + trial 1")
    document = status.to_json()
    assert document["best"]["map50"] == 0.8  # trials are compared with trials
    assert document["average"] == {"trials": [0, 1], "map50": 0.85, "objective": "map50", "value": 0.85}
    assert repr(status).endswith("best map50 0.850 (average of trials 0, 1))")
    assert "map50 0.850 (average of the trials 0 and 1)" in status_text(status)
    assert "0.850" in searches_text([status]) and "0.800" not in searches_text([status])
    search = find_search(folder.name, home)
    (standing,) = leaderboard(search.spec().dataset, "val", workspace=home).standings
    assert (standing.search, standing.trial, standing.averaged) == (search.id, None, (0, 1))
    assert "average of the trials 0 and 1 (mAP@0.5: 0.850 instead of 0.800" in search.status().message
    kept = search.keep(0, "best alone")
    assert read_bundle(find_model(kept.id, home).path)[1] == b"trial 0"


@pytest.mark.parametrize("score", [0.8, 0.7])
def test_an_average_that_is_no_better_is_not_published(plan, home, score):
    folder = plan(TWO | {"average": score}, trials=2, epochs=2)
    assert carry_on(folder).notices == ()
    assert model_of(folder, home) == ((), 0.8, b"trial 0")


def test_one_trial_a_refit_and_trials_of_different_networks_are_not_averaged(plan, home):
    for script, options in (
        ({"average": 0.99}, {"trials": 1}),
        ({"average": 0.99}, {"trials": 2, "refit": True}),
        ({"average": 0.99}, {"trials": 2, "space": {"image_size": [320, 416], "lr": 0.001}}),
    ):
        folder = plan(script, epochs=1, **options)
        carry_on(folder)
        assert not (folder / average.FOLDER).exists()


class Failing(InThisProcess):
    """An executor that reports this event in place of the average, as often as asked to."""

    event, times = None, 99

    def __init__(self, slots=1):
        super().__init__(slots)
        self.jobs = []

    def start(self, trial, job):
        if trial == AVERAGE:
            self.jobs.append(job)
        return super().start(trial, job)

    def events(self, timeout_seconds):
        if AVERAGE in self.trials and len(self.jobs) <= self.times:
            del self.trials[AVERAGE]
            return [self.event]
        return super().events(timeout_seconds)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (TrialLost(AVERAGE, Notice.of("process_killed", signal="SIGKILL")), "lost 3 times"),
        (TrialTooLarge(AVERAGE, Notice("killed_for_memory")), "one photo at a time"),
        (TrialBlocked(AVERAGE, "The photo 'a.jpg' cannot be read.", ""), "'a.jpg' cannot be read"),
    ],
)
def test_an_average_that_fails_leaves_the_best_model_and_the_search_is_finished(plan, home, event, said):
    folder = plan(TWO | {"average": 0.85}, trials=2, epochs=2)
    executor = type("Executor", (Failing,), {"event": event})
    status = carry_on(folder, executor=executor)
    assert (status.state, [notice.kind for notice in status.notices]) == ("finished", ["average_failed"])
    message = find_search(folder.name, home).status().message
    assert said in message and "best trial's model is kept" in message
    assert model_of(folder, home) == ((), 0.8, b"trial 0")


def test_an_average_that_is_too_large_goes_on_with_fewer_photos_at_a_time(plan, home):
    folder, made = plan(TWO | {"average": 0.85}, trials=2, epochs=2), []
    event = TrialTooLarge(AVERAGE, Notice("killed_for_memory"))

    def executor(slots):
        made.append(type("Executor", (Failing,), {"event": event, "times": 1})(slots))
        return made[0]

    assert carry_on(folder, executor=executor).notices == (PUBLISHED,)
    assert [job.accumulation for job in made[0].jobs] == [1, 2]


class Reporting(InThisProcess):
    """An executor that reports errors as the real ones do."""

    def events(self, timeout_seconds):
        trial = next(iter(self.trials))
        try:
            return super().events(timeout_seconds)
        except Exception as error:
            return [event_of(trial, error)]


def test_a_damaged_member_leaves_the_best_model(plan, home, monkeypatch):
    folder = plan(TWO | {"average": 0.85}, trials=2, epochs=2)
    real = supervisor.members_of

    def damaged(book):
        (folder / "trials" / "1" / BEST_BUNDLE).write_bytes(b"no model")
        return real(book)

    monkeypatch.setattr(supervisor, "members_of", damaged)
    status = carry_on(folder, executor=Reporting)
    assert (status.state, [notice.kind for notice in status.notices]) == ("finished", ["average_failed"])
    assert model_of(folder, home) == ((), 0.8, b"trial 0")


class Killed(BaseException):
    """The end of a supervisor between two lines."""


@pytest.mark.parametrize(
    ("module", "name", "state"), [(average, "put_model", None), (status_writer, "write_snapshot", "finished")]
)
def test_a_supervisor_that_died_before_or_after_publishing_averages_again(plan, home, monkeypatch, module, name, state):
    folder = plan(TWO | {"average": 0.85}, trials=2, epochs=2)

    real = getattr(module, name)

    def dying(*arguments):
        if state is None or arguments[1].state == state:
            raise Killed
        real(*arguments)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module, name, dying)
        carry_on(folder)
    assert carry_on(folder).notices == (PUBLISHED,)
    assert model_of(folder, home) == ((0, 1), 0.85, b"trial 0 + trial 1")


def test_a_search_killed_while_it_averages_does_so_again_when_it_is_resumed(start, home, supervisor_of, eventually):
    search = start(TWO | {"average": 0.85, "hangs": {"average": 1}}, trials=2, epochs=2)
    eventually(lambda: "are averaged" in search.status().message)
    supervisor_of(search).kill()
    supervisor_of(search).wait()
    assert search.status().state == "interrupted"
    search.resume()
    status = search.wait()
    assert (status.state, status.notices) == ("finished", (PUBLISHED,))
    assert model_of(home.searches / search.id, home) == ((0, 1), 0.85, b"trial 0 + trial 1")


def test_a_stop_while_it_averages_ends_the_search_with_the_best_model(plan, home):
    folder = plan(TWO | {"average": 0.85}, trials=2, epochs=2)

    class Stopped(InThisProcess):
        def start(self, trial, job):
            if trial == AVERAGE:
                (folder / STOP).touch()
            return super().start(trial, job)

    status = carry_on(folder, executor=Stopped)
    assert (status.state, status.notices, status.unfinished) == ("finished", (), False)
    assert model_of(folder, home) == ((), 0.8, b"trial 0")
