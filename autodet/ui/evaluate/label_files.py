"""Label issues in the words of a data set, and as rows of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autodet.datasets.export import coco_labels
from autodet.datasets.versions.box_edits import apply_edits, edit_of
from autodet.messages.evaluation import ISSUE_TITLES
from autodet.models.matching_weights import match_classes
from autodet.records import ImageRecord, LabelIssue
from autodet.ui.evaluate.evaluation import Evaluated

SIDES = ("x1", "y1", "x2", "y2")


def dataset_issues(evaluated: Evaluated) -> list[LabelIssue]:
    """Return the issues with the data set's class names, without those of classes that it does not have."""
    kept = match_classes(evaluated.model.card.classes, evaluated.dataset.classes).kept
    names: Mapping[str | None, str] = {of_model: name for name, of_model in kept.items()}
    renamed = []
    for issue in evaluated.report.label_issues:
        suggested = names.get(issue.suggested_class)
        if issue.class_name in names and (suggested is not None or issue.suggested_class is None):
            renamed.append(replace(issue, class_name=names[issue.class_name], suggested_class=suggested))
    return renamed


def corrected_labels(evaluated: Evaluated, accepted: Sequence[LabelIssue]) -> bytes:
    """Return the photos with an accepted correction and all their labels, as a COCO file."""
    dataset = evaluated.dataset
    files = {issue.file for issue in accepted}
    images = {record.file: record for record in dataset.images if record.file in files}
    edits = [edit_of(_in_dataset(issue, images[issue.file], evaluated)) for issue in accepted]
    return coco_labels(dataset, apply_edits(list(images.values()), dataset.classes, edits))


def _in_dataset(issue: LabelIssue, record: ImageRecord, evaluated: Evaluated) -> LabelIssue:
    """Return an issue with the index of its label among all labels, also those of classes that the model lacks."""
    if issue.annotation is None:
        return issue
    lacking = match_classes(evaluated.model.card.classes, evaluated.dataset.classes).fresh
    known = [name not in lacking for name in evaluated.dataset.classes]
    places = np.flatnonzero(np.array(known)[record.annotations.class_ids])
    return replace(issue, annotation=int(places[issue.annotation]))


def issue_table(issues: Sequence[LabelIssue], decisions: Mapping[LabelIssue, bool]) -> list[dict[str, Any]]:
    """Return a row for each issue: the label, the suggestion and the decision."""
    words = {True: "accepted", False: "kept", None: ""}
    return [
        {
            "photo": issue.file,
            "issue": ISSUE_TITLES[issue.kind],
            "quality": issue.score,
            "class": issue.class_name,
            **dict(zip(SIDES, issue.box, strict=True)),
            "suggested class": issue.suggested_class or "",
            **{
                f"suggested {side}": value for side, value in zip(SIDES, issue.suggested_box or [None] * 4, strict=True)
            },
            "decision": words[decisions.get(issue)],
        }
        for issue in issues
    ]
