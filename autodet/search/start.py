"""Start of a search: from the caller's arguments to the search folder and its process."""

import math
import time
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from autodet.access.change import change
from autodet.access.visitor import current_visitor
from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.errors import SearchError, WeightsError, warn
from autodet.evaluation.objective import Objective
from autodet.evaluation.report import unmeasured_caution
from autodet.inference.leakage import start_leakage
from autodet.messages.cautions import cautions_text
from autodet.models.registry import weights_problem
from autodet.models.store import list_models
from autodet.names import free_name, ids_in, is_numbered, naming
from autodet.records import Notice, SearchStatus
from autodet.search.api import Search, check_queue, find_search, search_folders
from autodet.search.executors.ray_check import check_cluster
from autodet.search.launch import Launcher, check_training, launch
from autodet.search.next_search import next_options
from autodet.search.order.combinations import Combinations, cap_caution
from autodet.search.order.dataset_preflight import check_dataset, check_labels
from autodet.search.order.initial_weights import Beginning, read_beginning
from autodet.search.order.options import SearchKeywords, SearchOptions, StoredOptions, lists_options
from autodet.search.order.space import PARAMETERS, Choices, architectures, make_space, most_epochs
from autodet.search.order.spec import SPEC, SearchSpec
from autodet.search.planning.dataset_profile import unjudged_classes
from autodet.search.planning.epoch_times import hardware_facts
from autodet.search.planning.known_classes import known_classes_reason
from autodet.search.planning.networks import weights_caution
from autodet.search.planning.resolve import asked_space, check_device, plan_for
from autodet.search.run.best_model import BEFORE, model_ids
from autodet.search.status.epoch_lines import EpochLines
from autodet.search.status.status_file import write_snapshot
from autodet.search.study.database import check_storage, storage_of_new_studies
from autodet.text_format import harmless
from autodet.workspace import Workspace, hidden_folder, publish_folder

if TYPE_CHECKING:
    from autodet.inference.detector import Detector


@lists_options
def start_search(
    dataset: Dataset | DatasetSummary | str,
    options: SearchOptions | None = None,
    *,
    again: bool = False,
    name: str | None = None,
    workspace: Workspace | None = None,
    once_within: float = 0.0,
    launcher: Launcher | None = None,
    **keywords: Unpack[SearchKeywords],
) -> Search:
    """Start a search in the background.

    Args:
        dataset: A data set of the workspace, or its id or name.
        options: Options of the search; all defaults if not given.
        again: Start from the last best model of the data set and its earlier versions; options left open are those of
            ``plan_next_search``. When the search has ended, ``improvement`` compares both models.
        name: Name of the search and its model; the data set's name by default. A number is appended if the name is the
            id of another search or model.
        workspace: Workspace of the search; by default that of a ``Dataset``, else the settings' workspace.
        once_within: Return the existing search if an identical one was requested within this many seconds, by any user.
            Guards buttons against double clicks and simultaneous users.
        launcher: Starts the supervisor of the search in a folder, now and on ``Search.resume``; by default ``launch``,
            which starts a process on this machine.
        **keywords: Single options, which take precedence over ``options``; listed below.

    Warns:
        AutodetWarning: The metrics need care, or there are fewer combinations than requested trials.

    Raises:
        SearchError: A value is invalid, the data set has nothing to train on, the cluster is unavailable, the start
            model has another network than the requested one, or there is no model to start from ``again``.
        NotFoundError: The data set, search or model does not exist.
        BundleError: The start model is damaged.
        StorageError: The database from the settings is unavailable.
        WeightsError: The architecture's pretrained weights are unavailable here.
    """
    dataset = as_dataset(dataset, workspace)
    workspace = workspace or Workspace(dataset.folder.parent.parent)
    options = replace(options or SearchOptions(), **keywords)
    if again:
        options = next_options(dataset, options)
    options.check()
    beginning = read_beginning(options.start_from, workspace) if options.start_from else None
    spec = _specify(options, dataset, beginning, name, workspace)
    check_here(spec, dataset)
    if cautions := _cautions(spec, dataset, workspace):
        warn(cautions_text(cautions))
    spec = replace(spec, trials=_possible_trials(spec), hardware=hardware_facts(spec))
    order = Order(spec, beginning, cautions, named=name is not None)
    return place_order(order, workspace, once_within, launcher)


@dataclass(frozen=True)
class Order:
    """A search to start.

    Attributes:
        spec: Its specification; the name may get a number.
        beginning: The model with the starting weights, if there is one.
        cautions: Cautions about it.
        named: Whether a person chose the name, and should hear of another one.
    """

    spec: SearchSpec
    beginning: Beginning | None = None
    cautions: tuple[Notice, ...] = ()
    named: bool = False


def place_order(order: Order, workspace: Workspace, once_within: float, launcher: Launcher | None) -> Search:
    """Write a search into the workspace and start it, unless an identical one was just started.

    Args:
        order: The search.
        workspace: Its workspace.
        once_within: As in ``start_search``.
        launcher: As in ``start_search``.

    Raises:
        AccessError: The visitor may not change anything.
        QuotaError: The visitor has too many searches in the queue.
        SearchError: The data set does not exist or has changed, or this installation cannot train.
    """
    check_training()
    with change("start search", order.spec.name, workspace) as started, naming(workspace.searches):
        check_dataset(order.spec, workspace)  # the naming lock prevents its deletion from here on
        folder = _twin(order.spec, workspace, once_within)
        if folder is None:
            check_queue(workspace)
            taken = ids_in(workspace.searches, workspace.models)
            free = free_name(order.spec.name, taken, "search or model", warned=order.named)
            spec = replace(order.spec, name=free, owner=current_visitor().name)
            folder = _write_search(spec, workspace, order.beginning, order.cautions)
            (launcher or launch)(folder)
        started.thing = folder.name
    return Search(folder, launcher)


@lists_options
def fit(
    dataset: Dataset | DatasetSummary | str,
    options: SearchOptions | None = None,
    *,
    verbose: bool = True,
    name: str | None = None,
    workspace: Workspace | None = None,
    once_within: float = 0.0,
    **keywords: Unpack[SearchKeywords],
) -> "Detector":
    """Run a search, wait for its end, and return the best detector.

    Args:
        dataset: A data set of the workspace, or its id or name.
        options: Options of the search; all defaults if not given.
        verbose: Print one line per epoch to standard output.
        name: As in ``start_search``.
        workspace: As in ``start_search``.
        once_within: As in ``start_search``.
        **keywords: Single options, which take precedence over ``options``; listed below.

    Raises:
        SearchUnfinishedError: The search was interrupted, stopped or failed; the message has the reason and remedy.
    """
    search = start_search(dataset, options=options, name=name, workspace=workspace, once_within=once_within, **keywords)
    if not verbose:
        search.wait()
        return search.best_detector()
    _print(f"The search {search.id} has started.")
    status = search.wait(on_change=EpochLines(_print))
    _print(f"The search {search.id} is {status.summary}. {status.message}".rstrip())
    return search.best_detector()


def _print(line: str) -> None:
    print(harmless(line), flush=True)


def _specify(
    options: SearchOptions, dataset: Dataset, beginning: Beginning | None, name: str | None, workspace: Workspace
) -> SearchSpec:
    """Return the specification: the options, with the plan's values for those left open.

    Raises:
        SearchError: An option is invalid.
    """
    asked = asked_space(options)
    if beginning:
        asked = beginning.fixed(asked)
    options = replace(
        options, pruner=options.pruner or ("none" if Objective.parse(options.objective).latency else None)
    )
    plan = plan_for(options, dataset, asked, beginning.card.image_size if beginning else None)
    tried = make_space({**plan.space, **asked})
    tried["architecture"] = Choices(architectures(tried))  # a later version may have another default
    given = {field.name: getattr(options, field.name) for field in fields(StoredOptions)}
    planned = {field.name: getattr(plan, field.name) for field in fields(plan) if given.get(field.name) is None}
    stored = {name: planned.get(name, value) for name, value in given.items()}
    resolved = {"epochs": most_epochs(tried, stored["epochs"]), "patience": stored["patience"] or None}
    spec = SearchSpec(
        name or dataset.name,
        dataset.id,
        **stored | resolved,
        space=tried,
        start_from=beginning.origin if beginning else None,
        defaults={"image_size": plan.image_size},
        known_good=_best_params(options.warm_start, workspace) if options.warm_start else {},
        storage=storage_of_new_studies(),
        created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        why=(*plan.why, *_known_classes(beginning, dataset)),
        fingerprint=dataset.fingerprint,
    )
    spec.check()
    return spec


def _known_classes(beginning: Beginning | None, dataset: Dataset) -> tuple[Notice, ...]:
    """Say which classes the start model knows, if there is one."""
    if beginning is None:
        return ()
    name = f"The model {beginning.origin.model}"
    known = known_classes_reason(name, beginning.card.classes, dataset.classes)
    return (known,) if known else ()


def check_here(spec: SearchSpec, dataset: Dataset) -> None:
    """Check that the data set can be learned, and that the device, database, cluster and weights are available.

    Raises:
        SearchError: The data set has nothing to train on, or the device or cluster is unavailable.
        StorageError: The database is unavailable.
        WeightsError: Pretrained weights are unavailable.
    """
    check_labels(dataset)
    check_device(spec.device)
    check_storage(spec.storage)
    if spec.executor == "ray":
        check_cluster()
    for network in () if spec.start_from else architectures(spec.space):
        if problem := weights_problem(network):
            raise WeightsError(problem)


def _cautions(spec: SearchSpec, dataset: Dataset, workspace: Workspace) -> tuple[Notice, ...]:
    """Return cautions about a search before its start."""
    count = math.inf if spec.repeat else Combinations(spec.space).count
    cautions = (
        start_leakage(spec.start_from, dataset, workspace) if spec.start_from else None,
        unmeasured_caution(unjudged_classes(dataset), "val"),
        cap_caution(spec.trials, count),
        *(() if spec.start_from else map(weights_caution, architectures(spec.space))),
    )
    return tuple(filter(None, cautions))


def _possible_trials(spec: SearchSpec) -> int:
    """Return the number of requested trials, capped at the number of combinations unless they repeat."""
    return spec.trials if spec.repeat else int(min(spec.trials, Combinations(spec.space).count))


def _best_params(search: str, workspace: Workspace) -> dict[str, Any]:
    best = find_search(search, workspace).status().best_trial
    if best is None:
        raise SearchError(
            f"The search {search} has no finished epoch yet, so it has no best parameters; choose another search."
        )
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
            and replace(found, created=spec.created, name=spec.name, owner=spec.owner) == spec
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
            follow_up=spec.follow_up.kind if spec.follow_up else None,
            follows=spec.follow_up.search if spec.follow_up else "",
            owner=spec.owner,
        )
        write_snapshot(hidden, status)
        folder = publish_folder(hidden, workspace.searches, spec.name, avoid)
    for model in model_ids(folder.name)[: 2 if spec.refit else 1]:
        (workspace.models / model).mkdir(exist_ok=True)  # reserves the id against uploads
    return folder
