"""Average precision and recall of detections that are sorted by score.

AP is the mean, over the recalls 0, 0.01, ... 1, of the highest precision at this recall or a higher one (Lin et al.,
arXiv 1405.0312). Only true positives can raise a precision, so the other detections are only counted.
"""

import numpy as np

from autodet.evaluation.overlap import DoubleArray
from autodet.records import BoolArray

RECALLS = np.linspace(0, 1, 101)


def average_precision(right: BoolArray, counted: BoolArray, positives: int) -> float:
    """Compute AP at one IoU.

    Args:
        right: True positives among a class's detections, the best first, shape (N,).
        counted: Detections that are true or false positives, shape (N,).
        positives: Number of ground-truth boxes.

    Returns:
        0 to 1; NaN without a box.
    """
    if not positives:
        return float("nan")
    hits = np.flatnonzero(right)
    found = np.arange(1, len(hits) + 1)
    precision = found / np.cumsum(counted)[hits]
    return float(interpolated(precision, found / positives).mean())


def interpolated(precision: DoubleArray, recall: DoubleArray) -> DoubleArray:
    """Return the highest precision at each of ``RECALLS``, shape (101,); 0 beyond the highest recall.

    Args:
        precision: Precision at each true positive, shape (N,).
        recall: Recall there, ascending, shape (N,).
    """
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return np.asarray(envelope[np.searchsorted(recall, RECALLS)])
