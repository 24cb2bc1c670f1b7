"""Labels that look wrong: what confident detections and the labels disagree about.

Each issue has the quality of its label by ObjectLab's similarity of boxes, weighted by the chance that
the detection is right: a calibrated score says how often it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from autodet.evaluation.boxes import Detections
from autodet.evaluation.coco_matches import NO_PARTNER
from autodet.evaluation.label_quality import similarities
from autodet.evaluation.outcomes import FOREGROUND_IOU, Outcome, ShownOutcomes
from autodet.evaluation.overlap import DoubleArray, iou_matrix
from autodet.records import BoolArray, BoxXYXY, FloatArray, ImageRecord, IntArray, LabelIssue, LabelIssueKind

MIN_CONFIDENCE = 0.5  # of a detection that speaks against a label: more likely right than wrong
MAX_NEIGHBOUR_IOU = 0.3  # of a missing object with labels of others
MAX_SPURIOUS_QUALITY = 0.25
MAX_ISSUES = 1000  # in a report


@dataclass(frozen=True, eq=False)
class SuspectLabels:
    """Labels that look wrong, the worst first.

    Attributes:
        kinds: Kind of each issue.
        boxes: Index of the label among all boxes, -1 for a missing one; shape (N,), int64.
        detections: Index of the detection that speaks against it, -1 for a spurious label; shape (N,), int64.
        scores: Quality of the label, 0 (surely wrong) to 1 (fine), shape (N,), ascending.
    """

    kinds: tuple[LabelIssueKind, ...]
    boxes: IntArray
    detections: IntArray
    scores: DoubleArray


def suspect_labels(shown: ShownOutcomes) -> SuspectLabels:
    """Find the labels that look wrong.

    - ``wrong_class``: a missed label where a confident detection has another class (IoU from 0.5).
    - ``poor_box``: a missed label where a confident detection of its class is placed otherwise (IoU 0.1 to 0.5).
    - ``missing``: a confident detection where no label is, or only labels that other detections found.
    - ``spurious``: a missed label where no detection is, of a class that is usually found.

    Difficult boxes are left out. The model must not have been trained on these labels: it would repeat their mistakes.

    Args:
        shown: Outcomes at the model's thresholds.
    """
    confident = shown.wrong & (shown.outcomes.detections.scores >= MIN_CONFIDENCE)
    parts: list[tuple[LabelIssueKind, IntArray, IntArray, DoubleArray]] = [
        ("wrong_class", *_wrong_classes(shown, confident)),
        ("poor_box", *_poor_boxes(shown, confident)),
        ("missing", *_missing(shown, confident)),
        ("spurious", *_spurious(shown)),
    ]
    kinds = np.repeat(np.arange(len(parts)), [len(scores) for *_, scores in parts])
    boxes, detections, scores = (np.concatenate([part[column] for part in parts]) for column in (1, 2, 3))
    order = np.argsort(scores, kind="stable")
    names = tuple(parts[kind][0] for kind in kinds[order].tolist())
    return SuspectLabels(names, boxes[order], detections[order], scores[order])


def label_issues(
    shown: ShownOutcomes, records: Sequence[ImageRecord], suspects: SuspectLabels
) -> tuple[LabelIssue, ...]:
    """Describe the worst ``MAX_ISSUES`` suspect labels by file, class name and box."""
    return tuple(islice(_issues(shown, records, suspects), MAX_ISSUES))


def _issues(shown: ShownOutcomes, records: Sequence[ImageRecord], suspects: SuspectLabels) -> Iterator[LabelIssue]:
    truth, detections, classes = shown.outcomes.truth, shown.outcomes.detections, shown.outcomes.classes
    columns = zip(
        suspects.kinds, suspects.boxes.tolist(), suspects.detections.tolist(), suspects.scores.tolist(), strict=True
    )
    for kind, box, detection, score in columns:
        labelled, detected = box != NO_PARTNER, detection != NO_PARTNER
        source, index = (truth, box) if labelled else (detections, detection)
        photo = int(source.photos[index])
        yield LabelIssue(
            file=records[photo].file,
            kind=kind,
            class_name=classes[source.class_ids[index]],
            box=_box(source.boxes_xyxy[index]),
            score=round(score, 4),
            annotation=box - int(truth.starts[photo]) if labelled else None,
            suggested_class=classes[detections.class_ids[detection]] if detected else None,
            suggested_box=_box(detections.boxes_xyxy[detection]) if detected else None,
        )


def _box(box_xyxy: FloatArray) -> BoxXYXY:
    x1, y1, x2, y2 = (round(float(side), 2) for side in box_xyxy)
    return x1, y1, x2, y2


def _wrong_classes(shown: ShownOutcomes, confident: BoolArray) -> tuple[IntArray, IntArray, DoubleArray]:
    found = np.flatnonzero(confident & (shown.confused != NO_PARTNER))
    boxes = shown.confused[found]
    return boxes, found, _weighted(shown, found, 1 - _similarity(shown, found, boxes))


def _poor_boxes(shown: ShownOutcomes, confident: BoolArray) -> tuple[IntArray, IntArray, DoubleArray]:
    outcomes = shown.outcomes
    found = np.flatnonzero(confident & (outcomes.kinds == Outcome.LOCALIZATION) & (shown.confused == NO_PARTNER))
    taken = np.zeros(len(outcomes.truth), bool)
    taken[shown.confused[shown.confused != NO_PARTNER]] = True
    found = found[(shown.missed & ~taken)[outcomes.about[found]]]
    boxes, first = np.unique(outcomes.about[found], return_index=True)  # the best detection of each
    found = found[first]
    return boxes, found, _weighted(shown, found, _similarity(shown, found, boxes))


def _missing(shown: ShownOutcomes, confident: BoolArray) -> tuple[IntArray, IntArray, DoubleArray]:
    outcomes = shown.outcomes
    pairs = outcomes.pairs
    near = np.zeros(len(confident), bool)  # a label that is not found, or that covers most of it
    near[pairs.detections[(pairs.ious >= MAX_NEIGHBOUR_IOU) | shown.missed[pairs.boxes]]] = True
    found = _distinct(outcomes.detections, np.flatnonzero(confident & ~near))
    return np.full(len(found), NO_PARTNER), found, _weighted(shown, found, np.zeros(len(found)))


def _distinct(detections: Detections, found: IntArray) -> IntArray:
    """Drop detections that overlap a better one of the same photo, IoU from 0.5."""
    kept: list[int] = []
    for photo in np.unique(detections.photos[found]):
        own = found[detections.photos[found] == photo]
        overlaps = iou_matrix(detections.boxes_xyxy[own], detections.boxes_xyxy[own]) >= FOREGROUND_IOU
        alone: list[int] = []
        for place in range(len(own)):
            if not overlaps[place, alone].any():
                alone.append(place)
        kept += own[alone].tolist()
    return np.array(kept, np.int64)


def _spurious(shown: ShownOutcomes) -> tuple[IntArray, IntArray, DoubleArray]:
    outcomes = shown.outcomes
    truth, pairs, classes = outcomes.truth, outcomes.pairs, len(outcomes.classes)
    support = np.zeros(len(truth))
    near = pairs.where(pairs.ious >= FOREGROUND_IOU)
    np.maximum.at(support, near.boxes, outcomes.detections.scores[near.detections])
    unseen = shown.missed.copy()
    unseen[pairs.boxes[shown.shown[pairs.detections]]] = False
    easy = ~truth.difficult  # labels that no detection fits at all may be spurious, and say nothing about the recall
    found, fitted = (np.bincount(truth.class_ids[easy & own], minlength=classes) for own in (shown.found, support > 0))
    recall = found / np.maximum(1, fitted)
    quality = 1 - recall[truth.class_ids] * (1 - support)
    boxes = np.flatnonzero(unseen & (quality <= MAX_SPURIOUS_QUALITY))
    return boxes, np.full(len(boxes), NO_PARTNER), quality[boxes]


def _similarity(shown: ShownOutcomes, found: IntArray, boxes: IntArray) -> DoubleArray:
    outcomes = shown.outcomes
    return similarities(outcomes.detections.boxes_xyxy[found], outcomes.truth.boxes_xyxy[boxes])


def _weighted(shown: ShownOutcomes, found: IntArray, quality: DoubleArray) -> DoubleArray:
    """Return the expected quality: the given one if the detection is right, else 1."""
    chance = shown.outcomes.detections.scores[found].astype(np.float64)
    return 1 - chance * (1 - quality)
