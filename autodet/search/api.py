"""Control of searches (monitor, stop, resume) from a page, a Python program or the command line.

A search runs in its own process; only ``Search.wait`` waits for its end.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodet.access.change import Action, Change, change
from autodet.access.visitor import current_visitor
from autodet.datasets.manifest import Dataset, as_dataset
from autodet.errors import AutodetError, NotFoundError, QuotaError, SearchError, SearchUnfinishedError
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.messages.search import with_sentences
from autodet.models.store import StoredModel, read_model
from autodet.names import choose, choose_only
from autodet.records import Comparison, SearchStatus, TrialStatus
from autodet.search.delete import delete_search, size_of
from autodet.search.executors.ray_check import check_cluster
from autodet.search.launch import Launcher, launch
from autodet.search.order.dataset_preflight import check_dataset
from autodet.search.order.initial_weights import check_start
from autodet.search.order.recipe import recipe_of
from autodet.search.order.spec import SearchSpec
from autodet.search.run.best_model import model_ids
from autodet.search.status.diagnosis import diagnosed
from autodet.search.status.status_file import STOP, UNSAVED, is_to_stop, read_status
from autodet.search.study.database import check_storage
from autodet.search.trial_models import compare_trials, keep_trial, predict_trial, trial_bundle, trial_outcomes
from autodet.settings import load_settings
from autodet.text_format import counted
from autodet.workspace import Workspace, open_workspace

if TYPE_CHECKING:
    from autodet.inference.detector import Detector

POLL_SECONDS = 0.5
STOP_SECONDS = 60.0  # timeout of a resume while the search is stopping


class Search:
    """A search in the workspace, active or ended.

    Attributes:
        id: Name of the search folder.
    """

    def __init__(self, folder: Path, launcher: Launcher | None = None) -> None:
        self.id = folder.name
        self._folder = folder
        self._launcher = launcher or launch
        self._workspace = Workspace(folder.parent.parent)

    def __repr__(self) -> str:
        """Return a short form with the state, for notebooks."""
        try:
            status = read_status(self._folder)
        except SearchError:
            return f"Search({self.id!r}, cannot be read)"
        return f"Search({self.id!r}, data set {status.dataset!r}, {status.summary})"

    def spec(self) -> SearchSpec:
        """Return the specification of the search."""
        return SearchSpec.read(self._folder)

    def status(self) -> SearchStatus:
        """Return the current status with its diagnoses and sentences."""
        return with_sentences(diagnosed(read_status(self._folder), self._workspace))

    def wait(
        self, on_change: Callable[[SearchStatus], None] | None = None, *, best_so_far: bool = False
    ) -> SearchStatus:
        """Wait until the search ends or is interrupted.

        A keyboard interrupt ends the wait, not the search.

        Args:
            on_change: Called with the status on every change, and about once a second within epochs.
            best_so_far: Accept a search that ended without finishing.

        Raises:
            SearchUnfinishedError: The search was interrupted, stopped or failed; the message has the reason and remedy.
        """
        try:
            status = self._watch(on_change)
        except KeyboardInterrupt:
            goes_on = f"The search {self.id} continues in the background; {self._call('stop')} stops it."
            raise KeyboardInterrupt(goes_on) from None
        if not best_so_far:
            self._check_finished(status)
        return status

    def _watch(self, on_change: Callable[[SearchStatus], None] | None) -> SearchStatus:
        last: tuple[object, ...] | None = None
        while True:
            status = self.status()
            news = (status.state, status.notices, status.progress, [len(trial.epochs) for trial in status.trials])
            if on_change and news != last:
                on_change(status)
            if not status.active:
                return status
            last = news
            time.sleep(POLL_SECONDS)

    def _check_finished(self, status: SearchStatus) -> None:
        """Check that the search has finished.

        Raises:
            SearchUnfinishedError: The search has not finished.
        """
        if status.state == "finished":
            return
        reason, remedy = status.message, "Start a new search"
        if status.active:
            remedy = f"To wait for its end, call {self._call('wait')}"
        elif status.state == "interrupted" or (status.state == "stopped" and self._has_more(status, self.spec())):
            reason = reason or "Its process has ended."
            remedy = f"To continue it, call {self._call('resume')}"
        if status.model:
            remedy += f"; for the best model so far, call {self._call('best_detector', 'best_so_far=True')}"
        message = f"The search {self.id} has not finished: {status.summary}. {reason}".strip()
        raise SearchUnfinishedError(f"{message} {remedy}.", status.state)

    def _call(self, method: str, arguments: str = "") -> str:
        """Return the Python call of a method on this search, for messages."""
        return f"autodet.find_search({self.id!r}).{method}({arguments})"

    def stop(self) -> None:
        """Request the search to stop now and keep the best model so far.

        Raises:
            SearchError: The search is not active.
        """
        state = self.status().state
        if state not in ("queued", "running", "stopping"):
            raise SearchError(f"The search {self.id} is {state}, so there is nothing to stop.")
        with self._change("stop search"):
            (self._folder / STOP).touch()

    def resume(self) -> None:
        """Resume an interrupted or stopped search; wait only while it is still stopping.

        Raises:
            SearchError: The search is active or over, or its data set or start model has changed.
            StorageError: The database of its study is unavailable.
        """
        status = self._stopped_status()
        if status.state not in ("interrupted", "stopped"):
            raise SearchError(
                f"The search {self.id} is {status.state}; only an interrupted or stopped search can be resumed."
            )
        spec = self.spec()
        if status.state == "stopped" and not self._has_more(status, spec):
            raise SearchError(f"The search {self.id} has no trials left; start a new one.")
        check_dataset(spec, self._workspace)
        check_start(spec, self._folder)
        check_storage(spec.storage)
        if spec.executor == "ray":
            check_cluster()
        with self._change("resume search"):
            check_queue(self._workspace)
            (self._folder / STOP).unlink(missing_ok=True)
            self._launcher(self._folder)

    def _change(self, action: Action) -> AbstractContextManager[Change]:
        return change(action, self.id, self._workspace)

    def _stopped_status(self) -> SearchStatus:
        """Return the status; if a stop is requested, wait for the search to stop first."""
        deadline = time.monotonic() + STOP_SECONDS
        while (status := self.status()).active and is_to_stop(self._folder):
            if time.monotonic() > deadline:
                raise SearchError(f"The search {self.id} is still stopping; resume it when it has stopped.")
            time.sleep(POLL_SECONDS / 5)
        return status

    def lost_data(self) -> str:
        """Return why the data set is unusable (missing or changed); empty if it is not."""
        try:
            check_dataset(self.spec(), self._workspace)
        except AutodetError as error:
            return str(error)
        return ""

    def _has_more(self, status: SearchStatus, spec: SearchSpec) -> bool:
        """Return whether a stopped search has work left: trials, a refit, or unsaved writes to its database."""
        return status.trials_over < status.planned_trials or spec.refit or (self._folder / UNSAVED).exists()

    def best_detector(self, *, best_so_far: bool = False) -> "Detector":
        """Load the search's model, from the best epoch of all trials.

        Args:
            best_so_far: Accept a search that has not finished.

        Raises:
            SearchUnfinishedError: The search has not finished; the message has the reason and remedy.
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
        """Return the Pareto-optimal trials in quality and latency, the fastest first.

        Empty unless the objective includes latency, as in ``map50+latency``. ``detector`` and ``keep`` give the models.
        """
        return self.status().pareto_front

    def detector(self, trial: int) -> "Detector":
        """Load the model of a trial's best epoch so far; ``keep`` adds it to the workspace's models.

        Raises:
            SearchError: The trial does not exist, or has finished no epoch.
        """
        from autodet.inference.detector import load_detector

        return load_detector(trial_bundle(self._folder, trial), workspace=self._workspace)

    def keep(self, trial: int, name: str | None = None) -> StoredModel:
        """Add a trial's best epoch so far to the workspace's models, next to the search's own model.

        Args:
            trial: Number of the trial.
            name: Name of the model; ``SEARCH trial N`` by default. A number is appended if it is already an id.

        Returns:
            The model; the existing one if the same weights were already kept under this name.

        Raises:
            SearchError: The trial does not exist, or has finished no epoch.
        """
        return keep_trial(self._folder, trial, name or f"{self.id} trial {trial}", self._workspace)

    def compare(self, a: int, b: int) -> Comparison:
        """Compare two trials on the validation photos, and tell whether the difference is more than chance.

        Every trial keeps its predictions on these photos. Its figures are a little too good, because the photos also
        choose the best epoch and trial.

        Args:
            a: Number of the first trial.
            b: Number of the second.

        Raises:
            SearchError: A trial does not exist, or has finished no epoch.
            NotFoundError: The data set of the search was deleted.
        """
        dataset = as_dataset(self.spec().dataset, self._workspace)
        return compare_trials((a, b), dataset, (self._outcomes(a, dataset), self._outcomes(b, dataset))).comparison

    def _outcomes(self, trial: int, dataset: Dataset) -> ShownOutcomes:
        """Return the outcomes of a trial; one of an earlier version predicts first."""
        if found := trial_outcomes(self._folder, trial, dataset):
            return found
        with self._change("evaluate"):
            predict_trial(self._folder, trial, dataset)
        if found := trial_outcomes(self._folder, trial, dataset):
            return found
        raise SearchError(f"The predictions of trial {trial} of {self.id} cannot be read; try again.")

    def recipe(self, trial: int) -> dict[str, Any]:
        """Return the exact configuration of a trial as JSON values: ``fit(dataset, **options)`` trains it again.

        Args:
            trial: Number of the trial.

        Returns:
            The keys ``search``, ``trial``, ``dataset``, ``dataset_fingerprint`` and ``options``.

        Raises:
            SearchError: The trial does not exist.
        """
        for known in self.status().trials:
            if known.number == trial:
                return recipe_of(known, self.spec(), self._folder)
        raise SearchError(f"The search {self.id} has no trial {trial}; it has {len(self.status().trials)}, from 0.")

    def size_bytes(self) -> int:
        """Return the size on disk, most of which is the models of the trials."""
        return size_of(self._folder)

    def delete(self) -> None:
        """Delete the search and its trials' models; its own model and the kept ones stay.

        Raises:
            SearchError: The search is active.
        """
        with self._change("delete search"):
            delete_search(self._folder, self._workspace)


def check_queue(workspace: Workspace) -> None:
    """Check that a visitor of the app may queue one more search.

    Raises:
        QuotaError: Too many searches of the visitor are already waiting.
    """
    visitor, limit = current_visitor(), load_settings().max_queued_searches
    if not visitor.address:
        return  # the machine's own user
    waiting = [one.search for one in list_searches(workspace) if one.state == "queued" and one.owner == visitor.name]
    if len(waiting) >= limit:
        raise QuotaError(
            f"{counted(len(waiting), 'search', 'searches')} of yours are waiting already, and this installation allows "
            f"{limit}; wait until one has started, or stop one."
        )


def find_search(name: str, workspace: Workspace | None = None) -> Search:
    """Return the search with an id, else the newest with a name; a ``NameWarning`` lists other matches.

    Raises:
        NotFoundError: No search matches; the message lists the existing ones.
    """
    folders = search_folders(workspace or open_workspace())
    return Search(_chosen(name, folders, choose))


def find_only_search(name: str, workspace: Workspace | None = None) -> Search:
    """Return the search with an id, else the only one with a name; for deletions.

    Raises:
        NotFoundError: No search matches; the message lists the existing ones.
        AmbiguousNameError: Several searches have the name.
    """
    folders = search_folders(workspace or open_workspace())
    return Search(_chosen(name, folders, choose_only))


@dataclass(frozen=True)
class _Asked:
    """Id and name of a search; ``created`` is empty if its spec is unreadable."""

    id: str
    name: str
    created: str
    folder: Path


def _chosen(name: str, folders: Sequence[Path], choice: Callable[[str, Sequence[_Asked], str], _Asked | None]) -> Path:
    """Return the folder of the chosen search."""
    near = folders
    if any(folder.name == name for folder in folders):  # names with this prefix have ids with it: skip others
        near = [folder for folder in folders if folder.name.startswith(name)]
    newest_first = sorted(map(_asked, near), key=lambda search: (search.created, search.id), reverse=True)
    if chosen := choice(name, newest_first, "search"):
        return chosen.folder
    there = f"there are {', '.join(f.name for f in folders)}" if folders else "there are none yet: start one"
    raise NotFoundError(f"There is no search {name!r}; {there}.")


def _asked(folder: Path) -> _Asked:
    try:
        spec = SearchSpec.read(folder)
    except SearchError:  # damaged: fall back to the id
        return _Asked(folder.name, folder.name, "", folder)
    return _Asked(folder.name, spec.name, spec.created, folder)


def list_searches(workspace: Workspace | None = None) -> list[SearchStatus]:
    """Return the status of every search, the newest first; damaged searches are left out."""
    statuses = []
    for folder in search_folders(workspace or open_workspace()):
        try:
            statuses.append(with_sentences(read_status(folder)))
        except SearchError:
            continue
    return sorted(statuses, key=lambda status: (status.created, status.search), reverse=True)


def is_in_the_making(model_id: str, workspace: Workspace | None = None) -> bool:
    """Return whether an active search may still replace a model."""
    return any(status.active and model_id in model_ids(status.search) for status in list_searches(workspace))


def search_folders(workspace: Workspace) -> list[Path]:
    """Return the folders of all searches, including damaged ones."""
    return sorted(path for path in workspace.searches.iterdir() if path.is_dir() and not path.name.startswith("."))
