"""Kinds of errors in the sense of TIDE, and the mAP that mending each would give.

Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020, section 2.3: mending a wrong
class or position makes the best such detection of a box that was not found a true positive and drops the others;
mending the other false positives drops them; mending the missed boxes takes them out of the ground truth.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from autodet.evaluation.coco_matches import NO_PARTNER, CocoMatches
from autodet.evaluation.coco_numbers import class_precisions
from autodet.evaluation.outcomes import Outcome, Outcomes, ShownOutcomes
from autodet.evaluation.overlap import DoubleArray
from autodet.records import BoolArray, ErrorKind, IntArray

CORRECTABLE = (Outcome.CLASSIFICATION, Outcome.LOCALIZATION)
KINDS = {
    "classification": Outcome.CLASSIFICATION,
    "localization": Outcome.LOCALIZATION,
    "both": Outcome.BOTH,
    "duplicate": Outcome.DUPLICATE,
    "background": Outcome.BACKGROUND,
}


def error_kinds(shown: ShownOutcomes) -> Mapping[str, ErrorKind]:
    """Count the errors of each kind, and compute what mending them would add to mAP50.

    Args:
        shown: Outcomes at the thresholds; counts are of detections shown and boxes missed there. The gain, like mAP50,
            does not depend on thresholds.
    """
    outcomes = shown.outcomes
    everything = outcomes.at(dict.fromkeys(outcomes.classes, 0.0))
    base = class_precisions(outcomes.detections, _first(outcomes))[:, 0]
    report = {
        name: ErrorKind(int((shown.shown & (outcomes.kinds == kind)).sum()), _gain(base, _mended(outcomes, kind)))
        for name, kind in KINDS.items()
    }
    gain = _gain(base, _without_missed(outcomes, base, missed_without_trace(everything)))
    return report | {"missed": ErrorKind(int(missed_without_trace(shown).sum()), gain)}


def missed_without_trace(shown: ShownOutcomes) -> BoolArray:
    """Return the missed boxes that no shown detection with a wrong class or position is about, shape (M,)."""
    outcomes = shown.outcomes
    traces = outcomes.about[shown.shown & np.isin(outcomes.kinds, CORRECTABLE)]
    missed = shown.missed
    missed[traces] = False
    return missed


def _first(outcomes: Outcomes, **changes: BoolArray) -> CocoMatches:
    """Return the matches at IoU 0.50 alone, with some of the columns changed."""
    matches = outcomes.matches
    only = {name: getattr(matches, name)[:1] for name in ("right", "counted", "partners")}
    return replace(matches, **only | changes)


def _mended(outcomes: Outcomes, kind: Outcome) -> DoubleArray:
    """Return AP50 of each class with the errors of a kind mended, shape (classes,)."""
    wrong = outcomes.kinds == kind
    right, counted = outcomes.matches.right[0].copy(), outcomes.matches.counted[0] & ~wrong
    class_ids = outcomes.detections.class_ids.copy()
    if kind in CORRECTABLE:
        best = _best_corrections(outcomes)
        mended = best[wrong[best]]
        right[mended] = counted[mended] = True
        class_ids[mended] = outcomes.truth.class_ids[outcomes.about[mended]]
    detections = replace(outcomes.detections, class_ids=class_ids)
    return class_precisions(detections, _first(outcomes, right=right[None], counted=counted[None]))[:, 0]


def _best_corrections(outcomes: Outcomes) -> IntArray:
    """Return, for each box not found, the best detection of a wrong class or position that is about it."""
    candidates = np.flatnonzero(np.isin(outcomes.kinds, CORRECTABLE))
    candidates = candidates[outcomes.finders[outcomes.about[candidates]] == NO_PARTNER]
    _, first = np.unique(outcomes.about[candidates], return_index=True)  # detections of a photo are sorted by score
    best: IntArray = candidates[first]
    return best


def _without_missed(outcomes: Outcomes, base: DoubleArray, missed: BoolArray) -> DoubleArray:
    """Return AP50 of each class without the boxes that were missed; NaN for a class of which nothing is left."""
    boxes = outcomes.matches.boxes - np.bincount(outcomes.truth.class_ids[missed], minlength=len(base))
    matches = replace(_first(outcomes), boxes=boxes)
    precisions = class_precisions(outcomes.detections, matches)[:, 0]
    reported = np.bincount(outcomes.detections.class_ids[outcomes.matches.counted[0]], minlength=len(base)) > 0
    return np.where((boxes == 0) & reported & ~np.isnan(base), 0.0, precisions)


def _gain(base: DoubleArray, mended: DoubleArray) -> float:
    """Return the difference of the means, at least 0."""
    if np.isnan(base).all() or np.isnan(mended).all():
        return 0.0
    return max(0.0, float(np.nanmean(mended) - np.nanmean(base)))
