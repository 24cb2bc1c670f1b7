"""The errors of every photo."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from autodet.evaluation.coco_matches import NO_PARTNER
from autodet.evaluation.outcomes import ShownOutcomes, find_outcomes
from autodet.records import Annotations, ImageRecord, IntArray, Prediction

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


def photo_differences(a: Sequence[Prediction], b: Sequence[Prediction], classes: Sequence[str]) -> IntArray:
    """Count the objects that only one of two models shows on each photo, shape (photos,).

    Detections of a class agree from an IoU of 0.5 on, as with ground truth. An object for which the models show
    different classes counts once.

    Args:
        a: Detections of the first model that are shown.
        b: Those of the second on the same photos, with the same class ids.
        classes: Class names, indexed by class id.
    """
    records = [ImageRecord("", *seen.size_wh, "test", Annotations.of(seen.boxes_xyxy, seen.class_ids)) for seen in b]
    return find_outcomes(records, a, classes).at(dict.fromkeys(classes, 0.0)).errors_by_photo()
