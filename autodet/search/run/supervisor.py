"""The supervisor process of a search: the only writer of its study, in charge of its time budget and best model.

It asks the study for trials, runs them on an executor, and records the executor's events in the study and in
``status.json``. If it is killed at any moment, another supervisor can resume the search.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import optuna

from autodet.errors import SearchError, StorageBusyError
from autodet.messages.search import ending_text, loss_text, notices_text
from autodet.records import (
    EpochResult,
    Notice,
    SearchState,
    SearchStatus,
    TrialState,
    TrialStatus,
    planned_epochs_of,
)
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
from autodet.search.executors.resource_usage import Usage
from autodet.search.order.combinations import Combinations
from autodet.search.order.dataset_checks import refit_growth
from autodet.search.order.initial_weights import start_of
from autodet.search.order.space import hyperparameters_of
from autodet.search.order.spec import MAX_SEED, SearchSpec
from autodet.search.run.best_model import PublishedModel
from autodet.search.run.oom_backoff import Fitting
from autodet.search.run.refit import RETRIES, TICK_SECONDS, Refit
from autodet.search.run.status_writer import StatusWriter
from autodet.search.run.time_budget import Stopwatch, Timekeeper
from autodet.search.run.trial_dirs import TRIALS, TrialFolders
from autodet.search.run.trial_updates import after_epoch, after_progress
from autodet.search.status.status_file import (
    STATUS,
    STOP,
    is_to_stop,
    moment,
    read_snapshot,
    seconds_since_launch,
    write_snapshot,
)
from autodet.search.study.database import patiently
from autodet.search.study.study import SearchStudy
from autodet.training.job import BEST_BUNDLE, CHECKPOINT, TrainJob
from autodet.workspace import Workspace, safe_join, sweep_unfinished

TRACEBACK = "traceback.txt"
NO_EPOCH = Notice("no_epoch")

log = logging.getLogger("autodet.supervisor")
Result = TypeVar("Result")


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
    """State of a running supervisor."""

    def __init__(self, folder: Path, executor: Executor) -> None:
        self._folder, self._executor = folder, executor
        self._spec = SearchSpec.read(folder)
        self._workspace = Workspace(folder.parent.parent)
        self._folders = TrialFolders(folder / TRIALS)
        self._running: dict[int, optuna.trial.Trial] = {}
        self._status_writer = StatusWriter(folder, self._status)
        self._study = self._patiently(lambda: SearchStudy(self._workspace, folder.name, self._spec))
        self._before = read_snapshot(folder)
        self._clock = Stopwatch(self._before.seconds + seconds_since_launch(folder))
        self._waiting = self._study.unfinished()
        self._lost: dict[int, int] = {}
        last_heard = moment((folder / STATUS).stat().st_mtime)
        self._trials = {trial.number: trial.end_attempt(last_heard) for trial in self._study.statuses()}
        growth = refit_growth(self._spec, self._workspace) if self._spec.refit else 0.0
        self._time = Timekeeper(self._spec, self._clock, self._trials, self._best_trial, growth)
        self._fitting = Fitting(self._trials.values())
        self._model = PublishedModel(folder.name, self._workspace)
        # Ended trials whose files are still to be cleaned up.
        self._over = [number for number, trial in self._trials.items() if trial.state != "running"]

    def run(self) -> SearchStatus:
        sweep_unfinished(self._folder)
        sweep_unfinished(self._workspace.models / self._folder.name)
        self._clock.go_on()
        self._publish_best()  # the last supervisor may have died before publishing
        while True:
            if reason := self._reason_to_stop():
                return self._stop(*reason)
            while self._has_more() and self._executor.has_room():
                self._start_next()
            if not self._running and not self._has_more():
                return self._finish()
            self._save()
            if not self._running:
                self._wait()
                continue
            self._status_writer.write_when_due(len(self._running))
            self._listen(TICK_SECONDS)

    def _wait(self) -> None:
        """Wait for a device that others use. The clock is paused: the time limit only counts time with a device."""
        self._clock.pause()
        paused = None if self._spec.time_limit is None else Notice("time_limit_paused")
        notices = tuple(filter(None, (self._executor.obstacle, paused)))
        if self._status_writer.said != ("queued", notices):
            log.info("%s", notices_text(notices))
            self._status_writer.write("queued", *notices)
        time.sleep(TICK_SECONDS)

    def _save(self) -> None:
        """Persist everything since the last call: first in the study, then as the published model."""
        try:
            self._patiently(self._study.save)
        except StorageBusyError:
            if not is_to_stop(self._folder):
                raise
            self._study.set_aside()
        for number in self._over:
            (self._folders.folder(number) / CHECKPOINT).unlink(missing_ok=True)
            sweep_unfinished(self._folders.folder(number))
        self._over.clear()
        if self._model.is_behind:
            self._publish_best()

    def _patiently(self, act: Callable[[], Result]) -> Result:
        """Retry a database operation while the database is busy; keep handling trial events and stop requests."""
        return patiently(act, self._say_waiting, self._pause)

    def _pause(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and (self._running or not is_to_stop(self._folder)):
            self._listen(min(left, TICK_SECONDS))
        return not is_to_stop(self._folder)

    def end(self, state: SearchState, *notices: Notice) -> SearchStatus:
        self._save()
        if state == "stopped" and not self._study.is_saved:
            notices = (*notices, Notice("results_unsaved"))
        log.info("The search is %s. %s", state, notices_text(notices))
        status = self._status_writer.write(state, *notices)
        (self._folder / STOP).unlink(missing_ok=True)
        return status

    # Starting trials

    def _has_more(self) -> bool:
        if self._waiting:
            return True
        if len(self._trials) >= self._spec.trials or self._is_exhausted():
            return False
        self._time.cut = self._time.epochs_for_another() == 0
        return not self._time.cut

    def _start_next(self) -> None:
        self._clock.go_on()
        trial = self._waiting.pop(0) if self._waiting else self._ask()
        known = self._trials.get(trial.number)
        if known and not self._time.allows_epoch(known, starts=True):
            self._tell(trial, "stopped", None if known.epochs else NO_EPOCH)
            return
        params = self._study.params(trial)
        known = replace(known, params=params) if known else self._planned(trial, params)
        effective = {**known.effective, **self._fitting.effective(params)}
        known = replace(known, effective=effective)
        job = self._job(known, self._folders.begin(trial.number), known.planned_epochs)
        self._running[trial.number] = trial
        log.info("Trial %d starts: %s", trial.number, job.hyperparameters)
        device = self._executor.start(trial.number, job)
        status = known.begin_attempt(device, moment())
        self._trials[trial.number] = status
        self._study.set_effective(trial, effective)
        self._study.set_attempts(trial, status.attempts)
        self._status_writer.note_event()

    def _job(self, trial: TrialStatus, folder: Path, epochs: int) -> TrainJob:
        return TrainJob(
            dataset_folder=safe_join(self._workspace.datasets, self._spec.dataset),
            folder=folder,
            hyperparameters=hyperparameters_of(trial.params),
            epochs=epochs,
            name=self._spec.name,
            seed=trial.effective.get("seed", self._spec.seed),
            accumulation=trial.effective.get("accumulation", 1),
            objective=self._spec.goal,
            start=start_of(self._spec, self._folder),
        )

    def _ask(self) -> optuna.trial.Trial:
        trial = self._study.ask()
        self._folders.discard(trial.number)  # left by a supervisor that died before it stored the trial
        return trial

    def _planned(self, trial: optuna.trial.Trial, params: Mapping[str, Any]) -> TrialStatus:
        """Create the status of a new trial: fewer epochs if time is short, its own seed if it repeats a combination."""
        effective, epochs = {}, self._time.epochs_for_another()
        if 0 < epochs < planned_epochs_of(params, {}, self._spec.epochs):
            effective["epochs"] = epochs
        if times := self._study.times_tried(trial):
            effective["seed"] = (self._spec.seed + times) % (MAX_SEED + 1)
        planned = planned_epochs_of(params, effective, self._spec.epochs)
        return TrialStatus(trial.number, "running", params, effective=effective, planned_epochs=planned)

    def _is_exhausted(self) -> bool:
        return not self._spec.repeat and self._study.is_exhausted

    # Handling events

    def _listen(self, seconds: float) -> None:
        if not self._running:
            time.sleep(seconds)
            return
        for event in self._executor.events(seconds):
            self._handle(event)

    def _handle(self, event: Event) -> None:
        trial = self._running.get(event.trial)
        if trial is None:
            return  # sent before the trial was cancelled
        if isinstance(event, EpochUnderWay):
            self._trials[trial.number] = after_progress(self._trials[trial.number], event.progress, moment())
            self._status_writer.note_progress()
            return
        self._status_writer.note_event()
        match event:
            case EpochDone(result=result, usage=usage):
                self._record(trial, result, usage)
            case TrialDone():
                self._tell(trial, "finished")
            case TrialFailed(reason=reason, details=details):
                log.error("Trial %d failed.\n%s", trial.number, details)
                (self._folders.folder(trial.number) / TRACEBACK).write_text(details, encoding="utf-8")
                self._tell(trial, "failed", reason)
            case TrialLost(reason=reason):
                self._retry(trial, reason)
            case TrialTooLarge(reason=reason):
                self._shrink(trial, reason)
            case TrialBlocked(error=error, details=details):
                log.error("Trial %d cannot go on.\n%s", trial.number, details)
                raise SearchError(error)

    def _record(self, trial: optuna.trial.Trial, result: EpochResult, usage: Usage) -> None:
        before = self._trials[trial.number]
        self._trials[trial.number] = status = after_epoch(before, result, usage, moment())
        if len(status.epochs) == len(before.epochs):
            return  # reported again after a restart
        self._lost.pop(trial.number, None)
        self._model.compare(result)
        log.info("Trial %d epoch %d: loss %.3f, mAP50 %.3f", trial.number, result.epoch, result.loss, result.map50)
        hopeless = self._study.report(trial, status.epochs)
        if result.epoch == status.planned_epochs:
            return
        if hopeless:
            self._executor.cancel(trial.number)
            self._tell(trial, "pruned")
        elif self._is_out_of_patience(status):
            self._executor.cancel(trial.number)
            self._tell(trial, "finished")
        elif not self._time.allows_epoch(status):
            self._executor.cancel(trial.number)
            self._tell(trial, "stopped")

    def _is_out_of_patience(self, trial: TrialStatus) -> bool:
        best, patience = trial.best_epoch, self._spec.patience
        return bool(patience and best and len(trial.epochs) - best.epoch >= patience)

    def _publish_best(self) -> None:
        """Publish the best epoch so far as the search's model, so that a usable model exists at any time."""
        best = self._best_trial()
        if best and best.best_epoch:
            self._model.publish(self._folders.folder(best.number) / BEST_BUNDLE, best.best_epoch)

    def _best_trial(self) -> TrialStatus | None:
        return replace(self._before, trials=tuple(self._trials.values())).best_trial

    def _retry(self, trial: optuna.trial.Trial, reason: Notice) -> None:
        self._lost[trial.number] = self._lost.get(trial.number, 0) + 1
        log.warning("Trial %d was lost: %s.", trial.number, loss_text(reason))
        if self._lost[trial.number] > RETRIES:
            self._tell(trial, "failed", Notice.of("lost", reason, times=RETRIES + 1))
            return
        self._start_again(trial)

    def _shrink(self, trial: optuna.trial.Trial, reason: Notice) -> None:
        """Restart an out-of-memory trial with its batches in twice as many parts; fail it if one photo does not fit."""
        log.warning("Trial %d needs too much memory: %s.", trial.number, loss_text(reason))
        if self._fitting.shrink(self._trials[trial.number]):
            self._start_again(trial)
        else:
            self._tell(trial, "failed", Notice("photo_too_large"))

    def _start_again(self, trial: optuna.trial.Trial) -> None:
        self._trials[trial.number] = self._trials[trial.number].end_attempt(moment())
        del self._running[trial.number]
        self._waiting.insert(0, trial)

    def _tell(self, trial: optuna.trial.Trial, ended: TrialState, reason: Notice | None = None) -> None:
        status = replace(self._trials[trial.number], state=ended, reason=reason, epoch_share=0.0, epoch_seconds=0.0)
        status = status.end_attempt(moment())
        self._study.set_attempts(trial, status.attempts)
        self._study.tell(trial, ended, reason)
        self._trials[trial.number] = status
        self._running.pop(trial.number, None)
        self._over.append(trial.number)
        log.info("%s", ending_text(status))

    # Ending the search

    def _reason_to_stop(self) -> tuple[SearchState, Notice] | None:
        if is_to_stop(self._folder):
            return "stopped", Notice("stopped")
        if self._time.seconds_left() <= self._time.reserve():
            return "finished", Notice.of("time_limit_reached", seconds=self._spec.time_limit)
        return None

    def _stop(self, state: SearchState, reason: Notice) -> SearchStatus:
        for trial in [*self._running.values(), *self._waiting]:
            self._executor.cancel(trial.number)
            self._tell(trial, "stopped", None if self._trials[trial.number].epochs else NO_EPOCH)
        self._waiting.clear()
        self._save()  # the best epoch may not be published yet
        if self._model.id:
            notices = reason, Notice("best_model_kept")
            return self._refit(*notices) if state == "finished" else self.end(state, *notices)
        state = "stopped" if state == "stopped" else "failed"
        return self.end(state, reason, Notice("no_model"))

    def _finish(self) -> SearchStatus:
        reasons = [trial.reason for trial in self._trials.values() if trial.reason]
        if any(trial.epochs for trial in self._trials.values()):
            return self._refit(*self._reasons_of_end())
        return self.end("failed", reasons[-1] if reasons else Notice("no_trial_started"))

    def _reasons_of_end(self) -> tuple[Notice, ...]:
        """Return why no trials are left; empty if all planned trials ran."""
        if self._time.cut:
            return (Notice.of("time_limit_near", seconds=self._spec.time_limit),)
        if self._is_exhausted():
            return (Notice.of("combinations_exhausted", combinations=int(Combinations(self._spec.space).count)),)
        return ()

    def _refit(self, *notices: Notice) -> SearchStatus:
        """End the search, after the final refit if one is requested."""
        self._save()
        best = self._best_trial()
        if not (self._spec.refit and best and best.best_epoch):
            return self.end("finished", *notices)
        job = replace(self._job(best, self._folder, best.best_epoch.epoch), refit=True)
        refit = Refit(self._executor, self._folder, job, self._time, partial(self._status_writer.write, "running"))
        state, outcome = refit.run(best.best_epoch, self._workspace)
        return self.end(state, *(() if state == "stopped" else notices), outcome)

    # Status

    def _say_waiting(self, error: StorageBusyError) -> None:
        notice = Notice.of("database_busy", detail=str(error))
        log.warning("%s", notices_text((notice,)))
        self._status_writer.write_notice(notice)

    def _status(self, state: SearchState, notices: tuple[Notice, ...]) -> SearchStatus:
        return replace(
            self._before,
            state=state,
            trials=tuple(self._trials[number] for number in sorted(self._trials)),
            model=self._model.id,
            seconds=self._clock.seconds,
            seconds_left=self._time.forecast(self._executor.slots) if state == "running" else None,
            refit_share=self._time.refit_share(),
            notices=notices,
        )
