"""Readings of the labels of one photo: the same labels, with boxes in other places, under each action of a decision."""

from collections.abc import Mapping

from autodet.datasets.checks.kinds import KINDS, decide
from autodet.datasets.checks.notations import NOTATIONS, marks_in
from autodet.datasets.checks.photo_checks import check_labels
from autodet.datasets.imports.review import as_decided
from autodet.datasets.imports.staging import StagedPhoto
from autodet.records import Action, Finding, Mark

NO_READING = ("stop", "drop")  # actions that do not use the labels
SIZE_KINDS = (
    "turned",
    "turned_upright",
    "turned_half",
    "turned_unclear",
    "size_resized",
    "size_mismatch",
    "size_unclear",
)


def readings_of(photo: StagedPhoto, finding: Finding, decided: Mapping[str, str]) -> dict[Action, tuple[Mark, ...]]:
    """Return the annotations of a photo under each action for a finding, in pixels of the upright photo.

    Args:
        photo: The photo as read.
        finding: The finding whose kind asks for the decision.
        decided: The decisions about all kinds.

    Returns:
        The annotations by action, without actions whose annotations are those of another; empty if no action changes
        them.
    """
    readings: dict[Action, tuple[Mark, ...]] = {}
    for action in KINDS[finding.kind].actions:
        if action not in NO_READING:
            marks = _under(photo, finding, action, decided)
            if marks not in readings.values():
                readings[action] = marks
    return readings if len(readings) > 1 else {}


def _under(photo: StagedPhoto, finding: Finding, action: Action, decided: Mapping[str, str]) -> tuple[Mark, ...]:
    if finding.kind == "box_notation":
        notation = action if action in NOTATIONS else photo.labelled.notation
        unit = finding.values["fitting"].get(action)
        return marks_in(photo.labelled, photo.facts, notation, unit)
    decisions = decide({**decided, finding.kind: action})
    size_kind = finding.kind if finding.kind in SIZE_KINDS else None
    read = as_decided(photo, decisions)
    return check_labels(read.labelled, photo.facts, decisions, size_kind).marks if read else ()
