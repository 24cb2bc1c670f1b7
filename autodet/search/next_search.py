"""The next search of a data set that grows: it starts from the last best model.

``plan_next_search`` finds that model among those of the data set's earlier versions: its ancestors, and the other
versions of these.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset, list_datasets
from autodet.datasets.versions.derive import ancestors
from autodet.datasets.versions.waiting_photos import waiting_photos
from autodet.errors import AutodetError, SearchError
from autodet.evaluation.objective import DEFAULT_OBJECTIVE, Objective
from autodet.inference.leakage import find_source, start_leakage
from autodet.models.matching_weights import match_classes
from autodet.models.model_card import ModelCard
from autodet.models.registry import ARCHITECTURES
from autodet.models.store import StoredModel, list_models
from autodet.records import ImageRecord, Notice, SearchStatus
from autodet.search.api import find_search, list_searches
from autodet.search.order.options import SearchOptions
from autodet.search.order.space import architectures, make_space
from autodet.search.order.spec import SearchSpec
from autodet.search.planning.epoch_times import measured_hardware
from autodet.search.planning.forecast import Forecast, forecast_search
from autodet.search.planning.plan import Plan
from autodet.search.planning.presets import PRESETS
from autodet.search.planning.resolve import plan_for
from autodet.search.run.best_model import model_ids
from autodet.settings import load_settings
from autodet.training.hardware import find_hardware
from autodet.workspace import Workspace

SMALLEST = next(iter(PRESETS))


@dataclass(frozen=True, eq=False)
class NextSearch:
    """A search that starts from the last best model, before its start.

    Attributes:
        dataset: The data set to search on.
        model: The model with the starting weights.
        new_photos: Number of photos that the model's data set does not have; None if that was deleted.
        relabelled: Number of photos whose labels differ from those in the model's data set; None if that was deleted.
        new_classes: Classes that the model does not know.
        cautions: Why metrics need care: the model was trained on validation or test photos of the data set.
        options: Options of the search: the starting weights, and the objective and effort of the model's search.
        forecast: Forecast of its time; None on a Ray cluster, whose machines are unknown.
    """

    dataset: Dataset
    model: StoredModel
    new_photos: int | None
    relabelled: int | None
    new_classes: tuple[str, ...]
    cautions: tuple[Notice, ...]
    options: SearchOptions
    forecast: Forecast | None


def plan_next_search(dataset: Dataset | DatasetSummary | str, workspace: Workspace | None = None) -> NextSearch | None:
    """Find the last best model for a data set, and plan a search that starts from it; starts nothing.

    The model is the best one, by the objective of its search, of the newest version that has one: the data set itself,
    one of its ancestors, or another version of these that is older than the data set.

    Args:
        dataset: A labelled data set, its id or its name.
        workspace: Workspace that resolves ids and names; by default the settings' workspace.

    Returns:
        The plan; None if photos wait to be labelled, or no version has a model that shares a class with it.

    Raises:
        NotFoundError: The data set does not exist.
    """
    dataset = as_dataset(dataset, workspace)
    workspace = dataset.workspace
    searches = [status for status in list_searches(workspace) if not status.follow_up]
    models = [] if waiting_photos(dataset) else _usable_models(dataset, searches, workspace)
    versions = _versions(dataset, {model.card.dataset for model in models}, workspace) if models else {}
    known = [model for model in models if model.card.dataset_fingerprint in versions]
    if not known:
        return None
    newest = max((model.card.dataset_fingerprint for model in known), key=versions.__getitem__)
    models = [model for model in known if model.card.dataset_fingerprint == newest]
    specs = _specs(models, searches, workspace)
    objective = specs[0].objective if specs else DEFAULT_OBJECTIVE
    metric = Objective.parse(objective).metric
    # A refit has the same figures as the model before it, but was trained on the validation photos.
    model = max(models, key=lambda one: (one.card.metrics.get(metric, one.card.score), not one.card.refit))
    spec = next(iter([*_specs([model], searches, workspace), *specs]), None)  # a kept trial has no search of its id
    return _planned(dataset, model, spec, objective)


def next_options(dataset: Dataset, options: SearchOptions) -> SearchOptions:
    """Return the options of a search from the last best model, as ``plan_next_search`` plans it.

    Args:
        dataset: A labelled data set.
        options: Options that a person chose; those left open are the plan's.

    Raises:
        SearchError: No version has a model to start from, or a starting model is given.
    """
    if options.start_from is not None:
        raise SearchError(
            "A search that starts from the last best model chooses its starting weights itself; leave start_from out, "
            "or start an ordinary search."
        )
    plan = plan_next_search(dataset)
    if plan is None:
        raise SearchError(
            f"No earlier version of the data set {dataset.name!r} has a model that knows one of its classes, so there "
            "is none to start from; start an ordinary search, or name a model with start_from."
        )
    usual = SearchOptions()
    chosen = {name: value for name, value in vars(options).items() if value != getattr(usual, name)}
    return replace(plan.options, **chosen)


def _usable_models(dataset: Dataset, searches: Sequence[SearchStatus], workspace: Workspace) -> list[StoredModel]:
    """Return the models, the newest first, that can be trained further, know a class and will not be replaced."""
    unfinished = {model for status in searches if status.active for model in model_ids(status.search)}
    return [
        model
        for model in list_models(workspace)
        if model.id not in unfinished
        and not model.card.only_predicts
        and model.card.architecture in ARCHITECTURES
        and match_classes(model.card.classes, dataset.classes).kept
    ]


def _versions(dataset: Dataset, names: set[str], workspace: Workspace) -> dict[str, str]:
    """Return the fingerprints of a data set and its earlier versions with the times of their creation.

    Args:
        dataset: The data set.
        names: Names of data sets; others are not needed and not read.
        workspace: Its workspace.
    """
    found, family = {dataset.fingerprint: dataset.created}, {dataset.id: dataset.fingerprint}
    for parent, still_there in ancestors(dataset, workspace):
        found.setdefault(parent.fingerprint, still_there.created if still_there else "")
        family[parent.id] = parent.fingerprint
    for summary in reversed(list_datasets(workspace)):  # the oldest first, so that parents precede their versions
        if summary.parent not in family or summary.id in family or summary.created >= dataset.created:
            continue
        family[summary.id] = ""
        if summary.name in names:
            version = as_dataset(summary, workspace)
            family[summary.id] = version.fingerprint
            found.setdefault(version.fingerprint, version.created)
    return found


def _specs(models: Sequence[StoredModel], searches: Sequence[SearchStatus], workspace: Workspace) -> list[SearchSpec]:
    """Return the specifications of the searches that made models, the newest first."""
    made = {model.id for model in models}
    found = []
    for status in searches:
        if made.intersection(model_ids(status.search)):
            try:
                found.append(find_search(status.search, workspace).spec())
            except AutodetError:  # damaged
                continue
    return found


def _planned(dataset: Dataset, model: StoredModel, spec: SearchSpec | None, objective: str) -> NextSearch:
    card, workspace = model.card, dataset.workspace
    origin = card.as_origin(model.id)
    source = find_source(origin, workspace)
    options = SearchOptions(
        preset=_effort(spec, source) if spec and source else SMALLEST,
        objective=str(Objective.parse(objective).quality),  # with latency, photo sizes would differ from the model's
        start_from=model.id,
    )
    if spec:
        options = replace(
            options, time_limit=spec.time_limit, executor=spec.executor, device=spec.device, refit=spec.refit
        )
    leakage = start_leakage(origin, dataset, workspace)
    new, relabelled = _changed_photos(source, dataset) if source else (None, None)
    return NextSearch(
        dataset=dataset,
        model=model,
        new_photos=new,
        relabelled=relabelled,
        new_classes=match_classes(card.classes, dataset.classes).fresh,
        cautions=(leakage,) if leakage else (),
        options=options,
        forecast=_forecast(options, dataset, card),
    )


def _effort(spec: SearchSpec, source: Dataset) -> str:
    """Return the largest preset that plans no more trials and epochs for a data set than a search on it had."""
    network = architectures(spec.space)[0]
    for preset in reversed(PRESETS):
        plan = _plan(SearchOptions(preset=preset, device=spec.device, executor=spec.executor), source, network, None)
        if spec.trials >= plan.trials and spec.epochs >= plan.epochs:
            return preset
    return SMALLEST


def _forecast(options: SearchOptions, dataset: Dataset, card: ModelCard) -> Forecast | None:
    if options.executor == "ray":
        return None
    size = card.image_size
    plan = _plan(options, dataset, card.architecture, size)
    space = make_space({**plan.space, "architecture": card.architecture, "image_size": size})
    hardware = measured_hardware(find_hardware(load_settings(), options.device), dataset)
    photos = len(dataset.split("train")), len(dataset.split("val"))
    return forecast_search(photos, plan.trials, plan.epochs, space, hardware, refit=options.refit)


def _plan(options: SearchOptions, dataset: Dataset, network: str, image_size: int | None) -> Plan:
    asked = {"architecture": network} | ({"image_size": image_size} if image_size else {})
    return plan_for(options, dataset, asked, image_size)


def _changed_photos(earlier: Dataset, now: Dataset) -> tuple[int, int]:
    """Count the photos that an earlier data set does not have, and those that have other labels there."""
    known = {record.source_sha256: _labels(record, earlier.classes) for record in earlier.images}
    new = sum(record.source_sha256 not in known for record in now.images)
    labels = ((known.get(record.source_sha256), _labels(record, now.classes)) for record in now.images)
    return new, sum(before is not None and before != after for before, after in labels)


def _labels(record: ImageRecord, classes: Sequence[str]) -> set[tuple[str, tuple[float, ...]]]:
    marks = record.annotations
    boxes = zip(marks.class_ids.tolist(), marks.boxes_xyxy.tolist(), strict=True)
    return {(classes[class_id], tuple(box)) for class_id, box in boxes}
