"""The largest losses of a detector, ranked: by kind of error, class, size of objects and suspect labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Literal

from autodet.evaluation.examples import error_counts
from autodet.evaluation.groupings import group_counts, size_grouping
from autodet.evaluation.outcomes import ShownOutcomes
from autodet.records import EvaluationReport, GroupCounts, PowerLaw

PriorityKind = Literal["error", "class", "group", "labels", "photos"]
MIN_LOSS = 0.002  # smaller ones are not worth a line
CLEAR = 1.64  # standard errors: a difference that chance gives in one of 20 cases (one-sided)
MIN_GROUP_BOXES = 5


@dataclass(frozen=True)
class Priority:
    """Something that costs quality.

    Attributes:
        kind: ``error`` (a kind of errors), ``class`` (a weak class), ``group`` (objects of one size), ``labels`` or
            ``photos`` (too few of them, by a learning curve).
        name: Kind of the error, class or group; empty for labels and photos.
        loss: mAP50 that the errors or the class cost, or that twice the photos would add; for a group its missed
            objects, and for labels their number, as a share of all objects. 0 to 1.
        values: Numbers for the sentence.
    """

    kind: PriorityKind
    name: str
    loss: float
    values: Mapping[str, Any] = field(default_factory=dict)


def priorities(
    shown: ShownOutcomes,
    report: EvaluationReport,
    training_boxes: Mapping[str, int] | None = None,
    curve: PowerLaw | None = None,
) -> list[Priority]:
    """Rank the losses, the largest first.

    Args:
        shown: The outcomes at the thresholds.
        report: The report of the same evaluation.
        training_boxes: Number of boxes of each class among the training photos, if known.
        curve: The fitted learning curve of the model's search, if there is one.
    """
    boxes = int(shown.outcomes.matches.boxes.sum())
    if not boxes:
        return []
    counts = error_counts(shown)
    found = [
        Priority("error", kind, error.map50_gain, {"count": counts[kind]})
        for kind, error in report.error_kinds.items()
        if counts[kind]
    ]
    found += _weak_classes(report, training_boxes or {})
    found += [
        Priority("group", group.name, group.missed / boxes, {"missed": group.missed, "boxes": group.boxes})
        for group in weak_groups(group_counts(shown, size_grouping(shown.outcomes)))
    ]
    if issues := len(report.label_issues):
        found.append(Priority("labels", "", issues / boxes, {"count": issues, "boxes": boxes}))
    if curve:
        found.append(Priority("photos", "", max(0.0, curve.gain), {"curve": curve}))
    return sorted((one for one in found if one.loss >= MIN_LOSS), key=lambda one: -one.loss)


def weak_groups(groups: Sequence[GroupCounts]) -> list[GroupCounts]:
    """Return the groups that are missed clearly more often than the rest, the weakest first (two-proportion z test)."""
    boxes, missed = sum(group.boxes for group in groups), sum(group.missed for group in groups)
    clear = [group for group in groups if _is_clearly_weak(group, boxes - group.boxes, missed - group.missed)]
    return sorted(clear, key=lambda group: -group.missed_share)


def _is_clearly_weak(group: GroupCounts, other_boxes: int, other_missed: int) -> bool:
    if group.boxes < MIN_GROUP_BOXES or not other_boxes:
        return False
    pooled = (group.missed + other_missed) / (group.boxes + other_boxes)
    error = sqrt(pooled * (1 - pooled) * (1 / group.boxes + 1 / other_boxes))
    return group.missed_share - other_missed / other_boxes > CLEAR * error


def _weak_classes(report: EvaluationReport, training_boxes: Mapping[str, int]) -> list[Priority]:
    """Return the classes with an AP below the mean, with their share of what mAP50 lacks to 1."""
    known = {name: one.ap50 for name, one in report.per_class.items() if one.ap50 is not None}
    rarest = min(training_boxes.values(), default=None)
    return [
        Priority(
            "class",
            name,
            (1 - ap50) / len(known),
            {
                "ap50": ap50,
                "training_boxes": training_boxes.get(name),
                "rarest": len(training_boxes) > 1 and training_boxes.get(name) == rarest,
            },
        )
        for name, ap50 in known.items()
        if len(known) > 1 and ap50 < report.map50
    ]
