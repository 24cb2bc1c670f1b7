"""Watching, stopping and resuming searches, from a page, a program or the command line.

A search runs in a process of its own; nothing here waits for it unless asked to.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from autodet.errors import AutodetError, NotFoundError, SearchError, SearchUnfinishedError
from autodet.models.store import StoredModel, read_model
from autodet.names import choose, choose_only
from autodet.records import SearchStatus, TrialStatus
from autodet.search.delete import delete_search, size_of
from autodet.search.executors.ray_check import check_cluster
from autodet.search.launch import launch
from autodet.search.order.dataset_checks import check_dataset
from autodet.search.order.initial_weights import check_start
from autodet.search.order.spec import SearchSpec
from autodet.search.run.refit import model_ids
from autodet.search.status.diagnosis import diagnosed
from autodet.search.status.status_file import STOP, UNSAVED, is_to_stop, read_status
from autodet.search.study.database import check_storage
from autodet.search.trial_models import keep_trial, trial_bundle
from autodet.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from autodet.inference.detector import Detector

POLL_SECONDS = 0.5
STOP_SECONDS = 60.0  # how long a resume waits for a search to stop


class Search:
    """A search in the workspace, at work or over.

    Attributes:
        id: Its folder's name.
    """

    def __init__(self, folder: Path) -> None:
        self.id = folder.name
        self._folder = folder
        self._workspace = Workspace(folder.parent.parent)

    def __repr__(self) -> str:
        """A short form with its state, for notebooks."""
        try:
            status = read_status(self._folder)
        except SearchError:
            return f"Search({self.id!r}, cannot be read)"
        return f"Search({self.id!r}, data set {status.dataset!r}, {status.summary})"

    def spec(self) -> SearchSpec:
        """What it was asked to do."""
        return SearchSpec.read(self._folder)

    def status(self) -> SearchStatus:
        """What it is doing now."""
        return diagnosed(read_status(self._folder), self._workspace)

    def wait(
        self, on_change: Callable[[SearchStatus], None] | None = None, *, best_so_far: bool = False
    ) -> SearchStatus:
        """Wait until the search is over or interrupted.

        Interrupting the wait leaves the search running.

        Args:
            on_change: Called with the status whenever something has happened, and about once a second within epochs.
            best_so_far: Accept a search that ended without finishing.

        Raises:
            SearchUnfinishedError: It ended interrupted, stopped or failed; the message says why, and what to do.
        """
        try:
            status = self._watch(on_change)
        except KeyboardInterrupt:
            goes_on = f"The search {self.id} goes on in the background; {self._call('stop')} stops it."
            raise KeyboardInterrupt(goes_on) from None
        if not best_so_far:
            self._check_finished(status)
        return status

    def _watch(self, on_change: Callable[[SearchStatus], None] | None) -> SearchStatus:
        seen: tuple[object, ...] | None = None
        while True:
            status = self.status()
            happened = (status.state, status.message, status.progress, [len(trial.epochs) for trial in status.trials])
            if on_change and happened != seen:
                on_change(status)
            if not status.active:
                return status
            seen = happened
            time.sleep(POLL_SECONDS)

    def _check_finished(self, status: SearchStatus) -> None:
        """Refuse a search that has not finished.

        Raises:
            SearchUnfinishedError: It has not.
        """
        if status.state == "finished":
            return
        reason, remedy = status.message, "Start a new search"
        if status.active:
            remedy = f"To wait for its end, call {self._call('wait')}"
        elif status.state == "interrupted" or (status.state == "stopped" and self._has_more(status, self.spec())):
            reason = reason or "Its process has ended."
            remedy = f"To carry it on, call {self._call('resume')}"
        if status.model:
            remedy += f"; for the best model so far, call {self._call('best_detector', 'best_so_far=True')}"
        message = f"The search {self.id} has not finished: {status.summary}. {reason}".strip()
        raise SearchUnfinishedError(f"{message} {remedy}.", status.state)

    def _call(self, method: str, arguments: str = "") -> str:
        """What to type in Python."""
        return f"autodet.find_search({self.id!r}).{method}({arguments})"

    def stop(self) -> None:
        """Ask the search to end now and to keep the best model so far.

        Raises:
            SearchError: It is not running.
        """
        state = self.status().state
        if state not in ("queued", "running", "stopping"):
            raise SearchError(f"The search {self.id} is {state}, so there is nothing to stop.")
        (self._folder / STOP).touch()

    def resume(self) -> None:
        """Carry on a search that was interrupted or stopped; waits for one that is stopping, and no longer.

        Raises:
            SearchError: It is at work already, or over, or its data set or the model that it began with has changed.
            StorageError: The database that has its study cannot be used.
        """
        status = self._stopped_status()
        if status.state not in ("interrupted", "stopped"):
            raise SearchError(f"The search {self.id} is {status.state}; only an interrupted or stopped one is resumed.")
        spec = self.spec()
        if status.state == "stopped" and not self._has_more(status, spec):
            raise SearchError(f"The search {self.id} has no trials left; start a new one.")
        check_dataset(spec, self._workspace)
        check_start(spec, self._folder)
        check_storage(spec.storage)
        if spec.executor == "ray":
            check_cluster()
        (self._folder / STOP).unlink(missing_ok=True)
        launch(self._folder)

    def _stopped_status(self) -> SearchStatus:
        """The status; that of a search that is asked to stop once it has stopped."""
        deadline = time.monotonic() + STOP_SECONDS
        while (status := self.status()).active and is_to_stop(self._folder):
            if time.monotonic() > deadline:
                raise SearchError(f"The search {self.id} is still stopping; resume it once it has stopped.")
            time.sleep(POLL_SECONDS / 5)
        return status

    def lost_data(self) -> str:
        """Why it cannot go on with its data set, which is gone or has changed; empty if it can."""
        try:
            check_dataset(self.spec(), self._workspace)
        except AutodetError as error:
            return str(error)
        return ""

    def _has_more(self, status: SearchStatus, spec: SearchSpec) -> bool:
        """Whether a search that was stopped has anything left to do, and be it to store what a busy database lacks."""
        return status.trials_over < status.planned_trials or spec.refit or (self._folder / UNSAVED).exists()

    def best_detector(self, *, best_so_far: bool = False) -> "Detector":
        """The best epoch of all trials, ready to predict.

        Args:
            best_so_far: Accept a search that has not finished.

        Raises:
            SearchUnfinishedError: It has not finished; the message says why, and what to do.
            SearchError: No epoch has ended yet.
        """
        from autodet.inference.detector import load_detector

        status = self.status()
        if not best_so_far:
            self._check_finished(status)
        if status.model is None:
            raise SearchError(f"The search {self.id} is {status.state} and has no model. {status.message}".strip())
        return load_detector(read_model(status.model, self._workspace), workspace=self._workspace)

    def pareto_front(self) -> tuple[TrialStatus, ...]:
        """The trials that no other one beats in both quality and time, the quickest first.

        Empty unless the search has such an objective as ``map50+latency``. ``detector`` and ``keep`` give their models.
        """
        return self.status().pareto_front

    def detector(self, trial: int) -> "Detector":
        """A trial's best epoch so far, ready to predict; ``keep`` makes it a model that lists show.

        Raises:
            SearchError: There is no such trial, or it has finished no epoch.
        """
        from autodet.inference.detector import load_detector

        return load_detector(trial_bundle(self._folder, trial), workspace=self._workspace)

    def keep(self, trial: int, name: str | None = None) -> StoredModel:
        """Make a trial's best epoch so far a model of the workspace, beside the search's own.

        Args:
            trial: The trial's number.
            name: What to call the model; ``SEARCH trial N`` if not given. With a number if it is another model's id.

        Returns:
            The model; the one that is there, if the same was kept under this name before.

        Raises:
            SearchError: There is no such trial, or it has finished no epoch.
        """
        return keep_trial(self._folder, trial, name or f"{self.id} trial {trial}", self._workspace)

    def size_bytes(self) -> int:
        """What it takes on the disk, most of it the models of its trials."""
        return size_of(self._folder)

    def delete(self) -> None:
        """Delete it with the models of its trials; its own model, and those that were kept, stay.

        Raises:
            SearchError: It is at work.
        """
        delete_search(self._folder, self._workspace)


def find_search(name: str, workspace: Workspace | None = None) -> Search:
    """The search with an id, else the newest with a name; a ``NameWarning`` says which others the name could mean.

    Raises:
        NotFoundError: There is none; the message lists what there is.
    """
    folders = search_folders(workspace or open_workspace())
    return Search(_chosen(name, folders, choose))


def find_only_search(name: str, workspace: Workspace | None = None) -> Search:
    """The search with an id, else the only one with a name; for deletions.

    Raises:
        NotFoundError: There is none; the message lists what there is.
        AmbiguousNameError: Several have the name.
    """
    folders = search_folders(workspace or open_workspace())
    return Search(_chosen(name, folders, choose_only))


@dataclass(frozen=True)
class _Asked:
    """A search by its id and its name; ``created`` is empty where its order cannot be read."""

    id: str
    name: str
    created: str
    folder: Path


def _chosen(name: str, folders: Sequence[Path], choice: Callable[[str, Sequence[_Asked], str], _Asked | None]) -> Path:
    """The folder of the search that is meant."""
    near = folders
    if any(folder.name == name for folder in folders):  # names that begin so have ids that do; the others stay unread
        near = [folder for folder in folders if folder.name.startswith(name)]
    newest_first = sorted(map(_asked, near), key=lambda one: (one.created, one.id), reverse=True)
    if found := choice(name, newest_first, "search"):
        return found.folder
    there = f"there are {', '.join(f.name for f in folders)}" if folders else "there are none yet: start one"
    raise NotFoundError(f"There is no search {name!r}; {there}.")


def _asked(folder: Path) -> _Asked:
    try:
        spec = SearchSpec.read(folder)
    except SearchError:  # damaged: its id is left
        return _Asked(folder.name, folder.name, "", folder)
    return _Asked(folder.name, spec.name, spec.created, folder)


def list_searches(workspace: Workspace | None = None) -> list[SearchStatus]:
    """What every search is doing, the newest first; a damaged one is left out."""
    statuses = []
    for folder in search_folders(workspace or open_workspace()):
        try:
            statuses.append(read_status(folder))
        except SearchError:
            continue
    return sorted(statuses, key=lambda status: (status.created, status.search), reverse=True)


def is_in_the_making(model_id: str, workspace: Workspace | None = None) -> bool:
    """Whether a search at work may replace a model at any moment."""
    return any(status.active and model_id in model_ids(status.search) for status in list_searches(workspace))


def search_folders(workspace: Workspace) -> list[Path]:
    """The folders of all searches, damaged ones too."""
    return sorted(path for path in workspace.searches.iterdir() if path.is_dir() and not path.name.startswith("."))
