"""Starting searches: from what somebody asks for to a search's folder and its process."""

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.errors import SearchError, WeightsError, warn
from autodet.evaluation.objective import DEFAULT_OBJECTIVE, wants_speed
from autodet.evaluation.report import unmeasured_sentence
from autodet.inference.leakage import flattered_sentence
from autodet.models.registry import weights_problem
from autodet.models.store import list_models
from autodet.names import free_name, ids_in, is_numbered, naming
from autodet.records import SearchStatus
from autodet.search.api import Search, find_search, search_folders
from autodet.search.executors.ray_check import check_cluster
from autodet.search.launch import launch
from autodet.search.order.combinations import Combinations, too_many_sentence
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
        trials: How many trials; the preset's, or 3.
        epochs: Epochs a trial; the preset's, or 20.
        time_limit: Seconds after which everything is over.
        lr_range: Lowest and highest learning rate; as ``lr`` in ``space``.
        preset: ``quick``, ``balanced`` or ``best``: chooses what is not given among trials, epochs, space, sampler,
            pruner and patience, by the data set and the devices. What is given always counts.
        architecture: A name of ``autodet.models.registry``; as in ``space``.
        space: What to try, by the names of ``autodet.search.order.space.PARAMETERS``: a value, ``(lowest, highest)``,
            a list, True for the usual range, or False for the default.
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
        repeat: Go on when every combination of parameters has been tried, by training combinations again with other
            seeds. If not, the search ends then; where a continuous parameter is tuned, it makes no difference.
        refit: Train the best parameters once more at the end, on training and validation photos. The figures stay those
            of the best trial, whose own model is kept beside it.
        seed: Makes a search on one device repeatable.
        name: What to call the search and its model; the data set's name if not given. With a number if it is the id of
            another search or model.
        workspace: Where; the workspace of the data set if that is one, else the settings'.
        once_within: Seconds: where the very same was asked for so recently, by anybody, that search is returned. For
            buttons, which are pressed twice, or by two people at once.

    Warns:
        AutodetWarning: The figures need care, or there are fewer combinations to try than trials asked for.

    Raises:
        SearchError: A value makes no sense, the data set has nothing to learn from, the cluster cannot be used, or the
            model to begin with has another network than the one that is asked for.
        NotFoundError: There is no such data set, search or model.
        BundleError: The model to begin with is damaged.
        StorageError: The database that the settings name cannot be used.
        WeightsError: The architecture's pretrained weights cannot be had here.
    """
    dataset = as_dataset(dataset, workspace)
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
    if caution := _caution(spec, dataset, workspace):
        warn(caution)
    spec = replace(spec, trials=_possible_trials(spec), hardware=hardware_facts(spec))
    with naming(workspace.searches):
        check_dataset(spec, workspace)  # from here on it cannot be deleted
        folder = _twin(spec, workspace, once_within)
        if folder is None:
            free = free_name(
                spec.name, ids_in(workspace.searches, workspace.models), "search or model", warned=name is not None
            )
            folder = _write_search(replace(spec, name=free), workspace, beginning, caution)
            launch(folder)
    return Search(folder)


def fit(dataset: Dataset | DatasetSummary | str, *, verbose: bool = True, **options: Any) -> "Detector":
    """Search, wait, and return the best detector.

    Args:
        dataset: A data set of the workspace, or its id or name.
        verbose: Print a line an epoch on standard output.
        **options: As ``start_search`` takes them.

    Raises:
        SearchUnfinishedError: The search was interrupted, was stopped, or failed; the message says why, and what to do.
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


def _caution(spec: SearchSpec, dataset: Dataset, workspace: Workspace) -> str:
    """Cautions about a search that is about to start, as sentences; empty if there are none."""
    count = math.inf if spec.repeat else Combinations(spec.space).count
    sentences = (
        flattered_sentence(spec.start_from, dataset, workspace) if spec.start_from else "",
        unmeasured_sentence(unjudged_classes(dataset), "val"),
        too_many_sentence(spec.trials, count),
    )
    return " ".join(filter(None, sentences))


def _possible_trials(spec: SearchSpec) -> int:
    """The trials asked for, but no more than there are combinations to try."""
    return spec.trials if spec.repeat else int(min(spec.trials, Combinations(spec.space).count))


def _best_params(search: str, workspace: Workspace) -> dict[str, Any]:
    best = find_search(search, workspace).status().best_trial
    if best is None:
        raise SearchError(f"The search {search} has no epoch yet, so there is nothing to begin with; choose another.")
    return {name: value for name, value in best.params.items() if name in PARAMETERS}


def _twin(spec: SearchSpec, workspace: Workspace, seconds: float) -> Path | None:
    """The search of the last seconds that was asked to do the same."""
    for folder in search_folders(workspace) if seconds else []:
        if not (folder / SPEC).exists():
            continue  # damaged
        age = abs(time.time() - (folder / SPEC).stat().st_mtime)  # abs: clocks are put back too
        found = SearchSpec.read(folder) if age < seconds else None
        if (
            found
            and is_numbered(found.name, spec.name)
            and replace(found, created=spec.created, name=spec.name) == spec
        ):
            return folder
    return None


def _write_search(spec: SearchSpec, workspace: Workspace, beginning: Beginning | None, caution: str) -> Path:
    """A search's folder, complete before anybody sees it; its id is free among the models too, which get it."""
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
            caution=caution,
            name=spec.name,
        )
        write_snapshot(hidden, status)
        folder = publish_folder(hidden, workspace.searches, spec.name, avoid)
    for model in model_ids(folder.name)[: 2 if spec.refit else 1]:
        (workspace.models / model).mkdir(exist_ok=True)  # so that no upload takes the id meanwhile
    return folder
