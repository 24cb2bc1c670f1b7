"""Changes that a review makes to the boxes of one photo."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from autodet.datasets.checks.photo_checks import CheckedPhoto, find_tiny
from autodet.datasets.imports.staging import StagedPhoto
from autodet.records import Mark

# Kinds of problems whose action changes boxes; no other kind explains a change of a photo's boxes.
OF_BOXES = {"box_no_area", "box_outside", "box_duplicate", "box_tiny", "turned", "size_mismatch", "class_spelling"}
OF_BOXES |= {"class_rare", "class_missing", "class_untaught", "box_notation", "box_swapped", "labels_disagree"}
OF_BOXES |= {"turned_upright", "turned_unclear", "size_resized", "size_unclear"}


@dataclass(frozen=True)
class Change:
    """The annotations of a photo before and after the review, with boxes in pixels of the upright photo.

    Attributes:
        before: The original annotations.
        after: The annotations to import; None if the photo is left out.
        tiny: The annotations of ``before`` that are very small at the training size.
        aside: Annotations found only in another version of the labels, and in neither ``before`` nor ``after``.
    """

    before: tuple[Mark, ...]
    after: tuple[Mark, ...] | None
    tiny: tuple[Mark, ...]
    aside: tuple[Mark, ...] = ()

    @property
    def lost(self) -> tuple[Mark, ...]:
        """Original annotations that are dropped or changed."""
        return _without(self.before, self.after or ())

    @property
    def made(self) -> tuple[Mark, ...]:
        """Annotations to import that differ from every original one."""
        return _without(self.after or (), self.before)

    def named_by(self, kind: str) -> tuple[Mark, ...]:
        """Return the original annotations that a problem of the given kind may refer to."""
        if kind == "box_set_aside":
            return self.aside
        if kind == "box_tiny":
            return self.tiny
        return self.lost if kind in OF_BOXES else ()

    def shows(self, kind: str) -> bool:
        """Return whether before and after differ in a way that a problem of the given kind may explain."""
        if kind == "box_tiny":
            return any(mark in self.lost for mark in self.tiny)
        return kind in OF_BOXES and bool(self.lost or self.made)


def change_of(staged: StagedPhoto, kept: CheckedPhoto | None) -> Change:
    """Compare the annotations of a photo before and after the review.

    Args:
        staged: The photo as read.
        kept: The photo after the review; None if it is left out.
    """
    width, height = staged.facts.upright_wh
    size_wh = (width, height) if staged.labelled.relative else (1, 1)
    before, aside = _scaled(staged.labelled.marks, size_wh), _scaled(staged.labelled.aside, size_wh)
    thin = find_tiny(before, (width, height))
    tiny = tuple(mark for mark in before if mark in thin)
    return Change(before, kept.marks if kept else None, tiny, aside)


def _scaled(marks: Iterable[Mark], by_wh: tuple[int, int]) -> tuple[Mark, ...]:
    across, down = by_wh
    return tuple(
        mark._replace(box_xyxy=(x1 * across, y1 * down, x2 * across, y2 * down))
        for mark in marks
        for x1, y1, x2, y2 in [mark.box_xyxy]
    )


def _without(marks: Iterable[Mark], others: Iterable[Mark]) -> tuple[Mark, ...]:
    """Return the multiset difference: each occurrence in ``others`` removes one occurrence from ``marks``."""
    return tuple((Counter(marks) - Counter(others)).elements())
