"""COCO's twelve numbers, from the matching of ``autodet.evaluation.coco_matches``; they equal those of pycocotools."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autodet.evaluation.boxes import Detections, GroundTruth
from autodet.evaluation.coco_matches import AREAS, CocoMatches, match_boxes
from autodet.evaluation.overlap import DoubleArray, OverlappingPairs
from autodet.evaluation.precision_recall import average_precision
from autodet.records import MAX_DETECTIONS, BoolArray

DETECTION_LIMITS = (1, 10, MAX_DETECTIONS)  # per photo and class
SIZES = {"s": "small", "m": "medium", "l": "large"}


@dataclass(frozen=True, eq=False)
class CocoNumbers:
    """AP and AR of every class.

    Attributes:
        precisions: AP per area range (``AREAS``), class and IoU (``IOUS``), shape (4, classes, 10); NaN for a class
            without a box that counts.
        recalls: Highest recall per area range, class and IoU with at most 100 detections, the same shape.
        few_recalls: The same for all areas with at most 1 and 10 detections, shape (2, classes, 10).
    """

    precisions: DoubleArray
    recalls: DoubleArray
    few_recalls: DoubleArray

    def to_json(self) -> Mapping[str, float | None]:
        """Return the numbers by name, ``AP`` to ``ARl``; None where no class has a box."""
        numbers = {
            "AP": _mean(self.precisions[0]),
            "AP50": _mean(self.precisions[0, :, 0]),
            "AP75": _mean(self.precisions[0, :, 5]),
        }
        numbers |= {f"AP{size}": _mean(self.precisions[row]) for row, size in enumerate(SIZES, start=1)}
        limited = (*self.few_recalls, self.recalls[0])
        numbers |= {f"AR{limit}": _mean(recalls) for limit, recalls in zip(DETECTION_LIMITS, limited, strict=True)}
        return numbers | {f"AR{size}": _mean(self.recalls[row]) for row, size in enumerate(SIZES, start=1)}


def coco_numbers(
    detections: Detections, truth: GroundTruth, pairs: OverlappingPairs, class_count: int, whole: CocoMatches
) -> CocoNumbers:
    """Compute AP and AR of every class, area range and IoU.

    Args:
        detections: The detections.
        truth: The ground truth.
        pairs: Their pairs of one class.
        class_count: Number of classes.
        whole: The matches for all areas at ``IOUS``.
    """
    ranks = detections.ranks()
    few = [_recalls(detections, whole, ranks < limit) for limit in DETECTION_LIMITS[:-1]]
    precisions, recalls = [], []
    for name, area in AREAS.items():
        matches = whole if name == "all" else match_boxes(detections, truth, pairs, class_count, area=area)
        precisions.append(class_precisions(detections, matches))
        recalls.append(_recalls(detections, matches, ranks < MAX_DETECTIONS))
    return CocoNumbers(np.stack(precisions), np.stack(recalls), np.stack(few))


def class_precisions(detections: Detections, matches: CocoMatches) -> DoubleArray:
    """Compute AP per class and IoU, shape (classes, T); NaN for a class without a box."""
    precisions = np.full((len(matches.boxes), len(matches.right)), np.nan)
    for class_id in np.flatnonzero(matches.boxes).tolist():
        order = detections.of_class(class_id)
        precisions[class_id] = [
            average_precision(right[order], counted[order], int(matches.boxes[class_id]))
            for right, counted in zip(matches.right, matches.counted, strict=True)
        ]
    return precisions


def _recalls(detections: Detections, matches: CocoMatches, among: BoolArray) -> DoubleArray:
    found = np.stack(
        [np.bincount(detections.class_ids[right & among], minlength=len(matches.boxes)) for right in matches.right]
    )
    boxes = matches.boxes[:, None].astype(np.float64)
    return np.asarray(np.divide(found.T, boxes, out=np.full(found.T.shape, np.nan), where=boxes > 0))


def _mean(values: DoubleArray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
