"""The average: the mean of the weights of the best trials, published if it scores higher than the best trial alone.

A process of the executor averages and evaluates it (``autodet.training.average``), because the supervisor imports no
torch. A search that is killed while it averages does so again when it is resumed. A stop, a failure or a lack of time
leaves the best trial's model, and the search is finished all the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from autodet.errors import AutodetError
from autodet.models.bundle import read_card
from autodet.models.store import put_model
from autodet.records import EpochResult, Notice, NoticeKind, TrialState, TrialStatus, best_of
from autodet.search.order.spec import SearchSpec
from autodet.search.run.final_run import FinalRun
from autodet.search.run.time_budget import Timekeeper
from autodet.search.run.trial_book import AVERAGE, TrialBook
from autodet.search.run.trials import Ending, job_of
from autodet.search.status.status_file import is_to_stop
from autodet.training.train_job import BEST_BUNDLE, TrainJob

FOLDER = "average"  # subfolder of the search folder
MAX_MEMBERS = 5


class Average(FinalRun):
    """The average, which runs like a trial.

    Args:
        search: The search folder.
        spec: The specification of the search.
        best: The best trial.
        members: Bundles of the trials to average by number, the best first.
        book: The trial book, to which the average is added.
        timekeeper: The time budget.
    """

    lost: NoticeKind = "average_lost"
    notices: tuple[Notice, ...] = (Notice("average_under_way"),)

    def __init__(
        self,
        search: Path,
        spec: SearchSpec,
        best: TrialStatus,
        members: Mapping[int, Path],
        book: TrialBook,
        timekeeper: Timekeeper,
    ) -> None:
        super().__init__(search, FOLDER, spec, book, timekeeper)
        self._best, self._members = best, members
        book.add(TrialStatus(AVERAGE, "running", best.params, effective=best.effective, planned_epochs=1))

    def reason_to_end(self) -> Ending | None:
        """Return why it must end: the search was stopped, or the time limit was reached."""
        return ("finished", ()) if is_to_stop(self._search) or self._time.seconds_left() <= 0 else None

    def job(self, trial: TrialStatus) -> TrainJob:
        """Return the job of a new attempt, which begins again."""
        return replace(job_of(trial, self._spec, self._search, self._folders.begin(0)), members=self._members)

    def note_epoch(self, _trial: TrialStatus, _result: EpochResult) -> TrialState | None:
        """Return None: its only result is also its end."""
        return None

    def outcome(self) -> tuple[Notice, ...]:
        """Publish the average if it scores higher than the best trial; return the notice of it, if there is one.

        Its files are then deleted, except those of a failure.
        """
        average = self._book[AVERAGE]
        if average.reason:
            return (Notice.of("average_failed", average.reason),)
        best = self._best.best_epoch
        is_better = average.state == "finished" and average.epochs and best and average.epochs[0].score > best.score
        try:
            told = (self._publish(average.epochs[0], best.score),) if best and is_better else ()
        except (OSError, AutodetError) as error:
            return (Notice.of("average_failed", Notice.of("error", detail=str(error))),)
        self._folders.discard(0)
        return told

    def _publish(self, result: EpochResult, best: float) -> Notice:
        bundle = self._folders.folder(0) / BEST_BUNDLE
        trials = list(read_card(bundle).averaged)
        put_model(bundle, self._search.name, self._workspace)
        metric = self._spec.goal.quality_title
        figures = {"score": result.score, "map50": result.map50, "best": best}
        return Notice.of("average_published", trials=trials, metric=metric, **figures)

    def _has_time(self) -> bool:
        return self._time.allows_average(len(self._members))


def members_of(trials: Iterable[TrialStatus]) -> tuple[TrialStatus, ...]:
    """Return the trials to average: the best one and finished others with its network and photo size, the best first.

    Args:
        trials: The trials of a search; they share classes and starting weights.
    """
    left = list(trials)
    best = best_of(left)
    members: list[TrialStatus] = []
    while best and len(members) < MAX_MEMBERS:
        members.append(best)
        left = [
            trial
            for trial in left
            if trial is not best and trial.state == "finished" and _network(trial) == _network(best)
        ]
        best = best_of(left)
    return tuple(members)


def _network(trial: TrialStatus) -> tuple[object, object]:
    return trial.params["architecture"], trial.params["image_size"]
