"""Limits of a report: what its figures do not say."""

from collections.abc import Iterator

from autodet.datasets.manifest import Dataset
from autodet.evaluation.report import unmeasured_caution
from autodet.inference.leakage import evaluation_leakage, find_source
from autodet.models.model_card import ModelCard
from autodet.records import EvaluationReport, Notice
from autodet.workspace import Workspace

FEW_PHOTOS, FEW_BOXES = 100, 20
SIZES = {"small": "APs", "medium": "APm", "large": "APl"}


def limits_of(
    card: ModelCard, dataset: Dataset, split: str, evaluation: EvaluationReport, workspace: Workspace
) -> tuple[Notice, ...]:
    """Return what limits an evaluation, the gravest first.

    Args:
        card: The model's card.
        dataset: The data set that it was evaluated on.
        split: ``train``, ``val``, ``test`` or ``all``.
        evaluation: The metrics.
        workspace: Workspace to search for the training data sets.
    """
    return (
        *_leakage(card, dataset, split, workspace),
        *_sample(dataset, split, evaluation),
        *_classes(split, evaluation),
        *_labels(dataset, split, evaluation),
        *_model(card),
    )


def _leakage(card: ModelCard, dataset: Dataset, split: str, workspace: Workspace) -> Iterator[Notice]:
    origins = card.as_origin("").ancestors
    gone = [
        origin.dataset
        for origin in origins
        if origin.dataset_fingerprint != dataset.fingerprint and not find_source(origin, workspace)
    ]
    if leakage := evaluation_leakage(card, dataset, split, workspace):
        yield leakage
    elif not gone:
        yield Notice.of("no_leakage", photos=len(dataset.split(split)))
    if gone:
        yield Notice.of("leakage_unknown", datasets=gone)
    own = card.dataset_fingerprint == dataset.fingerprint
    if own and split in ("val", "all") and not card.refit:
        yield Notice.of("split_chose_model", photos=dataset.splits.get("val", 0))
    if own:
        yield Notice.of("same_source", dataset=dataset.name)


def _sample(dataset: Dataset, split: str, evaluation: EvaluationReport) -> Iterator[Notice]:
    photos = len(dataset.split(split))
    if photos < FEW_PHOTOS:
        yield Notice.of("few_photos_measured", photos=photos, interval=list(evaluation.interval.get("map50", ())))
    if all(len(record.annotations) for record in dataset.split(split)):
        yield Notice.of("no_empty_photos", photos=photos)
    absent = [size for size, metric in SIZES.items() if evaluation.coco.get(metric) is None]
    if evaluation.coco and absent:
        yield Notice.of("sizes_unmeasured", sizes=absent)
    if evaluation.crowded_images:
        yield Notice.of("photos_crowded", photos=evaluation.crowded_images, objects=evaluation.crowded_objects)


def _classes(split: str, evaluation: EvaluationReport) -> Iterator[Notice]:
    boxes = {name: report.boxes for name, report in evaluation.per_class.items()}
    if caution := unmeasured_caution([name for name, count in boxes.items() if not count], split):
        yield caution
    if few := {name: count for name, count in boxes.items() if 0 < count < FEW_BOXES}:
        yield Notice.of("classes_rare", boxes=few)


def _labels(dataset: Dataset, split: str, evaluation: EvaluationReport) -> Iterator[Notice]:
    if evaluation.label_issues:
        photos = len({issue.file for issue in evaluation.label_issues})
        yield Notice.of("labels_doubtful", labels=len(evaluation.label_issues), photos=photos)
    if difficult := sum(int(record.annotations.difficult.sum()) for record in dataset.split(split)):
        yield Notice.of("difficult_left_out", boxes=difficult)


def _model(card: ModelCard) -> Iterator[Notice]:
    if card.refit:
        yield Notice.of("refit_measured")
    if not card.thresholds:
        yield Notice.of("thresholds_not_chosen")
    if card.trained_sizes:
        yield Notice.of("sizes_trained", photo_side=card.trained_sizes.photo_side)
