"""Labels that look wrong to a model, written into the drafts of their photos, where the label editor shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autodet.access.change import change
from autodet.datasets.drafts.journal import Drafts, read_drafts, write_drafts
from autodet.datasets.formats.shapes import iou
from autodet.datasets.manifest import Dataset
from autodet.records import BoxXYXY, DraftBox, LabelIssue, PhotoDraft
from autodet.text_format import counted

ROUNDING = 0.02  # pixels between a side of a label and of an issue about it
LABELLED_IOU = 0.5  # from which a label shows the object that was missing


def flag_photos(
    dataset: Dataset, issues: Mapping[str, Sequence[LabelIssue]], *, reviewed: bool = True
) -> tuple[str, ...]:
    """Write issues into the drafts of photos, in place of earlier ones; the labels stay as they are.

    Issues that the labels have overtaken are left out: their label was changed or removed, or the missing object has
    one now.

    Args:
        dataset: The data set.
        issues: Labels that look wrong, by file, with the data set's class names.
        reviewed: Whether photos whose labels a person has changed or confirmed as drafts are flagged too.

    Returns:
        The photos that need a look because of these issues, in the given order.

    Raises:
        AccessError: The visitor may not change anything.
        DatasetError: The data set or a photo does not exist.
    """
    drafts = read_drafts(dataset)
    flagged = [file for file in issues if _open_issues(drafts, file, issues[file], reviewed)]

    def written(now: Drafts) -> list[PhotoDraft]:
        found = ((now.of(file), _open_issues(now, file, issues[file], reviewed)) for file in flagged)
        return [replace(draft, issues=still) for draft, still in found if still and still != draft.issues]

    with change("label photos", f"{dataset.id}: {counted(len(flagged), 'photo')} flagged", dataset.workspace):
        write_drafts(dataset, written)
    return tuple(flagged)


def _open_issues(drafts: Drafts, file: str, issues: Sequence[LabelIssue], reviewed: bool) -> tuple[LabelIssue, ...]:
    """Return the issues that the labels of a photo still have, with the place of the label among its boxes."""
    draft = drafts.of(file)
    if draft.revision and draft.reviewed and not draft.issues and not reviewed:
        return ()
    places = ((issue, _place(draft, issue)) for issue in issues)
    return tuple(
        replace(issue, annotation=place)
        for issue, place in places
        if (place is not None if issue.kind != "missing" else not _is_labelled(draft, issue))
    )


def _place(draft: PhotoDraft, issue: LabelIssue) -> int | None:
    return next((place for place, box in enumerate(draft.boxes) if _is_about(issue, box)), None)


def _is_about(issue: LabelIssue, box: DraftBox) -> bool:
    return (
        issue.kind != "missing"
        and not box.is_proposal
        and box.class_name == issue.class_name
        and _is_near(box.box_xyxy, issue.box)
    )


def _is_near(box: BoxXYXY, other: BoxXYXY) -> bool:
    return all(abs(side - otherside) <= ROUNDING for side, otherside in zip(box, other, strict=True))


def _is_labelled(draft: PhotoDraft, issue: LabelIssue) -> bool:
    return any(
        box.class_name == issue.class_name and iou(box.box_xyxy, issue.box) >= LABELLED_IOU for box in draft.labels
    )
