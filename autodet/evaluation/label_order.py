"""What to label next: photos in the order of what they should teach.

Four parts of 0 to 1 add up:

- ``unsure``: objects whose score lies near the threshold of their class.
- ``disputed``: objects that one of two models shows and the other does not.
- ``rare``: a detection of a class that has few labels.
- ``unlike``: the distance to the nearest photo that is labelled or comes before (the farthest first, which Sener and
  Savarese, arXiv 1708.00489, propose as greedy k-centre), so that the first photos differ from each other.

Near-duplicates of photos that are labelled or come before are last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from autodet.evaluation.overlap import iou_matrix
from autodet.records import BoolArray, FloatArray, IntArray, LabelReason, Prediction

MIN_IOU = 0.5  # of two detections of one object
MIN_DOUBT = 0.5  # of an object that a model is unsure about
MIN_RARITY = 0.5  # of a rare class: it has at most half as many labels as the average
MAX_SPREAD = 500  # photos at the front that differ from each other; those behind do not change their distances


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the detections on one photo promise.

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
        """What ``unsure``, ``disputed`` and ``rare`` add, 0 to 1 each: the second object adds half as much."""
        return 1 - 0.5 ** float(self.doubts.sum()), 1 - 0.5**self.disputed, self.rare_value


NO_EVIDENCE = Evidence(np.zeros(0, np.float32))


@dataclass(frozen=True, eq=False)
class Look:
    """What photos look like.

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
    """Find what the detections on one photo promise.

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
    """Order photos by what they should teach, the most first; equal ones stay in their order.

    Args:
        evidence: What the detections on each photo promise; ``NO_EVIDENCE`` without a model.
        look: What the photos look like.
        labelled: What the labelled photos look like; none if nothing is labelled.

    Returns:
        The places of the photos in the new order, and the main reason of each, in that order.
    """
    if not evidence:
        return [], []
    parts = np.array([one.parts for one in evidence], np.float64)
    copies = np.isin(look.groups, labelled.groups)
    typical = -1
    if len(labelled.vectors):
        distances = 1 - (look.vectors @ labelled.vectors.T).max(axis=1)
    else:
        typical = int((look.vectors @ look.vectors.mean(axis=0)).argmax())
        distances = 1 - look.vectors @ look.vectors[typical]
    farthest = max(float(distances.max()), 1e-6)
    order: list[int] = []
    reasons: list[LabelReason] = []
    for place in _greedy(parts.sum(axis=1), distances, farthest, look, copies, typical):
        order.append(place)
        if place == typical:
            reasons.append(LabelReason("typical"))
        else:
            unlike = float(np.clip(distances[place] / farthest, 0, 1))
            reasons.append(LabelReason("copy") if copies[place] else _reason(evidence[place], unlike))
    return order, reasons


def _greedy(
    promised: FloatArray, distances: FloatArray, farthest: float, look: Look, copies: BoolArray, first: int
) -> Iterator[int]:
    """Yield the places of all photos; ``distances`` and ``copies`` are updated as photos come before others."""
    left = np.ones(len(promised), bool)
    for _ in range(min(len(promised), MAX_SPREAD)):
        gains = np.where(left & ~copies, promised + distances / farthest, -np.inf)
        place = first if first >= 0 and left[first] else int(gains.argmax())
        if not left[place] or copies[place]:
            break  # only near-duplicates are left
        yield place
        left[place] = False
        copies |= left & (look.groups == look.groups[place])
        np.minimum(distances, 1 - look.vectors @ look.vectors[place], out=distances)
    rest = np.flatnonzero(left)
    gains = promised[rest] + distances[rest] / farthest
    yield from rest[np.lexsort((-gains, copies[rest]))].tolist()


def _reason(evidence: Evidence, unlike: float) -> LabelReason:
    unsure, disputed, rare = evidence.parts
    reasons = (
        LabelReason("unlike", value=round(unlike, 4)),
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
    """Drop detections that overlap a better one, of whatever class: both are of one object."""
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
