"""The final refit: train the best trial's parameters once more on training and validation photos.

The refit trains up to the epoch at which the best trial peaked and keeps its last epoch, because no held-out photos
remain to select another. Its model therefore carries the metrics of the best trial, and its card says so. It also
carries that trial's calibration and thresholds: they come from photos that the trial was not trained on, and a network
is too sure of photos that it was trained on. The gain cannot be measured. As a sanity check, the refit must score at
least as high on the validation photos, which it was trained on, as the best trial's model, which has not seen them. A
refit that scores lower is broken and is not published. The best trial's model stays in the workspace beside the refit
model.
"""

from dataclasses import replace
from pathlib import Path

from autodet.models.bundle import read_bundle, read_graph, write_bundle
from autodet.models.store import BUNDLE, put_model
from autodet.records import EpochResult, Notice, NoticeKind, TrialState, TrialStatus
from autodet.search.order.spec import SearchSpec
from autodet.search.run.best_model import BEFORE, is_refit
from autodet.search.run.final_run import FinalRun
from autodet.search.run.time_budget import Timekeeper
from autodet.search.run.trial_book import REFIT, TrialBook
from autodet.search.run.trials import Ending, job_of
from autodet.search.status.status_file import is_to_stop
from autodet.training.train_job import BEST_BUNDLE, TrainJob

FOLDER = "refit"  # subfolder of the search folder
NO_TIME = Notice("refit_out_of_time")


class Refit(FinalRun):
    """The final refit, which runs like a trial.

    Args:
        search: The search folder; a resumed refit continues from the checkpoint there.
        spec: The specification of the search.
        best: The best trial.
        peak: Its best epoch.
        book: The trial book, to which the refit is added.
        timekeeper: The time budget.
    """

    lost: NoticeKind = "refit_lost"

    def __init__(
        self,
        search: Path,
        spec: SearchSpec,
        best: TrialStatus,
        peak: EpochResult,
        book: TrialBook,
        timekeeper: Timekeeper,
    ) -> None:
        super().__init__(search, FOLDER, spec, book, timekeeper)
        self._peak = peak
        if not is_refit(search.name, self._workspace):
            book.add(TrialStatus(REFIT, "running", best.params, effective=best.effective, planned_epochs=peak.epoch))

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Notices of the status while it runs."""
        refit = self._book[REFIT]
        return (Notice.of("refit_under_way", done=len(refit.epochs), epochs=refit.planned_epochs),)

    def reason_to_end(self) -> Ending | None:
        """Return why it must end: the search was stopped, or the time limit was reached."""
        if is_to_stop(self._search):
            return "stopped", (Notice("stopped_in_refit"),)
        return ("finished", (NO_TIME,)) if self._time.seconds_left() <= 0 else None

    def job(self, trial: TrialStatus) -> TrainJob:
        """Return the job of a new attempt, with the files of the last one."""
        return replace(job_of(trial, self._spec, self._search, self._folders.begin(0)), refit=True)

    def note_epoch(self, trial: TrialStatus, _result: EpochResult) -> TrialState | None:
        """Return ``stopped`` if the remaining epochs would exceed the time limit."""
        is_done = len(trial.epochs) >= trial.planned_epochs
        return None if is_done or self._has_time() else "stopped"

    def _has_time(self) -> bool:
        return self._time.allows_refit()

    def outcome(self, ending: Ending | None) -> Ending:
        """Return how the search ends; publish the refit model unless it scores lower than the best trial's model.

        Args:
            ending: Reason to end the refit early; None if it ran to its end.
        """
        refit = self._book.refit
        if refit is None:
            return "finished", (self._published(),)  # by an earlier supervisor
        if refit.state == "finished":
            return "finished", (self._publish(),)
        if ending and ending[0] == "stopped":
            return ending
        return "finished", (Notice.of("refit_failed", refit.reason or NO_TIME),)

    def _publish(self) -> Notice:
        """Publish the refit model unless it scores lower than the best trial's model; return the outcome."""
        search, workspace, trained = self._search.name, self._workspace, self._folders.folder(0)
        card, weights = read_bundle(trained / BEST_BUNDLE)
        if card.score < self._peak.score:
            return Notice("refit_rejected")
        before, before_weights = read_bundle(workspace.models / search / BUNDLE)
        _, graph = read_graph(workspace.models / search / BUNDLE)
        named = replace(before, name=f"{before.name} before refit")
        write_bundle(trained / "before.autodet", named, before_weights, graph)
        put_model(trained / "before.autodet", search + BEFORE, workspace)
        write_bundle(
            trained / "refit.autodet",
            replace(
                card,
                metrics=before.metrics,
                latency_ms=before.latency_ms,
                calibration=before.calibration,
                thresholds=before.thresholds,
                refit=True,
            ),
            weights,
        )
        put_model(trained / "refit.autodet", search, workspace)
        return self._published()

    def _published(self) -> Notice:
        return Notice.of("refit_published", model=f"{self._search.name}{BEFORE}")
