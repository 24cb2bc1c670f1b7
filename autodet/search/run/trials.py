"""The trials of a search: requested from the study, ended early, and recorded in the study."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna

from autodet.messages.search import ending_text
from autodet.records import (
    EpochResult,
    Notice,
    NoticeKind,
    PlannedTrial,
    SearchState,
    TrialState,
    TrialStatus,
    planned_epochs_of,
)
from autodet.search.order.combinations import Combinations
from autodet.search.order.initial_weights import start_of
from autodet.search.order.options import MAX_SEED
from autodet.search.order.space import hyperparameters_of
from autodet.search.order.spec import SearchSpec
from autodet.search.run.best_model import PublishedModel
from autodet.search.run.time_budget import Timekeeper
from autodet.search.run.trial_book import TrialBook
from autodet.search.run.trial_dirs import TRIALS, TrialFolders
from autodet.search.status.status_file import is_to_stop, moment
from autodet.search.study.study import SearchStudy
from autodet.training.train_job import BEST_BUNDLE, TrainJob
from autodet.workspace import Workspace, safe_join

NO_EPOCH = Notice("no_epoch")

log = logging.getLogger("autodet.supervisor")
Ending = tuple[SearchState, tuple[Notice, ...]]  # state in which a search ends, and why


class Trials:
    """The trials of a search: takes their parameters from the study, and reports their results to it.

    Args:
        search: The search folder.
        spec: The specification of the search.
        study: The study; the caller saves it.
        book: The trials so far.
        timekeeper: The time budget.
        model: The published model.
    """

    notices: tuple[Notice, ...] = ()
    lost: NoticeKind = "lost"

    def __init__(
        self,
        search: Path,
        spec: SearchSpec,
        study: SearchStudy,
        book: TrialBook,
        timekeeper: Timekeeper,
        model: PublishedModel,
    ) -> None:
        self._search, self._spec, self._study = search, spec, study
        self._book, self._time, self._model = book, timekeeper, model
        self._folders = TrialFolders(search / TRIALS)
        self._asked = {trial.number: trial for trial in study.unfinished()}
        self._to_tidy = [trial.number for trial in book if trial.state != "running"]

    def folder(self, number: int) -> Path:
        """Return the folder of a trial's latest attempt."""
        return self._folders.folder(number)

    # When trials start and end

    def reason_to_end(self) -> Ending | None:
        """Return why all trials must end: the search was stopped, or the time limit was reached; else None."""
        if is_to_stop(self._search):
            return "stopped", (Notice("stopped"),)
        if self._time.seconds_left() <= self._time.reserve():
            return "finished", (Notice.of("time_limit_reached", seconds=self._spec.time_limit),)
        return None

    def has_more(self) -> bool:
        """Return whether a trial waits, or another one is planned and has time."""
        if self._book.waiting:
            return True
        if len(self._book) >= self._spec.trials or self._is_exhausted():
            return False
        self._time.cut = self._time.epochs_for_another() == 0
        return not self._time.cut

    def note_epoch(self, trial: TrialStatus, result: EpochResult) -> TrialState | None:
        """Report an epoch to the study; return how to end the trial: pruning, early stopping, time limit; or None."""
        if self._book.best and self._book.best.best_epoch:
            self._model.compare(self._book.best.best_epoch)
        hopeless = self._study.report(self._asked[trial.number], trial.epochs)
        if result.epoch == trial.planned_epochs:
            return None
        if hopeless:
            return "pruned"
        if self._is_out_of_patience(trial):
            return "finished"
        return None if self._time.allows_epoch(trial) else "stopped"

    def _is_exhausted(self) -> bool:
        return not self._spec.repeat and self._study.is_exhausted

    def _is_out_of_patience(self, trial: TrialStatus) -> bool:
        highest, patience = trial.highest_epoch, self._spec.patience
        return bool(patience and highest and len(trial.epochs) - highest.epoch >= patience)

    # From the study

    def next(self) -> TrialStatus | None:
        """Return the waiting trial, else a new one; None if the waiting trial has no time left, which ends it."""
        if not self._book.waiting:
            return self._book.prepare(self._ask())
        trial = self._book[self._book.waiting[0]]
        if not self._time.allows_epoch(trial, starts=True):
            self.end(trial.number, "stopped")
            return None
        # Its supervisor may have died while it chose the parameters.
        params = self._study.params(self._asked[trial.number])
        if self._spec.follow_up:
            planned = followed(self._spec.follow_up.trials[trial.number], trial.number, params)
            trial = replace(
                trial, effective={**trial.effective, **planned.effective}, planned_epochs=planned.planned_epochs
            )
        return self._book.prepare(replace(trial, params=params))

    def _ask(self) -> TrialStatus:
        trial = self._study.ask()
        self._folders.discard(trial.number)  # left by a supervisor that died before it stored the trial
        self._asked[trial.number] = trial
        return self._book.add(self._planned(trial, self._study.params(trial)))

    def _planned(self, trial: optuna.trial.Trial, params: Mapping[str, Any]) -> TrialStatus:
        """Create the status of a new trial: fewer epochs if time is short, its own seed if it repeats a combination."""
        if self._spec.follow_up:
            return followed(self._spec.follow_up.trials[trial.number], trial.number, params)
        effective, epochs = {}, self._time.epochs_for_another()
        if 0 < epochs < planned_epochs_of(params, {}, self._spec.epochs):
            effective["epochs"] = epochs
        if times := self._study.times_tried(trial):
            effective["seed"] = (self._spec.seed + times) % (MAX_SEED + 1)
        planned = planned_epochs_of(params, effective, self._spec.epochs)
        return TrialStatus(trial.number, "running", params, effective=effective, planned_epochs=planned)

    def job(self, trial: TrialStatus) -> TrainJob:
        """Return the job of a new attempt, with the files of the last one."""
        return job_of(trial, self._spec, self._search, self._folders.begin(trial.number))

    # Into the study

    def started(self, trial: TrialStatus) -> None:
        """Record a new attempt in the study."""
        asked = self._asked[trial.number]
        self._study.set_effective(asked, trial.effective)
        self._study.set_attempts(asked, trial.attempts)

    def end(self, number: int, state: TrialState, reason: Notice | None = None) -> None:
        """Tell the study how a trial ended."""
        if state == "stopped" and not self._book[number].epochs:
            reason = NO_EPOCH
        trial, asked = self._book.end(number, state, reason, moment()), self._asked.pop(number)
        self._study.set_attempts(asked, trial.attempts)
        self._study.tell(asked, state, reason)
        self._to_tidy.append(number)
        log.info("%s", ending_text(trial))

    def tidy(self) -> None:
        """Delete the checkpoints of ended trials; call it once the study is stored."""
        for number in self._to_tidy:
            self._folders.tidy(number)
        self._to_tidy.clear()

    def publish_best(self) -> None:
        """Publish the best epoch so far as the search's model, so that a usable model exists at any time.

        A follow-up has no model: it measures, and its best trial is no better choice than that of its search.
        """
        best = self._book.best
        if best and best.best_epoch and not self._spec.follow_up:
            self._model.publish(self.folder(best.number) / BEST_BUNDLE, best.best_epoch)

    # How the search ends

    def outcome(self, ending: Ending | None) -> Ending:
        """Return how the search ends, unless a refit or an average follows.

        Args:
            ending: Reason to end the trials early; None if all have ended.
        """
        if ending and self._spec.follow_up:
            return ending
        if ending and self._model.id:
            return ending[0], (*ending[1], Notice("best_model_kept"))
        if ending:
            state: SearchState = "stopped" if ending[0] == "stopped" else "failed"
            return state, (*ending[1], Notice("no_model"))
        if self._book.best:
            return "finished", self._reasons_of_end()
        reasons = [trial.reason for trial in self._book if trial.reason]
        return "failed", (reasons[-1] if reasons else Notice("no_trial_started"),)

    def _reasons_of_end(self) -> tuple[Notice, ...]:
        """Return why no trials are left; empty if all planned trials ran."""
        if self._time.cut:
            return (Notice.of("time_limit_near", seconds=self._spec.time_limit),)
        if self._is_exhausted():
            return (Notice.of("combinations_exhausted", combinations=int(Combinations(self._spec.space).count)),)
        return ()


def followed(planned: PlannedTrial, number: int, params: Mapping[str, Any]) -> TrialStatus:
    """Create the status of a trial of a follow-up, which has its own seed, epochs and share of the photos."""
    share = {"train_share": planned.train_share} if planned.train_share < 1 else {}
    effective = {"seed": planned.seed, "epochs": planned.epochs, **share}
    return TrialStatus(number, "running", params, effective=effective, planned_epochs=planned.epochs)


def job_of(trial: TrialStatus, spec: SearchSpec, search: Path, folder: Path) -> TrainJob:
    """Return the training job of a trial.

    Args:
        trial: The trial, with its effective settings.
        spec: The specification of the search.
        search: The search folder, in its workspace.
        folder: Folder for the files of the attempt.
    """
    return TrainJob(
        dataset_folder=safe_join(Workspace(search.parent.parent).datasets, spec.dataset),
        folder=folder,
        hyperparameters=hyperparameters_of(trial.params),
        epochs=trial.planned_epochs,
        name=spec.name,
        seed=trial.effective.get("seed", spec.seed),
        accumulation=trial.effective.get("accumulation", 1),
        objective=spec.goal,
        train_share=trial.effective.get("train_share", spec.train_share),
        start=start_of(spec, search),
    )
