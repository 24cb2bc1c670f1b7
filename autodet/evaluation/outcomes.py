"""Outcome of every detection and every ground-truth box of a split: the one value behind all figures.

Matching is COCO's at an IoU of 0.50 (``autodet.evaluation.coco_matches``). False positives have the kinds of TIDE
(Bolya et al., "TIDE: A General Toolbox for Identifying Object Detection Errors", ECCV 2020, section 2.2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

import numpy as np

from autodet.evaluation.boxes import Detections, GroundTruth
from autodet.evaluation.coco_matches import (
    NO_PARTNER,
    CocoMatches,
    best_pairs,
    match_boxes,
    same_class_pairs,
    take_boxes,
)
from autodet.evaluation.matches import Matches
from autodet.evaluation.overlap import DoubleArray, OverlappingPairs, overlapping_pairs
from autodet.records import BoolArray, ImageRecord, IntArray, Prediction

FOREGROUND_IOU, BACKGROUND_IOU = 0.5, 0.1


class Outcome(IntEnum):
    """Outcome of a detection; all but the first two are errors.

    A false positive is the first that fits: a wrong position (its class, IoU 0.1 to 0.5), a wrong class (IoU from 0.5),
    a duplicate, background (no box with an IoU above 0.1), or both class and position wrong.
    """

    TRUE_POSITIVE = 0
    IGNORED = 1  # on a difficult box, or beyond the first 100 of a class and photo
    CLASSIFICATION = 2
    LOCALIZATION = 3
    BOTH = 4
    DUPLICATE = 5
    BACKGROUND = 6


@dataclass(frozen=True, eq=False)
class Outcomes:
    """All detections and ground-truth boxes of a split, matched.

    Attributes:
        classes: Class names, indexed by class id.
        truth: The M ground-truth boxes.
        detections: The D detections.
        pairs: Pairs of both with an IoU of at least 0.1, of any classes.
        matches: COCO's matches at IoU 0.50, 0.55, ... 0.95.
        kinds: ``Outcome`` of each detection at IoU 0.50, shape (D,), int64.
        about: Index of the box that each detection is about: the one that it found, or the one for which its class or
            position is wrong or that was found already; -1 if none; shape (D,), int64.
    """

    classes: tuple[str, ...]
    truth: GroundTruth
    detections: Detections
    pairs: OverlappingPairs
    matches: CocoMatches
    kinds: IntArray
    about: IntArray

    @cached_property
    def finders(self) -> IntArray:
        """Index of the detection that found each box at IoU 0.50; -1 if none; shape (M,), int64."""
        finders = np.full(len(self.truth), NO_PARTNER)
        right = np.flatnonzero(self.matches.right[0])
        finders[self.matches.partners[0][right]] = right
        return finders

    @cached_property
    def wrong_class_pairs(self) -> OverlappingPairs:
        """Pairs of different classes with an IoU of at least 0.5, without difficult boxes."""
        other = self.detections.class_ids[self.pairs.detections] != self.truth.class_ids[self.pairs.boxes]
        near = self.pairs.ious >= FOREGROUND_IOU
        return self.pairs.where(other & near & ~self.truth.difficult[self.pairs.boxes])

    @property
    def counted_matches(self) -> Matches:
        """The detections that are true or false positives at IoU 0.50, for calibration and reliability."""
        every = Matches(
            self.detections.photos,
            self.detections.class_ids,
            self.detections.scores,
            self.matches.right[0],
            self.matches.boxes,
        )
        return every.where(self.matches.counted[0])

    def thresholds_of(self, thresholds: Mapping[str, float]) -> DoubleArray:
        """Return thresholds by class id, shape (classes,), as float32 scores are compared with."""
        return np.array([np.float32(thresholds[name]) for name in self.classes], np.float64)

    def at(self, thresholds: Mapping[str, float]) -> "ShownOutcomes":
        """Return the detections shown and the boxes found at a confidence threshold for each class."""
        least = self.thresholds_of(thresholds)
        shown = (self.detections.scores >= least[self.detections.class_ids]) & self.matches.counted[0]
        found = (self.finders != NO_PARTNER) & shown[self.finders] if len(self.detections) else self.finders >= 0
        return ShownOutcomes(self, shown, found)


@dataclass(frozen=True, eq=False)
class ShownOutcomes:
    """The outcomes at a confidence threshold for each class.

    Attributes:
        outcomes: The outcomes of all detections.
        shown: Detections at or above their class's threshold that count, shape (D,), bool.
        found: Boxes that a shown detection found, shape (M,), bool.
    """

    outcomes: Outcomes
    shown: BoolArray
    found: BoolArray

    @property
    def right(self) -> BoolArray:
        """Shown true positives, shape (D,)."""
        return np.asarray(self.shown & (self.outcomes.kinds == Outcome.TRUE_POSITIVE))

    @property
    def wrong(self) -> BoolArray:
        """Shown false positives, shape (D,)."""
        return np.asarray(self.shown & (self.outcomes.kinds != Outcome.TRUE_POSITIVE))

    @property
    def missed(self) -> BoolArray:
        """Boxes that count and that no shown detection found, shape (M,)."""
        return ~self.found & ~self.outcomes.truth.difficult

    @cached_property
    def confused(self) -> IntArray:
        """Index of the missed box of another class that each shown false positive fits, IoU from 0.5; -1 if none.

        The best detection of a photo comes first; a box is given once. Shape (D,), int64.
        """
        pairs = self.outcomes.wrong_class_pairs
        left = pairs.where(self.wrong[pairs.detections] & self.missed[pairs.boxes])
        any_class = replace(self.outcomes.detections, class_ids=np.zeros_like(self.outcomes.detections.class_ids))
        return take_boxes(any_class, left, np.zeros(len(self.found), bool), FOREGROUND_IOU)

    def of_kind(self, kind: Outcome) -> IntArray:
        """Return the indices of the shown detections of a kind, the best first."""
        return self._ranked(self.shown & (self.outcomes.kinds == kind))

    def errors_by_photo(self) -> IntArray:
        """Count the errors of each photo: shown false positives and missed boxes; a confused pair counts once."""
        outcomes, photos = self.outcomes, len(self.outcomes.truth.starts) - 1
        wrong = np.bincount(outcomes.detections.photos[self.wrong & (self.confused == NO_PARTNER)], minlength=photos)
        return wrong + np.bincount(outcomes.truth.photos[self.missed], minlength=photos)

    def _ranked(self, chosen: BoolArray) -> IntArray:
        indices = np.flatnonzero(chosen)
        return indices[np.argsort(-self.outcomes.detections.scores[indices], kind="stable")]


def find_outcomes(
    records: Sequence[ImageRecord], predictions: Sequence[Prediction], classes: Sequence[str]
) -> Outcomes:
    """Match the detections of a split with its ground truth, and classify the errors.

    Args:
        records: Photos with their annotations.
        predictions: Detections on each photo, in the same order.
        classes: Class names, indexed by class id.
    """
    detections, truth = Detections.of(predictions), GroundTruth.of(records)
    pairs = overlapping_pairs(detections, truth, BACKGROUND_IOU)
    matches = match_boxes(detections, truth, same_class_pairs(pairs, detections, truth), len(classes))
    kinds, about = _kinds(detections, truth, pairs, matches)
    return Outcomes(tuple(classes), truth, detections, pairs, matches, kinds, about)


def _kinds(
    detections: Detections, truth: GroundTruth, pairs: OverlappingPairs, matches: CocoMatches
) -> tuple[IntArray, IntArray]:
    easy = pairs.where(~truth.difficult[pairs.boxes])
    same = detections.class_ids[easy.detections] == truth.class_ids[easy.boxes]
    own_iou, own_box = _nearest(easy.where(same), len(detections))
    other_iou, other_box = _nearest(easy.where(~same), len(detections))
    choices = (
        (matches.right[0], Outcome.TRUE_POSITIVE, matches.partners[0]),
        (~matches.counted[0], Outcome.IGNORED, np.full(len(detections), NO_PARTNER)),
        ((own_iou >= BACKGROUND_IOU) & (own_iou <= FOREGROUND_IOU), Outcome.LOCALIZATION, own_box),
        (other_iou >= FOREGROUND_IOU, Outcome.CLASSIFICATION, other_box),
        (own_iou >= FOREGROUND_IOU, Outcome.DUPLICATE, own_box),
        (np.maximum(own_iou, other_iou) <= BACKGROUND_IOU, Outcome.BACKGROUND, np.full(len(detections), NO_PARTNER)),
    )
    conditions, kinds, boxes = zip(*choices, strict=True)
    default = np.where(other_iou > own_iou, other_box, own_box)
    return np.select(conditions, kinds, Outcome.BOTH).astype(np.int64), np.select(conditions, boxes, default)


def _nearest(pairs: OverlappingPairs, count: int) -> tuple[DoubleArray, IntArray]:
    """Return each detection's highest IoU and the box, 0 and -1 without a pair, shape (count,) each."""
    ious, boxes = np.zeros(count), np.full(count, NO_PARTNER)
    chosen = best_pairs(pairs.detections, pairs.ious)
    ious[pairs.detections[chosen]], boxes[pairs.detections[chosen]] = pairs.ious[chosen], pairs.boxes[chosen]
    return ious, boxes
