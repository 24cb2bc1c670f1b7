"""Start of a search: from the caller's arguments to the search folder and its process."""

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.errors import SearchError, WeightsError, warn
from autodet.evaluation.objective import DEFAULT_OBJECTIVE, Objective
from autodet.evaluation.report import unmeasured_caution
from autodet.inference.leakage import start_leakage
from autodet.messages.cautions import cautions_text
from autodet.models.registry import weights_problem
from autodet.models.store import list_models
from autodet.names import free_name, ids_in, is_numbered, naming
from autodet.records import Notice, SearchStatus
from autodet.search.api import Search, find_search, search_folders
from autodet.search.executors.ray_check import check_cluster
from autodet.search.launch import launch
from autodet.search.order.combinations import Combinations, cap_caution
from autodet.search.order.dataset_checks import check_dataset, check_labels
from autodet.search.order.initial_weights import Beginning, read_beginning
from autodet.search.order.space import PARAMETERS, architectures, make_space, most_epochs
from autodet.search.order.spec import SPEC, SearchSpec
from autodet.search.planning.dataset_profile import unjudged_classes
from autodet.search.planning.epoch_times import hardware_facts
from autodet.search.planning.resolve import asked_space, check_device, plan_for
from autodet.search.run.refit import BEFORE, model_ids
from autodet.search.status.epoch_lines import EpochLines
from autodet.search.status.status_file import write_snapshot
from autodet.search.study.database import check_storage, place_of_new_studies
from autodet.text_format import harmless
from autodet.workspace import Workspace, hidden_folder, publish_folder

if TYPE_CHECKING:
    from autodet.inference.detector import Detector


def start_search(  # noqa: PLR0913 - the words of a search are keywords
    dataset: Dataset | DatasetSummary | str,
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
    repeat: bool = False,
    refit: bool = False,
    seed: int = 0,
    name: str | None = None,
    workspace: Workspace | None = None,
    once_within: float = 0.0,
) -> Search:
    """Start a search in the background.

    Args:
        dataset: A data set of the workspace, or its id or name.
        trials: Number of trials; the preset's value, or 3.
        epochs: Epochs per trial; the preset's value, or 20.
        time_limit: Time limit of the whole search in seconds.
        lr_range: Lowest and highest learning rate; same as ``lr`` in ``space``.
        preset: ``quick``, ``balanced`` or ``best``: chooses omitted values of trials, epochs, space, sampler, pruner
            and patience from the data set and the devices. Given values take precedence.
        architecture: A name of ``autodet.models.registry``; same as in ``space``.
        space: Search space by the names of ``autodet.search.order.space.PARAMETERS``: a value, ``(lowest, highest)``,
            a list, True for the usual range, or False for the default.
        sampler: Sampler of parameter values: ``tpe`` (the default), ``random``, or ``gp``, a Gaussian process, which
            needs scipy.
        pruner: Pruner of trials that fall behind: ``median`` (the default), ``hyperband``, ``asha`` or ``none``, the
            only choice with two objectives.
        patience: Early stopping: a trial ends after this many epochs without improvement; 0, the default, disables it.
        objective: Metric to maximize: ``map50``, ``map50_95``, or ``recall@0.9`` (the recall at that precision). The
            suffix ``+latency`` minimizes the prediction time too; the space must then vary ``image_size`` or
            ``architecture``, and ``Search.pareto_front`` is the result.
        device: ``cpu`` or ``cuda:N`` to use only that device; every device slot by default.
        executor: Where trials run: ``local``, or ``ray`` for the cluster from the settings.
        start_from: Id or name of a model, or an ``.autodet`` file, with the starting weights of every trial in place
            of the pretrained ones. Its network is used, and its photo size unless ``space`` sets one. Classes are
            matched by name; new classes start untrained.
        warm_start: An earlier search; its best parameters are tried right after the defaults.
        repeat: Train combinations again with other seeds once all have been tried; otherwise the search ends then. No
            effect if a continuous parameter is tuned.
        refit: Train the best parameters once more at the end, on training and validation photos. The metrics stay those
            of the best trial, whose own model is kept too.
        seed: Makes a search on one device reproducible.
        name: Name of the search and its model; the data set's name by default. A number is appended if the name is the
            id of another search or model.
        workspace: Workspace of the search; by default that of a ``Dataset``, else the settings' workspace.
        once_within: Return the existing search if an identical one was requested within this many seconds, by any user.
            Guards buttons against double clicks and simultaneous users.

    Warns:
        AutodetWarning: The metrics need care, or there are fewer combinations than requested trials.

    Raises:
        SearchError: A value is invalid, the data set has nothing to train on, the cluster is unavailable, or the start
            model has another network than the requested one.
        NotFoundError: The data set, search or model does not exist.
        BundleError: The start model is damaged.
        StorageError: The database from the settings is unavailable.
        WeightsError: The architecture's pretrained weights are unavailable here.
    """
    dataset = as_dataset(dataset, workspace)
    workspace = workspace or Workspace(dataset.folder.parent.parent)
    asked = asked_space({"lr": lr_range, "architecture": architecture}, space or {}, epochs)
    beginning = read_beginning(start_from, workspace) if start_from else None
    if beginning:
        asked = beginning.fixed(asked)
    goal = Objective.parse(objective)
    pruner = pruner or ("none" if goal.latency else None)
    fixed = {"trials": trials, "epochs": epochs, "pruner": pruner, "device": device, "executor": executor}
    plan = plan_for(preset, dataset, asked, fixed, goal, beginning.card.image_size if beginning else None)
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
        repeat=repeat,
        refit=refit,
        seed=seed,
        storage=place_of_new_studies(),
        created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        why=plan.why,
        fingerprint=dataset.fingerprint,
    )
    spec.check()
    check_labels(dataset)
    check_device(spec.device)
    check_storage(spec.storage)
    if spec.executor == "ray":
        check_cluster()
    for network in () if beginning else architectures(tried):
        if problem := weights_problem(network):
            raise WeightsError(problem)
    if cautions := _cautions(spec, dataset, workspace):
        warn(cautions_text(cautions))
    spec = replace(spec, trials=_possible_trials(spec), hardware=hardware_facts(spec))
    with naming(workspace.searches):
        check_dataset(spec, workspace)  # the naming lock prevents its deletion from here on
        folder = _twin(spec, workspace, once_within)
        if folder is None:
            free = free_name(
                spec.name, ids_in(workspace.searches, workspace.models), "search or model", warned=name is not None
            )
            folder = _write_search(replace(spec, name=free), workspace, beginning, cautions)
            launch(folder)
    return Search(folder)


def fit(dataset: Dataset | DatasetSummary | str, *, verbose: bool = True, **options: Any) -> "Detector":
    """Run a search, wait for its end, and return the best detector.

    Args:
        dataset: A data set of the workspace, or its id or name.
        verbose: Print one line per epoch to standard output.
        **options: Options of ``start_search``.

    Raises:
        SearchUnfinishedError: The search was interrupted, stopped or failed; the message has the reason and remedy.
    """
    search = start_search(dataset, **options)
    if not verbose:
        search.wait()
        return search.best_detector()
    _print(f"The search {search.id} has started.")
    status = search.wait(on_change=EpochLines(_print))
    _print(f"The search {search.id} is {status.summary}. {status.message}".rstrip())
    return search.best_detector()


def _print(line: str) -> None:
    print(harmless(line), flush=True)


def _cautions(spec: SearchSpec, dataset: Dataset, workspace: Workspace) -> tuple[Notice, ...]:
    """Return cautions about a search before its start."""
    count = math.inf if spec.repeat else Combinations(spec.space).count
    cautions = (
        start_leakage(spec.start_from, dataset, workspace) if spec.start_from else None,
        unmeasured_caution(unjudged_classes(dataset), "val"),
        cap_caution(spec.trials, count),
    )
    return tuple(filter(None, cautions))


def _possible_trials(spec: SearchSpec) -> int:
    """Return the number of requested trials, capped at the number of combinations unless they repeat."""
    return spec.trials if spec.repeat else int(min(spec.trials, Combinations(spec.space).count))


def _best_params(search: str, workspace: Workspace) -> dict[str, Any]:
    best = find_search(search, workspace).status().best_trial
    if best is None:
        raise SearchError(f"The search {search} has no epoch yet, so there is nothing to begin with; choose another.")
    return {name: value for name, value in best.params.items() if name in PARAMETERS}


def _twin(spec: SearchSpec, workspace: Workspace, seconds: float) -> Path | None:
    """Return the folder of an identical search that was started within the last seconds, or None."""
    for folder in search_folders(workspace) if seconds else []:
        if not (folder / SPEC).exists():
            continue  # damaged
        age = abs(time.time() - (folder / SPEC).stat().st_mtime)  # abs: the clock may have been set back
        try:
            found = SearchSpec.read(folder) if age < seconds else None
        except SearchError:
            continue  # damaged
        if (
            found
            and is_numbered(found.name, spec.name)
            and replace(found, created=spec.created, name=spec.name) == spec
        ):
            return folder
    return None


def _write_search(
    spec: SearchSpec, workspace: Workspace, beginning: Beginning | None, cautions: tuple[Notice, ...]
) -> Path:
    """Create the search folder, complete before it is visible; its id is unused by models, which share it."""
    models = ids_in(workspace.models)
    avoid = models | {id.removesuffix(BEFORE) for id in models} | {model.name for model in list_models(workspace)}
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
            cautions=cautions,
            name=spec.name,
        )
        write_snapshot(hidden, status)
        folder = publish_folder(hidden, workspace.searches, spec.name, avoid)
    for model in model_ids(folder.name)[: 2 if spec.refit else 1]:
        (workspace.models / model).mkdir(exist_ok=True)  # reserves the id against uploads
    return folder
