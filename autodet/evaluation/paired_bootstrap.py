"""Whether two models differ by more than chance: a bootstrap over photos, with the same draws for both.

Photos that are hard for one model tend to be hard for the other, so the interval of the difference is narrower than
the two intervals suggest (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 16).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autodet.evaluation.coco_numbers import class_precisions
from autodet.evaluation.intervals import drawn_precisions, draws_for, interval_of
from autodet.evaluation.outcomes import Outcomes
from autodet.evaluation.overlap import DoubleArray
from autodet.records import Difference


@dataclass(frozen=True)
class Differences:
    """Differences of two models.

    Attributes:
        map50: COCO AP at IoU 0.50, mean over the classes.
        map50_95: COCO AP, mean over the classes.
        per_class: COCO AP at IoU 0.50 of each class that has a box that counts.
    """

    map50: Difference
    map50_95: Difference
    per_class: Mapping[str, Difference]


def compare_outcomes(a: Outcomes, b: Outcomes) -> Differences:
    """Compare two models on the same photos and boxes.

    Args:
        a: Outcomes of the first model.
        b: Outcomes of the second, with the same classes.
    """
    draws = draws_for(a, b)
    drawn = [drawn_precisions(outcomes, draws) for outcomes in (a, b)]
    exact = [class_precisions(outcomes.detections, outcomes.matches)[None] for outcomes in (a, b)]
    classes = {name: class_id for class_id, name in enumerate(a.classes) if a.matches.boxes[class_id]}
    return Differences(
        _difference([_means(values[:, :, :1]) for values in exact], [_means(values[:, :, :1]) for values in drawn]),
        _difference([_means(values) for values in exact], [_means(values) for values in drawn]),
        {
            name: _difference(
                [values[:, class_id, 0] for values in exact], [values[:, class_id, 0] for values in drawn]
            )
            for name, class_id in classes.items()
        },
    )


def _means(precisions: DoubleArray) -> DoubleArray:
    """Return the mean over classes and IoUs of each draw, NaN for a draw without a box, shape (draws,)."""
    known = ~np.isnan(precisions)
    counts = known.sum(axis=(1, 2))
    sums = np.where(known, precisions, 0).sum(axis=(1, 2))
    return np.asarray(np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0))


def _difference(exact: list[DoubleArray], drawn: list[DoubleArray]) -> Difference:
    (a,), (b,) = (np.nan_to_num(values).tolist() for values in exact)
    differences = drawn[1] - drawn[0]
    low, high = interval_of(differences) if not np.isnan(differences).all() else (0.0, 0.0)
    return Difference(a, b, b - a, (low, high), significant=low > 0 or high < 0)
