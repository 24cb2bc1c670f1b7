"""COCO's average precision, computed by pycocotools.

AP is the mean of the precision at 101 recalls; mAP50-95 is its mean over IoU 0.50 to 0.95 in steps of 0.05 (Lin et al.,
arXiv 1405.0312). Difficult boxes are neither rewarded nor penalised, as in Pascal VOC.
"""

import contextlib
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from autodet.errors import ModelError
from autodet.evaluation.objective import Objective
from autodet.records import ImageRecord, Prediction

try:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval
except ImportError as error:
    raise ModelError("Evaluation needs the package pycocotools: run 'pip install pycocotools'.") from error

AREA_ALL, MAX_DETECTION_LIMIT = 0, -1
ROUNDING = 1e-9  # pycocotools' precision of one detection that is right is just below 1


class DifficultAwareEvaluation(COCOeval):  # type: ignore[misc]
    """COCO's evaluation, except that a difficult box may be found or missed at no cost.

    pycocotools itself supports only crowds, which any number of detections may match by lying inside them.
    """

    def _prepare(self) -> None:
        super()._prepare()
        for annotations in self._gts.values():
            for annotation in annotations:
                annotation["ignore"] = annotation["difficult"]


def average_precisions(
    records: Sequence[ImageRecord], predictions: Sequence[Prediction], class_count: int
) -> NDArray[np.float64]:
    """Compute AP per class and IoU.

    Args:
        records: Photos with their annotations.
        predictions: Detections on each photo, in the same order.
        class_count: Number of classes.

    Returns:
        Shape (class_count, 10): AP at IoU 0.50, 0.55, ... 0.95, each 0 to 1; NaN for a class without a box.
    """
    return np.asarray(precision_curves(records, predictions, class_count).mean(axis=2))


def precision_curves(
    records: Sequence[ImageRecord], predictions: Sequence[Prediction], class_count: int
) -> NDArray[np.float64]:
    """Compute the precision at every recall, per class and IoU.

    Args:
        records: Photos with their annotations.
        predictions: Detections on each photo, in the same order.
        class_count: Number of classes.

    Returns:
        Shape (class_count, 10, 101): the highest precision at a recall of at least 0, 0.01, ... 1, at IoU 0.50, 0.55,
        ... 0.95; 0 for a recall that is not reached, NaN for a class without a box.
    """
    with contextlib.redirect_stdout(StringIO()):  # pycocotools prints progress
        truth = COCO()
        truth.dataset = _truth(records, class_count)
        truth.createIndex()
        evaluation = DifficultAwareEvaluation(truth, _detected(truth, predictions), "bbox")
        # Separate figures for small, medium and large boxes would add three times the time and memory.
        evaluation.params.areaRng = evaluation.params.areaRng[: AREA_ALL + 1]
        evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[: AREA_ALL + 1]
        evaluation.evaluate()
        evaluation.accumulate()
    # Axes: IoU, recall, class, area, detections per photo; -1 for a class without a box.
    precision = evaluation.eval["precision"][:, :, :, AREA_ALL, MAX_DETECTION_LIMIT]
    precision = np.where(precision < 0, np.nan, precision)
    return np.asarray(precision.transpose(2, 0, 1), np.float64)


def _truth(records: Sequence[ImageRecord], class_count: int) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for image_id, record in enumerate(records, start=1):
        marked = record.annotations
        for box, class_id, difficult in zip(
            _xywh(marked.boxes_xyxy), marked.class_ids.tolist(), marked.difficult.tolist(), strict=True
        ):
            annotations.append(
                {
                    "id": len(annotations) + 1,  # pycocotools uses id 0 for "no match"
                    "image_id": image_id,
                    "category_id": class_id,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                    "difficult": difficult,
                }
            )
    return {
        "images": [{"id": image_id} for image_id in range(1, len(records) + 1)],
        "categories": [{"id": class_id} for class_id in range(class_count)],
        "annotations": annotations,
    }


def _detected(truth: COCO, predictions: Sequence[Prediction]) -> COCO:
    detected = COCO()
    detected.dataset = {key: truth.dataset[key] for key in ("images", "categories")} | {"annotations": []}
    for image_id, prediction in enumerate(predictions, start=1):
        for box, class_id, score in zip(
            _xywh(prediction.boxes_xyxy), prediction.class_ids.tolist(), prediction.scores.tolist(), strict=True
        ):
            found = detected.dataset["annotations"]
            found.append(
                {
                    "id": len(found) + 1,
                    "image_id": image_id,
                    "category_id": class_id,
                    "bbox": box,
                    "area": box[2] * box[3],
                    "score": score,
                }
            )
    detected.createIndex()
    return detected


def _xywh(boxes_xyxy: Any) -> list[list[float]]:
    boxes = np.asarray(boxes_xyxy, np.float64).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).tolist()  # type: ignore[no-any-return]


class EpochMetrics(NamedTuple):
    """Metrics of an epoch, each 0 to 1.

    Attributes:
        map50: COCO AP at IoU 0.50, over the classes that have a box.
        map50_95: COCO AP over these classes.
        value: The objective's score; None if the objective is mAP50.
        class_ap50: COCO AP at IoU 0.50 of each class that has a box, by class id.
    """

    map50: float
    map50_95: float
    value: float | None
    class_ap50: Mapping[int, float]

    @property
    def score(self) -> float:
        """The objective's score; see ``EpochResult.score``."""
        return self.map50 if self.value is None else self.value


def measure(
    records: Sequence[ImageRecord], predictions: Sequence[Prediction], class_count: int, objective: Objective
) -> EpochMetrics:
    """Compute the metrics of an epoch."""
    curves = precision_curves(records, predictions, class_count)
    class_ids = np.flatnonzero(~np.isnan(curves[:, 0, 0]))
    curves = curves[class_ids]
    if not len(curves):
        return EpochMetrics(0.0, 0.0, None if objective.is_default else 0.0, {})
    by_class = curves.mean(axis=2)
    map50, map50_95 = float(by_class[:, 0].mean()), float(by_class.mean())
    class_ap50 = dict(zip(class_ids.tolist(), by_class[:, 0].tolist(), strict=True))
    return EpochMetrics(map50, map50_95, _value(curves, map50_95, objective), class_ap50)


def _value(curves: NDArray[np.float64], map50_95: float, objective: Objective) -> float | None:
    """Return the objective's score from the precision curves of the classes that have a box."""
    if objective.is_default:
        return None
    if objective.min_precision is None:
        return map50_95
    precise = curves[:, 0] >= objective.min_precision - ROUNDING
    recalls = np.where(precise.any(axis=1), 100 - precise[:, ::-1].argmax(axis=1), 0) / 100
    return float(recalls.mean())
