"""Score calibration: among detections that say 0.7, about 70 % should be right.

The map is fitted on the validation photos of a trial, on every detection that counts (``autodet.evaluation.matches``).
Corrections of growing freedom follow each other: a line on the logit (Platt's scaling), then isotonic bins where there
are enough detections; first for all classes, then for each class, from the line of all. A correction is kept only if it
lowers the log loss on photos that it was not fitted on (five-fold cross-validation) by more than a standard error.
So a few photos change nothing that they do not show clearly, and a class with few objects uses the shared map.

Because every map is strictly increasing, the order within a class, and with it average precision, stays. The order
across classes may change, which neither AP nor the limit of detections per photo depends on: AP ranks each class by
itself, and the network applies its limit before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autodet.evaluation.matches import Matches
from autodet.records import BoolArray, IntArray
from autodet.records.calibration import (
    MAX_OWN_MAPS,
    MIN_GAP,
    Calibration,
    FloatMatrix,
    ScoreFunction,
    ScoreMap,
    chances,
    logits,
)

MIN_RIGHT_FOR_LINE, MIN_RIGHT_FOR_BINS = 10, 200  # true positives
MIN_PHOTOS = 5
FOLDS = 5
BINS = 10
ERROR_BINS = 10
LIMIT = 21.0  # the logits of all scores are within
# Beyond these logits, chances of 1e-6 and 0.995, maps flatten: no validation set shows more, and float32 cannot tell
# scores apart that are all but 1.
IMPOSSIBLE, MOST_IMPOSSIBLE = -14.0, -20.0
CERTAIN, MOST_CERTAIN = 5.3, 8.0
DECIMALS = 4
MIN_SLOPE, MAX_SLOPE = 0.1, 10.0
PRIOR_WEIGHT = 1.0  # of slope 1 and offset 0: a normal prior of variance 1
PRIOR_COUNT = 2.0  # detections of the uncorrected chance in each bin
STEPS, CONVERGED = 50, 1e-9
IDENTITY = ScoreMap((-LIMIT, LIMIT), (-LIMIT, LIMIT))


@dataclass(frozen=True)
class ReliabilityRow:
    """Detections with scores in one range.

    Attributes:
        low: Lower end of the range, included.
        high: Upper end, included only if it is 1.
        detections: Number of detections.
        score: Their mean score; NaN without a detection.
        right: Share of true positives among them; NaN without a detection.
    """

    low: float
    high: float
    detections: int
    score: float
    right: float


def reliability(matches: Matches, bins: int = ERROR_BINS) -> list[ReliabilityRow]:
    """Compare scores with the share of true positives, in ranges of equal width from 0 to 1."""
    bin_of = np.minimum((matches.scores * bins).astype(np.int64), bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    total = np.maximum(counts, np.where(counts, 1, np.nan))
    scores = np.bincount(bin_of, matches.scores, bins) / total
    right = np.bincount(bin_of, matches.right, bins) / total
    return [
        ReliabilityRow(row / bins, (row + 1) / bins, int(counts[row]), float(scores[row]), float(right[row]))
        for row in range(bins)
    ]


def calibration_error(matches: Matches, bins: int = ERROR_BINS, min_score: float = 0.0) -> float:
    """Compute the expected calibration error, ECE (Naeini et al., AAAI 2015).

    The mean over all detections of the distance between the mean score and the share of true positives in their range,
    in ranges of equal width. Most detections of a network score close to 0 and are wrong, so the figure over all
    detections is small; ``min_score`` leaves them out.

    Args:
        matches: Detections and whether they are right.
        bins: Number of ranges.
        min_score: Lowest score of a detection that counts.

    Returns:
        0 to 1; 0 without a detection.
    """
    counted = matches.where(matches.scores >= min_score)
    rows = [row for row in reliability(counted, bins) if row.detections]
    return sum(row.detections * abs(row.score - row.right) for row in rows) / max(1, len(counted))


def fit_calibration(matches: Matches, classes: Sequence[str]) -> Calibration | None:
    """Fit a calibration on validation photos.

    Args:
        matches: Detections of a network with their own scores, and whether they are right.
        classes: Class names, indexed by class id.

    Returns:
        The calibration; None if the photos do not show that one is better than the scores as they are.
    """
    detections = _Detections(matches.photos, logits(matches.scores), matches.right)
    line = _corrected(detections, IDENTITY, IDENTITY, [(_line, MIN_RIGHT_FOR_LINE)])
    shared = _corrected(detections, line, line, [(_bins, MIN_RIGHT_FOR_BINS)])
    own = {}
    for class_id in np.argsort(-matches.boxes, kind="stable")[:MAX_OWN_MAPS].tolist() if len(classes) > 1 else ():
        of_class = detections.where(matches.class_ids == class_id)
        fitted = _corrected(of_class, line, shared, [(_line, MIN_RIGHT_FOR_LINE), (_bins, MIN_RIGHT_FOR_BINS)])
        if fitted is not shared:
            own[classes[class_id]] = fitted
    return None if shared is IDENTITY and not own else Calibration(shared, own)


def calibrated_matches(matches: Matches, function: ScoreFunction) -> Matches:
    """Return matches with calibrated scores."""
    return replace(matches, scores=function(matches.scores, matches.class_ids))


@dataclass(frozen=True, eq=False)
class _Detections:
    """Photo, logit and correctness of each detection, shape (N,) each."""

    photos: IntArray
    logits: FloatMatrix
    right: BoolArray

    def where(self, keep: BoolArray) -> "_Detections":
        return _Detections(self.photos[keep], self.logits[keep], self.right[keep])

    def through(self, correction: ScoreMap) -> "_Detections":
        return replace(self, logits=_mapped(self.logits, correction))


_Fit = Callable[[_Detections], ScoreMap]


def _corrected(
    detections: _Detections, start: ScoreMap, rival: ScoreMap, corrections: Sequence[tuple[_Fit, int]]
) -> ScoreMap:
    """Return a map with the corrections that cross-validation confirms; ``rival`` itself if it confirms none.

    Args:
        detections: Detections with the network's own logits.
        start: The map on which the first correction builds.
        rival: The map that it has to beat.
        corrections: Their fits, each with the number of true positives that it needs.
    """
    for fit, min_right in corrections:
        enough = int(detections.right.sum()) >= min_right and len(np.unique(detections.photos)) >= MIN_PHOTOS
        if enough and _is_better(detections, start, fit, rival):
            start = rival = _composed(start, fit(detections.through(start)))
    return rival


def _is_better(detections: _Detections, start: ScoreMap, fit: _Fit, rival: ScoreMap) -> bool:
    """Return whether a correction lowers the log loss on photos that it was not fitted on by over a standard error."""
    photos, photo = np.unique(detections.photos, return_inverse=True)
    begun, gains = detections.through(start), _losses(detections.through(rival))
    for fold in range(FOLDS):
        held_out = photo % FOLDS == fold
        gains[held_out] -= _losses(begun.where(held_out).through(fit(begun.where(~held_out))))
    by_photo = np.bincount(photo, gains, len(photos))
    return bool(by_photo.mean() > by_photo.std(ddof=1) / np.sqrt(len(photos)))


def _losses(detections: _Detections) -> FloatMatrix:
    """Return the log loss of each detection, shape (N,)."""
    return np.asarray(np.logaddexp(0.0, np.where(detections.right, -detections.logits, detections.logits)))


def _line(detections: _Detections) -> ScoreMap:
    """Fit slope and offset of the logit: Newton's method on the log loss, with a prior of slope 1 and offset 0."""
    features = np.stack([detections.logits, np.ones(len(detections.logits))], axis=1)
    prior = np.array([1.0, 0.0])
    weights = prior
    for _ in range(STEPS):
        chance = chances(features @ weights)
        slope = features.T @ (chance - detections.right) + PRIOR_WEIGHT * (weights - prior)
        curvature = (features.T * (chance * (1 - chance))) @ features + PRIOR_WEIGHT * np.eye(2)
        step = np.clip(np.linalg.solve(curvature, slope), -1, 1)
        weights = weights - step
        if np.abs(step).max() < CONVERGED:
            break
    slope, offset = float(np.clip(weights[0], MIN_SLOPE, MAX_SLOPE)), float(weights[1])
    return ScoreMap((-LIMIT, LIMIT), (offset - slope * LIMIT, offset + slope * LIMIT))


def _bins(detections: _Detections) -> ScoreMap:
    """Fit isotonic bins: ranges of the logit with equal information, each with its own share of true positives."""
    order = np.argsort(detections.logits, kind="stable")
    chance, right = chances(detections.logits[order]), detections.right[order]
    information = np.cumsum(chance * (1 - chance))
    bin_of = np.minimum((information / information[-1] * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(bin_of, minlength=BINS)
    expected, found = np.bincount(bin_of, chance, BINS), np.bincount(bin_of, right, BINS)
    blocks = np.stack([counts, expected, found], axis=1)[counts > 0]
    knots, targets = _pooled(blocks)
    run = np.diff(knots)
    targets = targets[0] + np.cumsum([0.0, *np.clip(np.diff(targets), MIN_SLOPE * run, MAX_SLOPE * run)])
    below, above = knots[0] + LIMIT, LIMIT - knots[-1]
    return ScoreMap((-LIMIT, *knots, LIMIT), (targets[0] - below, *targets, targets[-1] + above))


def _pooled(blocks: NDArray[Any]) -> tuple[FloatMatrix, FloatMatrix]:
    """Pool adjacent violators; return the logits of expected and of measured chances, both ascending.

    Args:
        blocks: Detections, expected and actual true positives of each bin, shape (bins, 3).
    """
    pooled: list[FloatMatrix] = []
    for block in blocks:
        pooled.append(block)
        while len(pooled) > 1 and not (_block_logits(pooled[-1]) - _block_logits(pooled[-2]) > MIN_GAP).all():
            pooled[-2:] = [pooled[-2] + pooled[-1]]
    knots, targets = np.array([_block_logits(block) for block in pooled]).T
    return knots, targets


def _block_logits(block: FloatMatrix) -> FloatMatrix:
    count, expected, found = block
    chance = expected / count
    return logits(np.array([chance, (found + PRIOR_COUNT * chance) / (count + PRIOR_COUNT)]))


def _composed(first: ScoreMap, second: ScoreMap) -> ScoreMap:
    """Return the map that applies two, one after the other, and stays clear of certainty."""
    knots = np.union1d(first.raw, _mapped(np.array(second.raw), _inverse(first)))
    composed = ScoreMap(tuple(knots), tuple(_mapped(_mapped(knots, first), second)))
    lowest, highest = composed.calibrated[0], composed.calibrated[-1]
    bounds = ScoreMap(
        (min(lowest, -LIMIT), IMPOSSIBLE, CERTAIN, max(highest, LIMIT)),
        (MOST_IMPOSSIBLE, IMPOSSIBLE, CERTAIN, MOST_CERTAIN),
    )
    knots = np.union1d(knots, _mapped(np.array(bounds.raw[1:-1]), _inverse(composed)))
    return _rounded(knots, _mapped(_mapped(knots, composed), bounds))


def _rounded(raw: FloatMatrix, calibrated: FloatMatrix) -> ScoreMap:
    """Return a map without knots that all but coincide."""
    pairs = [(round(float(x), DECIMALS), round(float(y), DECIMALS)) for x, y in zip(raw, calibrated, strict=True)]
    kept, last = pairs[:1], pairs[-1]
    for pair in pairs[1:-1]:
        if all(low + MIN_GAP < knot < high - MIN_GAP for low, knot, high in zip(kept[-1], pair, last, strict=True)):
            kept.append(pair)
    return ScoreMap(*zip(*kept, last, strict=True))


def _inverse(one: ScoreMap) -> ScoreMap:
    return ScoreMap(one.calibrated, one.raw)


def _mapped(logit: FloatMatrix, by: ScoreMap) -> FloatMatrix:
    return np.asarray(np.interp(logit, by.raw, by.calibrated))
