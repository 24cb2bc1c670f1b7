"""A data set with planted errors in its labels, and a model's predictions, which are right but for one duplicate."""

from autodet.datasets.imports.import_dataset import import_dataset
from autodet.evaluation.report import evaluate_predictions
from autodet.inference.evaluations import keep_evaluation
from autodet.records import Prediction
from tests.helpers import write_labelled

SIZE = (200, 150)
TRUE = [("apple", (10, 10, 50, 50)), ("banana", (100, 20, 180, 60)), ("apple", (60, 80, 120, 140))]
SWAPPED = [("banana", TRUE[0][1]), *TRUE[1:]]
SHIFTED = [("apple", (30, 10, 70, 50)), *TRUE[1:]]
DELETED = TRUE[1:]
SURPLUS = [*TRUE, ("banana", (5, 100, 45, 140))]
PLANTED = {"swapped": (SWAPPED, 2), "shifted": (SHIFTED, 3), "deleted": (DELETED, 2), "surplus": (SURPLUS, 1)}
PHOTOS = 14  # with the right labels beside these
SCORE = 0.95


def import_planted(folder, workspace):
    """Import the data set as ``fruit``; its splits are ``train``, with right labels, and ``val``."""
    stems = [(f"{name}_{number}", marks) for name, (marks, count) in PLANTED.items() for number in range(count)]
    stems += [(f"right_{number:02}", TRUE) for number in range(PHOTOS)]
    for seed, (stem, marks) in enumerate(stems):
        write_labelled(folder / "val", stem, marks, SIZE, seed)
    for seed in range(4):
        write_labelled(folder / "train", f"more_{seed}", TRUE, SIZE, 100 + seed)
    return import_dataset(folder, "fruit", workspace=workspace)


def predict_planted(data, model):
    """Keep an evaluation of a model on ``val``, which finds every object, and one twice."""
    records = data.split("val")
    boxes = [box for _, box in TRUE]
    ids = [data.classes.index(name) for name, _ in TRUE]
    predictions = [Prediction.of(boxes, ids, [SCORE, SCORE, SCORE]) for _ in records]
    again = next(place for place, record in enumerate(records) if "right" in record.file)
    predictions[again] = Prediction.of([*boxes, (11, 11, 51, 51)], [*ids, ids[0]], [SCORE, SCORE, SCORE, 0.9])
    report = evaluate_predictions(records, predictions, model.card.classes, model.card.all_thresholds)
    keep_evaluation(model, data, "val", (report, predictions))
