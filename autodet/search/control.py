"""Starting, watching and stopping searches, from a page, a program or the command line.

A search runs in a process of its own; nothing here waits for it unless asked to.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodet.datasets.manifest import Dataset, load_dataset
from autodet.errors import NotFoundError, SearchError, WeightsError
from autodet.evaluation.objective import DEFAULT_OBJECTIVE, wants_speed
from autodet.inference.known_photos import flattered_sentence
from autodet.lock import hold_lock
from autodet.models.registry import weights_problem
from autodet.models.store import StoredModel
from autodet.records import SearchStatus, TrialStatus
from autodet.search.asking import asked_space, check_device, plan_for
from autodet.search.beginning import Beginning, check_start, read_beginning
from autodet.search.cluster import check_cluster
from autodet.search.data import check_dataset, check_labels
from autodet.search.deleting import delete_search, size_of
from autodet.search.diagnosis import diagnosed
from autodet.search.keeping import keep_trial, trial_bundle
from autodet.search.refit import BEFORE
from autodet.search.snapshot import LAUNCHED, LOG, STATUS, STOP, UNSAVED, read_status, write_snapshot
from autodet.search.space import PARAMETERS, architectures, make_space, most_epochs
from autodet.search.spec import SPEC, SearchSpec
from autodet.search.storage import check_storage, place_of_new_studies
from autodet.workspace import Workspace, hidden_folder, module_environment, open_workspace, publish_folder, slug

if TYPE_CHECKING:
    from autodet.inference.detector import Detector

POLL_SECONDS = 0.5
START_PATIENCE_SECONDS = 60.0

_launched: list["subprocess.Popen[bytes]"] = []  # kept so that those that have ended are reaped


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
        """For notebooks."""
        return f"Search({self.id!r})"

    def spec(self) -> SearchSpec:
        """What it was asked to do."""
        return SearchSpec.read(self._folder)

    def status(self) -> SearchStatus:
        """What it is doing now."""
        return diagnosed(read_status(self._folder), self._workspace)

    def wait(self, on_change: Callable[[SearchStatus], None] | None = None) -> SearchStatus:
        """Wait until the search is over or interrupted.

        Interrupting the wait leaves the search running.

        Args:
            on_change: Called with the status whenever something has happened.
        """
        seen: tuple[object, ...] | None = None
        while True:
            status = self.status()
            happened = (status.state, status.message, [(trial.state, len(trial.epochs)) for trial in status.trials])
            if on_change and happened != seen:
                on_change(status)
            if not status.active:
                return status
            seen = happened
            time.sleep(POLL_SECONDS)

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
        """Carry on a search that was interrupted or stopped; returns at once.

        Raises:
            SearchError: It is at work already, or over, or its data set or the model that it began with has changed.
            StorageError: The database that has its study cannot be used.
        """
        status = self.status()
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
        _launch(self._folder)

    def _has_more(self, status: SearchStatus, spec: SearchSpec) -> bool:
        """Whether a search that was stopped has anything left to do, and be it to store what a busy database lacks."""
        over = sum(trial.state != "running" for trial in status.trials)
        return over < status.planned_trials or spec.refit or (self._folder / UNSAVED).exists()

    def best_detector(self) -> "Detector":
        """The best epoch of all trials so far, ready to predict.

        Raises:
            SearchError: No epoch has ended yet.
        """
        from autodet.inference.detector import load_detector

        status = self.status()
        if status.model is None:
            raise SearchError(f"The search {self.id} is {status.state} and has no model. {status.message}".strip())
        return load_detector(status.model, workspace=self._workspace)

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
            name: What to call the model; ``SEARCH trial N`` if not given.

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


def start_search(  # noqa: PLR0913 - the words of a search are keywords
    dataset: Dataset | str,
    *,
    trials: int | None = None,
    epochs: int | None = None,
    time_limit: float | None = None,
    lr_range: tuple[float, float] | None = None,
    preset: str | None = None,
    architecture: str | None = None,
    space: Mapping[str, Any] | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    patience: int | None = None,
    objective: str = DEFAULT_OBJECTIVE,
    device: str | None = None,
    executor: str = "local",
    start_from: str | Path | None = None,
    warm_start: str | None = None,
    refit: bool = False,
    seed: int = 0,
    name: str | None = None,
    workspace: Workspace | None = None,
    once_within: float = 0.0,
) -> Search:
    """Start a search in the background.

    Args:
        dataset: A data set of the workspace, or its id or name.
        trials: How many trials; the preset's, or 3.
        epochs: Epochs a trial; the preset's, or 20.
        time_limit: Seconds after which everything is over.
        lr_range: Lowest and highest learning rate; as ``lr`` in ``space``.
        preset: ``quick``, ``balanced`` or ``best``: chooses what is not given among trials, epochs, space, sampler,
            pruner and patience, by the data set and the devices. What is given always counts.
        architecture: A name of ``autodet.models.registry``; as in ``space``.
        space: What to try, by the names of ``autodet.search.space.PARAMETERS``: a value, ``(lowest, highest)``, a list,
            True for the usual range, or False for the default.
        sampler: Who chooses what is tried: ``tpe`` (the default), ``random``, or ``gp``, a Gaussian process, which
            needs scipy.
        pruner: What gives up trials that fall behind: ``median`` (the default), ``hyperband``, ``asha`` or ``none``,
            which is all that a pair of objectives allows.
        patience: A trial ends after so many epochs that were no better than its best; 0 for never, the default.
        objective: What is to be high: ``map50``, ``map50_95``, or ``recall@0.9`` (the recall at that precision). With
            ``+latency`` behind it, a prediction's time is to be low too; ``space``, or the preset's, must then have
            ``image_size`` or ``architecture`` in it, and ``Search.pareto_front`` is the result.
        device: ``cpu`` or ``cuda:N`` to use that alone; every device slot if not given.
        executor: Where trials run: ``local``, or ``ray`` for the cluster that the settings name.
        start_from: A model's id or name, or an ``.autodet`` file, whose weights every trial begins with in place of the
            network's pretrained ones. The network is the model's, and so is the photo size unless it is in ``space``.
            Classes are matched by name; new ones begin fresh.
        warm_start: An earlier search, whose best parameters are tried next after the defaults.
        refit: Train the best parameters once more at the end, on training and validation photos. The figures stay those
            of the best trial, whose own model is kept beside it.
        seed: Makes a search on one device repeatable.
        name: What to call the search and its model; the data set's name if not given.
        workspace: Where; the workspace of the data set if that is one, else the settings'.
        once_within: Seconds: where the very same was asked for so recently, by anybody, that search is returned. For
            buttons, which are pressed twice, or by two people at once.

    Raises:
        SearchError: A value makes no sense, the data set has nothing to learn from, the cluster cannot be used, or the
            model to begin with has another network than the one that is asked for.
        NotFoundError: There is no such data set, search or model.
        BundleError: The model to begin with is damaged.
        StorageError: The database that the settings name cannot be used.
        WeightsError: The architecture's pretrained weights cannot be had here.
    """
    if isinstance(dataset, str):
        dataset = load_dataset(dataset, workspace)
    workspace = workspace or Workspace(dataset.folder.parent.parent)
    asked = asked_space({"lr": lr_range, "architecture": architecture}, space or {}, epochs)
    beginning = read_beginning(start_from, workspace) if start_from else None
    if beginning:
        asked = beginning.fixed(asked)
    pruner = pruner or ("none" if wants_speed(objective) else None)
    fixed = {"trials": trials, "epochs": epochs, "pruner": pruner, "device": device, "executor": executor}
    plan = plan_for(preset, dataset, asked, fixed, objective, beginning.card.image_size if beginning else None)
    tried = make_space({**plan.space, **asked})
    patience = plan.patience if patience is None else patience
    spec = SearchSpec(
        name=name or dataset.name,
        dataset=dataset.id,
        trials=plan.trials if trials is None else trials,
        epochs=most_epochs(tried, plan.epochs if epochs is None else epochs),
        time_limit=time_limit,
        space=tried,
        sampler=plan.sampler if sampler is None else sampler,
        pruner=plan.pruner if pruner is None else pruner,
        patience=None if patience == 0 else patience,
        objective=objective,
        device=device,
        executor=executor,
        start_from=beginning.origin if beginning else None,
        defaults={"image_size": plan.image_size},
        known_good=_best_params(warm_start, workspace) if warm_start else {},
        refit=refit,
        seed=seed,
        storage=place_of_new_studies(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        why=plan.why,
        fingerprint=dataset.fingerprint,
    )
    caution = flattered_sentence(spec.start_from, dataset, workspace) if spec.start_from else ""
    spec.check()
    check_labels(dataset)
    check_dataset(spec, workspace)
    check_device(spec.device)
    check_storage(spec.storage)
    if spec.executor == "ray":
        check_cluster()
    for network in () if beginning else architectures(tried):
        if problem := weights_problem(network):
            raise WeightsError(problem)
    with hold_lock(workspace.searches, START_PATIENCE_SECONDS) if once_within else nullcontext():
        folder = _twin(spec, workspace, once_within)
        if folder is None:
            folder = _write_search(spec, workspace, beginning, caution)
            _launch(folder)
    return Search(folder)


def find_search(name: str, workspace: Workspace | None = None) -> Search:
    """The search with an id.

    Raises:
        NotFoundError: There is none; the message lists what there is.
    """
    folders = _folders(workspace or open_workspace())
    for folder in folders:
        if folder.name == name:
            return Search(folder)
    there = f"there are {', '.join(f.name for f in folders)}" if folders else "there are none yet: start one"
    raise NotFoundError(f"There is no search {name!r}; {there}.")


def list_searches(workspace: Workspace | None = None) -> list[SearchStatus]:
    """What every search is doing, the newest first; a damaged one is left out."""
    statuses = []
    for folder in _folders(workspace or open_workspace()):
        try:
            statuses.append(read_status(folder))
        except SearchError:
            continue
    return sorted(statuses, key=lambda status: (status.created, status.search), reverse=True)


def fit(dataset: Dataset | str, **options: Any) -> "Detector":
    """Search, wait, and return the best detector.

    Args:
        dataset: A data set of the workspace, or its id or name.
        **options: As ``start_search`` takes them.

    Raises:
        SearchError: The search found nothing; the message says why.
    """
    search = start_search(dataset, **options)
    search.wait()
    return search.best_detector()


def _best_params(search: str, workspace: Workspace) -> dict[str, Any]:
    best = find_search(search, workspace).status().best_trial
    if best is None:
        raise SearchError(f"The search {search} has no epoch yet, so there is nothing to begin with; choose another.")
    return {name: value for name, value in best.params.items() if name in PARAMETERS}


def _twin(spec: SearchSpec, workspace: Workspace, seconds: float) -> Path | None:
    """The search of the last seconds that was asked to do the same."""
    for folder in _folders(workspace) if seconds else []:
        if not (folder / SPEC).exists():
            continue  # damaged
        age = abs(time.time() - (folder / SPEC).stat().st_mtime)  # abs: clocks are put back too
        if age < seconds and replace(SearchSpec.read(folder), created=spec.created) == spec:
            return folder
    return None


def _write_search(spec: SearchSpec, workspace: Workspace, beginning: Beginning | None, caution: str) -> Path:
    """A search's folder, complete before anybody sees it; its id is free among the models too."""
    with hidden_folder(workspace.searches) as hidden:
        spec.write(hidden)
        if beginning:
            beginning.copy_to(hidden)
        status = SearchStatus(
            search="",
            dataset=spec.dataset,
            state="queued",
            planned_trials=spec.trials,
            planned_epochs=spec.epochs,
            time_limit=spec.time_limit,
            objective=spec.objective,
            created=spec.created,
            start_from=spec.start_from,
            caution=caution,
        )
        write_snapshot(hidden, status)
        folder = publish_folder(hidden, workspace.searches, _free_name(spec.name, workspace))
    for model in _model_ids(folder.name)[: 2 if spec.refit else 1]:
        (workspace.models / model).mkdir(exist_ok=True)  # so that no upload takes the id meanwhile
    return folder


def _free_name(name: str, workspace: Workspace) -> str:
    """A name whose id no model has, an uploaded one for example: a search's model gets the search's id."""
    base, number = slug(name), 1
    candidate = base
    while (workspace.searches / candidate).exists() or any(
        (workspace.models / model).exists() for model in _model_ids(candidate)
    ):
        number += 1
        candidate = f"{base}-{number}"
    return candidate


def _model_ids(search: str) -> tuple[str, str]:
    return search, search + BEFORE


def _launch(folder: Path) -> None:
    """Start a supervisor that outlives this process."""
    _launched[:] = [process for process in _launched if process.poll() is None]
    if (folder / STATUS).stat().st_mtime > time.time():
        os.utime(folder / STATUS)  # the clock was put back since, and what is launched now must be the later
    (folder / LAUNCHED).touch()
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            _command(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=module_environment(AUTODET_HOME=str(folder.parent.parent)),
            start_new_session=True,
        )
    _launched.append(process)


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "autodet.search", str(folder)]


def _folders(workspace: Workspace) -> list[Path]:
    return sorted(path for path in workspace.searches.iterdir() if path.is_dir() and not path.name.startswith("."))
