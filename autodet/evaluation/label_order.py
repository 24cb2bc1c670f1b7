"""The order of labelling: photos by their teaching value, an estimate of the gain from their labels.

The value has four parts of 0 to 1, which add up:

- ``unsure``: objects whose score lies near the threshold of their class.
- ``disputed``: objects that one of two models shows and the other does not.
- ``rare``: a detection of a class that has few labels.
- ``unlike``: how much nearer it brings the photos to one that is labelled or comes before (greedy facility location).
  So the first photos differ from each other, and stand for many others: outliers are not among them, as they would be
  if the farthest photo came first.

Near-duplicates of photos that are labelled or come before are last.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autodet.evaluation.overlap import iou_matrix
from autodet.records import FloatArray, IntArray, LabelReason, Prediction

MIN_IOU = 0.5  # of two detections of one object
MIN_DOUBT = 0.5  # of an object that a model is unsure about
MIN_RARITY = 0.5  # of a rare class: it has at most half as many labels as the average
MAX_SPREAD = 500  # photos at the front that differ from each other; those behind do not
MAX_OTHERS = 2000  # photos that others stand for; of more, every second or third
CLEARLY = 0.8  # of the distance so far
BLOCK = 512  # photos whose distances are computed at once
MIN_GAIN = 1e-6  # that gains are divided by
COPY, PLACED = -1.0, -2.0  # bounds of near-duplicates and of photos with a place, below those of all others


@dataclass(frozen=True, eq=False)
class Evidence:
    """Evidence in the detections on one photo that its labels would teach a model.

    Attributes:
        doubts: How near the score of each unsure object is to its threshold, 0.5 to 1, shape (N,).
        disputed: Number of objects that two models disagree about.
        rare_class: Name of the rare class that it may show; empty for none.
        rare_value: Score of that detection, times the rarity of its class, 0 to 1.
    """

    doubts: FloatArray
    disputed: int = 0
    rare_class: str = ""
    rare_value: float = 0.0

    @property
    def parts(self) -> tuple[float, float, float]:
        """The parts ``unsure``, ``disputed`` and ``rare``, 0 to 1 each: the second object adds half as much."""
        return 1 - 0.5 ** float(self.doubts.sum()), 1 - 0.5**self.disputed, self.rare_value


NO_EVIDENCE = Evidence(np.zeros(0, np.float32))


@dataclass(frozen=True, eq=False)
class Look:
    """The look of photos.

    Attributes:
        vectors: Their features, L2-normalised, shape (N, D), float32.
        groups: Number of the group of near-duplicates that each belongs to, shape (N,), int64.
    """

    vectors: FloatArray
    groups: IntArray

    def of(self, places: IntArray) -> "Look":
        """Return that of some of the photos."""
        return Look(self.vectors[places], self.groups[places])


def find_evidence(
    prediction: Prediction,
    classes: Sequence[str],
    thresholds: FloatArray,
    label_counts: IntArray,
    second: tuple[Prediction, FloatArray] | None = None,
) -> Evidence:
    """Find the evidence in the detections on one photo.

    Args:
        prediction: All detections of a model, with calibrated scores.
        classes: Names of its classes.
        thresholds: Its threshold of each class, infinite for those that it does not know, shape (classes,).
        label_counts: Number of labels of each class so far, shape (classes,).
        second: The detections of a second model with the same class ids, and its thresholds; the models are compared in
            the classes that both know.
    """
    seen = prediction.above((thresholds / 2).astype(np.float32))
    objects = _distinct(seen)
    doubts = _doubts(objects.scores, thresholds[objects.class_ids])
    rare = seen.scores * _rarity(label_counts)[seen.class_ids]
    best = int(rare.argmax()) if len(rare) else 0
    may_be_rare = len(rare) > 0 and rare[best] > 0
    return Evidence(
        doubts[doubts >= MIN_DOUBT],
        _disputed((prediction, thresholds), second) if second else 0,
        classes[int(seen.class_ids[best])] if may_be_rare else "",
        float(rare[best]) if may_be_rare else 0.0,
    )


def order_photos(evidence: Sequence[Evidence], look: Look, labelled: Look) -> tuple[list[int], list[LabelReason]]:
    """Order photos by their teaching value, the highest first; equal ones stay in their order.

    Args:
        evidence: Evidence of each photo; ``NO_EVIDENCE`` without a model.
        look: Their look.
        labelled: The look of the labelled photos; empty if no photo is labelled.

    Returns:
        The places of the photos in the new order, and the main reason of each, in that order.
    """
    if not evidence:
        return [], []
    cover = _Cover(look.vectors, labelled.vectors)
    promised = np.array([sum(one.parts) for one in evidence])
    bounds = promised + cover.gains  # of the teaching values, which can only fall
    copies = np.isin(look.groups, labelled.groups)
    bounds[copies] = COPY
    order: list[int] = []
    reasons: list[LabelReason] = []
    while len(order) < MAX_SPREAD:
        place = int(bounds.argmax())
        if copies[place]:
            break  # all photos but near-duplicates have a place
        bounds[place] = promised[place] + cover.gain(place)
        if bounds.argmax() == place:
            order.append(place)
            reasons.append(_reason(evidence[place], cover.reason(place)))
            cover.add(place)
            copies |= look.groups == look.groups[place]
            bounds[copies & (bounds > COPY)] = COPY
            bounds[place] = PLACED
    rest = [place for place in np.argsort(-bounds, kind="stable").tolist() if bounds[place] != PLACED]
    late = (LabelReason("unlike", value=max(0.0, round(float(bounds[place] - promised[place]), 4))) for place in rest)
    reasons += [
        LabelReason("copy") if copies[place] else _reason(evidence[place], unlike)
        for place, unlike in zip(rest, late, strict=True)
    ]
    return [*order, *rest], reasons


class _Cover:
    """How near every photo has one that is labelled or comes before.

    Args:
        vectors: Features of the photos, shape (N, D).
        labelled: Features of the labelled photos, shape (M, D).

    Attributes:
        gains: ``gain`` of each photo at first, shape (N,).
    """

    def __init__(self, vectors: FloatArray, labelled: FloatArray) -> None:
        self._vectors, self._step = vectors, -(-len(vectors) // MAX_OTHERS)
        self._others = vectors[:: self._step]
        if len(labelled):
            self._nearest = 1 - (self._others @ labelled.T).max(axis=1)
        else:
            self._nearest = 1 - self._others @ self._others.mean(axis=0)
        blocks = [vectors[begin : begin + BLOCK] for begin in range(0, len(vectors), BLOCK)]
        sums = np.concatenate([np.maximum(0, self._nearest - (1 - block @ self._others.T)).sum(1) for block in blocks])
        self._scale = max(float(sums.max()), MIN_GAIN)
        self.gains = sums / self._scale

    def gain(self, place: int) -> float:
        """Return how much nearer a photo brings the others now, 0 to 1: 1 is the most that any brings at first."""
        return float(self._gained(place).sum() / self._scale)

    def reason(self, place: int) -> LabelReason:
        """Return the reason of a photo, with the number of others that it brings clearly nearer."""
        nearer = self._distances(place) < CLEARLY * self._nearest
        return LabelReason("unlike", max(0, int(nearer.sum()) * self._step - 1), value=round(self.gain(place), 4))

    def add(self, place: int) -> None:
        """Count a photo as one that comes before."""
        self._nearest -= self._gained(place)

    def _gained(self, place: int) -> FloatArray:
        gained: FloatArray = np.maximum(0, self._nearest - self._distances(place))
        return gained

    def _distances(self, place: int) -> FloatArray:
        distances: FloatArray = 1 - self._others @ self._vectors[place]
        return distances


def _reason(evidence: Evidence, unlike: LabelReason) -> LabelReason:
    unsure, disputed, rare = evidence.parts
    reasons = (
        unlike,
        LabelReason("rare", class_name=evidence.rare_class, value=round(rare, 4)),
        LabelReason("disputed", evidence.disputed, value=round(disputed, 4)),
        LabelReason("unsure", len(evidence.doubts), value=round(unsure, 4)),
    )
    return max(reasons, key=lambda reason: reason.value)


def _doubts(scores: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Return how near scores are to their thresholds: 1 there, 0 for scores of 0 and 1."""
    room = np.where(scores < thresholds, thresholds, 1 - thresholds)
    doubts: FloatArray = 1 - np.abs(scores - thresholds) / np.maximum(room, 1e-6)
    return doubts


def _rarity(label_counts: IntArray) -> FloatArray:
    """Return the rarity of each class, 0 or ``MIN_RARITY`` to 1; 1 is a class without labels among others."""
    rarity = 1 - label_counts / max(1e-6, float(label_counts.mean())) if label_counts.any() else label_counts * 0.0
    return np.where(rarity >= MIN_RARITY, rarity, 0).astype(np.float32)


def _distinct(prediction: Prediction) -> Prediction:
    """Drop detections that overlap a better one, of any class: both are of one object."""
    overlaps = iou_matrix(prediction.boxes_xyxy, prediction.boxes_xyxy) >= MIN_IOU
    kept: list[int] = []
    for place in range(len(prediction)):
        if not overlaps[place, kept].any():
            kept.append(place)
    return _at(prediction, kept)


def _disputed(one: tuple[Prediction, FloatArray], other: tuple[Prediction, FloatArray]) -> int:
    """Count the objects that only one of two models shows, or that they give different classes."""
    shared = np.flatnonzero(np.isfinite(one[1]) & np.isfinite(other[1])).tolist()
    shown, shown_too = (seen.above(thresholds).only(shared) for seen, thresholds in (one, other))
    alone, too = _unmatched(shown, shown_too), _unmatched(shown_too, shown)
    same_place = iou_matrix(too.boxes_xyxy, alone.boxes_xyxy) >= MIN_IOU
    return len(alone) + int((~same_place.any(axis=1)).sum())


def _unmatched(one: Prediction, other: Prediction) -> Prediction:
    one = _distinct(one)
    same = iou_matrix(one.boxes_xyxy, other.boxes_xyxy) >= MIN_IOU
    same &= one.class_ids[:, None] == other.class_ids[None, :]
    return _at(one, np.flatnonzero(~same.any(axis=1)).tolist())


def _at(prediction: Prediction, places: Sequence[int]) -> Prediction:
    chosen = np.asarray(places, np.int64)
    return Prediction(prediction.boxes_xyxy[chosen], prediction.class_ids[chosen], prediction.scores[chosen])
