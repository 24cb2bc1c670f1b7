"""Corrections of single labels: boxes that are added, removed, moved or given another class."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from autodet.errors import DatasetError
from autodet.records import Annotations, BoxXYXY, ImageRecord, LabelIssue, VersionChange

EditKind = Literal["added", "removed", "reclassified", "moved"]


@dataclass(frozen=True)
class BoxEdit:
    """A correction of one label.

    Attributes:
        file: The photo, as the data set names it.
        annotation: Index of the label among the photo's annotations; None to add one.
        class_name: The new class, one of the data set's; None to leave it.
        box_xyxy: The new box in pixels of the photo; None to leave it. With neither, the label is removed.
    """

    file: str
    annotation: int | None = None
    class_name: str | None = None
    box_xyxy: BoxXYXY | None = None

    @property
    def kind(self) -> EditKind:
        """What the edit does."""
        if self.annotation is None:
            return "added"
        if self.class_name is None and self.box_xyxy is None:
            return "removed"
        return "moved" if self.class_name is None else "reclassified"


def edit_of(issue: LabelIssue) -> BoxEdit:
    """Return the edit that follows the suggestion of an issue."""
    if issue.kind == "missing":
        return BoxEdit(issue.file, None, issue.class_name, issue.box)
    if issue.kind == "wrong_class":
        return BoxEdit(issue.file, issue.annotation, issue.suggested_class)
    if issue.kind == "poor_box":
        return BoxEdit(issue.file, issue.annotation, None, issue.suggested_box)
    return BoxEdit(issue.file, issue.annotation)


def apply_edits(
    images: Sequence[ImageRecord], classes: Sequence[str], edits: Sequence[BoxEdit]
) -> tuple[ImageRecord, ...]:
    """Return the photos with corrected labels, in the same order.

    Args:
        images: The photos.
        classes: Class names; a class id is an index into them.
        edits: The corrections; boxes are cut at the edges of their photo.

    Raises:
        DatasetError: An edit names a photo, label or class that does not exist, a box outside its photo, or a label
            that another edit names too.
    """
    by_file: dict[str, list[BoxEdit]] = defaultdict(list)
    for edit in edits:
        by_file[edit.file].append(edit)
    if unknown := by_file.keys() - {record.file for record in images}:
        raise DatasetError(f"There is no photo {min(unknown)!r} to correct; name a photo of the data set.")
    return tuple(
        replace(record, annotations=_edited(record, classes, by_file[record.file]))
        if record.file in by_file
        else record
        for record in images
    )


def box_within(record: ImageRecord, box: BoxXYXY) -> BoxXYXY:
    """Cut a box at the edges of its photo.

    Raises:
        DatasetError: Less than a pixel of it lies on the photo.
    """
    x1, x2 = (min(max(0.0, side), float(record.width)) for side in box[0::2])
    y1, y2 = (min(max(0.0, side), float(record.height)) for side in box[1::2])
    if x2 - x1 < 1 or y2 - y1 < 1:
        raise DatasetError(f"The box {box} is not on the photo {record.file!r}; give x1, y1, x2, y2 in pixels.")
    return x1, y1, x2, y2


def edit_changes(edits: Sequence[BoxEdit]) -> Iterator[VersionChange]:
    """Yield the change that the edits make, with the number of each kind; nothing without edits."""
    if edits:
        kinds = [edit.kind for edit in edits]
        photos = len({edit.file for edit in edits})
        yield VersionChange(
            "boxes_edited", {kind: kinds.count(kind) for kind in sorted(set(kinds))} | {"photos": photos}
        )


def _edited(record: ImageRecord, classes: Sequence[str], edits: Sequence[BoxEdit]) -> Annotations:
    marked = record.annotations
    boxes, ids, kept = marked.boxes_xyxy.copy(), marked.class_ids.copy(), np.ones(len(marked), bool)
    added: list[tuple[BoxXYXY, int]] = []
    seen: set[int] = set()
    for edit in edits:
        box = box_within(record, edit.box_xyxy) if edit.box_xyxy else None
        class_id = _class_id(classes, edit.class_name) if edit.class_name is not None else None
        if edit.annotation is None:
            added.append(_complete(record, box, class_id))
            continue
        if not 0 <= edit.annotation < len(marked) or edit.annotation in seen:
            twice = "is named twice" if edit.annotation in seen else "does not exist"
            raise DatasetError(
                f"The label {edit.annotation} of {record.file!r} {twice}; name each existing label once."
            )
        seen.add(edit.annotation)
        kept[edit.annotation] = edit.kind != "removed"
        boxes[edit.annotation] = boxes[edit.annotation] if box is None else box
        ids[edit.annotation] = ids[edit.annotation] if class_id is None else class_id
    new = Annotations.of([box for box, _ in added], [class_id for _, class_id in added])
    return Annotations(
        np.concatenate([boxes[kept], new.boxes_xyxy]),
        np.concatenate([ids[kept], new.class_ids]),
        np.concatenate([marked.difficult[kept], new.difficult]),
        np.concatenate([marked.truncated[kept], new.truncated]),
    )


def _complete(record: ImageRecord, box: BoxXYXY | None, class_id: int | None) -> tuple[BoxXYXY, int]:
    if box is None or class_id is None:
        raise DatasetError(f"A label that is added to {record.file!r} needs a class and a box; give both.")
    return box, class_id


def _class_id(classes: Sequence[str], name: str) -> int:
    if name not in classes:
        raise DatasetError(f"There is no class {name!r} to label with; there is {', '.join(classes)}.")
    return classes.index(name)
