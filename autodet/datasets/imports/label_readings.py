"""Readings of the labels of one photo: the same labels, with boxes in other places, under each action of a decision."""

from collections.abc import Mapping
from dataclasses import replace

from autodet.datasets.checks.kinds import KINDS, Decisions, decide
from autodet.datasets.checks.photo_checks import check_labels
from autodet.datasets.imports.staging import StagedPhoto
from autodet.records import Action, Mark

NO_READING = ("stop", "drop")  # actions that do not use the labels


def readings_of(photo: StagedPhoto, kind: str, decided: Mapping[str, str]) -> dict[Action, tuple[Mark, ...]]:
    """Return the annotations of a photo under each action of a kind, in pixels of the upright photo.

    Args:
        photo: The photo as read.
        kind: The kind of finding that asks for the decision.
        decided: The decisions about other kinds.

    Returns:
        The annotations to import, by action; empty if they are the same under all actions.
    """
    actions = [action for action in KINDS[kind].actions if action not in NO_READING]
    readings = {action: _under(photo, decide({**decided, kind: action})) for action in actions}
    return readings if len({frozenset(marks) for marks in readings.values()}) > 1 else {}


def _under(photo: StagedPhoto, decisions: Decisions) -> tuple[Mark, ...]:
    labelled = photo.labelled
    for kind, action, marks in labelled.readings:
        if decisions[kind] == action:
            labelled = replace(labelled, marks=marks)
    return check_labels(labelled, photo.facts, decisions).marks
