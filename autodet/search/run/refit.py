"""The final refit: train the best trial's parameters once more on training and validation photos.

The refit trains up to the epoch at which the best trial peaked and keeps its last epoch, because no held-out photos
remain to select another. Its model therefore carries the metrics of the best trial, and its card says so. The gain
cannot be measured. As a sanity check, the refit must score at least as high on the validation photos, which it was
trained on, as the best trial's model, which has not seen them. A refit that scores lower is broken and is not
published. The best trial's model stays in the workspace beside the refit model.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from autodet.errors import BundleError, SearchError
from autodet.models.bundle import read_bundle, read_card, write_bundle
from autodet.models.store import BUNDLE, put_model
from autodet.records import EpochResult, Notice, SearchState
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
from autodet.search.run.status_writer import PROGRESS_SECONDS
from autodet.search.run.time_budget import Timekeeper
from autodet.search.run.trial_dirs import TrialFolders
from autodet.search.status.status_file import is_to_stop
from autodet.training.job import BEST_BUNDLE, TrainJob
from autodet.workspace import Workspace

NUMBER = -1  # trial number of the refit for the executor
FOLDER = "refit"  # subfolder of the search folder
BEFORE = "-before-refit"  # id suffix of the best trial's model
RETRIES = 2  # restarts of a lost training without a completed epoch in between
TICK_SECONDS = 0.5

log = logging.getLogger("autodet.supervisor")


@dataclass
class Refit:
    """A final refit in progress.

    Args:
        executor: The executor that runs it.
        folder: The search folder; a resumed refit continues from the checkpoint there.
        job: The training job; its folder is replaced.
        timekeeper: The time budget. The refit reports its progress to it, and pauses its clock while other searches use
            every device.
        say: Called with a notice of its progress.
    """

    executor: Executor
    folder: Path
    job: TrainJob
    timekeeper: Timekeeper
    say: Callable[[Notice], object]

    def __post_init__(self) -> None:
        self._folders = TrialFolders(self.folder / FOLDER)
        self._done, self._share, self._losses, self._running = 0, 0.0, 0, False
        self._said = 0.0

    def run(self, best: EpochResult, workspace: Workspace) -> tuple[SearchState, Notice]:
        """Train, and publish the result unless it scores lower than the best trial's model.

        Args:
            best: The best epoch of the best trial.
            workspace: The workspace of the models.

        Returns:
            The final state of the search, and the outcome of the refit.

        Raises:
            SearchError: A requirement for training is missing; the search can be resumed once it is restored.
        """
        if is_refit(self.folder.name, workspace):
            return "finished", self._published()
        reason = self._train()
        if not reason:
            return "finished", self._publish(best, workspace)
        if is_to_stop(self.folder):
            return "stopped", Notice("stopped_in_refit")
        return "finished", Notice.of("refit_failed", reason)

    def _train(self) -> Notice | None:
        """Train to the end; return the reason for a failure, None on success."""
        while not (reason := self._reason_to_end()):
            if not self._running and not self.executor.has_room():
                self.timekeeper.clock.pause()
                time.sleep(TICK_SECONDS)
                continue
            self.timekeeper.clock.go_on()
            if not self._running:
                self.executor.start(NUMBER, replace(self.job, folder=self._folders.begin(0)))
                self._running = True
            for event in self.executor.events(TICK_SECONDS):
                if isinstance(event, TrialDone):
                    return None
                if reason := self._handle(event):
                    return reason
        if self._running:
            self.executor.cancel(NUMBER)
        return reason

    def _reason_to_end(self) -> Notice | None:
        if is_to_stop(self.folder):
            return Notice("stopped")
        left = self.timekeeper.seconds_left()
        before = -1.0 if self.timekeeper.refit_done is None else self.timekeeper.refit_done
        reached = self._done + self._share
        is_epoch = int(reached) > int(before)
        if is_epoch or (reached > before and time.monotonic() - self._said >= PROGRESS_SECONDS):
            self.timekeeper.refit_done, self._said = reached, time.monotonic()
            self.say(Notice.of("refit_under_way", done=self._done, epochs=self.job.epochs))
        out_of_time = left <= 0 or (is_epoch and left < self.timekeeper.refit_seconds())
        return Notice("refit_out_of_time") if out_of_time else None

    def _handle(self, event: Event) -> Notice | None:
        match event:
            case EpochDone(result=result) if result.epoch > self._done:
                log.info("Refit epoch %d: loss %.3f", result.epoch, result.loss)
                self._done, self._share, self._losses = result.epoch, 0.0, 0
            case EpochUnderWay(progress=progress) if progress.epoch == self._done + 1:
                self._share = max(self._share, progress.share)
            case TrialFailed(reason=reason, details=details):
                log.error("The refit failed.\n%s", details)
                return reason
            case TrialBlocked(error=error):
                raise SearchError(error)
            case TrialLost(reason=reason):
                self._losses, self._running = self._losses + 1, False
                return Notice.of("refit_lost", reason, times=self._losses) if self._losses > RETRIES else None
            case TrialTooLarge(reason=reason):
                parts, self._running = 2 * self.job.accumulation, False
                self.job = replace(self.job, accumulation=parts)
                too_large = parts >= 2 * self.job.hyperparameters.batch_size
                return Notice.of("refit_too_large", reason) if too_large else None
        return None

    def _publish(self, best: EpochResult, workspace: Workspace) -> Notice:
        """Publish the refit model unless it scores lower than the best trial's model; return the outcome."""
        search, trained = self.folder.name, self._folders.folder(0)
        card, weights = read_bundle(trained / BEST_BUNDLE)
        if card.score < best.score:
            return Notice("refit_rejected")
        before, before_weights = read_bundle(workspace.models / search / BUNDLE)
        write_bundle(trained / "before.autodet", replace(before, name=f"{before.name} before refit"), before_weights)
        put_model(trained / "before.autodet", search + BEFORE, workspace)
        write_bundle(
            trained / "refit.autodet",
            replace(card, metrics=before.metrics, latency_ms=before.latency_ms, refit=True),
            weights,
        )
        put_model(trained / "refit.autodet", search, workspace)
        return self._published()

    def _published(self) -> Notice:
        return Notice.of("refit_published", model=f"{self.folder.name}{BEFORE}")


def is_refit(search: str, workspace: Workspace) -> bool:
    """Return whether the published model of a search is already its refit."""
    try:
        return read_card(workspace.models / search / BUNDLE).refit
    except BundleError:
        return False


def model_ids(search: str) -> tuple[str, str]:
    """Return the model ids of a search: its own, and that of the best trial's model kept beside a refit."""
    return search, search + BEFORE
