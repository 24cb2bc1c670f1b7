"""The supervisor process of a search: the only writer of its study, in charge of its time budget and best model.

It asks the study for trials, runs them on an executor, and records the executor's events in the study and in
``status.json``. If it is killed at any moment, another supervisor can resume the search.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

from autodet.errors import SearchError, StorageBusyError
from autodet.messages.search import loss_text, notices_text
from autodet.records import EpochResult, Notice, NoticeKind, SearchState, SearchStatus, TrialState, TrialStatus
from autodet.search.executors import (
    EpochDone,
    EpochUnderWay,
    Event,
    Executor,
    TrialBlocked,
    TrialDone,
    TrialFailed,
    TrialLost,
    TrialTooLarge,
)
from autodet.search.order.dataset_preflight import refit_growth
from autodet.search.order.spec import SearchSpec
from autodet.search.run.average import Average, members_of
from autodet.search.run.best_model import PublishedModel
from autodet.search.run.refit import Refit
from autodet.search.run.status_writer import StatusWriter
from autodet.search.run.time_budget import Stopwatch, Timekeeper
from autodet.search.run.trial_book import AVERAGE, RETRIES, TrialBook, name_of
from autodet.search.run.trials import Ending, Trials
from autodet.search.status.status_file import (
    STATUS,
    STOP,
    is_to_stop,
    moment,
    read_snapshot,
    seconds_since_launch,
    write_snapshot,
)
from autodet.search.study.database import retry_while_busy
from autodet.search.study.study import SearchStudy
from autodet.training.train_job import BEST_BUNDLE, TrainJob
from autodet.workspace import Workspace, sweep_unfinished

TRACEBACK = "traceback.txt"
TICK_SECONDS = 0.5

log = logging.getLogger("autodet.supervisor")
Result = TypeVar("Result")


class Work(Protocol):
    """The runs of the supervisor's loop: the trials, then the final refit or the average; numbered as in the book."""

    lost: NoticeKind

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Notices of the status while it runs."""

    def reason_to_end(self) -> Ending | None:
        """Return why everything must end now, or None."""

    def has_more(self) -> bool:
        """Return whether something is left to start."""

    def next(self) -> TrialStatus | None:
        """Return the next one to start; None if there is no time for it, which ends it."""

    def job(self, trial: TrialStatus) -> TrainJob:
        """Return the training job for a new attempt."""

    def started(self, trial: TrialStatus) -> None:
        """Record a new attempt."""

    def note_epoch(self, trial: TrialStatus, result: EpochResult) -> TrialState | None:
        """Record a new epoch; return the state in which to end the training early, or None to let it continue."""

    def end(self, number: int, state: TrialState, reason: Notice | None = None) -> None:
        """Record the end of a training."""

    def folder(self, number: int) -> Path:
        """Return the folder of the latest attempt."""


def supervise(folder: Path, executor: Executor) -> SearchStatus:
    """Run a search until it ends; the caller holds its lock."""
    try:
        return _Supervisor(folder, executor).run()
    except StorageBusyError as error:
        if not is_to_stop(folder):
            raise
        return _end_before_start(folder, error)
    finally:
        executor.close()


def _end_before_start(folder: Path, error: StorageBusyError) -> SearchStatus:
    """End a search that was stopped while it waited for its study; the search itself is unchanged."""
    notice = Notice.of("stopped_before_start", detail=str(error))
    status = replace(read_snapshot(folder), state="stopped", seconds_left=None, notices=(notice,))
    write_snapshot(folder, status)
    (folder / STOP).unlink(missing_ok=True)
    return status


class _Supervisor:
    """The loop of a search: it runs the trainings that ``Trials``, ``Refit`` and ``Average`` select."""

    def __init__(self, folder: Path, executor: Executor) -> None:
        self._folder, self._executor = folder, executor
        self._spec = SearchSpec.read(folder)
        self._workspace = Workspace(folder.parent.parent)
        self._book = TrialBook()  # nothing runs while the study is opened
        self._writer = StatusWriter(folder, self._status)
        self._study = self._patiently(lambda: SearchStudy(self._workspace, folder.name, self._spec))
        self._before = read_snapshot(folder)
        last_heard = moment((folder / STATUS).stat().st_mtime)
        self._book = TrialBook(trial.end_attempt(last_heard) for trial in self._study.statuses())
        self._clock = Stopwatch(self._before.seconds + seconds_since_launch(folder))
        growth = refit_growth(self._spec, self._workspace) if self._spec.refit else 0.0
        self._time = Timekeeper(self._spec, self._clock, self._book, growth)
        self._model = PublishedModel(folder.name, self._workspace)
        self._trials = Trials(folder, self._spec, self._study, self._book, self._time, self._model)
        self._work: Work = self._trials

    def run(self) -> SearchStatus:
        """Run the trials, then the refit or the average."""
        sweep_unfinished(self._folder)
        sweep_unfinished(self._workspace.models / self._folder.name)
        self._clock.go_on()
        self._trials.publish_best()  # the last supervisor may have died before publishing
        ending = self._run_all()
        self._save()  # the best epoch may not be published yet
        state, notices = self._trials.outcome(ending)
        if state == "finished":
            state, notices = self._run_refit(notices) if self._spec.refit else self._run_average(notices)
        return self._end(state, notices)

    def _run_refit(self, notices: tuple[Notice, ...]) -> Ending:
        """Run the refit; return how the search ends."""
        best = self._book.best
        if not (best and best.best_epoch):
            return "finished", notices
        self._work = refit = Refit(self._folder, self._spec, best, best.best_epoch, self._book, self._time)
        state, outcome = refit.outcome(self._run_all())
        return state, outcome if state == "stopped" else (*notices, *outcome)

    def _run_average(self, notices: tuple[Notice, ...]) -> Ending:
        """Average the best trials if there are several alike; return how the search ends."""
        members = members_of(self._book)
        if self._spec.follow_up or len(members) < 2:
            return "finished", notices
        bundles = {trial.number: self._trials.folder(trial.number) / BEST_BUNDLE for trial in members}
        self._work = average = Average(self._folder, self._spec, members[0], bundles, self._book, self._time)
        self._run_all()
        return "finished", (*notices, *average.outcome())

    def _run_all(self) -> Ending | None:
        """Run the current work until nothing is left, or until it must end early; then return why."""
        while not (ending := self._work.reason_to_end()):
            while self._work.has_more() and self._executor.has_room():
                self._start_next()
            if not self._book.running and not self._work.has_more():
                return None
            self._save()
            if self._book.running:
                self._writer.write_when_due(len(self._book.running), self._work.notices)
                self._listen(TICK_SECONDS)
            else:
                self._wait()
        for number in [*sorted(self._book.running), *self._book.waiting]:
            self._executor.cancel(number)
            self._work.end(number, "stopped")
        return ending

    def _start_next(self) -> None:
        self._clock.go_on()
        trial = self._work.next()
        if trial is None:
            return
        job = self._work.job(trial)
        log.info("%s starts: %s", name_of(trial.number), job.hyperparameters)
        device = self._executor.start(trial.number, job)
        self._work.started(self._book.begin(trial.number, device, moment()))
        self._writer.note_event()

    def _wait(self) -> None:
        """Wait for a device that others use. The clock is paused: the time limit only counts time with a device."""
        self._clock.pause()
        paused = None if self._spec.time_limit is None else Notice("time_limit_paused")
        notices = tuple(filter(None, (self._executor.obstacle, paused)))
        if self._writer.said != ("queued", notices):
            log.info("%s", notices_text(notices))
            self._writer.write("queued", notices)
        time.sleep(TICK_SECONDS)

    # Events

    def _listen(self, seconds: float) -> None:
        if not self._book.running:
            time.sleep(seconds)
            return
        for event in self._executor.events(seconds):
            if event.trial in self._book.running:  # otherwise sent before the trial was cancelled
                self._handle(event)

    def _handle(self, event: Event) -> None:
        number = event.trial
        if isinstance(event, EpochUnderWay):
            self._book.note_progress(number, event.progress, moment())
            self._writer.note_progress()
            return
        self._writer.note_event()
        match event:
            case EpochDone():
                self._record(event)
            case TrialDone():
                self._work.end(number, "finished")
            case TrialFailed(reason=reason, details=details):
                log.error("%s failed.\n%s", name_of(number), details)
                (self._work.folder(number) / TRACEBACK).write_text(details, encoding="utf-8")
                self._work.end(number, "failed", reason)
            case TrialLost(reason=reason):
                log.warning("%s was lost: %s.", name_of(number), loss_text(reason))
                failure = Notice.of(self._work.lost, reason, times=RETRIES + 1)
                self._retry(number, self._book.lose(number), failure)
            case TrialTooLarge(reason=reason):
                log.warning("%s needs too much memory: %s.", name_of(number), loss_text(reason))
                self._retry(number, self._book.shrink(number), Notice("photo_too_large"))
            case TrialBlocked(error=error) if number == AVERAGE:  # the search has its model
                self._work.end(number, "failed", Notice.of("error", detail=error))
            case TrialBlocked(error=error, details=details):
                log.error("%s cannot continue.\n%s", name_of(number), details)
                raise SearchError(error)

    def _record(self, event: EpochDone) -> None:
        """Record an epoch, and end the trial early if the study or the time budget says so."""
        number, result = event.trial, event.result
        if not self._book.note_epoch(number, result, event.usage, moment()):
            return
        log.info("%s epoch %d: loss %.3f, mAP50 %.3f", name_of(number), result.epoch, result.loss, result.map50)
        if ended := self._work.note_epoch(self._book[number], result):
            self._executor.cancel(number)
            self._work.end(number, ended)

    def _retry(self, number: int, is_allowed: bool, failure: Notice) -> None:
        """Restart a trial next, or fail it."""
        if is_allowed:
            self._book.put_back(number, moment())
        else:
            self._work.end(number, "failed", failure)

    # Study, model and status

    def _save(self) -> None:
        """Persist everything since the last call: first in the study, then as the published model."""
        try:
            self._patiently(self._study.save)
        except StorageBusyError:
            if not is_to_stop(self._folder):
                raise
            self._study.set_aside()
        self._trials.tidy()
        if self._model.is_behind:
            self._trials.publish_best()

    def _patiently(self, act: Callable[[], Result]) -> Result:
        """Retry a database operation while the database is busy; keep handling trial events and stop requests."""
        return retry_while_busy(act, self._say_waiting, self._pause)

    def _say_waiting(self, error: StorageBusyError) -> None:
        notice = Notice.of("database_busy", detail=str(error))
        log.warning("%s", notices_text((notice,)))
        self._writer.write_notice(notice)

    def _pause(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and (self._book.running or not is_to_stop(self._folder)):
            self._listen(min(left, TICK_SECONDS))
        return not is_to_stop(self._folder)

    def _end(self, state: SearchState, notices: tuple[Notice, ...]) -> SearchStatus:
        self._save()
        if state == "stopped" and not self._study.is_saved:
            notices = (*notices, Notice("results_unsaved"))
        log.info("%s", f"The search is {state}. {notices_text(notices)}".rstrip())
        status = self._writer.write(state, notices)
        (self._folder / STOP).unlink(missing_ok=True)
        return status

    def _status(self, state: SearchState, notices: tuple[Notice, ...]) -> SearchStatus:
        return replace(
            self._before,
            state=state,
            trials=tuple(sorted(self._book, key=lambda trial: trial.number)),
            model=self._model.id,
            seconds=self._clock.seconds,
            seconds_left=self._time.forecast(self._executor.slots) if state == "running" else None,
            refit_share=self._time.refit_share(),
            notices=notices,
        )
