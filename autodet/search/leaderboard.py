"""Leaderboard of a data set: every model of the workspace that knows its classes, from any search or uploaded."""

from collections.abc import Callable, Sequence

from autodet.datasets.manifest import Dataset, DatasetSummary, as_dataset
from autodet.inference.comparable_records import comparable_records
from autodet.inference.evaluations import evaluate_model, kept_report
from autodet.inference.leakage import evaluation_leakage
from autodet.inference.model_latency import kept_latency, measure_model_latency
from autodet.messages.cautions import caution_text
from autodet.models.matching_weights import match_classes
from autodet.models.store import StoredModel, list_models
from autodet.records import Leaderboard, SearchStatus, Standing
from autodet.search.report import read_searches, training_in
from autodet.workspace import Workspace, open_workspace


def leaderboard(
    dataset: Dataset | DatasetSummary | str,
    split: str = "test",
    *,
    evaluate: bool = False,
    workspace: Workspace | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Leaderboard:
    """Rank the models that know the classes of a data set by their mAP50 on one split of it.

    Figures come from stored evaluations.

    Args:
        dataset: The data set, its id or its name.
        split: ``train``, ``val``, ``test`` or ``all``; only ``test`` photos took no part in training or choosing.
        evaluate: Evaluate the models that are not evaluated on the split yet and measure their latency, which takes a
            while; else they have no figures.
        workspace: Workspace of the models and of the data set; that of the settings if not given.
        progress: Callback that receives the number of photos done and the total, for each model in turn.

    Raises:
        ModelError: The split is empty, or the data set has no boxes.
        NotFoundError: The data set does not exist.
        PhotoError: A photo cannot be read.
    """
    workspace = workspace or open_workspace()
    dataset = as_dataset(dataset, workspace)
    models = _comparable_models(dataset.classes, workspace)
    for model in models[:1]:
        comparable_records(model.card, dataset, split)  # raises
    for model in models if evaluate else ():
        evaluate_model(model, dataset, split, progress)
        if kept_latency(model) is None:
            measure_model_latency(model, dataset)
    searches = read_searches(workspace)
    standings = [_standing(model, dataset, split, searches, workspace) for model in models]
    return Leaderboard(dataset.id, split, tuple(sorted(standings, key=_rank, reverse=True)))


def _comparable_models(classes: Sequence[str], workspace: Workspace) -> list[StoredModel]:
    """Return the models that know all classes, the newest first."""
    return [model for model in list_models(workspace) if not match_classes(model.card.classes, classes).fresh]


def _rank(standing: Standing) -> tuple[float, float]:
    return (
        -1.0 if standing.map50 is None else standing.map50,
        -1.0 if standing.map50_95 is None else standing.map50_95,
    )


def _standing(
    model: StoredModel, dataset: Dataset, split: str, searches: Sequence[SearchStatus], workspace: Workspace
) -> Standing:
    card, report = model.card, kept_report(model, dataset, split)
    training = training_in(model, searches, workspace)
    leakage = evaluation_leakage(card, dataset, split, workspace)
    return Standing(
        model=model.id,
        name=model.name,
        architecture=card.architecture,
        trained_on=card.dataset,
        search=training.search.search if training else None,
        trial=training.trial.number if training and training.trial and not card.averaged else None,
        created=model.added,
        size_bytes=model.size_bytes,
        latency_ms=kept_latency(model),
        map50=report.map50 if report else None,
        map50_95=report.map50_95 if report else None,
        interval=report.interval if report else {},
        averaged=card.averaged,
        caution=caution_text(leakage) if leakage else "",
    )
