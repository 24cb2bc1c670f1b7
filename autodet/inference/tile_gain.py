"""What tiles gain on the large validation photos of a model's data set, from kept evaluations."""

from collections.abc import Callable, Sequence

from autodet.datasets.manifest import Dataset
from autodet.evaluation.outcomes import find_outcomes
from autodet.evaluation.report import evaluate_predictions
from autodet.inference.comparable_records import comparable_records
from autodet.inference.evaluations import Kept, evaluate_model, kept_evaluation
from autodet.inference.leakage import find_source
from autodet.inference.tiles import Tiling
from autodet.models.store import StoredModel
from autodet.records import ImageRecord, Prediction, TileGain
from autodet.workspace import Workspace, open_workspace

SPLIT = "val"


def tile_gain(model: StoredModel, workspace: Workspace | None = None) -> TileGain | None:
    """Return what tiles gain if both evaluations are kept; None if not, or if no validation photo is large.

    Args:
        model: The model.
        workspace: Workspace with its data set.
    """
    return _gain(model, workspace, lambda dataset, tiles: kept_evaluation(model, dataset, SPLIT, tiles=tiles))


def measure_tile_gain(
    model: StoredModel,
    workspace: Workspace | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TileGain | None:
    """Evaluate a model on its validation photos without and with tiles, unless that is kept, as ``evaluate_model``.

    Returns:
        The gain; None if the data set is gone or no validation photo is large.

    Raises:
        ModelError: The data set has no validation photos, or the model cannot be used.
    """
    return _gain(
        model,
        workspace,
        lambda dataset, tiles: evaluate_model(model, dataset, SPLIT, progress, tiles=tiles),
    )


def has_large_photos(model: StoredModel, workspace: Workspace | None = None) -> bool:
    """Return whether the data set of a model is there and has validation photos that are large enough for tiles."""
    return bool(_large_photos(model, workspace))


def _large_photos(model: StoredModel, workspace: Workspace | None) -> tuple[Dataset, list[int]] | None:
    """Return the data set of a model and the places of its large validation photos; None if there are none."""
    dataset = find_source(model.card.as_origin(model.id), workspace or open_workspace())
    if not dataset:
        return None
    tiling = Tiling.of(model.card)
    records = dataset.split(SPLIT)
    large = [place for place, record in enumerate(records) if tiling.tiles(record.width, record.height)]
    return (dataset, large) if large else None


def _gain(
    model: StoredModel, workspace: Workspace | None, evaluate: Callable[[Dataset, bool], Kept | None]
) -> TileGain | None:
    found = _large_photos(model, workspace)
    if not found:
        return None
    dataset, large = found
    kept = [evaluate(dataset, tiles) for tiles in (False, True)]
    if not all(kept):
        return None
    truth = comparable_records(model.card, dataset, SPLIT)
    chosen = [truth[place] for place in large]
    whole, tiled = (_figures(model, chosen, [one[1][place] for place in large]) for one in kept if one)
    return TileGain(dataset.id, len(large), *zip(whole, tiled, strict=True))


def _figures(
    model: StoredModel, records: Sequence[ImageRecord], predictions: Sequence[Prediction]
) -> tuple[float, float, float, float]:
    """Return mAP50, mAP50-95, precision and recall."""
    classes, thresholds = model.card.classes, model.card.all_thresholds
    report = evaluate_predictions(records, predictions, classes, thresholds)
    shown = find_outcomes(records, predictions, classes).at(thresholds)
    right, wrong, missed = (int(mask.sum()) for mask in (shown.right, shown.wrong, shown.missed))
    return report.map50, report.map50_95, right / max(1, right + wrong), right / max(1, right + missed)
