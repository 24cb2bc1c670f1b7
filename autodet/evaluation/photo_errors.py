"""The errors of every photo."""

from typing import Literal

import numpy as np

from autodet.evaluation.coco_matches import NO_PARTNER
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.records import IntArray

Side = Literal["a", "b"]


def photo_errors(shown: ShownOutcomes) -> IntArray:
    """Count missed boxes, false alarms and confused pairs of every photo, shape (3, photos)."""
    outcomes = shown.outcomes
    photos = len(outcomes.truth.starts) - 1
    confused = shown.confused != NO_PARTNER
    pairs = np.bincount(outcomes.detections.photos[confused], minlength=photos)
    missed = np.bincount(outcomes.truth.photos[shown.missed], minlength=photos) - pairs
    false_alarms = np.bincount(outcomes.detections.photos[shown.wrong & ~confused], minlength=photos)
    return np.stack([missed, false_alarms, pairs])


def photos_where_one_errs(a: ShownOutcomes, b: ShownOutcomes) -> dict[Side, IntArray]:
    """Return the photos on which exactly one of two models makes errors, by that model, those with most errors first.

    Args:
        a: Outcomes of the first model.
        b: Outcomes of the second on the same photos.
    """
    errors_a, errors_b = a.errors_by_photo(), b.errors_by_photo()
    return {"a": _only(errors_a, errors_b), "b": _only(errors_b, errors_a)}


def _only(errors: IntArray, of_the_other: IntArray) -> IntArray:
    photos = np.flatnonzero((errors > 0) & (of_the_other == 0))
    return photos[np.argsort(-errors[photos], kind="stable")]
