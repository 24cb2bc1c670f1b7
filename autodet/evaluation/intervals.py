"""Bootstrap intervals: how much a figure depends on the photos that happen to be in a split.

Photos are drawn with replacement, as many as there are (Efron, "Bootstrap Methods", 1979); the interval is between the
2.5th and the 97.5th percentile. A draw gives each photo a weight, and a figure of a draw is computed from weighted
counts of the same matches, so nothing is matched again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from autodet.evaluation.outcomes import Outcomes, ShownOutcomes
from autodet.evaluation.overlap import DoubleArray
from autodet.evaluation.precision_recall import RECALLS
from autodet.records import BoolArray, FloatArray, IntArray, Interval

MAX_DRAWS, MIN_DRAWS = 1000, 200
MAX_WORK, WORK_PER_HIT = 10**9, 5  # detections times draws, some seconds; a true positive costs more
MAX_BLOCK = 4_000_000  # weights of detections at once, 16 MB
MAX_ROWS = 250_000  # weights of a class's detections at once, which fit into a core's cache
PERCENTILES = (2.5, 97.5)
SEED = 0


@dataclass(frozen=True, eq=False)
class Draws:
    """Weights of photos in bootstrap samples; the same for the same number of photos, so that models can be paired.

    Attributes:
        photos: Number of photos.
        count: Number of draws.
    """

    photos: int
    count: int = MAX_DRAWS

    def weights(self, size: int) -> Iterator[FloatArray]:
        """Yield how often each photo is in each draw, in blocks of at most ``size`` draws, shape (draws, photos)."""
        random = np.random.default_rng(SEED)
        for begin in range(0, self.count, size):
            draws = min(size, self.count - begin)
            chosen = random.integers(0, self.photos, (draws, self.photos)) + np.arange(draws)[:, None] * self.photos
            counts = np.bincount(chosen.ravel(), minlength=draws * self.photos)
            yield counts.reshape(draws, self.photos).astype(np.float32)


def draws_for(*outcomes: Outcomes) -> Draws:
    """Return as many draws as can be computed in seconds, ``MIN_DRAWS`` to ``MAX_DRAWS``."""
    work = max(WORK_PER_HIT * int(each.matches.right.sum()) + len(each.detections) for each in outcomes)
    photos = len(outcomes[0].truth.starts) - 1
    count = int(np.clip(MAX_WORK // max(1, work), MIN_DRAWS, MAX_DRAWS))
    return Draws(photos, count if photos else 0)


def drawn_precisions(outcomes: Outcomes, draws: Draws, ious: int = 10) -> DoubleArray:
    """Compute the AP of every draw.

    Args:
        outcomes: The outcomes of a split.
        draws: The draws.
        ious: Number of IoU thresholds from 0.50, 1 to 10.

    Returns:
        Shape (draws, classes, ious), 0 to 1; NaN where a draw has no box of the class.
    """
    classes = [
        _ClassColumns.of(outcomes, class_id, ious) for class_id in np.flatnonzero(outcomes.matches.boxes).tolist()
    ]
    longest = max([1, draws.photos, *(len(columns.photos) for columns in classes)])
    blocks = [np.zeros((0, len(outcomes.classes), ious))]
    for weights in draws.weights(max(1, MAX_BLOCK // longest)):
        block = np.full((len(weights), len(outcomes.classes), ious), np.nan)
        for columns in classes:
            block[:, columns.class_id] = columns.precisions(weights)
        blocks.append(block)
    return np.concatenate(blocks)


@dataclass(frozen=True, eq=False)
class _ClassColumns:
    """A class's detections, the best first, and its boxes."""

    class_id: int
    photos: IntArray
    right: BoolArray
    counted: BoolArray
    box_photos: IntArray
    photo_count: int

    @classmethod
    def of(cls, outcomes: Outcomes, class_id: int, ious: int) -> "_ClassColumns":
        matches, truth = outcomes.matches, outcomes.truth
        order = outcomes.detections.of_class(class_id)
        right, counted = matches.right[:ious, order], matches.counted[:ious, order]
        last = int(np.flatnonzero(right.any(axis=0)).max(initial=-1)) + 1  # what follows changes no precision
        boxes = truth.photos[(truth.class_ids == class_id) & ~truth.difficult]
        return cls(
            class_id,
            outcomes.detections.photos[order[:last]],
            right[:, :last],
            counted[:, :last],
            boxes,
            len(truth.starts) - 1,
        )

    def precisions(self, weights: FloatArray) -> DoubleArray:
        """Return AP per draw and IoU, shape (draws, ious)."""
        rows = max(1, MAX_ROWS // max(1, len(self.photos)))
        parts = [self._part(weights[begin : begin + rows]) for begin in range(0, len(weights), rows)]
        return np.concatenate([np.zeros((0, len(self.right))), *parts])

    def _part(self, weights: FloatArray) -> DoubleArray:
        of_detections = weights[:, self.photos].astype(np.int32)  # whole numbers are summed faster
        seen = np.cumsum(of_detections, axis=1, dtype=np.int32)
        boxes = weights @ self.boxes
        needed = _needed(boxes)
        columns = []
        for hits, ends, excused, before in self.places:
            found = np.cumsum(of_detections[:, hits], axis=1, dtype=np.int32)[:, ends]
            shown = seen[:, hits[ends]]
            if len(excused):
                gone = np.cumsum(of_detections[:, excused], axis=1, dtype=np.int32)
                shown -= np.where(before > 0, gone[:, before - 1], 0)
            columns.append(_weighted_precisions(found.astype(np.float32), shown.astype(np.float32), needed))
        return np.where(boxes[:, None] > 0, np.stack(columns, axis=1), np.nan)

    @cached_property
    def boxes(self) -> FloatArray:
        """Number of boxes on each photo."""
        return np.bincount(self.box_photos, minlength=self.photo_count).astype(np.float32)

    @cached_property
    def places(self) -> list[tuple[IntArray, IntArray, IntArray, IntArray]]:
        """For each IoU: the true positives, and the last of each run of them without a false positive between.

        Precision rises within a run in every draw, so only its last counts. Then the detections that do not count, and
        how many of these precede each end of a run.
        """
        places = []
        for right, counted in zip(self.right, self.counted, strict=True):
            hits, excused = np.flatnonzero(right), np.flatnonzero(~counted)
            false = np.cumsum(counted & ~right)[hits]
            ends = np.flatnonzero(np.diff(false, append=-1))
            places.append((hits, ends, excused, np.searchsorted(excused, hits[ends])))
        return places


def _weighted_precisions(found: FloatArray, shown: FloatArray, needed: FloatArray) -> DoubleArray:
    """Compute AP of every draw as ``precision_recall.average_precision`` does, with detections that count n times.

    Args:
        found: Weighted number of true positives up to the end of each run, the best first, shape (draws, N).
        shown: Weighted number of detections that count up to there, shape (draws, N).
        needed: ``_needed``, shape (draws, 101).
    """
    draws, count = found.shape
    precision = np.zeros((draws, count + 1), np.float32)
    np.divide(found, shown, out=precision[:, :count], where=shown > 0)
    places = np.array([np.searchsorted(row, needed) for row, needed in zip(found, needed, strict=True)])
    # The best precision from each recall to the next one; the first recall, 0, is at the first place of a row.
    flat = places + np.arange(draws)[:, None] * (count + 1)
    best = np.maximum.reduceat(precision.ravel(), flat.ravel()).reshape(draws, len(RECALLS))
    envelope = np.maximum.accumulate(best[:, ::-1], axis=1)
    return np.asarray(envelope.mean(axis=1, dtype=np.float64))


def _needed(boxes: FloatArray) -> FloatArray:
    """Return the lowest number of boxes found at which the recall reaches each of ``RECALLS``, shape (draws, 101)."""
    total = np.maximum(boxes.astype(np.float64), 1)[:, None]
    needed = np.ceil(RECALLS * total)
    needed -= (needed - 1) / total >= RECALLS
    needed += needed / total < RECALLS
    return needed.astype(np.float32)


def drawn_counts(shown: ShownOutcomes, draws: Draws) -> DoubleArray:
    """Count true positives, shown detections and boxes of every draw at the thresholds.

    Returns:
        Shape (3, draws, classes).
    """
    outcomes, classes = shown.outcomes, len(shown.outcomes.classes)
    detections, truth = outcomes.detections, outcomes.truth
    tables = [
        _table(detections.photos[mask], detections.class_ids[mask], draws.photos, classes)
        for mask in (shown.right, shown.shown)
    ]
    tables.append(_table(truth.photos[~truth.difficult], truth.class_ids[~truth.difficult], draws.photos, classes))
    table = np.concatenate(tables, axis=1)
    size = max(1, MAX_BLOCK // max(1, draws.photos))
    counts = np.concatenate([np.zeros((0, 3 * classes)), *(weights @ table for weights in draws.weights(size))])
    return counts.reshape(-1, 3, classes).transpose(1, 0, 2)


def _table(photos: IntArray, class_ids: IntArray, photo_count: int, class_count: int) -> FloatArray:
    flat = np.bincount(photos * class_count + class_ids, minlength=photo_count * class_count)
    return flat.reshape(photo_count, class_count).astype(np.float32)


def mean_intervals(precisions: DoubleArray) -> Mapping[str, Interval]:
    """Return the intervals of ``map50`` and ``map50_95`` from AP per draw, class and IoU; empty without a box."""
    drawn = precisions[~np.isnan(precisions[:, :, 0]).all(axis=1)]  # a draw may have no box at all
    if not drawn.size:
        return {}
    by_draw = np.nanmean(drawn, axis=1)
    return {"map50": interval_of(by_draw[:, 0]), "map50_95": interval_of(by_draw.mean(axis=1))}


def class_intervals(precisions: DoubleArray, counts: DoubleArray, class_id: int) -> Mapping[str, Interval]:
    """Return the intervals of a class's ``ap50``, ``precision``, ``recall`` and ``f1``; those that are defined."""
    found, detections, boxes = counts[:, :, class_id]
    with np.errstate(invalid="ignore", divide="ignore"):
        figures = {
            "ap50": precisions[:, class_id, 0],
            "precision": found / detections,
            "recall": found / boxes,
            "f1": np.where(boxes > 0, 2 * found / (detections + boxes), np.nan),
        }
    return {name: interval_of(values) for name, values in figures.items() if not np.isnan(values).all()}


def interval_of(values: DoubleArray) -> Interval:
    """Return the 2.5th and the 97.5th percentile of the values that are not NaN."""
    low, high = np.nanpercentile(values, PERCENTILES)
    return float(low), float(high)
