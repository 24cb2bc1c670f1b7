"""Pascal VOC 2007's average precision, the metric that AutoGluon's ``ObjectDetection`` reported.

Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", 2010, section 4.2: the mean of the highest
precision at recalls of at least 0.0, 0.1, ... 1.0, with the true positives of ``autodet.evaluation.matches``.
"""

import numpy as np
from numpy.typing import NDArray

from autodet.evaluation.matches import Matches

RECALLS = np.linspace(0, 1, 11)


def average_precisions_voc07(matches: Matches) -> NDArray[np.float64]:
    """Compute 11-point AP at IoU 0.50 for each class.

    Returns:
        Shape (class_count,): AP, 0 to 1; NaN for a class without a box that counts.
    """
    return np.array([_average_precision(matches, class_id) for class_id in range(len(matches.boxes))])


def _average_precision(matches: Matches, class_id: int) -> float:
    positives = int(matches.boxes[class_id])
    if not positives:
        return float("nan")
    scores, right = matches.of_class(class_id)
    found = np.cumsum(right[np.argsort(-scores, kind="stable")])
    precision = found / np.arange(1, len(found) + 1)
    recall = found / positives
    return float(np.mean([precision[recall >= level].max(initial=0.0) for level in RECALLS - 1e-9]))
