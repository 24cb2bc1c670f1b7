"""A model whose evaluation is stored, so that no network has to compute anything."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.datasets.manifest import Dataset
from autodet.evaluation.report import evaluate_predictions
from autodet.inference.comparable_records import comparable_records
from autodet.inference.evaluations import keep_evaluation
from autodet.models.model_card import ModelCard
from autodet.models.store import StoredModel, new_model
from autodet.records import Prediction
from autodet.workspace import Workspace
from tests.helpers import UNTRAINED, Mark, write_labelled

Detection = tuple[str, tuple[float, float, float, float], float]
APPLE: Mark = ("apple", (4, 6, 24, 40))
BANANA: Mark = ("banana", (34, 10, 60, 44))
SPLIT_PHOTOS = {"train": 4, "val": 2, "test": 6}


def import_marks(folder: Path, workspace: Workspace, marks: Sequence[Mark] = (APPLE, BANANA), name="fruit") -> Dataset:
    """A data set with the same marks on each of its photos, in the splits of ``SPLIT_PHOTOS``."""
    for split, photos in SPLIT_PHOTOS.items():
        for number in range(photos):
            write_labelled(folder / split, f"{split}_{number}", marks, seed=1000 * len(split) + number)
    return import_dataset(folder, name, workspace=workspace)


def evaluated(
    model: StoredModel,
    dataset: Dataset,
    split: str = "test",
    detections: Mapping[int, Sequence[Detection]] | None = None,
) -> None:
    """Store an evaluation: every object of a split is found, but on photos with detections of their own."""
    classes = model.card.classes
    records = comparable_records(model.card, dataset, split)
    predictions = []
    for number, record in enumerate(records):
        marked = record.annotations
        found = zip(marked.class_ids.tolist(), marked.boxes_xyxy.tolist(), strict=True)
        right = [(classes[class_id], tuple(box), 0.9) for class_id, box in found]
        given = (detections or {}).get(number, right)
        names, boxes, scores = zip(*given, strict=True) if given else ((), (), ())
        predictions.append(Prediction.of(boxes, [classes.index(name) for name in names], scores))
    report = evaluate_predictions(records, predictions, classes, model.card.all_thresholds)
    keep_evaluation(model, dataset, split, (report, predictions))


@pytest.fixture
def fruit(workspace, tmp_path) -> Dataset:
    return import_marks(tmp_path / "photos", workspace)


@pytest.fixture
def model(workspace, fruit) -> StoredModel:
    """A model of that data set."""
    return unloadable_model(workspace, fruit)


def unloadable_model(workspace: Workspace, of: Dataset, name: str = "finder", **facts) -> StoredModel:
    """A model without weights: its stored evaluations can be reported, and nothing can be computed."""
    card = {
        "classes": of.classes,
        "architecture": UNTRAINED,
        "image_size": 96,
        "dataset": of.name,
        "dataset_fingerprint": of.fingerprint,
        "metrics": {"map50": 0.5},
        "params": {"lr": 2e-3},
    }
    return new_model(name, workspace, ModelCard(name, **card | facts), b"")
